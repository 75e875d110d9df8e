"""Reads for accounts rendered: each as it was at the end of a period. Entries are read by books.py.

programme_ids None: of every programme. Call them in one transaction that sees one state of the record.
"""

from collections.abc import Sequence

from ledger.book_rows import AccountKind, BookAccount, EntryKind
from ledger.connect import Connection, Record
from ledger.rendering_rows import (
    BankFile,
    Decided,
    Disputed,
    Movement,
    Paid,
    Parties,
    Period,
    Unpaid,
    Waiting,
)

ROWS_MAX = 200_000  # of one list; a shorter period holds fewer
Scope = Sequence[int] | None

PROGRAMMES = "SELECT id, name, funder FROM programmes ORDER BY id"
OPERATORS = "SELECT id, siret, name FROM operators ORDER BY id"
TRUSTEE = """
SELECT holder FROM trustee_accounts WHERE approved_at < $1 ORDER BY approved_at DESC, id DESC LIMIT 1"""
MOVEMENTS = """
SELECT a.kind, coalesce(a.programme_id, 0), coalesce(a.operator_id, 0), e.kind,
       coalesce(sum(p.amount_cents) FILTER (WHERE e.at < $1), 0)::bigint,
       coalesce(sum(p.amount_cents) FILTER (WHERE e.at >= $1 AND p.amount_cents > 0), 0)::bigint,
       coalesce(-sum(p.amount_cents) FILTER (WHERE e.at >= $1 AND p.amount_cents < 0), 0)::bigint
FROM book_postings p JOIN book_entries e ON e.number = p.entry JOIN book_accounts a ON a.id = p.account_id
WHERE e.at < $2 AND ($3::integer[] IS NULL OR a.programme_id = ANY($3))
GROUP BY a.kind, a.programme_id, a.operator_id, e.kind"""
REMITTANCES = """
SELECT operator_id, number FROM remittances r
WHERE closed_at >= $1 AND closed_at < $2 AND ($3::integer[] IS NULL OR EXISTS (
    SELECT FROM remittance_parts p WHERE (p.operator_id, p.number) = (r.operator_id, r.number)
    AND p.programme_id = ANY($3)))
ORDER BY operator_id, number LIMIT $4"""
UNPAID = """
SELECT r.operator_id, r.number, m.programme_id, r.closed_at,
       (SELECT max(p.payment_delay_days) FROM remittance_parts p
        WHERE (p.operator_id, p.number) = (r.operator_id, r.number))::integer,
       sum(m.remitted)::bigint, sum(m.corrected)::bigint, sum(m.paid)::bigint, sum(m.held)::bigint
FROM (
    SELECT operator_id, number, programme_id, total_cents AS remitted, 0 AS corrected, 0 AS paid, 0 AS held
    FROM remittance_parts
    UNION ALL
    SELECT operator_id, remittance_number, programme_id, 0, amount_cents, 0, 0
    FROM corrections WHERE remittance_number IS NOT NULL
    UNION ALL
    SELECT operator_id, number, programme_id, 0,
           CASE WHEN outcome = 'corrected' AND resolved_at < $1 THEN -amount_cents ELSE 0 END, 0,
           CASE WHEN resolved_at < $1 THEN 0 ELSE amount_cents END
    FROM disputes WHERE opened_at < $1
    UNION ALL
    SELECT a.operator_id, a.number, p.programme_id, 0, 0,
           CASE x.kind WHEN 'payout' THEN p.amount_cents ELSE -p.amount_cents END, 0
    FROM matches x JOIN payout_attempts a ON a.id = x.attempt_id
    JOIN payout_attempt_parts p ON p.attempt_id = a.id
    WHERE x.kind IN ('payout', 'return') AND x.matched_at < $1 AND (x.undone_at IS NULL OR x.undone_at >= $1)
) AS m JOIN remittances r ON (r.operator_id, r.number) = (m.operator_id, m.number)
WHERE r.closed_at < $1 AND ($2::integer[] IS NULL OR m.programme_id = ANY($2))
GROUP BY r.operator_id, r.number, m.programme_id, r.closed_at
HAVING sum(m.remitted) + sum(m.corrected) <> sum(m.paid) OR sum(m.held) <> 0
ORDER BY r.operator_id, r.number, m.programme_id LIMIT $3"""
CORRECTIONS = """
SELECT c.id, c.operator_id, c.programme_id, c.amount_cents, c.cause, c.reason, c.attempt_id, c.decided_at,
       r.number, CASE WHEN c.claimed_at < $2 THEN c.claimed_at END, c.is_of_dispute
FROM corrections c LEFT JOIN remittances r
  ON (r.operator_id, r.number) = (c.operator_id, c.remittance_number) AND r.closed_at < $2
WHERE c.decided_at < $2 AND ($3::integer[] IS NULL OR c.programme_id = ANY($3))
  AND (c.decided_at >= $1 OR r.closed_at >= $1 OR c.claimed_at >= $1
       OR (r.number IS NULL AND c.claimed_at IS NULL AND NOT c.is_of_dispute))
ORDER BY c.id LIMIT $4"""
DISPUTES = """
SELECT id, operator_id, number, line, programme_id, amount_cents, reason, opened_at,
       CASE WHEN resolved_at < $2 THEN outcome END, CASE WHEN resolved_at < $2 THEN resolved_at END,
       CASE WHEN resolved_at < $2 THEN resolution END
FROM disputes WHERE opened_at < $2 AND ($3::integer[] IS NULL OR programme_id = ANY($3))
  AND (resolved_at IS NULL OR resolved_at >= $1)
ORDER BY id LIMIT $4"""
PAID = """
SELECT t.at, m.kind, t.is_undone, a.end_to_end_id, a.operator_id, a.number, coalesce(a.holder, ''),
       l.booked_on,
       (SELECT sum(p.amount_cents) FROM payout_attempt_parts p WHERE p.attempt_id = a.id
        AND ($3::integer[] IS NULL OR p.programme_id = ANY($3)))::bigint AS cents,
       CASE WHEN t.is_undone THEN m.undo_reason ELSE e.reason END
FROM matches m JOIN payout_attempts a ON a.id = m.attempt_id JOIN bank_lines l ON l.id = m.bank_line_id
JOIN book_entries e ON e.number = m.entry
CROSS JOIN LATERAL (VALUES (m.matched_at, false), (m.undone_at, true)) AS t (at, is_undone)
WHERE m.kind IN ('payout', 'return') AND t.at >= $1 AND t.at < $2 AND ($3::integer[] IS NULL OR EXISTS (
    SELECT FROM payout_attempt_parts p WHERE p.attempt_id = a.id AND p.programme_id = ANY($3)))
ORDER BY t.at, m.id, t.is_undone LIMIT $4"""
# As lines stood then: an offset explains its line once the lines of its transfer make nothing together. What
# was activated before there were books stands in suspense too, until the bank's lines explain it.
WAITING = """
WITH live AS (
    SELECT * FROM matches WHERE matched_at < $1 AND (undone_at IS NULL OR undone_at >= $1)
), even AS (
    SELECT attempt_id FROM live WHERE kind = 'offset' GROUP BY attempt_id HAVING sum(amount_cents) = 0)
SELECT l.reference, l.booked_on, e.at, l.label, l.amount_cents, l.amount_cents - told.cents AS open_cents
FROM bank_lines l JOIN book_entries e ON e.number = l.entry CROSS JOIN LATERAL (
    SELECT coalesce(sum(m.amount_cents), 0)::bigint AS cents FROM live m WHERE m.bank_line_id = l.id
    AND (m.kind <> 'offset' OR m.attempt_id IN (SELECT attempt_id FROM even))) AS told
WHERE e.at < $1 AND l.amount_cents <> told.cents
  AND NOT EXISTS (SELECT FROM fundings f WHERE f.bank_line_id = l.id AND f.confirmed_at < $1)
  AND NOT EXISTS (SELECT FROM refunds r WHERE r.bank_line_id = l.id AND r.confirmed_at < $1)
UNION ALL
SELECT e.subject, (e.at AT TIME ZONE 'Europe/Paris')::date, e.at, coalesce(e.reason, ''),
       -p.amount_cents, -p.amount_cents
FROM book_entries e JOIN book_postings p ON p.entry = e.number JOIN book_accounts a ON a.id = p.account_id
WHERE e.kind = 'opening' AND a.kind = 'suspense' AND e.at < $1
ORDER BY 3, 1 LIMIT $2"""
RECEIVED = """
SELECT id, name, imported_at, sha256, length(content) FROM bank_files
WHERE imported_at >= $1 AND imported_at < $2 ORDER BY id LIMIT $3"""
MADE = """
SELECT id, message_id || '.xml', approved_at, file_sha256, length(file) FROM payout_batches
WHERE approved_at >= $1 AND approved_at < $2 ORDER BY id LIMIT $3"""
RECEIVED_CONTENT = "SELECT content FROM bank_files WHERE id = $1"
MADE_CONTENT = "SELECT file FROM payout_batches WHERE id = $1"


