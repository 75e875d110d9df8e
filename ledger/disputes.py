"""Disputes: a line of a closed remittance is held, and only it; then it is paid after all, or corrected."""

from datetime import datetime
from uuid import UUID

import asyncpg

from ledger.acceptances import LOCK_OPERATOR
from ledger.connect import Connection, Record
from ledger.correction_rows import CorrectionCause, Dispute, DisputeOutcome
from ledger.corrections import correct_held_line, refuse_reason
from ledger.events import record_event

LIST_MAX = 1_000

COLUMNS = """d.id, d.operator_id, d.number, d.line, d.programme_id, d.amount_cents, d.reason, d.opened_at,
       d.outcome, d.resolved_at, d.resolution"""
LINE = """
SELECT l.amount_cents, t.programme_id FROM remittance_lines l
JOIN booklets b ON b.number = l.booklet JOIN batches t ON t.id = b.batch_id
WHERE (l.operator_id, l.number, l.line) = ($1, $2, $3)"""
LEFT = """
SELECT coalesce(sum(amount_cents), 0)::bigint FROM remittance_portions
WHERE (operator_id, number, programme_id, portion) = ($1, $2, $3, 0)"""
DISPUTED = "SELECT id FROM disputes WHERE (operator_id, number, line) = ($1, $2, $3)"
ADD = f"""
INSERT INTO disputes AS d (operator_id, number, line, programme_id, amount_cents, reason, opened_by,
                           opened_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {COLUMNS}"""
LOCK = f"""
SELECT {COLUMNS}, l.attempt_id FROM disputes d JOIN remittance_lines l
  ON (l.operator_id, l.number, l.line) = (d.operator_id, d.number, d.line)
WHERE d.id = $1 FOR UPDATE OF d"""
RESOLVE = f"""
UPDATE disputes d SET outcome = $2, resolved_at = $3, resolved_by = $4, resolution = $5, correction_id = $6
WHERE d.id = $1 RETURNING {COLUMNS}"""
HELD = f"""
SELECT {COLUMNS} FROM disputes d WHERE ($1::integer IS NULL OR d.operator_id = $1) AND d.outcome IS NULL
ORDER BY d.id LIMIT $2"""
OF_REMITTANCE = f"""
SELECT {COLUMNS} FROM disputes d WHERE (d.operator_id, d.number) = ($1, $2) ORDER BY d.line"""


class DisputeRefused(Exception):
    """Nothing was changed; the text says why and what to do."""


async def open_dispute(
    connection: Connection,
    *,
    operator_id: int,
    number: int,
    line: int,
    reason: str,
    opened_by: int,
    actor: str,
    at: datetime,
) -> Dispute:
    """Hold the amount of one line of a closed remittance; the rest is paid. opened_by: a console account."""
    refuse_reason(reason)
    key = (operator_id, number, line)
    try:
        async with connection.transaction():
            await connection.execute(LOCK_OPERATOR, operator_id)
            amount_cents, programme_id = await _disputable(connection, key)
            facts = (programme_id, amount_cents, reason, opened_by, at)
            row = await connection.fetchrow(ADD, *key, *facts)
            await _tell(connection, "dispute.open", row, reason=reason, actor=actor)
    except asyncpg.RestrictViolationError as error:
        raise DisputeRefused(str(error)) from None
    return read_dispute(row)


async def release_dispute(
    connection: Connection, dispute_id: int, *, reason: str, resolved_by: int, actor: str, at: datetime
) -> Dispute:
    """The line is due after all: it is paid by a transfer of its own."""
    refuse_reason(reason)
    async with connection.transaction():
        held, _ = await _held(connection, dispute_id)
        row = await connection.fetchrow(
            RESOLVE, held.id, DisputeOutcome.RELEASED.value, at, resolved_by, reason, None
        )
        await _tell(connection, "dispute.release", row, reason=reason, actor=actor)
    return read_dispute(row)


async def correct_dispute(
    connection: Connection,
    dispute_id: int,
    *,
    cause: CorrectionCause,
    reason: str,
    resolved_by: int,
    actor: str,
    at: datetime,
) -> Dispute:
    """The line is never paid: its money goes back to the programme's funds."""
    refuse_reason(reason)
    async with connection.transaction():
        held, attempt_id = await _held(connection, dispute_id)
        correction = await correct_held_line(
            connection,
            operator_id=held.operator_id,
            programme_id=held.programme_id,
            amount_cents=held.amount_cents,
            cause=cause,
            reason=reason,
            attempt_id=attempt_id,
            decided_by=resolved_by,
            actor=actor,
            subject=f"dispute:{held.id}",
            at=at,
        )
        row = await connection.fetchrow(
            RESOLVE, held.id, DisputeOutcome.CORRECTED.value, at, resolved_by, reason, correction.id
        )
        await _tell(connection, "dispute.correct", row, reason=reason, actor=actor)
    return read_dispute(row)


async def held_disputes(connection: Connection, operator_id: int | None = None) -> list[Dispute]:
    """What is held now, oldest first. None: of every operator."""
    return [read_dispute(row) for row in await connection.fetch(HELD, operator_id, LIST_MAX)]


async def disputes_of(connection: Connection, operator_id: int, number: int) -> list[Dispute]:
    """All that was ever disputed of a remittance, resolved or not."""
    return [read_dispute(row) for row in await connection.fetch(OF_REMITTANCE, operator_id, number)]


async def _disputable(connection: Connection, key: tuple[int, int, int]) -> tuple[int, int]:
    row = await connection.fetchrow(LINE, *key)
    operator_id, number, line = key
    if row is None:
        raise DisputeRefused(f"operator {operator_id} has no remittance {number} with a line {line}")
    if await connection.fetchval(DISPUTED, *key) is not None:
        raise DisputeRefused(f"line {line} of remittance {number} was disputed before; decide a correction")
    amount_cents, programme_id = row
    left = await connection.fetchval(LEFT, operator_id, number, programme_id)
    if left < amount_cents:
        raise DisputeRefused(
            f"after its corrections, programme {programme_id} owes {left} c of remittance {number}:"
            f" {amount_cents} c can't be held; decide a correction"
        )
    return amount_cents, programme_id


async def _held(connection: Connection, dispute_id: int) -> tuple[Dispute, UUID]:
    row = await connection.fetchrow(LOCK, dispute_id)
    if row is None:
        raise DisputeRefused(f"no dispute {dispute_id}")
    if row["outcome"] is not None:
        raise DisputeRefused(f"dispute {dispute_id} is {row['outcome']} already")
    return read_dispute(row), row["attempt_id"]


def read_dispute(row: Record) -> Dispute:
    facts = dict(row.items())
    facts.pop("attempt_id", None)
    outcome = facts.pop("outcome")
    return Dispute(**facts, outcome=DisputeOutcome(outcome) if outcome else None)


async def _tell(connection: Connection, action: str, row: Record, *, reason: str, actor: str) -> None:
    await record_event(
        connection,
        actor=actor,
        action=action,
        subject=f"dispute:{row['id']}",
        reason=reason,
        operator=row["operator_id"],
        remittance=row["number"],
        line=row["line"],
        amount_cents=row["amount_cents"],
    )
