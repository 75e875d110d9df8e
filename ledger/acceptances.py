"""Acceptances read back, listed and undone. They are taken in claims.py only."""

from collections.abc import AsyncIterator
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from keys.passes import PassId
from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.generation import lock_generation, raise_generation
from ledger.releases import lock_booklet, release_undone
from ledger.rows import Acceptance, ListedAcceptance

LIST_MAX = 1_000

COLUMNS = """a.booklet, a.pass_number, a.attempt_id, a.accepted_at, a.site_id, a.operator_id, a.amount_cents,
       a.receipt_key_id, a.undone_at"""
LIVE = f"""
SELECT {COLUMNS} FROM acceptances a WHERE a.booklet = $1 AND a.pass_number = $2 AND a.undone_at IS NULL"""
BY_ATTEMPT = f"SELECT {COLUMNS} FROM acceptances a WHERE a.attempt_id = $1 AND a.operator_id = $2"
LISTED = f"""
SELECT {COLUMNS}, a.device_id, a.service_id, a.scanned_at, l.number
FROM acceptances a LEFT JOIN remittance_lines l
  ON (l.booklet, l.pass_number, l.attempt_id) = (a.booklet, a.pass_number, a.attempt_id)
WHERE a.operator_id = $1 AND a.undone_at IS NULL AND ($2::boolean IS NULL OR (l.number IS NOT NULL) = $2)
ORDER BY a.accepted_at DESC, a.booklet, a.pass_number LIMIT $3 OFFSET $4"""
TOTALS = """
SELECT count(*), coalesce(sum(a.amount_cents), 0)::bigint
FROM acceptances a LEFT JOIN remittance_lines l
  ON (l.booklet, l.pass_number, l.attempt_id) = (a.booklet, a.pass_number, a.attempt_id)
WHERE a.operator_id = $1 AND a.undone_at IS NULL AND ($2::boolean IS NULL OR (l.number IS NOT NULL) = $2)"""
OF_OPERATOR = (
    f"SELECT {COLUMNS} FROM acceptances a WHERE a.operator_id = $1 ORDER BY a.accepted_at, a.booklet"
)
MARKS = """
SELECT DISTINCT ON (a.booklet, a.pass_number)
       a.booklet, a.pass_number, a.attempt_id, a.accepted_at, a.site_id,
       a.undone_at IS NOT NULL AS ever_undone
FROM acceptances a ORDER BY a.booklet, a.pass_number, a.undone_at NULLS LAST"""
# An undo and the closing of a remittance of the same operator exclude each other by this lock.
LOCK_OPERATOR = "SELECT pg_advisory_xact_lock(1, $1)"
REMITTED = """
SELECT number FROM remittance_lines WHERE booklet = $1 AND pass_number = $2 AND attempt_id = $3"""
MARK_UNDONE = """
UPDATE acceptances SET undone_at = $4
WHERE booklet = $1 AND pass_number = $2 AND attempt_id = $3 AND undone_at IS NULL"""
ADD_UNDO = """
INSERT INTO undos (booklet, pass_number, attempt_id, device_id, undone_at, reason)
VALUES ($1, $2, $3, $4, $5, $6)"""


class UndoRefusal(StrEnum):
    REMITTED = "remitted"
    UNKNOWN = "unknown"


async def live_acceptance(connection: Connection, pass_id: PassId) -> Acceptance | None:
    row = await connection.fetchrow(LIVE, pass_id.booklet, pass_id.number)
    return read_acceptance(row) if row else None


async def acceptance_of_attempt(
    connection: Connection, attempt_id: UUID, *, operator_id: int
) -> Acceptance | None:
    """The operator's own acceptance; that of another operator is as good as unknown."""
    row = await connection.fetchrow(BY_ATTEMPT, attempt_id, operator_id)
    return read_acceptance(row) if row else None


async def list_acceptances(
    connection: Connection, operator_id: int, *, remitted: bool | None, limit: int, offset: int
) -> tuple[list[ListedAcceptance], int, int]:
    """A page of the operator's live acceptances, newest first; then count and cents of all of them."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(LISTED, operator_id, remitted, min(limit, LIST_MAX), offset)
        count, total_cents = await connection.fetchrow(TOTALS, operator_id, remitted)
    return [ListedAcceptance(read_acceptance(row), *tuple(row)[9:]) for row in rows], count, total_cents


async def undo(
    connection: Connection,
    acceptance: Acceptance,
    *,
    device_id: int,
    at: datetime,
    reason: str,
    forgotten_in: int | None,
) -> Acceptance | UndoRefusal:
    """Free the pass, keep both facts. Repeated, it answers the first undo.

    forgotten_in: the generation in which the guard's mark was replaced first. None, or another generation
    than the record's by now, and all marks vanish with the commit.
    """
    key = (acceptance.pass_id.booklet, acceptance.pass_id.number, acceptance.attempt_id)
    async with connection.transaction():
        await connection.execute(LOCK_OPERATOR, acceptance.operator_id)
        if await connection.fetchval(REMITTED, *key) is not None:
            return UndoRefusal.REMITTED
        await lock_booklet(connection, acceptance.pass_id.booklet)
        if await connection.execute(MARK_UNDONE, *key, at) == "UPDATE 1":
            await connection.execute(ADD_UNDO, *key, device_id, at, reason)
            actor = f"device:{device_id}"
            subject = f"attempt:{acceptance.attempt_id}"
            await record_event(connection, actor=actor, action="scan.undo", subject=subject, reason=reason)
            if forgotten_in != await lock_generation(connection):
                await raise_generation(connection, actor=actor, reason="undo without Valkey")
            await release_undone(connection, acceptance.pass_id.booklet, attempt=subject, at=at, actor=actor)
        undone = await acceptance_of_attempt(
            connection, acceptance.attempt_id, operator_id=acceptance.operator_id
        )
    assert undone is not None
    assert undone.undone_at is not None
    return undone


async def acceptances_of(connection: Connection, operator_id: int) -> AsyncIterator[Acceptance]:
    """All of an operator's acceptances, undone ones too, oldest first, without holding them in memory."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        async for row in connection.cursor(OF_OPERATOR, operator_id, prefetch=LIST_MAX):
            yield read_acceptance(row)


async def guard_facts(connection: Connection) -> AsyncIterator[Record]:
    """What the guard holds, for a rebuild: one row per pass, and whether it was ever undone."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        async for row in connection.cursor(MARKS, prefetch=LIST_MAX):
            yield row


def read_acceptance(row: Record) -> Acceptance:
    booklet, number, attempt_id, accepted_at, site_id, operator_id, amount_cents, key_id, undone_at = tuple(
        row
    )[:9]
    return Acceptance(
        PassId(booklet, number),
        attempt_id,
        accepted_at,
        site_id,
        operator_id,
        amount_cents,
        key_id,
        undone_at,
    )
