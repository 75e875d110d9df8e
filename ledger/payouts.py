"""Batches of transfers: drawn up, approved with their file, sent, cancelled, read.

What the bank answers is in matches.py. Every change of payouts is made under one lock, so that two runs at
once are one after the other.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.payout_rows import (
    Attempt,
    AttemptState,
    BatchState,
    OperatorAccount,
    Owed,
    PayoutBatch,
    PayoutRefused,
)

LIST_MAX = 200
OWED_MAX = 20_000

# Taken first by whatever moves payouts or reads statements; the books' own lock comes last.
LOCK_PAYOUTS = "SELECT pg_advisory_xact_lock(4, 0)"

# A portion that nothing alive pays. An offset that is not even, or a line that names one of its attempts and
# is not explained, means that money may have left: nothing is sent again before a person knows.
OWED = """
SELECT p.operator_id, p.number, p.portion, o.name,
       1 + (SELECT coalesce(max(a.attempt), 0) FROM payout_attempts a
            WHERE (a.operator_id, a.number) = (p.operator_id, p.number)) AS attempt,
       EXISTS (SELECT FROM payout_attempts a
               WHERE (a.operator_id, a.number) = (p.operator_id, p.number)
                 AND (a.end_to_end_id = ANY($1)
                      OR (SELECT sum(m.amount_cents) FROM matches m
                          WHERE m.attempt_id = a.id AND m.kind = 'offset' AND m.undone_at IS NULL) <> 0)
              ) AS in_suspense,
       array_agg((p.programme_id, p.amount_cents) ORDER BY p.programme_id)
           FILTER (WHERE p.amount_cents > 0) AS parts
FROM remittance_portions p JOIN operators o ON o.id = p.operator_id
WHERE NOT EXISTS (
    SELECT FROM payout_attempts a
    WHERE (a.operator_id, a.number, a.portion) = (p.operator_id, p.number, p.portion)
      AND a.state IN ('prepared', 'sent', 'booked'))
  AND ($2::integer IS NULL OR p.operator_id = $2)
GROUP BY p.operator_id, p.number, p.portion, o.name HAVING sum(p.amount_cents) > 0
ORDER BY p.operator_id, p.number, p.portion LIMIT $3"""

ADD_BATCH = """
INSERT INTO payout_batches (transfer_count, total_cents, prepared_at, prepared_by)
VALUES ($1, $2, $3, $4) RETURNING id"""
ADD_ATTEMPTS = """
INSERT INTO payout_attempts (batch_id, operator_id, number, portion, attempt, amount_cents, changed_at)
SELECT $1, a.operator_id, a.number, a.portion, a.attempt, a.amount_cents, $2
FROM unnest($3::integer[], $4::integer[], $5::integer[], $6::integer[], $7::bigint[])
     AS a (operator_id, number, portion, attempt, amount_cents)"""
ADD_PARTS = """
INSERT INTO payout_attempt_parts (attempt_id, programme_id, amount_cents)
SELECT a.id, p.programme_id, p.amount_cents
FROM unnest($2::integer[], $3::integer[], $4::integer[], $5::integer[], $6::bigint[])
     AS p (operator_id, number, attempt, programme_id, amount_cents)
JOIN payout_attempts a ON (a.batch_id, a.operator_id, a.number, a.attempt)
                          = ($1, p.operator_id, p.number, p.attempt)"""

BATCH_COLUMNS = """
SELECT id, state, transfer_count, total_cents, prepared_at, prepared_by, approved_at, approved_by, message_id,
       requested_on, file_sha256, sent_at FROM payout_batches"""
ONE = f"{BATCH_COLUMNS} WHERE id = $1"
ALL = f"{BATCH_COLUMNS} ORDER BY id DESC LIMIT $1"
FILE = "SELECT file FROM payout_batches WHERE id = $1"
ATTEMPT_COLUMNS = """
SELECT a.id, a.batch_id, a.operator_id, o.name, a.number, a.portion, a.end_to_end_id, a.amount_cents, a.state,
       a.holder, a.iban, a.bic, a.changed_at, a.reason
