"""Closes remittances on the programmes' calendars while the service runs. What is due is ledger's.

Every process looks; one at a time closes, and the record holds that each operator and day is closed once.
"""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from ledger.calendars import due_closings, is_only_closer
from ledger.connect import UNREACHABLE, Connection, connected
from payouts.calendar_closing import close_by_calendar

LOOK_SECONDS = 300.0  # after midnight in Paris, nobody waits longer

log = structlog.get_logger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class CalendarClerk:
    def __init__(self, dsn: str, *, now: Callable[[], datetime] = _now) -> None:
        self._dsn = dsn
        self._now = now
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> int:
        """How many remittances were closed; 0 too while another process is closing them."""
        async with connected(self._dsn, purpose="closings") as connection:
            return await self._close_due(connection) if await is_only_closer(connection) else 0

    async def _keep(self) -> None:
        while True:
            try:
                await self.look()
            except UNREACHABLE as error:
                log.warning("record_unreachable", error=repr(error))
            except Exception:
                log.exception("closings_failed")
            await asyncio.sleep(LOOK_SECONDS)

    async def _close_due(self, connection: Connection) -> int:
        count = 0
        for due in await due_closings(connection, at=self._now()):
            try:
                closed = await close_by_calendar(connection, due, at=self._now())
            except UNREACHABLE:
                raise
            except Exception:
                # One operator's trouble must not keep the others from being paid.
                log.exception("closing_failed", operator=due.operator_id, day=due.day.isoformat())
                continue
            count += len(closed)
            for one in closed:
                log.info("closed_by_calendar", operator=due.operator_id, number=one.number)
        return count
