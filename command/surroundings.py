"""Where a command finds its database, keys and passphrase: the environment, or the folder of a demo."""

import asyncio
import getpass
import json
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from keys.sealed import KeyFolder
from ledger.connect import Connection, connected
from validator.settings import SettingsError, read_passphrase

ENVIRONMENT_FILE = "environment.json"
OWNER_VARIABLE = "MIGRATION_DATABASE_URL"

Result = TypeVar("Result")
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def data_option(command: Decorated) -> Decorated:
    return click.option(
        "--data",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder of a running `poincon demo`: its database and keys, instead of the environment's.",
    )(command)


class Surroundings:
    def __init__(self, data: Path | None) -> None:
        self.variables = dict(os.environ)
        if data is not None:
            self.variables |= _read_environment(data)

    @property
    def actor(self) -> str:
        return f"cli:{getpass.getuser()}"

    @property
    def key_folder(self) -> KeyFolder:
        folder = self.variables.get("POINCON_KEYS")
        if not folder:
            raise SettingsError("POINCON_KEYS is not set: the folder of the sealed keys (or give --data)")
        return KeyFolder(Path(folder), read_passphrase(self.variables))

    @property
    def has_keys(self) -> bool:
        return bool(self.variables.get("POINCON_KEYS"))

    @asynccontextmanager
    async def database(self, *, as_owner: bool = False) -> AsyncIterator[Connection]:
        name = OWNER_VARIABLE if as_owner else "DATABASE_URL"
        dsn = self.variables.get(name)
        if not dsn:
            raise SettingsError(f"{name} is not set (or give --data, the folder of a demo)")
        async with connected(dsn, purpose="command") as connection:
            yield connection


def _read_environment(data: Path) -> dict[str, str]:
    path = data / ENVIRONMENT_FILE
    try:
        variables: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SettingsError(f"{data} is not the folder of a demo: there is no {path}") from None
    return variables


def run(work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(work)


def print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=str))