FROM payout_attempts a JOIN operators o ON o.id = a.operator_id"""
OF_BATCH = f"{ATTEMPT_COLUMNS} WHERE a.batch_id = $1 ORDER BY a.id"
OF_REMITTANCE = f"{ATTEMPT_COLUMNS} WHERE (a.operator_id, a.number) = ($1, $2) ORDER BY a.attempt"
# What is owed of each attempt now, against what it was drawn up for.
DIFFERING = """
SELECT a.end_to_end_id FROM payout_attempts a
WHERE a.batch_id = $1 AND a.amount_cents IS DISTINCT FROM (
    SELECT sum(p.amount_cents) FROM remittance_portions p
    WHERE (p.operator_id, p.number, p.portion) = (a.operator_id, a.number, a.portion)) ORDER BY a.id"""
FREEZE = """
UPDATE payout_attempts a SET account_id = c.id, holder = c.holder, iban = c.iban, bic = c.bic
FROM operator_bank_accounts c
WHERE a.batch_id = $1 AND c.id = ANY($2::integer[]) AND c.operator_id = a.operator_id"""
APPROVE = """
UPDATE payout_batches SET state = 'approved', approved_at = $2, approved_by = $3, trustee_account_id = $4,
       message_id = $5, requested_on = $6, file = $7, file_sha256 = sha256($7) WHERE id = $1"""
SEND = "UPDATE payout_batches SET state = 'sent', sent_at = $2 WHERE id = $1"
SEND_ATTEMPTS = "UPDATE payout_attempts SET state = 'sent', changed_at = $2 WHERE batch_id = $1"
CANCEL = "UPDATE payout_batches SET state = 'cancelled' WHERE id = $1"
CANCEL_ATTEMPTS = "UPDATE payout_attempts SET state = 'cancelled', changed_at = $2 WHERE batch_id = $1"
SET_STATE = "UPDATE payout_batches SET state = $2 WHERE id = $1"


async def lock_payouts(connection: Connection) -> None:
    """To the end of the transaction. A statement of its own, so that the next one sees what came before."""
    assert connection.is_in_transaction()
    await connection.execute(LOCK_PAYOUTS)


async def owed_portions(
    connection: Connection, *, named_in_suspense: Sequence[str] = (), operator_id: int | None = None
) -> list[Owed]:
    """named_in_suspense: end-to-end ids that lines of the bank name which nobody has explained."""
    rows = await connection.fetch(OWED, list(named_in_suspense), operator_id, OWED_MAX)
    return [
        Owed(
            row["operator_id"],
            row["number"],
            row["portion"],
            row["name"],
            row["attempt"],
            row["in_suspense"],
            tuple(tuple(part) for part in row["parts"]),
        )
        for row in rows
    ]


async def add_batch(
    connection: Connection, owed: Sequence[Owed], *, person_id: int, actor: str, at: datetime
) -> PayoutBatch:
    """Draw up a draft; the database refuses what an earlier batch pays already."""
    assert owed
    async with connection.transaction():
        total_cents = sum(one.amount_cents for one in owed)
        batch_id = await connection.fetchval(ADD_BATCH, len(owed), total_cents, at, person_id)
        await connection.execute(
            ADD_ATTEMPTS,
            batch_id,
            at,
            [one.operator_id for one in owed],
            [one.number for one in owed],
            [one.portion for one in owed],
            _attempt_numbers(owed),
            [one.amount_cents for one in owed],
        )
        parts = [
            (one.operator_id, one.number, attempt, programme_id, cents)
            for one, attempt in zip(owed, _attempt_numbers(owed), strict=True)
            for programme_id, cents in one.parts
        ]
        await connection.execute(ADD_PARTS, batch_id, *map(list, zip(*parts, strict=True)))
        await _tell(
            connection, batch_id, "prepare", actor=actor, transfers=len(owed), total_cents=total_cents
        )
        return await read_batch(connection, batch_id)


def _attempt_numbers(owed: Sequence[Owed]) -> list[int]:
    """Several portions of one remittance in one batch take numbers that follow each other."""
    taken: dict[tuple[int, int], int] = {}
    numbers = []
    for one in owed:
        key = (one.operator_id, one.number)
        taken[key] = taken.get(key, one.attempt - 1) + 1
        numbers.append(taken[key])
    return numbers


async def read_batch(connection: Connection, batch_id: int) -> PayoutBatch:
    row = await connection.fetchrow(ONE, batch_id)
    if row is None:
        raise PayoutRefused(f"no batch {batch_id}; `poincon payouts status` lists them")
    return _batch(row)


async def list_payout_batches(connection: Connection) -> list[PayoutBatch]:
    """Newest first."""
    return [_batch(row) for row in await connection.fetch(ALL, LIST_MAX)]


async def attempts_of(connection: Connection, batch_id: int) -> list[Attempt]:
    return [_attempt(row) for row in await connection.fetch(OF_BATCH, batch_id)]


async def attempts_of_remittance(connection: Connection, operator_id: int, number: int) -> list[Attempt]:
    """Oldest first."""
    return [_attempt(row) for row in await connection.fetch(OF_REMITTANCE, operator_id, number)]


async def no_longer_owed(connection: Connection, batch_id: int) -> list[str]:
    """End-to-end ids of the batch whose amount is not what is owed now."""
    return [row["end_to_end_id"] for row in await connection.fetch(DIFFERING, batch_id)]


async def freeze_accounts(
    connection: Connection, batch_id: int, accounts: Sequence[OperatorAccount]
) -> list[Attempt]:
    """From here on each attempt says itself whom it pays, whatever the account becomes."""
    await connection.execute(FREEZE, batch_id, [account.id for account in accounts])
    return await attempts_of(connection, batch_id)


async def record_approval(
    connection: Connection,
    batch_id: int,
    *,
    person_id: int,
    actor: str,
    at: datetime,
    trustee_account_id: int,
    message_id: str,
    requested_on: date,
    file: bytes,
) -> PayoutBatch:
    await connection.execute(
        APPROVE, batch_id, at, person_id, trustee_account_id, message_id, requested_on, file
    )
    batch = await read_batch(connection, batch_id)
    assert batch.file_sha256 is not None
    await _tell(
        connection, batch_id, "approve", actor=actor, message_id=message_id, sha256=batch.file_sha256.hex()
    )
    return batch


async def batch_file(connection: Connection, batch_id: int) -> bytes:
    """The bytes that were approved: the same ones for ever."""
    batch = await read_batch(connection, batch_id)
    file: bytes | None = await connection.fetchval(FILE, batch_id)
    if file is None:
        raise PayoutRefused(f"batch {batch_id} is {batch.state}: its file exists once it is approved")
    return file


async def mark_sent(connection: Connection, batch_id: int, *, actor: str, at: datetime) -> PayoutBatch:
    """Said again, it changes nothing."""
    async with connection.transaction():
        await lock_payouts(connection)
        batch = await read_batch(connection, batch_id)
        if batch.state in (BatchState.DRAFT, BatchState.CANCELLED):
            raise PayoutRefused(f"batch {batch_id} is {batch.state}: only an approved one is sent")
        if batch.state is not BatchState.APPROVED:
            return batch
        await connection.execute(SEND, batch_id, at)
        await connection.execute(SEND_ATTEMPTS, batch_id, at)
        await _tell(connection, batch_id, "send", actor=actor)
        return await read_batch(connection, batch_id)


async def cancel_batch(
    connection: Connection, batch_id: int, *, actor: str, at: datetime, reason: str
) -> PayoutBatch:
    async with connection.transaction():
        await lock_payouts(connection)
        batch = await read_batch(connection, batch_id)
        if batch.state is BatchState.CANCELLED:
            return batch
        if batch.state is not BatchState.DRAFT:
            raise PayoutRefused(
                f"batch {batch_id} is {batch.state}: its file may be at the bank; wait for the statement"
            )
        await connection.execute(CANCEL, batch_id)
        await connection.execute(CANCEL_ATTEMPTS, batch_id, at)
        await _tell(connection, batch_id, "cancel", actor=actor, reason=reason)
        return await read_batch(connection, batch_id)


async def set_batch_state(
    connection: Connection, batch_id: int, state: BatchState, *, actor: str, reason: str | None = None
) -> None:
    await connection.execute(SET_STATE, batch_id, state.value)
    await _tell(connection, batch_id, state.value, actor=actor, reason=reason)


async def _tell(
    connection: Connection,
    batch_id: int,
    verb: str,
    *,
    actor: str,
    reason: str | None = None,
    **detail: Any,
) -> None:
    await record_event(
        connection,
        actor=actor,
        action=f"payout.{verb}",
        subject=f"payout:{batch_id}",
        reason=reason,
        **detail,
    )


def _batch(row: Record) -> PayoutBatch:
    identity, state, *rest = row
    return PayoutBatch(identity, BatchState(state), *rest)


def _attempt(row: Record) -> Attempt:
    facts = list(row)
    facts[8] = AttemptState(facts[8])
    return Attempt(*facts)
