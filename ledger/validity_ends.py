"""The stages at the end of a programme's validity, each recorded once, with who did it."""

from dataclasses import dataclass
from datetime import date, datetime

import asyncpg

from ledger.booklets import cancel_booklets
from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.releases import release_cancelled, release_expired
from ledger.rows import CancelCause

RUNNING = """
SELECT p.id, p.name, p.funder, r.last_day_of_use, r.grace_days
FROM programmes p JOIN LATERAL (
    SELECT last_day_of_use, grace_days FROM programme_rules WHERE programme_id = p.id
    ORDER BY version DESC LIMIT 1) AS r ON true
WHERE $1::integer IS NULL OR p.id = $1 ORDER BY p.id"""
LOCK = "SELECT FROM programmes WHERE id = $1 FOR NO KEY UPDATE"
DONE = """
SELECT stage, at, by_person, actor, booklets FROM validity_stages
WHERE programme_id = $1 AND last_day = $2 ORDER BY id"""
ADD = """
INSERT INTO validity_stages (programme_id, last_day, stage, at, by_person, actor, booklets)
VALUES ($1, $2, $3, $4, $5, $6, $7)"""
# Nobody got them: neither noted as handed out, nor brought to an operator.
NOT_HANDED_OUT = """
SELECT b.number FROM booklets b JOIN batches t ON t.id = b.batch_id
WHERE t.programme_id = $1 AND b.state = 'active' AND b.released_at IS NULL AND b.prescribed_by IS NULL
  AND NOT EXISTS (SELECT FROM handouts h WHERE h.booklet = b.number AND h.undone_at IS NULL)
  AND NOT EXISTS (SELECT FROM acceptances a WHERE a.booklet = b.number AND a.undone_at IS NULL)
  AND ($2::bigint[] IS NULL OR b.number = ANY($2))
ORDER BY b.number"""
UNRELEASED = """
SELECT EXISTS (SELECT FROM booklets b JOIN batches t ON t.id = b.batch_id
               WHERE t.programme_id = $1 AND b.activated_at IS NOT NULL AND b.released_at IS NULL)"""
# In their order, before they are looked at: whoever hands one out meanwhile waits, or was first.
LOCK_BOOKLETS = "SELECT FROM booklets WHERE number = ANY($1) ORDER BY number FOR UPDATE"


class StageRefused(Exception):
    """Nothing was done; the text says why."""


@dataclass(frozen=True, slots=True)
class EndingProgramme:
    id: int
    name: str
    funder: str
    last_day: date  # of use, without the grace
    grace_days: int


@dataclass(frozen=True, slots=True)
class DoneStage:
    stage: str
    at: datetime
    by_person: int | None
    actor: str
    booklets: tuple[int, ...]


async def ending_programmes(connection: Connection, programme_id: int | None = None) -> list[EndingProgramme]:
    return [EndingProgramme(*row) for row in await connection.fetch(RUNNING, programme_id)]


async def done_stages(connection: Connection, ending: EndingProgramme) -> dict[str, DoneStage]:
    rows = await connection.fetch(DONE, ending.id, ending.last_day)
    return {row["stage"]: _done(row) for row in rows}


async def booklets_not_handed_out(connection: Connection, programme_id: int) -> list[int]:
    return [row[0] for row in await connection.fetch(NOT_HANDED_OUT, programme_id, None)]


async def record_stage(
    connection: Connection,
    ending: EndingProgramme,
    stage: str,
    *,
    at: datetime,
    actor: str,
    person_id: int | None = None,
    booklets: tuple[int, ...] = (),
) -> None:
    """Once per last day; said again, it is refused."""
    try:
        async with connection.transaction():
            await connection.execute(
                ADD, ending.id, ending.last_day, stage, at, person_id, actor, list(booklets)
            )
            await record_event(
                connection,
                actor=actor,
                action=f"validity.{stage}",
                subject=f"programme:{ending.id}",
                booklet_count=len(booklets),
            )
    except asyncpg.UniqueViolationError:
        raise StageRefused(f"{stage} was done already") from None


async def propose_block(
    connection: Connection, ending: EndingProgramme, *, at: datetime, actor: str, person_id: int
) -> int:
    """Those that nobody got by now; how many. Nothing is blocked before the funder approves."""
    async with connection.transaction():
        booklets = tuple(await booklets_not_handed_out(connection, ending.id))
        how = {"at": at, "actor": actor, "person_id": person_id, "booklets": booklets}
        await record_stage(connection, ending, "block_proposed", **how)  # type: ignore[arg-type]
    return len(booklets)


async def approve_block(
    connection: Connection, ending: EndingProgramme, *, at: datetime, actor: str, person_id: int
) -> int:
    """Block the proposed ones, but for those that were handed out meanwhile; how many."""
    async with connection.transaction():
        await connection.execute(LOCK, ending.id)
        proposed = (await done_stages(connection, ending)).get("block_proposed")
        if proposed is None:
            raise StageRefused("no block was proposed")
        if proposed.by_person == person_id:
            raise StageRefused("who proposed the block may not approve it")
        await connection.execute(LOCK_BOOKLETS, list(proposed.booklets))
        left = await connection.fetch(NOT_HANDED_OUT, ending.id, list(proposed.booklets))
        blocked = tuple(row[0] for row in left)
        how = {"at": at, "actor": actor, "person_id": person_id, "booklets": blocked}
        await record_stage(connection, ending, "block_approved", **how)  # type: ignore[arg-type]
        reason = f"jamais remis avant la fin de validité, le {ending.last_day:%d/%m/%Y}"
        await cancel_booklets(
            connection, blocked, cause=CancelCause.RECALLED, at=at, actor=actor, reason=reason
        )
    return len(blocked)


async def release_all(connection: Connection, ending: EndingProgramme, *, at: datetime, actor: str) -> int:
    """What nobody took goes back to the funds, once no scan can come any more; the cents.

    The stage is done when nothing is left: a booklet cancelled lately, or touched this moment, waits for the
    next round.
    """
    async with connection.transaction():
        await connection.execute(LOCK, ending.id)
        cents = await release_cancelled(connection, ending.id, now=at, actor=actor)
        cents += await release_expired(connection, ending.id, now=at, actor=actor)
        if await connection.fetchval(UNRELEASED, ending.id):
            return cents
        await record_stage(connection, ending, "released", at=at, actor=actor)
    return cents


def _done(row: Record) -> DoneStage:
    return DoneStage(row["stage"], row["at"], row["by_person"], row["actor"], tuple(row["booklets"]))