class TooMuch(Exception):
    """The period holds more than one archive takes; the text says of what."""


async def parties(connection: Connection, period: Period) -> Parties:
    programmes = await connection.fetch(PROGRAMMES)
    return Parties(
        {row["id"]: row["name"] for row in programmes},
        {row["id"]: row["funder"] for row in programmes},
        {row["id"]: (row["siret"], row["name"]) for row in await connection.fetch(OPERATORS)},
        await connection.fetchval(TRUSTEE, period.until),
    )


async def movements(connection: Connection, period: Period, scope: Scope) -> list[Movement]:
    rows = await connection.fetch(MOVEMENTS, period.since, period.until, scope)
    return sorted(
        Movement(BookAccount(AccountKind(row[0]), row[1], row[2]), EntryKind(row[3]), *tuple(row)[4:])
        for row in rows
    )


async def remittances_closed(connection: Connection, period: Period, scope: Scope) -> list[tuple[int, int]]:
    """Operator and number of each, with a part of a programme wanted."""
    rows = await connection.fetch(REMITTANCES, period.since, period.until, scope, ROWS_MAX + 1)
    return [(row[0], row[1]) for row in _bounded(rows, "remittances")]


async def unpaid(connection: Connection, period: Period, scope: Scope) -> list[Unpaid]:
    """What was still owed of each remittance when the period ended, by programme."""
    rows = await connection.fetch(UNPAID, period.until, scope, ROWS_MAX + 1)
    return [Unpaid(*row) for row in _bounded(rows, "unpaid remittances")]


