"""Booklets: issued by batch, activated once their money is there, cancelled. Their passes have no rows until
they are accepted; what becomes of a cancelled booklet's money is in releases.py.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ledger.book_rows import BalanceRefused, EntryKind, circulation_of, funds_of, transfer
from ledger.books import post
from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.notice_facts import booklets_blocked
from ledger.notices import tell_all
from ledger.releases import release_cancelled
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
SELECT b.id, b.programme_id, k.kid, b.first_booklet, b.booklet_count, f.pass_count, b.expires_at
FROM batches b JOIN signing_keys k ON k.id = b.key_id JOIN booklets f ON f.number = b.first_booklet"""
ACTIVATE = """
UPDATE booklets SET state = 'active', activated_at = $2
WHERE batch_id = $1 AND state = 'issued' RETURNING face_value_cents::bigint * pass_count"""
LOCK_BOOKLETS = "SELECT number FROM booklets WHERE number = ANY($1) ORDER BY number FOR UPDATE"
CANCEL = """
UPDATE booklets SET state = 'cancelled', cancelled_at = $2, cancel_cause = $3
WHERE number = ANY($1) AND state <> 'cancelled'
RETURNING number, (SELECT t.programme_id FROM batches t WHERE t.id = batch_id) AS programme_id"""


class IssueRefused(Exception):
    """Nothing was issued or changed; the text says why and what to do."""


class FundsMissing(IssueRefused):
    """Nothing was activated: the programme's money is short by so many cents."""

    def __init__(self, programme_id: int, missing_cents: int) -> None:
        super().__init__(
            f"programme {programme_id} is short of {missing_cents / 100:.2f} €, nothing was activated;"
            " book the money that it received: `poincon funds receive`"
        )
        self.programme_id = programme_id
        self.missing_cents = missing_cents


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
    """Make the passes of a batch acceptable, if their money was received; return how many booklets.

    Raises FundsMissing when the programme's funds do not cover their face value.
    """
    async with connection.transaction():
        batch = await find_batch(connection, batch_id)
        activated = await connection.fetch(ACTIVATE, batch.id, at)
        subject = f"batch:{batch_id}"
        await record_event(
            connection,
            actor=actor,
            action="batch.activate",
            subject=subject,
            reason=reason,
            booklets=len(activated),
        )
        if activated:
            await release_cancelled(connection, batch.programme_id, now=at, actor=actor)
            await engage(
                connection,
                batch.programme_id,
                sum(row[0] for row in activated),
                actor=actor,
                subject=subject,
                reason=reason,
                at=at,
            )
    return len(activated)


async def engage(
    connection: Connection, programme_id: int, amount_cents: int, *, subject: str, **who: Any
) -> None:
    """What was activated leaves the programme's funds, or FundsMissing is raised. Comes last."""
    face_value = transfer(amount_cents, debit=funds_of(programme_id), credit=circulation_of(programme_id))
    try:
        await post(connection, kind=EntryKind.ACTIVATION, postings=face_value, subject=subject, **who)
    except BalanceRefused as refused:
        raise FundsMissing(programme_id, refused.missing_cents) from None


async def cancel_booklets(
    connection: Connection,
    numbers: Sequence[int],
    *,
    cause: CancelCause,
    at: datetime,
    actor: str,
    reason: str | None,
) -> int:
    """Refuse the passes of these booklets from now on; what was accepted before stays accepted.

    Their money stays in circulation as long as an offline phone may bring a scan made before.
    """
    async with connection.transaction():
        # In their order, against deadlocks.
        known = {row["number"] for row in await connection.fetch(LOCK_BOOKLETS, list(numbers))}
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
        await _tell_funders(connection, cancelled, cause, at=at)
    return len(cancelled)


async def _tell_funders(
    connection: Connection, cancelled: Sequence[Record], cause: CancelCause, *, at: datetime
) -> None:
    """One notice per programme, however many booklets."""
    numbers = defaultdict(list)
    for row in cancelled:
        numbers[row["programme_id"]].append(row["number"])
    facts = [
        booklets_blocked(programme_id=programme_id, booklets=those, cause=cause.value)
        for programme_id, those in numbers.items()
    ]
    await tell_all(connection, facts, at=at)


def _batch(row: Record) -> Batch:
    return Batch(*row)
