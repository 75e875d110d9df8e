"""Figures of the record that somebody should watch: money that nobody has explained, transfers that wait. One
short reading; who is told, and from which figure on, is deploy/alerts.yml's."""

from datetime import date
from typing import NamedTuple

from ledger.connect import Connection
from ledger.matches import OPEN_LINES, OPEN_LINES_MAX
from ledger.payout_register import late_remittances

UNEXPLAINED = f"""
SELECT count(*) AS lines, coalesce(sum(abs(open_cents)), 0)::bigint AS cents, min(booked_on) AS oldest
FROM ({OPEN_LINES}) AS open"""
# Credits are negative: what is owed to operators is told as a positive sum.
OWED = "SELECT coalesce(-sum(balance_cents), 0)::bigint FROM book_balances WHERE kind = 'operator'"
WAITING_BATCHES = """
SELECT count(*) FILTER (WHERE state = 'draft') AS drafts,
       count(*) FILTER (WHERE state NOT IN ('draft', 'cancelled', 'reconciled')) AS under_way
FROM payout_batches"""


class WatchedFigures(NamedTuple):
    unexplained_lines: int
    unexplained_cents: int  # without sign: a debit and a credit that nobody explained do not cancel out
    unexplained_days: int  # since the oldest of them was booked
    owed_cents: int
    late_remittances: int
    draft_batches: int
    batches_under_way: int


async def read_watched(connection: Connection, *, today: date) -> WatchedFigures:
    lines = await connection.fetchrow(UNEXPLAINED, OPEN_LINES_MAX, None)
    batches = await connection.fetchrow(WAITING_BATCHES)
    return WatchedFigures(
        unexplained_lines=lines["lines"],
        unexplained_cents=lines["cents"],
        unexplained_days=_days_since(lines["oldest"], today),
        owed_cents=await connection.fetchval(OWED),
        late_remittances=len(await late_remittances(connection, today=today)),
        draft_batches=batches["drafts"],
        batches_under_way=batches["under_way"],
    )


def _days_since(day: date | None, today: date) -> int:
    return max(0, (today - day).days) if day else 0
