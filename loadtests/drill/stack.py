"""What is drilled: embedded servers with a seeded programme, and two validators. Nothing is broken here."""

import os
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from embedded.servers import Servers
from keys.sealed import KeyFolder
from ledger.connect import connected
from ledger.migrate import migrate
from loadtests.drill.record import Record, RecordReader
from loadtests.drill.seed import Seeded, seed
from loadtests.drill.validator_process import SERVE, ValidatorProcess

VALIDATORS = 2


@dataclass(frozen=True)
class Stack:
    servers: Servers
    seeded: Seeded
    validators: Sequence[ValidatorProcess]
    reader: RecordReader

    @property
    def ports(self) -> list[int]:
        return [validator.port for validator in self.validators]

    async def read_record(self) -> Record:
        async with connected(self.servers.postgres.dsn("poincon_app"), purpose="drill") as connection:
            return await self.reader.read(connection)


@asynccontextmanager
async def running_stack(
    folder: Path, *, booklet_count: int, module: tuple[str, ...] = SERVE
) -> AsyncIterator[Stack]:
    """Everything under one folder; whatever happens, nothing is left running."""
    servers = Servers.start(folder / "servers")
    try:
        passphrase = secrets.token_urlsafe(24)
        keys = KeyFolder(folder / "keys", passphrase)
        async with connected(servers.postgres.dsn("poincon_owner"), purpose="migrate") as connection:
            await migrate(connection)
        async with connected(servers.postgres.dsn("poincon_app"), purpose="drill") as connection:
            seeded = await seed(connection, keys, booklet_count=booklet_count)
        environment = _environment(servers, keys.path, folder / "passphrase", passphrase)
        validators = [
            ValidatorProcess(environment, folder / f"validator-{place}.log", module=module)
            for place in range(VALIDATORS)
        ]
        try:
            for validator in validators:
                validator.start()
            for validator in validators:
                await validator.ready()
            yield Stack(servers, seeded, validators, RecordReader(keys, seeded.device_sites))
        finally:
            for validator in validators:
                validator.close()
    finally:
        servers.postgres.kill()  # an orderly end takes seconds, for nothing: all of it is thrown away
        servers.discard()


def _environment(servers: Servers, keys: Path, passphrase_file: Path, passphrase: str) -> dict[str, str]:
    passphrase_file.touch(mode=0o600)
    passphrase_file.write_text(passphrase)
    return {
        **os.environ,
        "DATABASE_URL": servers.postgres.dsn("poincon_app"),
        "VALKEY_URL": servers.valkey.url,
        "POINCON_KEYS": str(keys),
        "POINCON_PASSPHRASE_FILE": str(passphrase_file),
        "POINCON_HOST": "127.0.0.1",
        "POINCON_PROCESSES": "1",
    }
