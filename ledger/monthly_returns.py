"""Monthly returns, frozen with their papers once per programme and month. Drawing them is payouts'."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from ledger.calendar_rows import midnight
from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.month_figures import month_of
from ledger.period_rows import MonthlyReturn
from ledger.remittance_rows import PARIS
from ledger.rendering_rows import Period

MONTHS_MAX = 600  # made good in one run
COLUMNS = "id, programme_id, month, last_entry, facts, csv_sha256, pdf_sha256, frozen_at, frozen_by"

LOCK = "SELECT FROM programmes WHERE id = $1 FOR NO KEY UPDATE"
ADD = f"""
INSERT INTO monthly_returns (programme_id, month, last_entry, facts, csv, csv_sha256, pdf, pdf_sha256,
                             frozen_at, frozen_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING {COLUMNS}"""
FIND = f"SELECT {COLUMNS} FROM monthly_returns WHERE programme_id = $1 AND month = $2"
LIST = f"""
SELECT {COLUMNS} FROM monthly_returns
WHERE programme_id = $1 AND ($2::date IS NULL OR month >= $2) AND ($3::date IS NULL OR month <= $3)
ORDER BY month"""
LAST = "SELECT month, last_entry FROM monthly_returns WHERE programme_id = $1 ORDER BY month DESC LIMIT 1"
CSV = "SELECT csv FROM monthly_returns WHERE programme_id = $1 AND month = $2"
PDF = "SELECT pdf FROM monthly_returns WHERE programme_id = $1 AND month = $2"
# From the first money or the first booklet on; once a programme is over and holds nothing more, no more.
STARTED = """
SELECT p.id, least(
    (SELECT min(e.at) FROM book_entries e JOIN book_postings x ON x.entry = e.number
     JOIN book_accounts a ON a.id = x.account_id WHERE a.programme_id = p.id),
    (SELECT min(t.issued_at) FROM batches t WHERE t.programme_id = p.id)) AS since,
    (SELECT max(month) FROM monthly_returns r WHERE r.programme_id = p.id) AS last,
    p.expires_at <= $1 AND NOT EXISTS (
        SELECT FROM book_accounts a JOIN book_balances b ON b.account_id = a.id
        WHERE a.programme_id = p.id AND b.balance_cents <> 0) AND NOT EXISTS (
        SELECT FROM book_entries e JOIN book_postings x ON x.entry = e.number
        JOIN book_accounts a ON a.id = x.account_id WHERE a.programme_id = p.id
        AND e.at >= ((SELECT max(month) FROM monthly_returns r WHERE r.programme_id = p.id)
                     + interval '1 month') AT TIME ZONE 'Europe/Paris') AS is_settled
FROM programmes p ORDER BY p.id"""


async def due_returns(connection: Connection, *, at: datetime) -> list[tuple[int, Period]]:
    """Programme and month of each that is not frozen, oldest first: what a run missed is made by the next."""
    due: list[tuple[int, Period]] = []
    for programme_id, since, last, is_settled in await connection.fetch(STARTED, at):
        if since is None or is_settled:
            continue
        month = next_month(last) if last else since.astimezone(PARIS).date().replace(day=1)
        while (period := month_of(month)).is_over(at) and len(due) < MONTHS_MAX:
            due.append((programme_id, period))
            month = next_month(month)
    return sorted(due, key=lambda one: (one[1].first, one[0]))


def next_month(month: date) -> date:
    return (
        month.replace(year=month.year + 1, month=1)
        if month.month == 12
        else month.replace(month=month.month + 1)
    )


async def lock_returns(connection: Connection, programme_id: int) -> None:
    """Nobody else freezes one of this programme until this transaction ends."""
    await connection.execute(LOCK, programme_id)


async def told_before(connection: Connection, programme_id: int) -> tuple[date, int] | None:
    """Month and last entry of the newest return."""
    row = await connection.fetchrow(LAST, programme_id)
    return (row["month"], row["last_entry"]) if row else None


async def find_return(connection: Connection, programme_id: int, month: date) -> MonthlyReturn | None:
    row = await connection.fetchrow(FIND, programme_id, month)
    return _read(row) if row else None


async def list_returns(
    connection: Connection, programme_id: int, *, first: date | None = None, last: date | None = None
) -> list[MonthlyReturn]:
    """Oldest first."""
    return [_read(row) for row in await connection.fetch(LIST, programme_id, first, last)]


async def return_csv(connection: Connection, programme_id: int, month: date) -> bytes | None:
    return await _content(connection, CSV, programme_id, month)


async def return_pdf(connection: Connection, programme_id: int, month: date) -> bytes | None:
    return await _content(connection, PDF, programme_id, month)


async def add_return(
    connection: Connection,
    programme_id: int,
    month: date,
    *,
    last_entry: int,
    facts: Mapping[str, Any],
    csv: bytes,
    pdf: bytes,
    actor: str,
    at: datetime,
) -> MonthlyReturn:
    assert at >= midnight(next_month(month))
    hashes = hashlib.sha256(csv).digest(), hashlib.sha256(pdf).digest()
    async with connection.transaction():
        row = await connection.fetchrow(
            ADD, programme_id, month, last_entry, facts, csv, hashes[0], pdf, hashes[1], at, actor
        )
        await record_event(
            connection,
            actor=actor,
            action="return.freeze",
            subject=f"programme:{programme_id}",
            month=f"{month:%Y-%m}",
            sha256=hashes[1].hex(),
        )
    return _read(row)


async def _content(connection: Connection, query: str, programme_id: int, month: date) -> bytes | None:
    content = await connection.fetchval(query, programme_id, month)
    return None if content is None else bytes(content)


def _read(row: Record) -> MonthlyReturn:
    return MonthlyReturn(*row)