async def corrections(connection: Connection, period: Period, scope: Scope) -> list[Decided]:
    """Decided or ended in the period, or waiting at its end."""
    rows = await connection.fetch(CORRECTIONS, period.since, period.until, scope, ROWS_MAX + 1)
    return [Decided(*row) for row in _bounded(rows, "corrections")]


async def disputes(connection: Connection, period: Period, scope: Scope) -> list[Disputed]:
    """Held at some instant of the period."""
    rows = await connection.fetch(DISPUTES, period.since, period.until, scope, ROWS_MAX + 1)
    return [Disputed(*row) for row in _bounded(rows, "disputes")]


async def paid(connection: Connection, period: Period, scope: Scope) -> list[Paid]:
    rows = await connection.fetch(PAID, period.since, period.until, scope, ROWS_MAX + 1)
    return [Paid(*row) for row in _bounded(rows, "transfers")]


async def waiting(connection: Connection, period: Period) -> list[Waiting]:
    """What stood in suspense when the period ended: together, its balance."""
    rows = await connection.fetch(WAITING, period.until, ROWS_MAX + 1)
    return [Waiting(*row) for row in _bounded(rows, "lines in suspense")]


async def files_received(connection: Connection, period: Period) -> list[BankFile]:
    rows = await connection.fetch(RECEIVED, period.since, period.until, ROWS_MAX + 1)
    return [BankFile(*row) for row in _bounded(rows, "files of the bank")]


async def files_made(connection: Connection, period: Period) -> list[BankFile]:
    """Files of transfers, by the instant of their approval."""
    rows = await connection.fetch(MADE, period.since, period.until, ROWS_MAX + 1)
    return [BankFile(*row) for row in _bounded(rows, "files of transfers")]


async def content_received(connection: Connection, file_id: int) -> bytes:
    return bytes(await connection.fetchval(RECEIVED_CONTENT, file_id))


async def content_made(connection: Connection, batch_id: int) -> bytes:
    return bytes(await connection.fetchval(MADE_CONTENT, batch_id))


def _bounded(rows: Sequence[Record], what: str) -> Sequence[Record]:
    if len(rows) > ROWS_MAX:
        raise TooMuch(f"over {ROWS_MAX} {what} in the period; render a shorter one")
    return rows
