"""What is drilled: embedded servers with a seeded programme, and two validators. Nothing is broken here."""

import asyncio
import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from embedded.postgres import DATABASE, Postgres
from embedded.server import Server
from embedded.valkey import Valkey
from keys.sealed import KeyFolder
from ledger.connect import connected
from ledger.migrate import migrate
from loadtests.drill.abilities import mount, unmount
from loadtests.drill.clock import Clock
from loadtests.drill.cluster import Cluster, start_cluster
from loadtests.drill.proxy_process import ProxyProcess, Route
from loadtests.drill.record import Record, RecordReader
from loadtests.drill.seed import Seeded, seed
from loadtests.drill.standby import Standby, attach
from loadtests.drill.validator_process import SERVE, ValidatorProcess
from loadtests.drill.world import World

VALIDATORS = 2
SMALL_DISK_BYTES = 768 << 20
APP = "poincon_app"
# PostgreSQL's log, kept where something was found, tells who held a lock that somebody waited for.
WHO_WAITED_FOR_WHOM = {
    "log_line_prefix": "%m [%p] %q%u@%d %a ",
    "log_lock_waits": "on",  # longer than deadlock_timeout, a second
    "log_min_duration_statement": "1000",
    "log_parameter_max_length": "0",
    "log_disconnections": "on",
}


@dataclass
class Stack:
    folder: Path
    world: World
    postgres: Postgres  # the one that takes writes: another one after a promotion
    valkey: Valkey
    proxy: ProxyProcess
    keys: KeyFolder
    seeded: Seeded
    validators: Sequence[ValidatorProcess]
    reader: RecordReader
    clocks: Sequence[Clock] = ()  # one per validator
    standby: Standby | None = None
    cluster: Cluster | None = None
    postgres_count: int = 1

    @property
    def ports(self) -> list[int]:
        return [validator.port for validator in self.validators]

    @property
    def disk(self) -> Path:
        """Where PostgreSQL's files lie."""
        return self.folder / "disk"

    async def read_record(self) -> Record:
        async with connected(self.postgres.dsn(APP), purpose="drill") as connection:
            return await self.reader.read(connection)

    async def attach_standby(self) -> None:
        self.postgres_count += 1
        port = self.proxy.ports[Route.REPLICATION]
        self.standby = await attach(
            self.postgres, self.disk / f"postgres-{self.postgres_count}", replication_port=port
        )


@asynccontextmanager
async def running_stack(
    folder: Path, *, booklet_count: int, world: World, module: tuple[str, ...] = SERVE
) -> AsyncIterator[Stack]:
    """Everything under one folder; whatever happens, nothing is left running."""
    async with AsyncExitStack() as ending:
        (folder / "disk").mkdir(mode=0o711)
        if world.has_small_disk:
            mount(folder / "disk", size_bytes=SMALL_DISK_BYTES)
            ending.callback(_unmount, folder / "disk")
        postgres = await asyncio.to_thread(
            Postgres.start, folder / "disk" / "postgres-1", settings=WHO_WAITED_FOR_WHOM
        )
        ending.callback(discard, folder, postgres)
        cluster, valkey = await _start_valkey(folder, world, ending)
        proxy = ProxyProcess.start(
            {
                Route.POSTGRES: socket_of(postgres),
                Route.REPLICATION: socket_of(postgres),
                Route.VALKEY: socket_of(valkey),
            }
        )
        ending.callback(proxy.close)
        passphrase = secrets.token_urlsafe(24)
        keys = KeyFolder(folder / "keys", passphrase)
        async with connected(postgres.dsn("poincon_owner"), purpose="migrate") as connection:
            await migrate(connection)
        async with connected(postgres.dsn(APP), purpose="drill") as connection:
            seeded = await seed(connection, keys, booklet_count=booklet_count)
        clocks = [Clock(folder / f"clock-{place}") for place in range(VALIDATORS)]
        validators = _validators(folder, postgres, valkey, proxy, keys, passphrase, module=module)
        if world.has_false_clocks:
            for validator, clock in zip(validators, clocks, strict=True):
                validator.environment.update(clock.environment)
        reader = RecordReader(keys, seeded.device_sites)
        stack = Stack(
            folder, world, postgres, valkey, proxy, keys, seeded, validators, reader, clocks, cluster=cluster
        )
        ending.callback(_discard_now, stack)
        if world.has_standby:
            await stack.attach_standby()
        for validator in validators:
            ending.callback(validator.close)
            validator.start()
        for validator in validators:
            await validator.ready()
        yield stack


async def _start_valkey(folder: Path, world: World, ending: AsyncExitStack) -> tuple[Cluster | None, Valkey]:
    if world.has_cluster:
        cluster = await start_cluster(folder / "cluster")
        ending.callback(cluster.discard)
        return cluster, cluster.door
    valkey = await asyncio.to_thread(Valkey.start, folder / "valkey")
    ending.callback(discard, folder, valkey)
    return None, valkey


def _validators(
    folder: Path,
    postgres: Postgres,
    valkey: Valkey,
    proxy: ProxyProcess,
    keys: KeyFolder,
    passphrase: str,
    *,
    module: tuple[str, ...],
) -> list[ValidatorProcess]:
    passphrase_file = folder / "passphrase"
    passphrase_file.touch(mode=0o600)
    passphrase_file.write_text(passphrase)
    password, valkey_password = urlsplit(postgres.dsn(APP)).password, urlsplit(valkey.url).password
    postgres_port, valkey_port = proxy.ports[Route.POSTGRES], proxy.ports[Route.VALKEY]
    environment = {
        **os.environ,
        "POINCON_PHOTOS_ON_DEMAND": "yes",  # no phone of a drill sends any
        "DATABASE_URL": f"postgresql://{APP}:{password}@127.0.0.1:{postgres_port}/{DATABASE}?sslmode=disable",
        "VALKEY_URL": f"redis://:{valkey_password}@127.0.0.1:{valkey_port}/0",
        "POINCON_KEYS": str(keys.path),
        "POINCON_PASSPHRASE_FILE": str(passphrase_file),
        "POINCON_HOST": "127.0.0.1",
        "POINCON_PROCESSES": "1",
    }
    return [
        ValidatorProcess(environment, folder / f"validator-{place}.log", module=module)
        for place in range(VALIDATORS)
    ]


def socket_of(server: Server) -> Path:
    return server.socket_folder / server.SOCKET


def _discard_now(stack: Stack) -> None:
    """Those of the end, which may be others than those of the beginning."""
    if stack.standby is not None:
        discard(stack.folder, stack.standby)
    discard(stack.folder, stack.postgres)


def discard(folder: Path, server: Server) -> None:
    """All of it but its log, which may explain what was found."""
    server.kill()  # an orderly end takes seconds, for nothing
    with contextlib.suppress(FileNotFoundError):
        shutil.copyfile(server.home / "log", folder / f"{server.data.name}.log")
    server.discard()


def _unmount(folder: Path) -> None:
    with contextlib.suppress(subprocess.CalledProcessError):
        unmount(folder)
