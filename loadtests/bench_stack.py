"""What a benchmark runs on: embedded servers, a small programme, processes of validators and of the floor."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from embedded.servers import Servers
from keys.keyring import KeyPurpose, KeyState
from keys.sealed import KeyFolder
from ledger.connect import Connection, connected
from ledger.devices import enrol_device
from ledger.migrate import migrate
from ledger.signing_keys import add_key, change_key
from loadtests.bench_floor import TOKEN_VARIABLE
from loadtests.bench_process import ServerProcess, server_process
from programmes.setup import read_instance, set_up

ACTOR = "bench"
PASSPHRASE = "phrase de passe du banc d’essai"  # noqa: S105 - of keys that live as long as the benchmark
DEVICES = 2

PROGRAMME = """
[programme]
name = "Banc d’essai"
funder = "Banc d’essai"
contact = "aucun"
last_day = 2099-12-31
territories = ["Banc"]
services = ["premiers-pas"]
qualified_from = 2020-01-01

[[services]]
code = "premiers-pas"
label = "Premiers pas"

[[operators]]
siret = "99900001100018"
name = "Opérateur du banc"
services = ["premiers-pas"]

[[operators.sites]]
name = "Lieu du banc"
territory = "Banc"
mediators = ["Médiatrice du banc"]
"""


@dataclass(frozen=True)
class Ground:
    """Servers with a programme, and nothing that serves HTTP yet: what does is started on it."""

    servers: Servers
    connection: Connection  # of the application's role
    key_folder: KeyFolder
    environment: Mapping[str, str]
    programme_id: int
    tokens: tuple[str, ...]
    logs: Path
    opened: AsyncExitStack

    def start(self, name: str, module: str, *arguments: str, given: Mapping[str, str]) -> ServerProcess:
        return self.opened.enter_context(
            server_process(module, *arguments, environment=given, log=self.logs / f"{name}.log")
        )

    def validator(self, name: str, **changed: str) -> ServerProcess:
        serve = ("command.main", "serve", "--port", "0")
        return self.start(name, *serve, given={**self.environment, **changed})


@dataclass(frozen=True)
class Stack:
    servers: Servers
    connection: Connection  # of the application's role
    key_folder: KeyFolder
    environment: Mapping[str, str]
    programme_id: int
    tokens: tuple[str, ...]
    validator: ServerProcess
    second: ServerProcess  # another like it, on the same record
    unguarded: ServerProcess  # a validator that was given no Valkey
    floor: ServerProcess
    logs: Path


@asynccontextmanager
async def open_ground(folder: Path, *, devices: int = DEVICES) -> AsyncIterator[Ground]:
    """folder: an empty one."""
    private = _private_folder(folder)
    async with AsyncExitStack() as opened:
        servers = Servers.start(folder / "servers")
        opened.callback(servers.discard)
        async with connected(servers.postgres.dsn("poincon_owner"), purpose=ACTOR) as owner:
            await migrate(owner)
        connection = await opened.enter_async_context(
            connected(servers.postgres.dsn("poincon_app"), purpose=ACTOR)
        )
        key_folder = await make_keys(connection, private / "keys")
        programme_id, tokens = await _make_programme(connection, devices)
        environment = _environment(servers, key_folder, private)
        yield Ground(servers, connection, key_folder, environment, programme_id, tokens, private, opened)


@asynccontextmanager
async def open_stack(folder: Path) -> AsyncIterator[Stack]:
    """folder: an empty one."""
    async with open_ground(folder) as ground:
        yield Stack(
            servers=ground.servers,
            connection=ground.connection,
            key_folder=ground.key_folder,
            environment=ground.environment,
            programme_id=ground.programme_id,
            tokens=ground.tokens,
            validator=ground.validator("validator"),
            second=ground.validator("second"),
            unguarded=ground.validator("unguarded", VALKEY_URL=""),
            floor=ground.start("floor", "loadtests.bench_floor", given={TOKEN_VARIABLE: ground.tokens[0]}),
            logs=ground.logs,
        )


def _private_folder(folder: Path) -> Path:
    folder.chmod(0o711)  # where root runs this, the servers' own account goes through it
    private = folder / "private"
    private.mkdir(mode=0o700)
    return private


async def make_keys(connection: Connection, path: Path) -> KeyFolder:
    folder = KeyFolder(path, PASSPHRASE)
    folder.create_master_secret()
    for purpose in KeyPurpose:
        key = folder.create_pair(purpose, datetime.now(UTC))
        await add_key(connection, kid=key.kid, purpose=key.purpose, raw=key.raw, actor=ACTOR)
        await change_key(connection, key.kid, KeyState.ACTIVE, at=datetime.now(UTC), actor=ACTOR, reason=None)
    return folder


async def _make_programme(connection: Connection, devices: int) -> tuple[int, tuple[str, ...]]:
    """The programme's number, and the tokens of devices that may take its passes."""
    done = await set_up(connection, read_instance(PROGRAMME), actor=ACTOR, today=datetime.now(UTC).date())
    [site_id] = done.sites.values()
    [mediator_id] = done.mediators.values()
    enrolled = [
        await enrol_device(connection, site_id=site_id, mediator_id=mediator_id, label=f"{n}", actor=ACTOR)
        for n in range(devices)
    ]
    return done.programme_id, tuple(token for _, token in enrolled)


def _environment(servers: Servers, key_folder: KeyFolder, folder: Path) -> dict[str, str]:
    passphrase_file = folder / "passphrase"
    passphrase_file.write_text(PASSPHRASE, encoding="utf-8")
    passphrase_file.chmod(0o600)
    return {
        "DATABASE_URL": servers.postgres.dsn("poincon_app"),
        "VALKEY_URL": servers.valkey.url,
        "POINCON_KEYS": str(key_folder.path),
        "POINCON_PASSPHRASE_FILE": str(passphrase_file),
        "POINCON_PROCESSES": "1",
    }
