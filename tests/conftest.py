"""Servers for a session of tests, and a fresh seeded instance for each test that asks for one."""

import asyncio
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis.asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

import console.passwords
import keys.sealed
from command.main import main
from embedded.servers import Servers
from keys.keyring import KeyPurpose, KeyState
from keys.sealed import SCRYPT_N, KeyFolder
from ledger.booklets import activate_batch, issue_batch
from ledger.connect import connected
from ledger.devices import enrol_device
from ledger.facts import load_facts
from ledger.migrate import migrate
from ledger.rows import Batch
from ledger.signing_keys import add_key, change_key
from loadtests.funding import fund
from programmes.codes import batch_codes
from programmes.print.printed import PrintedPass
from programmes.setup import read_instance, set_up
from validator.app import build_app
from validator.settings import Settings
from validator.wiring import KEEPER

PASSPHRASE = "phrase de passe des essais"
INSTANCE = Path(__file__).parent.parent / "demo" / "instance.toml"
BOOKLETS = 3
CHEAP_SCRYPT_N = 16
CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
HASHER = console.passwords.hasher
MEMORY = Path("/dev/shm")
MEMORY_BYTES_MIN = 6 << 30  # for three sessions side by side: the logs of writes, and some databases
FOLDER = "poincon-tests-"
READ_SECONDS_MAX = 30  # on a machine as busy as can be

# The same examples at every run: a failure seen once is seen again.
hypothesis_settings.register_profile(
    "poincon", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("poincon")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """One real PostgreSQL and one real Valkey for the session, in memory where there is room.

    Each test copies a database of some 900 files, which takes a disk three times as long.
    """
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= MEMORY_BYTES_MIN
    above = MEMORY if in_memory else tmp_path_factory.getbasetemp()
    for left in above.glob(f"{FOLDER}*"):  # of a session that was killed; memory is not given back by itself
        if not Path(f"/proc/{left.name.split('-')[2]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{FOLDER}{os.getpid()}-", dir=above) as folder:
        Path(folder).chmod(0o711)  # the servers' account passes through
        running = Servers.start(Path(folder))
        yield running
        running.discard()


@pytest.fixture(scope="session")
def key_folder(tmp_path_factory: pytest.TempPathFactory) -> KeyFolder:
    """Sealed keys for the session."""
    folder = KeyFolder(tmp_path_factory.mktemp("keys"), PASSPHRASE)
    folder.create_master_secret()
    return folder


@pytest.fixture(scope="session", autouse=True)
def cheap_secrets() -> Iterator[None]:
    """Services unseal two secrets as they start and console tests sign in: both are slow on purpose."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(keys.sealed, "SCRYPT_N", CHEAP_SCRYPT_N)
        patched.setattr(console.passwords, "hasher", CHEAP_HASHER)
        yield


@pytest.fixture
def costly_seals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sealing as in production."""
    monkeypatch.setattr(keys.sealed, "SCRYPT_N", SCRYPT_N)


@pytest.fixture
def costly_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing passwords as in production."""
    monkeypatch.setattr(console.passwords, "hasher", HASHER)


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
async def template(servers: Servers) -> str:
    """A database with the schema, to be copied."""
    async with connected(servers.postgres.dsn("poincon_owner"), purpose="tests") as connection:
        await migrate(connection)
    return "poincon"


@pytest.fixture
async def database(servers: Servers, template: str) -> AsyncIterator[str]:
    """The name of a fresh database that has the schema and nothing else; use `dsn_of`."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    async with connected(servers.postgres.superuser_dsn, purpose="tests") as connection:
        await _create(connection, name, template)
    yield name
    async with connected(servers.postgres.superuser_dsn, purpose="tests") as connection:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def _create(connection: asyncpg.Connection, name: str, template: str) -> None:
    # Connections to the template can't be closed sooner than the server notices.
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = $1 AND pid <> pg_backend_pid()",
        template,
    )
    await connection.execute(
        f"CREATE DATABASE {name} OWNER poincon_owner TEMPLATE {template} STRATEGY file_copy"
    )


@dataclass
class Instance:
    """A seeded programme with active booklets and enrolled devices, and what its tests need to reach it."""

    dsn: str  # of the application's role
    owner_dsn: str
    superuser_dsn: str
    valkey_url: str
    settings: Settings
    key_folder: KeyFolder
    programme_id: int
    batch: Batch
    passes: list[tuple[int, PrintedPass]]  # booklet, printed pass
    tokens: list[str]
    sites: list[str] = field(default_factory=list)

    def qr(self, place: int) -> str:
        return self.passes[place][1].qr

    def short(self, place: int) -> str:
        return self.passes[place][1].short

    def headers(self, device: int = 0) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[device]}"}


@dataclass(frozen=True)
class Seed:
    """A database with a seeded programme, to be copied, and what only the seeding was told."""

    template: str
    programme_id: int
    batch: Batch
    passes: list[tuple[int, PrintedPass]]
    tokens: list[str]
    sites: list[str]


