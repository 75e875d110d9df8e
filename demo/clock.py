"""The demo's own clock: what its service takes for now once somebody moved it. It only goes forward.

It lives in the demo's folder, and only the demo and commands given `--data` look at it. The service knows
nothing of it and asks datetime.now() as ever: it is the demo that gives its modules a `datetime` of which
now() is later.
"""

import mmap
import os
import pkgutil
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

from ledger.connect import Connection

ROOMS = frozenset({"command", "console", "payouts", "programmes", "validator"})
# Sessions and second factors go by the real clock: a month that is skipped signs nobody out.
REAL_CLOCK = frozenset({"console.admission", "console.sign_in", "console.second_step"})
CLOCK_FILE = "clock"
SHIFT = struct.Struct("<q")  # seconds
AHEAD_MAX = timedelta(days=20 * 365)


class ClockRefused(Exception):
    """The clock was not moved; the text says why."""


class DemoClock:
    """Seconds ahead of the real clock, in a few bytes that every process of the demo has in its memory."""

    def __init__(self, path: Path) -> None:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if os.fstat(handle).st_size < SHIFT.size:
                os.write(handle, SHIFT.pack(0))
            self._shared = mmap.mmap(handle, SHIFT.size)
        finally:
            os.close(handle)

    @property
    def ahead(self) -> timedelta:
        return timedelta(seconds=SHIFT.unpack(self._shared[:])[0])

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def move_to(self, at: datetime) -> None:
        ahead = at - datetime.now(UTC)
        if ahead < self.ahead:
            raise ClockRefused("the clock only goes forward: what happened stays in the record")
        if ahead > AHEAD_MAX:
            raise ClockRefused(f"the clock goes at most {AHEAD_MAX.days // 365} years ahead")
        self._shared[:] = SHIFT.pack(round(ahead.total_seconds()))


def prepare_sql() -> str:
    """What the owner of a demo's database runs at each start."""
    return (files("demo") / "clock.sql").read_text(encoding="utf-8")


async def record_at(connection: Connection, at: datetime | None) -> None:
    """What this connection records from now on is stamped with that instant. None: with the clock's."""
    await connection.execute("SELECT set_config('poincon.now', $1, false)", at.isoformat() if at else "")


async def record_ahead(connection: Connection, clock: DemoClock) -> None:
    """The record's own stamps follow the clock."""
    await connection.execute("SELECT demo_go($1)", clock.ahead)


def load_rooms() -> None:
    """All that may ask for now: what a process loads after `going_by` began does not hear of it."""
    for room in map(import_module, sorted(ROOMS)):
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            import_module(module.name)


@contextmanager
def going_by(clock: DemoClock) -> Iterator[None]:
    """Until it ends, what is loaded of the service in this process takes the clock's time for now."""
    moved = _datetime_of(clock)
    modules = [module for name, module in sys.modules.items() if _asks_for_now(name, module)]
    for module in modules:
        setattr(module, "datetime", moved)  # noqa: B010 - a name of theirs
    try:
        yield
    finally:
        for module in modules:
            setattr(module, "datetime", datetime)  # noqa: B010 - a name of theirs


def _asks_for_now(name: str, module: ModuleType) -> bool:
    is_ours = name.partition(".")[0] in ROOMS and name not in REAL_CLOCK
    return is_ours and getattr(module, "datetime", None) is datetime


class _AnyInstant(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, datetime)


def _datetime_of(clock: DemoClock) -> type[datetime]:
    class Moved(datetime, metaclass=_AnyInstant):
        """Makes plain instants, whatever it is asked for."""

        def __new__(cls, *given: Any, **named: Any) -> Any:
            return datetime(*given, **named)  # noqa: DTZ001 - as it was asked for

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) + clock.ahead

    return Moved
