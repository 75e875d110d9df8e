"""Replacements: a booklet that was lost, stolen or spoiled is shut for good, and what is left of it goes out
again under another number, on the same money, once.

Two stages, each safe to run again. Shutting refuses every later scan, those too that an offline phone made
before: the same pass could otherwise be taken under both numbers. Only when no scan that still saw the old
booklet active can be on its way is what is left counted and issued.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta

from ledger.book_rows import Draft, EntryKind, circulation_of, funds_of, transfer
from ledger.booklets import ACTIVE_KEY, ADD_BATCH, TAKE_NUMBERS, IssueRefused, cancel_booklets
from ledger.books import post_all
from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.rows import CancelCause

LOOK_SECONDS = 0.02
WAIT_MAX = timedelta(seconds=15)  # longer than any statement may last

CAUSES = frozenset({CancelCause.LOST, CancelCause.STOLEN, CancelCause.REPLACED})

# Locked first, by a statement of its own: one that waits for its lock counts by what it saw before.
LOCK = "SELECT FROM booklets WHERE number = $1 FOR UPDATE"
BOOKLET = """
SELECT b.state, b.pass_count, b.cancel_cause, b.released_at, b.replaced_at, b.activated_at, t.programme_id,
       b.face_value_cents, b.prescribed_by, p.expires_at, p.expires_at <= $2 AS is_over,
       line.root,
       (SELECT count(*) FROM acceptances a WHERE a.booklet = b.number AND a.undone_at IS NULL) AS taken,
       coalesce((SELECT sum(h.last_pass - h.first_pass + 1) FROM handouts h
                 WHERE h.booklet = b.number AND h.undone_at IS NULL), 0) AS handed_out,
       -- The first of its line was at a territory, and is there no more.
       EXISTS (SELECT FROM delivered_booklets d WHERE d.booklet = line.root)
           AND NOT EXISTS (SELECT FROM booklet_territories e WHERE e.booklet = line.root) AS came_back,
       coalesce((SELECT r.was_handed_out FROM replacements r WHERE r.new_booklet = b.number), false)
           AS was_replacement
FROM booklets b JOIN batches t ON t.id = b.batch_id JOIN programmes p ON p.id = t.programme_id,
LATERAL (SELECT coalesce((SELECT r.root_booklet FROM replacements r WHERE r.new_booklet = b.number), b.number)
             AS root) AS line
