"""Holds: what a suspended operator is owed stays owed, and is not paid until the hold is released."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from ledger.connect import Connection
from ledger.events import record_event
from ledger.payout_rows import PayoutRefused

HELD_MAX = 2_000

ADD = "INSERT INTO operator_holds (operator_id, held_at, held_by, reason) VALUES ($1, $2, $3, $4)"
RELEASE = """
UPDATE operator_holds SET released_at = $2, released_by = $3, release_reason = $4
WHERE operator_id = $1 AND released_at IS NULL"""
LIVE = "SELECT operator_id FROM operator_holds WHERE released_at IS NULL LIMIT $1"
ONE = """
SELECT operator_id, held_at, held_by, reason FROM operator_holds
WHERE operator_id = $1 AND released_at IS NULL"""


@dataclass(frozen=True, slots=True)
class Hold:
    operator_id: int
    held_at: datetime
    held_by: str
    reason: str


async def hold_operator(
    connection: Connection, operator_id: int, *, actor: str, at: datetime, reason: str
) -> bool:
    """False: it is held already. A draft of transfers that names it can't be approved any more."""
    async with connection.transaction():
        try:
            async with connection.transaction():
                await connection.execute(ADD, operator_id, at, actor, reason)
        except asyncpg.UniqueViolationError:
            return False
        subject = f"operator:{operator_id}"
        await record_event(connection, actor=actor, action="operator.hold", subject=subject, reason=reason)
    return True


async def release_operator(
    connection: Connection, operator_id: int, *, actor: str, at: datetime, reason: str
) -> None:
    """What waited is in the next batch."""
    async with connection.transaction():
        if await connection.execute(RELEASE, operator_id, at, actor, reason) == "UPDATE 0":
            raise PayoutRefused(f"operator {operator_id} is not held")
        subject = f"operator:{operator_id}"
        await record_event(connection, actor=actor, action="operator.release", subject=subject, reason=reason)


async def held_operators(connection: Connection) -> frozenset[int]:
    return frozenset(row["operator_id"] for row in await connection.fetch(LIVE, HELD_MAX))


async def find_hold(connection: Connection, operator_id: int) -> Hold | None:
    row = await connection.fetchrow(ONE, operator_id)
    return Hold(*row) if row else None
