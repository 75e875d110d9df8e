"""Remittances: closed once under a lock, booked, read back, listed. Payouts are not here.

What an operator may read of them is in remittance_rows.py, which does no I/O.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from keys.passes import PassId
from ledger.acceptances import LOCK_OPERATOR
from ledger.book_rows import Draft, EntryKind, Posting, circulation_of, owed_to, transfer
from ledger.connect import Connection, Record
from ledger.corrections import COLUMNS as CORRECTION_COLUMNS
from ledger.corrections import book_closing, read_correction
from ledger.events import record_event
from ledger.remittance_rows import (
    LINES_MAX,
    ClosedRemittance,
    CloseRefusal,
    NotRemittable,
    Payment,
    Remittance,
    RemittanceLine,
    RemittanceNames,
    RemittancePart,
    Unremittable,
    hash_of_lines,
)

LIST_MAX = 200

# A line's facts, from the acceptance it freezes; acceptances never change.
FACTS = """a.booklet, a.pass_number, a.attempt_id, a.accepted_at, a.amount_cents, t.programme_id, a.site_id,
       s.code"""
OF_ACCEPTANCE = """
JOIN booklets b ON b.number = a.booklet JOIN batches t ON t.id = b.batch_id
JOIN services s ON s.id = a.service_id"""
# The operator is named twice, so that its own lines are read and not everybody's.
NOT_REMITTED = """
NOT EXISTS (SELECT FROM remittance_lines l WHERE l.operator_id = a.operator_id
            AND (l.booklet, l.pass_number, l.attempt_id) = (a.booklet, a.pass_number, a.attempt_id))"""
WAITING = f"""
SELECT row_number() OVER (ORDER BY a.accepted_at, a.booklet, a.pass_number)::integer AS line, {FACTS}
FROM acceptances a {OF_ACCEPTANCE}
WHERE a.operator_id = $1 AND a.undone_at IS NULL AND {NOT_REMITTED}
  AND ($2::uuid[] IS NULL OR a.attempt_id = ANY($2))
ORDER BY line LIMIT $3"""
STATES = f"""
SELECT a.attempt_id, a.undone_at IS NOT NULL AS undone, NOT {NOT_REMITTED} AS remitted
FROM acceptances a WHERE a.operator_id = $1 AND a.attempt_id = ANY($2::uuid[])"""
LINES = f"""
SELECT l.line, {FACTS}
FROM remittance_lines l JOIN acceptances a
  ON (a.booklet, a.pass_number, a.attempt_id) = (l.booklet, l.pass_number, l.attempt_id) {OF_ACCEPTANCE}
WHERE (l.operator_id, l.number) = ($1, $2) ORDER BY l.line"""

CORRECTIONS = f"""
SELECT {CORRECTION_COLUMNS} FROM corrections WHERE (operator_id, remittance_number) = ($1, $2) ORDER BY id"""
COLUMNS = """
SELECT r.operator_id, o.siret, r.number, r.closed_at, r.line_count, r.total_cents, r.lines_sha256,
       r.closed_by, r.certification, r.names,
       ARRAY(SELECT (p.programme_id, p.line_count, p.total_cents, p.payment_delay_days)
             FROM remittance_parts p WHERE (p.operator_id, p.number) = (r.operator_id, r.number)
             ORDER BY p.programme_id) AS parts,
       (SELECT coalesce(sum(c.amount_cents), 0)::bigint FROM corrections c
        WHERE (c.operator_id, c.remittance_number) = (r.operator_id, r.number)) AS corrections_cents,
       p.owed_cents, p.moving_cents, p.paid_cents, p.paid_at, p.came_back, p.bank_reference,
       EXISTS (SELECT FROM disputes d WHERE (d.operator_id, d.number) = (r.operator_id, r.number)
               AND d.outcome IS NULL) AS is_disputed
FROM remittances r JOIN operators o ON o.id = r.operator_id
JOIN remittance_payments p ON (p.operator_id, p.number) = (r.operator_id, r.number)"""
ONE = f"{COLUMNS} WHERE r.operator_id = $1 AND r.number = $2"
LISTED = f"{COLUMNS} WHERE r.operator_id = $1 ORDER BY r.number DESC LIMIT $2 OFFSET $3"
COUNT = "SELECT count(*) FROM remittances WHERE operator_id = $1"
OF_REQUEST = "SELECT number FROM remittances WHERE operator_id = $1 AND request_id = $2"
NEXT_NUMBER = "SELECT coalesce(max(number), 0) + 1 FROM remittances WHERE operator_id = $1"
SIRET = "SELECT siret FROM operators WHERE id = $1"

NAMES = """
SELECT jsonb_build_object(
    'operator', o.name,
    'certified_by', (SELECT name FROM persons WHERE id = $2),
    'sites', (SELECT jsonb_object_agg(id, name) FROM sites WHERE id = ANY($3)),
    'services', (SELECT jsonb_object_agg(code, label) FROM services WHERE code = ANY($4)),
    'programmes', (SELECT jsonb_object_agg(id, name) FROM programmes WHERE id = ANY($5) OR id IN (
        SELECT programme_id FROM corrections WHERE operator_id = $1 AND remittance_number IS NULL)),
    'funders', (SELECT jsonb_object_agg(id, funder) FROM programmes WHERE id = ANY($5) OR id IN (
        SELECT programme_id FROM corrections WHERE operator_id = $1 AND remittance_number IS NULL)))
