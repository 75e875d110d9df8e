"""Closes remittances on the programmes' calendars while the service runs. What is due is ledger's.

Every process looks; one at a time closes, and the record holds that each operator and day is closed once.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from ledger.calendars import due_closings, is_only_closer
from ledger.connect import UNREACHABLE, Connection
from payouts.calendar_closing import close_by_calendar
from validator.clerk import Clerk

LOOK_SECONDS = 300.0  # after midnight in Paris, nobody waits longer

log = structlog.get_logger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class CalendarClerk(Clerk):
    """One round tells how many remittances were closed; 0 too while another process is closing them."""

    def __init__(self, dsn: str, *, now: Callable[[], datetime] = _now) -> None:
        super().__init__("closings", dsn, self._close, seconds=LOOK_SECONDS)
        self._now = now

    async def look(self) -> int:
        closed = await super().look()
        assert isinstance(closed, int)
        return closed

    async def _close(self, connection: Connection) -> int:
        return await self._close_due(connection) if await is_only_closer(connection) else 0

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
