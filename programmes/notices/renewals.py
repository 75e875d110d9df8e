"""Warns operators of a qualification that ends: 90 days before, and 30. Which end is ledger's to read."""

from datetime import date, datetime, timedelta

from ledger.connect import Connection
from ledger.notice_facts import unqualified_soon
from ledger.notice_rows import Fact
from ledger.notices import tell_all
from ledger.renewals import Ending, ending_qualifications
from programmes.print.french import PARIS

WARNED_DAYS_BEFORE = (90, 30)  # the earliest first


def warning_due(ends_on: date, today: date) -> int | None:
    """Which warning holds today. One that nobody was there to send is not made up for by the next."""
    left = (ends_on - today).days
    due = [days for days in WARNED_DAYS_BEFORE if 0 <= left <= days]
    return min(due, default=None)


async def warn_of_renewals(connection: Connection, *, now: datetime) -> int:
    """How many warnings hold; each was told once, whenever this runs."""
    today = now.astimezone(PARIS).date()
    async with connection.transaction():
        ending = await ending_qualifications(
            connection, first=today, last=today + timedelta(days=max(WARNED_DAYS_BEFORE))
        )
        facts = [_fact(one, today) for one in ending]
        await tell_all(connection, facts, at=now)
    return len(facts)


def _fact(one: Ending, today: date) -> Fact:
    days_before = warning_due(one.ends_on, today)
    assert days_before is not None
    return unqualified_soon(
        operator_id=one.operator_id,
        operator=one.operator,
        programme_id=one.programme_id,
        programme=one.programme,
        ends_on=one.ends_on,
        days_before=days_before,
    )
