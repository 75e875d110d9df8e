"""The embedded servers as one process sees them: promises, addresses, locks; not our own crashes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import stat
import subprocess
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis.asyncio

from embedded.failure import EmbeddedError
from embedded.postgres import ROLES, Postgres
from embedded.servers import Servers

BACK_SECONDS = 30.0


@pytest.fixture(scope="module")
def own_folder() -> Iterator[Path]:
    """Where root's unprivileged account may pass, unlike pytest's own temporary folders."""
    folder = Path(tempfile.mkdtemp(prefix="drill-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def servers(own_folder: Path) -> Iterator[Servers]:
    with Servers.start(own_folder / "shared") as servers:
        yield servers


@pytest.fixture
async def connection(servers: Servers) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(servers.postgres.dsn())
    yield connection
    await connection.close()


def psql(postgres: Postgres, sql: str) -> str:
    tool = postgres.tool("psql", role="poincon_owner")
    command = [*tool.argv, "--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--command", sql]
    return subprocess.run(command, env=tool.env, capture_output=True, text=True, check=True).stdout.strip()


async def test_what_durability_and_sorting_rest_on_is_switched_on(connection: asyncpg.Connection) -> None:
    wanted = {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "listen_addresses": "",
        "unix_socket_permissions": "0700",
        "password_encryption": "scram-sha-256",
        "server_encoding": "UTF8",
        "TimeZone": "UTC",
        "lc_messages": "C",
        "jit": "off",
        "max_connections": "100",
        "max_locks_per_transaction": "256",
        "checkpoint_timeout": "15min",
    }
    shown = {name: await connection.fetchval(f"SHOW {name}") for name in wanted}
    assert shown == wanted
    locale = await connection.fetchrow(
        "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'poincon'"
    )
    assert tuple(locale) == (b"b", "C.UTF-8")
    assert str(await connection.fetchval("SELECT now() AT TIME ZONE 'Europe/Paris'"))


@pytest.mark.parametrize("role", ROLES)
async def test_each_role_logs_in_with_its_own_password_and_is_no_superuser(
    servers: Servers, role: str
) -> None:
    connection = await asyncpg.connect(servers.postgres.dsn(role))
    row = await connection.fetchrow(
        "SELECT current_user, current_database(), current_setting('is_superuser')"
    )
    await connection.close()
    assert tuple(row) == (role, "poincon", "off")


async def test_a_wrong_password_is_refused_even_over_the_socket(servers: Servers) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(servers.postgres.dsn().replace("poincon_owner:", "poincon_owner:x"))


async def test_the_database_belongs_to_the_owner_role(connection: asyncpg.Connection) -> None:
    owner = await connection.fetchval(
        "SELECT datdba::regrole::text FROM pg_database WHERE datname = 'poincon'"
    )
    assert owner == "poincon_owner"


async def test_valkey_answers_by_its_url_opens_no_port_and_wants_the_password(servers: Servers) -> None:
    client = redis.asyncio.from_url(servers.valkey.url, decode_responses=True)
    settings = await client.config_get("*")
    await client.aclose()
    assert settings["port"] == "0"
    assert settings["maxmemory"] == str(256 * 1024 * 1024)
    assert settings["maxmemory-policy"] == "allkeys-lru"
    stranger = redis.asyncio.from_url(servers.valkey.url.replace("unix://:", "unix://:x"))
    with pytest.raises(redis.exceptions.ConnectionError, match="invalid username-password pair"):
        await stranger.ping()
    await stranger.aclose()


def test_no_password_is_in_an_argument_an_environment_or_a_file_that_others_may_read(
    servers: Servers,
) -> None:
    secrets = [line.split(":")[-1] for line in (servers.postgres.home / "passwords").read_text().splitlines()]
    secrets.append((servers.valkey.home / "password").read_text().strip())
    assert len(set(secrets)) == len(ROLES) + 2
    for process in psutil.Process().children(recursive=True):
        # A backend may end while we look.
        with contextlib.suppress(psutil.NoSuchProcess):
            told = " ".join([*process.cmdline(), *process.environ().values()])
            assert not any(secret in told for secret in secrets)
    for home in (servers.postgres.home, servers.valkey.home):
        for path in home.iterdir():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_no_server_runs_as_root(servers: Servers) -> None:
    for server in (servers.postgres, servers.valkey):
        assert 0 not in psutil.Process(server.pid).uids()
        assert psutil.Process(server.pid).gids().real != 0


def test_a_second_start_on_the_same_folder_is_told_who_uses_it(servers: Servers) -> None:
    with pytest.raises(EmbeddedError, match=f"in use by process {os.getpid()}"):
        Servers.start(servers.postgres.data.parent)
    assert servers.postgres.alive()


def test_of_starts_at_the_same_time_one_wins(servers: Servers) -> None:
    servers.postgres.stop()
    outcomes: list[Postgres | EmbeddedError] = []

    def start() -> None:
        try:
            outcomes.append(Postgres.start(servers.postgres.data))
        except EmbeddedError as error:
            outcomes.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    winners = [outcome for outcome in outcomes if isinstance(outcome, Postgres)]
    assert len(winners) == 1
    assert len(outcomes) == len(threads)
    assert winners[0].alive()
    winners[0].stop()
    servers.postgres.restart()


def test_a_restart_after_stop_or_kill_keeps_the_rows_the_address_and_the_descriptors(
    servers: Servers,
) -> None:
    postgres, valkey = servers.postgres, servers.valkey
    addresses = (postgres.dsn(), valkey.url)
    psql(postgres, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (41)")
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    for end in (postgres.stop, postgres.kill, valkey.stop, valkey.kill):
        end()
        assert not (postgres.alive() and valkey.alive())
        postgres.restart()
        valkey.restart()
    assert (postgres.dsn(), valkey.url) == addresses
    assert psql(postgres, "UPDATE kept SET n = n + 1 RETURNING n") == "42"
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


def test_stop_leaves_no_process_and_no_socket(servers: Servers) -> None:
    started = [psutil.Process(server.pid) for server in (servers.postgres, servers.valkey)]
    ours = [*started, *(child for one in started for child in one.children(recursive=True))]
    sockets = [server.socket_folder for server in (servers.postgres, servers.valkey)]
    assert len(ours) >= 3
    servers.stop()
    assert not any(process.is_running() for process in ours)
    assert not any(folder.exists() for folder in sockets)
    servers.postgres.restart()
    servers.valkey.restart()


async def test_keep_alive_brings_back_what_was_killed_but_not_what_was_stopped(
    servers: Servers, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    first_pids = (servers.postgres.pid, servers.valkey.pid)
    keeper = asyncio.create_task(servers.keep_alive(every_seconds=0.05))
    for pid in first_pids:
        os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(BACK_SECONDS):
        # The log is all there is to wait for.
        while caplog.text.count("is back") < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    connection = await asyncpg.connect(servers.postgres.dsn())
    await connection.close()
    assert servers.valkey.alive()
    assert not set(first_pids) & {servers.postgres.pid, servers.valkey.pid}

    servers.valkey.stop()
    await asyncio.sleep(0.3)
    assert not servers.valkey.alive()
    keeper.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await keeper
    servers.valkey.restart()