@pytest.fixture(scope="session")
async def seed(servers: Servers, template: str, key_folder: KeyFolder) -> Seed:
    """Seeded once: drawing and sealing keys is slow on purpose."""
    name = f"seeded_{os.getpid()}"
    async with connected(servers.postgres.superuser_dsn, purpose="tests") as connection:
        await _create(connection, name, template)
    async with connected(servers.postgres.dsn("poincon_app", name), purpose="tests") as connection:
        for purpose in KeyPurpose:
            key = key_folder.create_pair(purpose, datetime.now(UTC))
            await add_key(connection, kid=key.kid, purpose=key.purpose, raw=key.raw, actor="tests")
            await change_key(
                connection, key.kid, KeyState.ACTIVE, at=datetime.now(UTC), actor="tests", reason=None
            )
        text = INSTANCE.read_text(encoding="utf-8")
        done = await set_up(connection, read_instance(text), actor="tests", today=date(2026, 1, 1))
        batch = await issue_batch(connection, done.programme_id, BOOKLETS, actor="tests")
        await fund(connection, done.programme_id, 100_000_000, actor="tests")
        await activate_batch(connection, batch.id, at=datetime.now(UTC), actor="tests", reason="payment")
        tokens, sites = [], []
        facts = await load_facts(connection)
        for (_, site, mediator), person_id in done.mediators.items():
            site_id = next(one.id for one in facts.sites.values() if one.name == site)
            _, token = await enrol_device(
                connection, site_id=site_id, mediator_id=person_id, label=mediator, actor="tests"
            )
            tokens.append(token)
            sites.append(site)
    passes = [(b.number, one) for b in batch_codes(batch, key_folder) for one in b.passes]
    return Seed(name, done.programme_id, batch, passes, tokens, sites)


@pytest.fixture
async def instance(servers: Servers, seed: Seed, key_folder: KeyFolder) -> AsyncIterator[Instance]:
    client = redis.asyncio.Redis.from_url(servers.valkey.url)
    await client.flushall()
    await client.aclose()
    name = f"test_{os.getpid()}_{next(_numbers)}"
    async with connected(servers.postgres.superuser_dsn, purpose="tests") as connection:
        await _create(connection, name, seed.template)
    dsn = servers.postgres.dsn("poincon_app", name)
    yield Instance(
        dsn=dsn,
        owner_dsn=servers.postgres.dsn("poincon_owner", name),
        superuser_dsn=servers.postgres.superuser_dsn_of(name),
        valkey_url=servers.valkey.url,
        settings=Settings(dsn, servers.valkey.url, key_folder.path, PASSPHRASE, photos_on_demand=True),
        key_folder=key_folder,
        programme_id=seed.programme_id,
        batch=seed.batch,
        passes=seed.passes,
        tokens=seed.tokens,
        sites=seed.sites,
    )
    async with connected(servers.postgres.superuser_dsn, purpose="tests") as connection:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def app(instance: Instance) -> web.Application:
    return build_app(instance.settings)


@pytest.fixture
async def client(app: web.Application) -> AsyncIterator[TestClient]:
    """The whole service in this process, over a real socket."""
    async with TestClient(TestServer(app)) as running:
        async with asyncio.timeout(10):
            while True:
                async with running.get("/readyz") as response:
                    if response.status == 200:
                        break
                await asyncio.sleep(0.02)
        yield running


@pytest.fixture
async def connection(instance: Instance) -> AsyncIterator[asyncpg.Connection]:
    """A connection of the application's role to the instance's database."""
    async with connected(instance.dsn, purpose="tests") as opened:
        yield opened


@pytest.fixture
async def superuser(instance: Instance) -> AsyncIterator[asyncpg.Connection]:
    """A hand that can tamper with anything."""
    async with connected(instance.superuser_dsn, purpose="tests") as opened:
        yield opened


@pytest.fixture
def refreshed(app: web.Application):
    """Wait until the service has read the record again."""

    async def read() -> None:
        assert await app[KEEPER].refresh(READ_SECONDS_MAX)

    return read


@pytest.fixture
def new_attempt():
    return lambda: str(uuid.uuid4())


@pytest.fixture(scope="session")
def until() -> Callable[..., Awaitable[Any]]:
    """Wait until something holds, which no event tells; return what it then was."""

    async def wait(condition: Callable[[], Awaitable[Any]], *, seconds: float = 10.0) -> Any:
        async with asyncio.timeout(seconds):
            while True:
                if found := await condition():
                    return found
                await asyncio.sleep(0.02)

    return wait


@pytest.fixture
def new_attempt_id() -> Callable[[], str]:
    return lambda: str(uuid.uuid4())


@pytest.fixture(scope="session")
def passphrase_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("secrets") / "passphrase"
    path.write_text(PASSPHRASE)
    return path


@pytest.fixture(scope="session")
def environment_of(passphrase_file: Path) -> Callable[..., dict[str, str]]:
    """What a subprocess needs to reach an instance, and nothing of ours besides."""

    def environment(settings: Settings, **more: str) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
        return kept | {
            "DATABASE_URL": settings.database_url,
            "VALKEY_URL": settings.valkey_url or "",
            "POINCON_KEYS": str(settings.keys),
            "POINCON_PASSPHRASE_FILE": str(passphrase_file),
            "POINCON_PHOTOS_ON_DEMAND": "yes",
            **more,
        }

    return environment


@pytest.fixture
def poincon() -> Callable[..., Awaitable[subprocess.CompletedProcess[str]]]:
    """Run the command as a user would, without holding the tests' own loop."""

    async def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "command.main", *arguments]
        return await asyncio.to_thread(
            subprocess.run, command, env=env, capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture
def typed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Type a command; in this process, because a fresh Python for each takes most of a second."""

    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        for name in os.environ.keys() & {
            "DATABASE_URL",
            "POINCON_KEYS",
            "VALKEY_URL",
            "MIGRATION_DATABASE_URL",
        }:
            monkeypatch.delenv(name)
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["poincon", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        told = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, ended.value.code or 0, told.out, told.err)

    return run


@pytest.fixture
async def valkey(house: Any) -> AsyncIterator[redis.asyncio.Redis]:
    """A hand in the guard's Valkey, past the service."""
    client = redis.asyncio.Redis.from_url(house.settings.valkey_url)
    yield client
    await client.aclose()
