"""Files of the bank: kept byte for byte, their lines booked once, whatever file tells them and how often.

What a line is about is in matches.py; reading files is payouts/bank's.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import date, datetime

from ledger.book_rows import BANK, SUSPENSE, Draft, EntryKind, transfer
from ledger.books import post_all
from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.statement_rows import KnownStatement, NewLine, NewReport, NewStatement

LIST_MAX = 1_000

FIND_FILE = "SELECT id FROM bank_files WHERE sha256 = $1"
ADD_FILE = """
INSERT INTO bank_files (sha256, content, name, format, imported_at, imported_by)
VALUES (sha256($1), $1, $2, $3, $4, $5) RETURNING id"""
ADD_STATEMENT = """
INSERT INTO statements (file_id, account, currency, format, identification, sequence, opening_cents,
                        closing_cents, opening_on, closing_on, remarks, is_booked)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id"""
# A line may have been recorded by hand, under the bank's bare reference.
FIND_LINES = """
SELECT w.reference, l.id, l.reference = w.reference AS is_its_own
FROM unnest($1::text[], $2::text[], $3::date[], $4::bigint[])
    AS w (reference, bank_reference, booked_on, amount_cents)
JOIN bank_lines l ON l.reference = w.reference
  OR (l.reference = w.bank_reference AND (l.booked_on, l.amount_cents) = (w.booked_on, w.amount_cents))
ORDER BY is_its_own DESC, w.reference"""
ADD_LINES = """
INSERT INTO bank_lines (reference, booked_on, amount_cents, label, entry)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::text[], $5::bigint[])
RETURNING reference, id"""
ADD_STATEMENT_LINES = """
INSERT INTO statement_lines (statement_id, position, amount_cents, booked_on, reference, label, transactions,
                             batches, bank_line_id)
SELECT $1, l.position, l.amount_cents, l.booked_on, l.reference, l.label, l.transactions::jsonb,
       l.batches::jsonb, l.bank_line_id
FROM unnest($2::integer[], $3::bigint[], $4::date[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::bigint[])
     AS l (position, amount_cents, booked_on, reference, label, transactions, batches, bank_line_id)"""
# A notice tells more of the one line that it can be about; where there are two, a person decides.
LINK_NOTICES = """
UPDATE statement_lines n SET bank_line_id = found.bank_line_id
FROM (SELECT u.id, min(b.bank_line_id) AS bank_line_id
      FROM statement_lines u JOIN statement_lines b ON b.amount_cents = u.amount_cents
           AND b.bank_line_id IS NOT NULL
           AND CASE WHEN b.reference IS NOT NULL AND u.reference IS NOT NULL THEN b.reference = u.reference
                    ELSE b.booked_on = u.booked_on END
      WHERE u.bank_line_id IS NULL GROUP BY u.id HAVING count(DISTINCT b.bank_line_id) = 1) AS found
WHERE n.id = found.id"""
ADD_REPORTS = """
INSERT INTO bank_reports (file_id, original_message_id, end_to_end_id, status, reason)
SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::text[])"""
REPORTS = """
SELECT DISTINCT original_message_id, end_to_end_id, status, reason FROM bank_reports
WHERE original_message_id = ANY($1) ORDER BY original_message_id, end_to_end_id NULLS FIRST, status"""
STATEMENTS = """
SELECT s.id, s.account, s.currency, s.format, s.identification, s.sequence, s.opening_cents, s.closing_cents,
       s.opening_on, s.closing_on, s.remarks, f.name, f.imported_at,
       (SELECT count(*)::integer FROM statement_lines l WHERE l.statement_id = s.id)
FROM statements s JOIN bank_files f ON f.id = s.file_id
WHERE s.is_booked OR NOT $1 ORDER BY s.id DESC LIMIT $2"""


# Of an account, and of the days around those that a statement tells of.
AROUND = """
SELECT id, opening_cents, closing_cents FROM statements
WHERE is_booked AND account = $1 AND opening_cents IS NOT NULL AND closing_cents IS NOT NULL
  AND closing_on BETWEEN $2 AND $3 ORDER BY id DESC LIMIT $4"""
TOLD = """
SELECT DISTINCT b.reference FROM statement_lines l JOIN bank_lines b ON b.id = l.bank_line_id
WHERE l.statement_id = ANY($1) AND l.booked_on = ANY($2)"""


async def add_file(
    connection: Connection, content: bytes, *, name: str, file_format: str, actor: str, at: datetime
) -> int | None:
    """The file's number in the record; None when the very same bytes were there already."""
    digest = hashlib.sha256(content).digest()
    if await connection.fetchval(FIND_FILE, digest) is not None:
        return None
    file_id = int(await connection.fetchval(ADD_FILE, content, name, file_format, at, actor))
    subject = f"bank_file:{file_id}"
    await record_event(
        connection, actor=actor, action="bank.imported", subject=subject, name=name, sha256=digest.hex()
    )
    return file_id