FROM operators o WHERE o.id = $1"""
ADD = """
INSERT INTO remittances (operator_id, number, closed_at, line_count, total_cents, lines_sha256, closed_by,
                         certified_by, certification, request_id, names)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
ADD_LINES = """
INSERT INTO remittance_lines (operator_id, number, line, booklet, pass_number, attempt_id, amount_cents)
SELECT $1, $2, c.line, c.booklet, c.pass_number, c.attempt_id, c.amount_cents
FROM unnest($3::integer[], $4::bigint[], $5::smallint[], $6::uuid[], $7::integer[])
     AS c (line, booklet, pass_number, attempt_id, amount_cents)"""
ADD_PARTS = """
INSERT INTO remittance_parts (operator_id, number, programme_id, line_count, total_cents, payment_delay_days)
SELECT $1, $2, p.id, c.line_count, c.total_cents, p.payment_delay_days
FROM unnest($3::integer[], $4::integer[], $5::bigint[]) AS c (programme_id, line_count, total_cents)
JOIN programmes p ON p.id = c.programme_id"""


async def close_remittance(
    connection: Connection,
    operator_id: int,
    *,
    at: datetime,
    actor: str,
    certified_by: int | None,
    certification: str,
    attempt_ids: Sequence[UUID] | None = None,
    request_id: UUID | None = None,
) -> ClosedRemittance | CloseRefusal | NotRemittable:
    """Freeze what the operator accepted and has not remitted yet, oldest first, or just the attempts given.

    A repeat of request_id is told the remittance that it closed. Of several closings at once the first takes
    all, and the others find nothing.
    """
    async with connection.transaction():
        # A statement of its own: the next ones must see what whoever held the lock has committed.
        await connection.execute(LOCK_OPERATOR, operator_id)
        if request_id and (number := await connection.fetchval(OF_REQUEST, operator_id, request_id)):
            return await _repeated(connection, operator_id, number, actor=actor, attempt_ids=attempt_ids)
        if attempt_ids is not None and (
            refused := await _unremittable(connection, operator_id, set(attempt_ids))
        ):
            return NotRemittable(refused)
        waiting = await connection.fetch(WAITING, operator_id, attempt_ids, LINES_MAX)
        lines = [read_line(row) for row in waiting]
        if not lines:
            return CloseRefusal.NOTHING_TO_REMIT
        number = await connection.fetchval(NEXT_NUMBER, operator_id)
        siret = await connection.fetchval(SIRET, operator_id)
        # In a thread: hashing ten thousand lines would hold the loop, and with it the scans.
        lines_sha256 = await asyncio.to_thread(hash_of_lines, siret, number, lines)
        await connection.execute(
            ADD,
            operator_id,
            number,
            at.replace(microsecond=0),
            len(lines),
            sum(line.amount_cents for line in lines),
            lines_sha256,
            actor,
            certified_by,
            certification,
            request_id,
            await _names(connection, operator_id, certified_by, lines),
        )
        await _add_lines(connection, operator_id, number, lines)
        await _add_parts(connection, operator_id, number, lines)
        await _book(connection, operator_id, number, lines, actor=actor, at=at)
        closed = await read_remittance(connection, operator_id, number)
    assert closed is not None
    assert list(closed.lines) == lines
    return closed


async def _book(
    connection: Connection,
    operator_id: int,
    number: int,
    lines: Sequence[RemittanceLine],
    *,
    actor: str,
    at: datetime,
) -> None:
    """What was in circulation is owed to the operator from now on, by each programme for its part."""
    owed_cents: dict[int, int] = {}
    for line in lines:
        owed_cents[line.programme_id] = owed_cents.get(line.programme_id, 0) + line.amount_cents
    postings: list[Posting] = []
    for programme_id, cents in owed_cents.items():
        owed = owed_to(operator_id, by_programme=programme_id)
        postings += transfer(cents, debit=circulation_of(programme_id), credit=owed)
    closing = Draft(EntryKind.REMITTANCE, f"remittance:{operator_id}/{number}", postings)
    await book_closing(connection, operator_id, number, owed_cents, closing, actor=actor, at=at)


