"""Booklets: issued by batch, activated, cancelled. Their passes have no rows until they are accepted."""

from collections.abc import Sequence
from datetime import datetime

from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.rows import BOOKLETS_MAX, Batch, CancelCause

BOOKLETS_PER_BATCH_MAX = 100_000

# The counter's row lock makes issuing sequential and, within the transaction, all or nothing.
TAKE_NUMBERS = "UPDATE booklet_counter SET next_booklet = next_booklet + $1 RETURNING next_booklet - $1"
ACTIVE_KEY = "SELECT id FROM signing_keys WHERE purpose = 'pass' AND state = 'active'"
PROGRAMME = "SELECT expires_at FROM programmes WHERE id = $1"
ADD_BATCH = """
INSERT INTO batches (programme_id, key_id, first_booklet, booklet_count, expires_at)
VALUES ($1, $2, $3, $4, $5) RETURNING id"""
ADD_BOOKLETS = """
INSERT INTO booklets (number, batch_id, face_value_cents, pass_count)
SELECT n, b.id, p.face_value_cents, p.booklet_size
FROM batches b JOIN programmes p ON p.id = b.programme_id,
     generate_series(b.first_booklet, b.first_booklet + b.booklet_count - 1) AS n
WHERE b.id = $1"""
SELECT_BATCH = """
SELECT b.id, b.programme_id, k.kid, b.first_booklet, b.booklet_count, p.booklet_size, b.expires_at
FROM batches b JOIN signing_keys k ON k.id = b.key_id JOIN programmes p ON p.id = b.programme_id"""
ACTIVATE = """
UPDATE booklets SET state = 'active', activated_at = $2
WHERE batch_id = $1 AND state = 'issued' RETURNING number"""
CANCEL = """
UPDATE booklets SET state = 'cancelled', cancelled_at = $2, cancel_cause = $3
WHERE number = ANY($1) AND state <> 'cancelled' RETURNING number"""
KNOWN = "SELECT number FROM booklets WHERE number = ANY($1)"


class IssueRefused(Exception):
    """Nothing was issued or changed; the text says why and what to do."""


async def issue_batch(connection: Connection, programme_id: int, booklet_count: int, *, actor: str) -> Batch:
    """Record the next booklet_count booklets of a programme: all of them, or none."""
    if not 1 <= booklet_count <= BOOKLETS_PER_BATCH_MAX:
        raise IssueRefused(f"a batch holds 1 to {BOOKLETS_PER_BATCH_MAX} booklets, not {booklet_count}")
    async with connection.transaction():
        expires_at = await connection.fetchval(PROGRAMME, programme_id)
        if expires_at is None:
            raise IssueRefused(f"no programme {programme_id}; `poincon programmes list` shows those known")
        key_id = await connection.fetchval(ACTIVE_KEY)
        if key_id is None:
            raise IssueRefused(
                "no active pass key; `poincon keys generate pass`, then `poincon keys activate`"
            )
        first_booklet = await connection.fetchval(TAKE_NUMBERS, booklet_count)
        if first_booklet + booklet_count - 1 > BOOKLETS_MAX:
            raise IssueRefused(f"an instance holds {BOOKLETS_MAX} booklets; open another one")
        batch_id = await connection.fetchval(
            ADD_BATCH, programme_id, key_id, first_booklet, booklet_count, expires_at
        )
        await connection.execute(ADD_BOOKLETS, batch_id)
        await record_event(
            connection,
            actor=actor,
            action="batch.issue",
            subject=f"batch:{batch_id}",
            first_booklet=first_booklet,
            booklet_count=booklet_count,
        )
        return await find_batch(connection, batch_id)


async def find_batch(connection: Connection, batch_id: int) -> Batch:
    row = await connection.fetchrow(f"{SELECT_BATCH} WHERE b.id = $1", batch_id)
    if row is None:
        raise IssueRefused(f"no batch {batch_id}; `poincon booklets list` shows those known")
    return _batch(row)


async def list_batches(connection: Connection) -> list[Batch]:
    return [_batch(row) for row in await connection.fetch(f"{SELECT_BATCH} ORDER BY b.id")]


async def activate_batch(
    connection: Connection, batch_id: int, *, at: datetime, actor: str, reason: str
) -> int:
    """Make the passes of a batch acceptable, once their money was received; return how many booklets."""
    async with connection.transaction():
        batch = await find_batch(connection, batch_id)
        activated = await connection.fetch(ACTIVATE, batch.id, at)
        await record_event(
            connection,
            actor=actor,
            action="batch.activate",
            subject=f"batch:{batch_id}",
            reason=reason,
            booklets=len(activated),
        )
    return len(activated)


async def cancel_booklets(
    connection: Connection,
    numbers: Sequence[int],
    *,
    cause: CancelCause,
    at: datetime,
    actor: str,
    reason: str | None,
) -> int:
    """Refuse the passes of these booklets from now on; what was accepted before stays accepted."""
    async with connection.transaction():
        known = {row["number"] for row in await connection.fetch(KNOWN, list(numbers))}
        if unknown := sorted(set(numbers) - known):
            raise IssueRefused(f"never issued, nothing was cancelled: booklets {unknown[:20]}")
        cancelled = await connection.fetch(CANCEL, list(numbers), at, cause.value)
        for row in cancelled:
            subject = f"booklet:{row['number']}"
            await record_event(
                connection,
                actor=actor,
                action="booklet.cancel",
                subject=subject,
                reason=reason,
                cause=cause.value,
            )
    return len(cancelled)


def _batch(row: Record) -> Batch:
    return Batch(*row)
