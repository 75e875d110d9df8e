"""The demo as its first start makes it, at an instant of ours, and copies of it to play with."""

import itertools
import os
import shutil
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from demo.clock import prepare_sql
from demo.console_account import seed_account
from demo.folder import DemoFolder
from demo.seed import HISTORY, demo_instance, seed, seed_devices, seed_keys, seed_others
from keys.keyring import KeyPurpose, Keyring
from keys.receipt import seal_key_from
from ledger.audit import OpenedKey, audit
from ledger.connect import connected
from ledger.signing_keys import list_keys
from programmes.setup import set_up

BOOKLETS = 3
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)

_numbers = itertools.count(1)


class Demo:
    """A database and a folder; closing it drops the database only."""

    def __init__(self, servers, name: str, folder: DemoFolder, programme_id: int) -> None:
        self._servers, self.name, self.folder, self.programme_id = servers, name, folder, programme_id

    @property
    def dsn(self) -> str:
        return self._servers.postgres.dsn("poincon_app", self.name)

    def database(self):
        return connected(self.dsn, purpose="tests")


@asynccontextmanager
async def _copied(servers, template: str, demo: Demo, root: Path):
    """A demo of its own, database and folder."""
    folder = DemoFolder(shutil.copytree(demo.folder.root, root))
    async with _database(servers, template) as name:
        yield Demo(servers, name, folder, demo.programme_id)


@asynccontextmanager
async def _database(servers, template: str):
    name = f"demo_{os.getpid()}_{next(_numbers)}"
    async with connected(servers.postgres.superuser_dsn, purpose="tests") as admin:
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = $1 AND pid <> pg_backend_pid()",
            template,
        )
        await admin.execute(
            f"CREATE DATABASE {name} OWNER poincon_owner TEMPLATE {template} STRATEGY file_copy"
        )
    yield name
    async with connected(servers.postgres.superuser_dsn, purpose="tests") as admin:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="package")
async def eve(servers, template, tmp_path_factory):
    """All but history and booklets: drawing and sealing keys is slow on purpose."""
    folder = DemoFolder(tmp_path_factory.mktemp("demo"))
    folder.create()
    instance = demo_instance(NOW.date())
    async with _database(servers, template) as name:
        eve = Demo(servers, name, folder, 1)
        owner = servers.postgres.dsn("poincon_owner", name)
        async with connected(owner, purpose="tests") as connection:
            await connection.execute(prepare_sql())
        async with eve.database() as connection:
            await seed_keys(connection, folder, at=NOW - HISTORY)
            begun = NOW - HISTORY
            done = await set_up(connection, instance, actor="demo", today=begun.date(), at=begun)
            await seed_devices(connection, folder, instance, done)
            await seed_account(connection, folder)
            await seed_others(connection, folder, instance, done.programme_id, at=begun)
        assert done.programme_id == eve.programme_id
        yield eve


@pytest.fixture(scope="package")
async def told(servers, eve, tmp_path_factory):
    """The whole demo, to be copied."""
    async with _copied(servers, eve.name, eve, tmp_path_factory.mktemp("told") / "demo") as told:
        async with told.database() as connection:
            await seed(connection, told.folder, booklet_count=BOOKLETS, now=NOW)
        yield told


@pytest.fixture
async def demo(servers, told, tmp_path):
    async with _copied(servers, told.name, told, tmp_path / "demo") as copied:
        yield copied


@pytest.fixture
async def connection(demo):
    async with demo.database() as opened:
        yield opened


@pytest.fixture(scope="package")
async def opened_keys(eve):
    async with eve.database() as connection:
        known = await list_keys(connection)
    folder, purpose = eve.folder.key_folder, KeyPurpose.RECEIPT
    return {
        key_id: OpenedKey(
            folder.signer(purpose, key.kid), seal_key_from(folder.private_key(purpose, key.kid))
        )
        for key_id, key in known.items()
        if key.purpose is purpose
    }


@pytest.fixture(scope="package")
def copy(servers):
    """Another demo of the same database and folder, to be changed."""

    def copied(demo, root: Path):
        return _copied(servers, demo.name, demo, root)

    return copied


@pytest.fixture(scope="package")
def audited(opened_keys):
    async def found(connection):
        keyring = Keyring.from_keys((await list_keys(connection)).values())
        found = await audit(connection, keyring=keyring, opened_keys=opened_keys)
        assert found.disagreements == []
        return found

    return found
