"""The guard's generation: raised when PostgreSQL may have forgotten what Valkey still says."""

from ledger.connect import Connection
from ledger.events import record_event

IDENTITY = """
SELECT (SELECT system_identifier FROM pg_control_system()),
       (SELECT timeline_id FROM pg_control_checkpoint())"""
STORED = "SELECT system_identifier, timeline FROM guard_generation"
LOCK = "SELECT generation FROM guard_generation FOR UPDATE"
RAISE = """
UPDATE guard_generation SET generation = generation + 1, system_identifier = $1, timeline = $2
RETURNING generation"""


async def lock_generation(connection: Connection) -> int:
    """The generation, which nobody can raise until this transaction has ended."""
    return int(await connection.fetchval(LOCK))


async def raise_generation(connection: Connection, *, actor: str, reason: str) -> int:
    """Make every mark vanish at once."""
    async with connection.transaction():
        generation = int(await connection.fetchval(RAISE, *await connection.fetchrow(IDENTITY)))
        await record_event(
            connection, actor=actor, action="guard.raise", subject=f"generation:{generation}", reason=reason
        )
    return generation


async def raise_if_restored(connection: Connection) -> bool:
    """A restored copy has another system identifier, a promoted standby another timeline."""
    identity = tuple(await connection.fetchrow(IDENTITY))
    if identity == tuple(await connection.fetchrow(STORED)):
        return False
    await raise_generation(connection, actor="validator", reason="the database was restored or promoted")
    return True