async def _repeated(
    connection: Connection, operator_id: int, number: int, *, actor: str, attempt_ids: Sequence[UUID] | None
) -> ClosedRemittance | CloseRefusal:
    closed = await read_remittance(connection, operator_id, number)
    assert closed is not None
    if attempt_ids is not None and {line.attempt_id for line in closed.lines} != set(attempt_ids):
        return CloseRefusal.REQUEST_REUSED
    # Nothing is told as closed without a commit of one's own after the read: with a synchronous standby the
    # first commit may not have reached it, and this one waits for both.
    subject = f"remittance:{operator_id}/{number}"
    await record_event(connection, actor=actor, action="remittance.repeat", subject=subject)
    return closed


async def _unremittable(
    connection: Connection, operator_id: int, attempt_ids: set[UUID]
) -> dict[UUID, Unremittable]:
    """Which of the attempts can't be remitted, and why; another operator's is as good as unknown."""
    refused = dict.fromkeys(attempt_ids, Unremittable.UNKNOWN)
    for attempt_id, undone, remitted in await connection.fetch(STATES, operator_id, list(attempt_ids)):
        if not undone and not remitted:
            del refused[attempt_id]
        else:
            refused[attempt_id] = Unremittable.REMITTED if remitted else Unremittable.UNDONE
    return refused


async def _names(
    connection: Connection, operator_id: int, certified_by: int | None, lines: Sequence[RemittanceLine]
) -> Any:
    return await connection.fetchval(
        NAMES,
        operator_id,
        certified_by,
        list({line.site_id for line in lines}),
        list({line.service for line in lines}),
        list({line.programme_id for line in lines}),
    )


async def _add_lines(
    connection: Connection, operator_id: int, number: int, lines: Sequence[RemittanceLine]
) -> None:
    await connection.execute(
        ADD_LINES,
        operator_id,
        number,
        [line.line for line in lines],
        [line.pass_id.booklet for line in lines],
        [line.pass_id.number for line in lines],
        [line.attempt_id for line in lines],
        [line.amount_cents for line in lines],
    )


async def _add_parts(
    connection: Connection, operator_id: int, number: int, lines: Sequence[RemittanceLine]
) -> None:
    amounts: dict[int, list[int]] = {}
    for line in lines:
        amounts.setdefault(line.programme_id, []).append(line.amount_cents)
    await connection.execute(
        ADD_PARTS,
        operator_id,
        number,
        list(amounts),
        [len(one) for one in amounts.values()],
        [sum(one) for one in amounts.values()],
    )


async def read_remittance(connection: Connection, operator_id: int, number: int) -> ClosedRemittance | None:
    """The remittance with its lines, which never change: two reads need no common snapshot."""
    row = await connection.fetchrow(ONE, operator_id, number)
    if row is None:
        return None
    lines = await connection.fetch(LINES, operator_id, number)
    corrections = await connection.fetch(CORRECTIONS, operator_id, number)
    return ClosedRemittance(
        _remittance(row),
        tuple(read_line(line) for line in lines),
        tuple(read_correction(correction) for correction in corrections),
    )


async def list_remittances(
    connection: Connection, operator_id: int, *, limit: int, offset: int
) -> tuple[list[Remittance], int]:
    """A page of the operator's remittances, newest first; then how many there are."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(LISTED, operator_id, min(limit, LIST_MAX), offset)
        count = await connection.fetchval(COUNT, operator_id)
    return [_remittance(row) for row in rows], count


def read_line(row: Record) -> RemittanceLine:
    line, booklet, number, *rest = row
    return RemittanceLine(line, PassId(booklet, number), *rest)


def _remittance(row: Record) -> Remittance:
    return Remittance(
        operator_id=row["operator_id"],
        siret=row["siret"],
        number=row["number"],
        closed_at=row["closed_at"],
        line_count=row["line_count"],
        total_cents=row["total_cents"],
        lines_sha256=row["lines_sha256"],
        closed_by=row["closed_by"],
        certification=row["certification"],
        names=_names_of(row["names"]),
        parts=tuple(RemittancePart(*part) for part in row["parts"]),
        corrections_cents=row["corrections_cents"],
        payment=Payment(
            owed_cents=row["owed_cents"],
            is_disputed=row["is_disputed"],
            moving_cents=row["moving_cents"],
            paid_cents=row["paid_cents"],
            paid_at=row["paid_at"],
            came_back=row["came_back"],
            bank_reference=row["bank_reference"],
        ),
    )


def _names_of(names: dict[str, Any]) -> RemittanceNames:
    """JSON's keys are texts; numbers are made of them again."""
    return RemittanceNames(
        operator=names["operator"],
        certified_by=names["certified_by"],
        sites=_by_number(names["sites"]),
        services=dict(names["services"]),
        programmes=_by_number(names["programmes"]),
        funders=_by_number(names["funders"]),
    )


def _by_number(named: dict[str, str]) -> dict[int, str]:
    return {int(number): name for number, name in named.items()}
