"""Where a command finds its database, keys and passphrase: the environment, or the folder of a demo."""

import asyncio
import getpass
import json
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import click

from demo.clock import CLOCK_FILE, DemoClock, going_by, load_rooms
from keys.sealed import KeyFolder
from ledger.connect import UNREACHABLE, Connection, connect, hang_up
from validator.settings import SettingsError, read_passphrase, required_secret

ENVIRONMENT_FILE = "environment.json"
OWNER_VARIABLE = "MIGRATION_DATABASE_URL"


class _Text(click.ParamType[str]):
    """Something to read: an empty reason or name tells nobody anything."""

    name = "text"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = value.strip()
        if not text or "\0" in text:
            self.fail("must not be empty", param, ctx)
        return text


TEXT = _Text()

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
            told = _read_environment(data)
            kept = {name: said for name, said in os.environ.items() if name.removesuffix("_FILE") not in told}
            self.variables = kept | told
            _go_by_its_clock(data)

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
        dsn = required_secret(self.variables, name)
        try:
            connection = await connect(dsn, purpose="command")
        except UNREACHABLE as error:
            raise SettingsError(f"{name}: PostgreSQL can't be reached there: {error}") from error
        try:
            yield connection
        finally:
            await hang_up(connection)


def _read_environment(data: Path) -> dict[str, str]:
    path = data / ENVIRONMENT_FILE
    try:
        variables: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise SettingsError(f"{data} is not the folder of a demo: there is no {path}") from None
    return variables


def _go_by_its_clock(data: Path) -> None:
    """A demo whose clock was moved has another now, and so has what is done to it, until the command ends."""
    context = click.get_current_context(silent=True)
    if context is None or not (path := data / CLOCK_FILE).exists():
        return
    clock = DemoClock(path)
    if clock.ahead:
        load_rooms()
        context.with_resource(going_by(clock))


def run(work: Coroutine[Any, Any, Result]) -> Result:
    return asyncio.run(work)


def print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, default=_text))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)  # an instant is a date too
