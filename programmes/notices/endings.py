"""Warns funders that a programme's passes expire: 30, 15 and 7 days before, and the day before.

Blocking booklets, and what follows, are programmes/end_of_validity.py's.
"""

from datetime import date, datetime, timedelta

from ledger.connect import Connection
from ledger.counters import read_counters, total
from ledger.notice_facts import expiring
from ledger.notices import is_told, tell
from ledger.validity_ends import EndingProgramme, ending_programmes
from programmes.end_of_validity import ACKNOWLEDGE_DAYS, ALERT_DAYS, BLOCK_DAYS
from programmes.print.french import PARIS

WARNED_DAYS_BEFORE = (ALERT_DAYS, BLOCK_DAYS, ACKNOWLEDGE_DAYS, 1)


def warning_due(last_day: date, today: date) -> int | None:
    """Which warning holds today: the nearest. None: too early, or too late."""
    left = (last_day - today).days
    return min((days for days in WARNED_DAYS_BEFORE if 0 <= left <= days), default=None)


async def warn_of_endings(connection: Connection, *, now: datetime) -> int:
    """How many programmes were told of, by this run."""
    today = now.astimezone(PARIS).date()
    told = 0
    for ending in await ending_programmes(connection):
        days_before = warning_due(ending.last_day, today)
        if days_before is not None:
            told += await _warn(connection, ending, days_before, today=today, now=now)
    return told


async def _warn(
    connection: Connection, ending: EndingProgramme, days_before: int, *, today: date, now: datetime
) -> bool:
    fact = expiring(
        programme_id=ending.id,
        programme=ending.name,
        last_day=ending.last_day,
        days_before=days_before,
        days_left=(ending.last_day - today) // timedelta(days=1),
        remaining_passes=0,
    )
    # Counting reads every acceptance: once per warning, not once an hour.
    if await is_told(connection, fact.key):
        return False
    remaining = total(await read_counters(connection, now=now, programme_id=ending.id)).remaining.passes
    await tell(connection, fact.with_payload(remaining_passes=remaining), at=now)
    return True