async def add_statement(
    connection: Connection, file_id: int, statement: NewStatement, *, actor: str, at: datetime
) -> int:
    """Keep it, and book those of its lines that no statement had told before; how many these are."""
    statement_id = await connection.fetchval(
        ADD_STATEMENT,
        file_id,
        statement.account,
        statement.currency,
        statement.format,
        statement.identification,
        statement.sequence,
        statement.opening_cents,
        statement.closing_cents,
        statement.opening_on,
        statement.closing_on,
        statement.remarks,
        statement.is_booked,
    )
    known: dict[str, int] = {}
    fresh: list[NewLine] = []
    if statement.is_booked:
        known = await _known_lines(connection, statement.lines)
        fresh = [line for line in statement.lines if line.reference not in known]
        known |= await _book_lines(connection, fresh, actor=actor, at=at)
    await connection.execute(
        ADD_STATEMENT_LINES,
        statement_id,
        list(range(1, len(statement.lines) + 1)),
        [line.amount_cents for line in statement.lines],
        [line.booked_on for line in statement.lines],
        [line.bank_reference for line in statement.lines],
        [line.label for line in statement.lines],
        [json.dumps(line.mentions) for line in statement.lines],
        [json.dumps(line.message_ids) for line in statement.lines],
        [known.get(line.reference) if statement.is_booked else None for line in statement.lines],
    )
    return len(fresh)


async def _known_lines(connection: Connection, lines: Sequence[NewLine]) -> dict[str, int]:
    rows = await connection.fetch(
        FIND_LINES,
        [line.reference for line in lines],
        [line.bank_reference for line in lines],
        [line.booked_on for line in lines],
        [line.amount_cents for line in lines],
    )
    known: dict[int, str] = {}
    for row in rows:
        known.setdefault(row["id"], row["reference"])  # of lines that look alike, one was recorded by hand
    return {reference: number for number, reference in reversed(known.items())}


async def _book_lines(
    connection: Connection, lines: Sequence[NewLine], *, actor: str, at: datetime
) -> dict[str, int]:
    drafts = [
        Draft(
            EntryKind.BANK_LINE,
            f"bank_line:{line.reference}",
            transfer(line.amount_cents, debit=BANK, credit=SUSPENSE),
            line.label or None,
        )
        for line in lines
    ]
    entries = await post_all(connection, drafts, actor=actor, at=at)
    booked_on: list[date | None] = [line.booked_on for line in lines]
    rows = await connection.fetch(
        ADD_LINES,
        [line.reference for line in lines],
        booked_on,
        [line.amount_cents for line in lines],
        [line.label for line in lines],
        entries,
    )
    return {row["reference"]: row["id"] for row in rows}


async def balances_around(
    connection: Connection, account: str, first: date, last: date
) -> list[tuple[int, int, int]]:
    """Number, opening and closing of the booked statements that closed between these days, newest first."""
    return [tuple(row) for row in await connection.fetch(AROUND, account, first, last, LIST_MAX)]


async def references_told(
    connection: Connection, statements: Sequence[int], days: Sequence[date]
) -> frozenset[str]:
    """Of the lines of these days that these statements tell of."""
    return frozenset(row["reference"] for row in await connection.fetch(TOLD, statements, days))


async def link_notices(connection: Connection) -> None:
    """Whichever came first, the notice or the line that it tells more of."""
    await connection.execute(LINK_NOTICES)


async def add_reports(connection: Connection, file_id: int, reports: Sequence[NewReport]) -> None:
    await connection.execute(
        ADD_REPORTS,
        file_id,
        [report.original_message_id for report in reports],
        [report.end_to_end_id for report in reports],
        [report.status for report in reports],
        [report.reason for report in reports],
    )


async def reports_on(connection: Connection, message_ids: Sequence[str]) -> list[NewReport]:
    return [NewReport(*row) for row in await connection.fetch(REPORTS, list(message_ids))]


async def known_statements(connection: Connection, *, booked_only: bool = False) -> list[KnownStatement]:
    """Newest first."""
    return [_statement(row) for row in await connection.fetch(STATEMENTS, booked_only, LIST_MAX)]


def _statement(row: Record) -> KnownStatement:
    return KnownStatement(*row)