WHERE b.number = $1"""
MARK = "UPDATE booklets SET replaced_at = $2 WHERE number = $1"
ADD = """
INSERT INTO replacements (old_booklet, root_booklet, decided_at, decided_by, reason, was_handed_out)
VALUES ($1, $2, $3, $4, $5, $6)"""
FIND = """
SELECT old_booklet, root_booklet, decided_at, decided_by, reason, was_handed_out, done_at, passes, new_booklet
FROM replacements WHERE old_booklet = $1"""
LINE = """
SELECT old_booklet, root_booklet, decided_at, decided_by, reason, was_handed_out, done_at, passes, new_booklet
FROM replacements WHERE old_booklet = $1 OR new_booklet = $1 ORDER BY decided_at"""
UNFINISHED = "SELECT old_booklet FROM replacements WHERE done_at IS NULL ORDER BY decided_at"
# Whoever inserts acceptances holds this lock from before its snapshot to its commit. Who begins to hold it
# after the booklet was shut sees it shut; who held it then is waited for.
SCANS_UNDER_WAY = """
SELECT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'acceptances'::regclass AND mode = 'RowExclusiveLock'
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND pid <> pg_backend_pid()"""
LOCK_REPLACEMENT = "SELECT done_at FROM replacements WHERE old_booklet = $1 FOR UPDATE"
RELEASE = "UPDATE booklets SET released_at = $2 WHERE number = $1 AND released_at IS NULL RETURNING number"
ADD_BOOKLET = """
INSERT INTO booklets (number, batch_id, face_value_cents, pass_count) VALUES ($1, $2, $3, $4)"""
ACTIVATE = """
UPDATE booklets SET state = 'active', activated_at = $2, prescribed_by = $3 WHERE number = $1"""
PRESCRIBE_TOO = """
INSERT INTO co_prescriptions SELECT $2, person_id FROM co_prescriptions WHERE booklet = $1"""
INHERIT = """
WITH moved AS (
    INSERT INTO transfers (territory_id, from_id, to_id, booklet_count, moved_at, moved_by, reason)
    SELECT p.territory_id, NULL, p.id, 1, $3, $4, 'remplacement'
    FROM booklet_custody c JOIN prescribers p ON p.id = c.prescriber_id WHERE c.booklet = $1
    RETURNING id, to_id
), told AS (
    INSERT INTO transferred_booklets (transfer_id, booklet) SELECT id, $2 FROM moved RETURNING transfer_id
)
INSERT INTO booklet_custody (booklet, prescriber_id, since, transfer_id)
SELECT $2, to_id, $3, id FROM moved"""
END = "UPDATE replacements SET done_at = $2, passes = $3, new_booklet = $4 WHERE old_booklet = $1"


class ReplacementRefused(Exception):
    """Nothing was changed; the text says why and what to do."""


class ReplacementWaits(Exception):
    """The old booklet is shut; what is left of it is issued when this is asked for again."""


@dataclass(frozen=True, slots=True)
class Replacement:
    old_booklet: int
    root_booklet: int
    decided_at: datetime
    decided_by: str
    reason: str
    was_handed_out: bool
    done_at: datetime | None
    passes: int | None
    new_booklet: int | None


async def replace_booklet(
    connection: Connection, number: int, *, cause: CancelCause, at: datetime, actor: str, reason: str
) -> Replacement:
    """Both stages; a repeat finishes what was begun, or tells what was done."""
    if await find_replacement(connection, number) is None:
        await _shut(connection, number, cause=cause, at=at, actor=actor, reason=reason)
    return await finish_replacement(connection, number, at=at, actor=actor)


async def finish_replacement(connection: Connection, number: int, *, at: datetime, actor: str) -> Replacement:
    """The second stage alone, of a booklet that is shut; no transaction is open. Raises ReplacementWaits."""
    assert not connection.is_in_transaction()
    begun = await find_replacement(connection, number)
    if begun is None:
        raise ReplacementRefused(f"booklet {number} is not being replaced")
    if begun.done_at is None:
        await _wait_for_scans(connection)
        await _issue_again(connection, begun, at=at, actor=actor)
    found = await find_replacement(connection, number)
    assert found is not None
    return found


async def find_replacement(connection: Connection, old_booklet: int) -> Replacement | None:
    row = await connection.fetchrow(FIND, old_booklet)
    return Replacement(*row) if row else None


async def replacements_around(connection: Connection, booklet: int) -> list[Replacement]:
    """The one that replaced it, and the one that it replaces."""
    return [Replacement(*row) for row in await connection.fetch(LINE, booklet)]


async def unfinished_replacements(connection: Connection) -> list[int]:
    return [row["old_booklet"] for row in await connection.fetch(UNFINISHED)]


async def _shut(
    connection: Connection, number: int, *, cause: CancelCause, at: datetime, actor: str, reason: str
) -> None:
    if cause not in CAUSES:
        raise ReplacementRefused("what is replaced was lost, stolen or spoiled (replaced)")
    async with connection.transaction():
        await connection.execute(LOCK, number)
        row = await connection.fetchrow(BOOKLET, number, at)
        if row is None:
            raise ReplacementRefused(f"booklet {number} was never issued")
        if row["replaced_at"] is not None:
            return
        if why := _why_not(row):
            raise ReplacementRefused(f"booklet {number} can't be replaced: {why}")
        if row["state"] != "cancelled":
            await cancel_booklets(connection, [number], cause=cause, at=at, actor=actor, reason=reason)
        await connection.execute(MARK, number, at)
        handed_out = bool(row["handed_out"]) or row["was_replacement"]
        await connection.execute(ADD, number, row["root"], at, actor, reason, handed_out)


def _why_not(row: Record) -> str | None:
    if row["activated_at"] is None:
        return "it was never active; cancel it, and hand out another one"
    if row["is_over"]:
        return "its programme's passes have expired"
    if row["came_back"]:
        return "it came back from its territory; hand out another one"
    if row["released_at"] is not None:
        return "its money went back to the programme when its last scan could have come; hand out another one"
    if row["cancel_cause"] not in {None, *CAUSES}:
        return f"it is cancelled as {row['cancel_cause']}"
    if row["taken"] >= row["pass_count"]:
        return "all its passes are taken"
    if 0 < row["handed_out"] < row["pass_count"]:
        return "it is handed out in part: nobody can say which passes are whose; hand out another one"
    return None


async def _wait_for_scans(connection: Connection) -> None:
    waited_for = {row[0] for row in await connection.fetch(SCANS_UNDER_WAY)}
    try:
        async with asyncio.timeout(WAIT_MAX.total_seconds()):
            while waited_for & {row[0] for row in await connection.fetch(SCANS_UNDER_WAY)}:  # noqa: ASYNC110 - another server's
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise ReplacementWaits("scans are under way for longer than they should; ask again") from None


async def _issue_again(connection: Connection, begun: Replacement, *, at: datetime, actor: str) -> None:
    number = begun.old_booklet
    async with connection.transaction():
        if await connection.fetchval(LOCK_REPLACEMENT, number) is not None:
            return
        await connection.execute(LOCK, number)
        row = await connection.fetchrow(BOOKLET, number, at)
        left = row["pass_count"] - row["taken"]
        if row["is_over"]:
            left = 0  # what expired meanwhile is not issued again: its money goes back
        is_released = await connection.fetchval(RELEASE, number, at) is not None
        assert is_released
        untaken_cents = (row["pass_count"] - row["taken"]) * row["face_value_cents"]
        new_booklet = await _new_booklet(connection, row, left, at=at, actor=actor) if left else None
        if new_booklet is not None:
            await connection.execute(PRESCRIBE_TOO, number, new_booklet)
            await connection.execute(INHERIT, number, new_booklet, at, actor)
        await connection.execute(END, number, at, left, new_booklet)
        await record_event(
            connection,
            actor=actor,
            action="booklet.replace",
            subject=f"booklet:{number}",
            reason=begun.reason,
            new_booklet=new_booklet,
            passes=left,
        )
        await _move_money(connection, row, untaken_cents, left, new_booklet, at=at, actor=actor)


async def _new_booklet(connection: Connection, row: Record, left: int, *, at: datetime, actor: str) -> int:
    """A batch of one booklet, as many passes as are left, active: its money is there."""
    key_id = await connection.fetchval(ACTIVE_KEY)
    if key_id is None:
        raise IssueRefused("no active pass key; `poincon keys generate pass`, then `poincon keys activate`")
    number = int(await connection.fetchval(TAKE_NUMBERS, 1))
    programme_id = row["programme_id"]
    batch_id = await connection.fetchval(ADD_BATCH, programme_id, key_id, number, 1, row["expires_at"])
    await connection.execute(ADD_BOOKLET, number, batch_id, row["face_value_cents"], left)
    await connection.execute(ACTIVATE, number, at, row["prescribed_by"])
    subject = f"batch:{batch_id}"
    await record_event(
        connection, actor=actor, action="batch.issue", subject=subject, first_booklet=number, booklet_count=1
    )
    await record_event(connection, actor=actor, action="batch.activate", subject=subject, booklets=1)
    return number


async def _move_money(
    connection: Connection,
    row: Record,
    untaken_cents: int,
    left: int,
    new_booklet: int | None,
    *,
    at: datetime,
    actor: str,
) -> None:
    """Out of circulation and into it again, nobody engaging it in between. Last, for the books' lock."""
    programme_id = row["programme_id"]
    funds, circulation = funds_of(programme_id), circulation_of(programme_id)
    drafts = []
    if untaken_cents:
        out = transfer(untaken_cents, debit=circulation, credit=funds)
        drafts.append(Draft(EntryKind.RELEASE, f"programme:{programme_id}", out))
    if new_booklet is not None:
        again = transfer(left * row["face_value_cents"], debit=funds, credit=circulation)
        drafts.append(Draft(EntryKind.ACTIVATION, f"booklet:{new_booklet}", again, "replacement"))
    await post_all(connection, drafts, actor=actor, at=at)
