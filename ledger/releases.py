"""Releases: the face value of passes that nobody can take any more goes from circulation back to the funds.

A cancelled booklet is not released at once: a phone that was offline may bring, for 72 hours, a scan made
before the cancellation, and that scan is rightly accepted and paid. Until then its money is not there to be
engaged again.
"""

from datetime import datetime, timedelta

from ledger.book_rows import EntryKind, circulation_of, funds_of, transfer
from ledger.books import post
from ledger.connect import Connection
from ledger.events import record_event

# validator.verdict.OFFLINE_AGE_MAX, and an hour for clocks that differ.
LATE_SCANS_MAX = timedelta(hours=73)

# What was running when a booklet was cancelled has ended, too: no scan that still saw it active is on its
# way. Whoever locks a booklet keeps its undos waiting; in their order, against deadlocks.
LOCK_DUE = """
SELECT b.number FROM booklets b JOIN batches t ON t.id = b.batch_id
WHERE b.cancelled_at <= $1 AND b.activated_at IS NOT NULL AND b.released_at IS NULL
  AND ($2::integer IS NULL OR t.programme_id = $2)
  AND b.changed_by < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY b.number FOR UPDATE OF b"""
# Expired ones stay active: no validity of theirs will come back (0018_periods.sql).
LOCK_EXPIRED = """
SELECT b.number FROM booklets b JOIN batches t ON t.id = b.batch_id JOIN programmes p ON p.id = t.programme_id
WHERE p.id = $2 AND p.expires_at <= $1 AND b.state = 'active' AND b.released_at IS NULL
  AND b.changed_by < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY b.number FOR UPDATE OF b"""
RELEASE = """
UPDATE booklets b SET released_at = $2 FROM batches t
WHERE b.number = ANY($1) AND t.id = b.batch_id AND b.released_at IS NULL
RETURNING t.programme_id, b.number, b.face_value_cents,
    b.pass_count - (SELECT count(*) FROM acceptances a WHERE a.booklet = b.number AND a.undone_at IS NULL)"""
OF_BOOKLET = """
SELECT t.programme_id, b.face_value_cents, b.released_at FROM booklets b JOIN batches t ON t.id = b.batch_id
WHERE b.number = $1"""
# Not FOR SHARE: an undo marks its booklet, and two of them would each wait for the other's share.
LOCK_BOOKLET = "SELECT FROM booklets WHERE number = $1 FOR NO KEY UPDATE"


async def release_cancelled(
    connection: Connection, programme_id: int | None, *, now: datetime, actor: str
) -> int:
    """Release the booklets whose last scan can have come; return the cents. None: of every programme."""
    return await _release(connection, LOCK_DUE, programme_id, now=now, actor=actor)


async def release_expired(connection: Connection, programme_id: int, *, now: datetime, actor: str) -> int:
    """Release what nobody took of a programme that is over, once its last scan can have come; the cents."""
    return await _release(connection, LOCK_EXPIRED, programme_id, now=now, actor=actor)


async def _release(
    connection: Connection, lock: str, programme_id: int | None, *, now: datetime, actor: str
) -> int:
    async with connection.transaction():
        due = await connection.fetch(lock, now - LATE_SCANS_MAX, programme_id)
        if not due:
            return 0
        released = await connection.fetch(RELEASE, [row["number"] for row in due], now)
        cents: dict[int, int] = {}
        for owner, _, face_value_cents, untaken in released:
            cents[owner] = cents.get(owner, 0) + face_value_cents * untaken
        for owner, amount_cents in sorted(cents.items()):
            await _book(connection, owner, amount_cents, actor=actor, subject=f"programme:{owner}", at=now)
            await record_event(
                connection,
                actor=actor,
                action="booklet.release",
                subject=f"programme:{owner}",
                amount_cents=amount_cents,
                booklets=sum(row[0] == owner for row in released),
            )
    return sum(cents.values())


async def lock_booklet(connection: Connection, number: int) -> None:
    """Nobody cancels or releases it until this transaction ends."""
    await connection.execute(LOCK_BOOKLET, number)


async def release_undone(
    connection: Connection, booklet: int, *, attempt: str, at: datetime, actor: str
) -> None:
    """An undone pass of a released booklet can't be taken again: its money goes the same way.

    Lock the booklet before.
    """
    programme_id, face_value_cents, released_at = await connection.fetchrow(OF_BOOKLET, booklet)
    if released_at is not None:
        await _book(connection, programme_id, face_value_cents, actor=actor, subject=attempt, at=at)


async def _book(
    connection: Connection, programme_id: int, amount_cents: int, *, actor: str, subject: str, at: datetime
) -> None:
    if amount_cents:
        await post(
            connection,
            kind=EntryKind.RELEASE,
            postings=transfer(
                amount_cents, debit=circulation_of(programme_id), credit=funds_of(programme_id)
            ),
            actor=actor,
            subject=subject,
            at=at,
        )
