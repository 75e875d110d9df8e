"""Deliveries of booklets to territories: dispatched, received, activated with their money, given back.

How many may be dispatched is held by the database (0019_grants_hold.sql).
"""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from ledger.booklets import engage
from ledger.connect import Connection
from ledger.custody import BOOKLETS_PER_TRANSFER_MAX, transfer_booklets
from ledger.events import record_event
from ledger.grant_rows import GrantRefused
from ledger.grants import lock_grants
from ledger.order_rows import BookletRange, Delivery
from ledger.releases import release_cancelled

LIST_MAX = 500
RANGES_MAX = 10_000
BOOKLETS_MAX = 100_000
RESTITUTED_MAX = 2_000  # at once: each has a lock that scans hold too, and the server has so many

OF_GRANT = """
SELECT g.programme_id, g.territory_id, p.booklet_size FROM grants g JOIN programmes p ON p.id = g.programme_id
WHERE g.id = $1"""
# In stock: issued or active, at no territory, handed out by nobody. The lowest numbers go first.
TAKE = """
SELECT b.number, b.pass_count FROM booklets b JOIN batches t ON t.id = b.batch_id
WHERE t.programme_id = $1 AND t.id = $2 AND b.state <> 'cancelled' AND b.prescribed_by IS NULL
  AND NOT EXISTS (SELECT FROM delivered_booklets d WHERE d.booklet = b.number AND d.restitution_id IS NULL)
ORDER BY b.number LIMIT $3 FOR UPDATE OF b"""
ADD = """
INSERT INTO deliveries (grant_id, programme_id, territory_id, booklet_count, passes, dispatched_at,
                        dispatched_by)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id"""
ADD_BOOKLETS = "INSERT INTO delivered_booklets (booklet, delivery_id) SELECT unnest($1::bigint[]), $2"
RECEIVE = """
UPDATE deliveries SET delivered_at = $2, received_by = $3
WHERE id = $1 AND delivered_at IS NULL RETURNING id"""
DELIVERIES = """
SELECT d.id, d.grant_id, d.programme_id, p.name, p.funder, d.territory_id, t.name, d.booklet_count, d.passes,
       d.passes * p.face_value_cents, d.dispatched_at, d.dispatched_by, d.delivered_at, d.received_by,
       d.note_sha256,
       (SELECT count(*) FROM delivered_booklets l JOIN booklets b ON b.number = l.booklet
        WHERE l.delivery_id = d.id AND b.activated_at IS NOT NULL)::integer,
       (SELECT count(*) FROM delivered_booklets l WHERE l.delivery_id = d.id
          AND l.restitution_id IS NOT NULL)::integer, g.deliver_by
FROM deliveries d JOIN programmes p ON p.id = d.programme_id JOIN territories t ON t.id = d.territory_id
JOIN grants g ON g.id = d.grant_id"""
ONE = f"{DELIVERIES} WHERE d.id = $1"
LISTED = f"""
{DELIVERIES}
WHERE ($1::integer IS NULL OR d.programme_id = $1) AND ($2::integer IS NULL OR d.territory_id = $2)
ORDER BY d.id DESC LIMIT $3"""
# Neighbours have the same difference to their rank.
RANGES = """
SELECT min(booklet), max(booklet) FROM (
    SELECT booklet, booklet - row_number() OVER (ORDER BY booklet) AS island
    FROM delivered_booklets WHERE delivery_id = $1) AS ranked
GROUP BY island ORDER BY 1 LIMIT $2"""
NOTE_PRINTED = "UPDATE deliveries SET note_sha256 = $2 WHERE id = $1 AND note_sha256 IS NULL"
ACTIVATE = """
UPDATE booklets SET state = 'active', activated_at = $2
WHERE number IN (SELECT booklet FROM delivered_booklets WHERE delivery_id = $1 AND restitution_id IS NULL)
  AND state = 'issued' RETURNING batch_id, face_value_cents::bigint * pass_count AS cents"""
# In their order; then scans are kept out as in ledger/handouts.py, in an order too. What is read after these
# is true to the end: nobody hands one out or takes a pass of it without being seen.
LOCK_BOOKLETS = "SELECT FROM booklets WHERE number = ANY($1) ORDER BY number FOR UPDATE"
LOCK_SCANS = """
SELECT pg_advisory_xact_lock(21, locks.key)
FROM (SELECT DISTINCT hashint8(b) AS key FROM unnest($1::bigint[]) AS b ORDER BY 1) AS locks"""
THERE = """
SELECT b.number, b.pass_count, l.delivery_id, b.prescribed_by IS NULL AND NOT EXISTS (
           SELECT FROM acceptances a WHERE a.booklet = b.number AND a.undone_at IS NULL) AS is_whole,
       b.replaced_at IS NOT NULL AS is_replaced
FROM booklets b JOIN delivered_booklets l ON l.booklet = b.number JOIN deliveries d ON d.id = l.delivery_id
WHERE b.number = ANY($3) AND (d.programme_id, d.territory_id) = ($1, $2) AND l.restitution_id IS NULL
ORDER BY b.number"""
ADD_RESTITUTION = """
INSERT INTO restitutions (programme_id, territory_id, booklet_count, passes, at, by, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id"""
GIVE_BACK = """
UPDATE delivered_booklets SET restitution_id = $1 WHERE booklet = ANY($2) AND restitution_id IS NULL"""
HELD = """
SELECT c.prescriber_id, array_agg(c.booklet ORDER BY c.booklet) AS booklets
FROM booklet_custody c JOIN booklets b ON b.number = c.booklet AND b.state <> 'cancelled'
WHERE c.booklet = ANY($1) AND c.prescriber_id IS NOT NULL GROUP BY c.prescriber_id ORDER BY c.prescriber_id"""
STOCK = """
SELECT t.id, count(*)::integer FROM booklets b JOIN batches t ON t.id = b.batch_id
WHERE t.programme_id = $1 AND b.state <> 'cancelled' AND b.prescribed_by IS NULL
  AND NOT EXISTS (SELECT FROM delivered_booklets d WHERE d.booklet = b.number AND d.restitution_id IS NULL)
GROUP BY t.id ORDER BY t.id"""


async def dispatch(
    connection: Connection, grant_id: int, *, batch_id: int, booklet_count: int, actor: str, at: datetime
) -> Delivery:
    """Send a territory the lowest numbers of this batch that are in stock, against what it was granted."""
    if not 1 <= booklet_count <= BOOKLETS_MAX:
        raise GrantRefused(f"a delivery holds 1 to {BOOKLETS_MAX} booklets, not {booklet_count}")
    async with connection.transaction():
        of = await connection.fetchrow(OF_GRANT, grant_id)
        if of is None:
            raise GrantRefused(f"no grant {grant_id}; `poincon grants list` shows those known")
        await lock_grants(connection, of["programme_id"])
        taken = await connection.fetch(TAKE, of["programme_id"], batch_id, booklet_count)
        if len(taken) < booklet_count:
            raise GrantRefused(f"batch {batch_id} has {len(taken)} booklets in stock, not {booklet_count}")
        passes = sum(row["pass_count"] for row in taken)
        try:
            async with connection.transaction():
                delivery_id = await connection.fetchval(
                    ADD,
                    grant_id,
                    of["programme_id"],
                    of["territory_id"],
                    booklet_count,
                    passes,
                    at,
                    actor,
                )
        except asyncpg.RestrictViolationError as error:
            raise GrantRefused(str(error)) from None
        await connection.execute(ADD_BOOKLETS, [row["number"] for row in taken], delivery_id)
        await record_event(
            connection,
            actor=actor,
            action="delivery.dispatch",
            subject=f"delivery:{delivery_id}",
            grant=grant_id,
            booklets=booklet_count,
        )
        return await find_delivery(connection, delivery_id)


async def receive(
    connection: Connection, delivery_id: int, *, received_by: str, actor: str, at: datetime
) -> Delivery:
    """received_by: who signed for it at the territory. Said once."""
    async with connection.transaction():
        if await connection.fetchval(RECEIVE, delivery_id, at, received_by) is None:
            raise GrantRefused(f"delivery {delivery_id} has arrived already, or there is none")
        await record_event(
            connection,
            actor=actor,
            action="delivery.receive",
            subject=f"delivery:{delivery_id}",
            received_by=received_by,
        )
        return await find_delivery(connection, delivery_id)


async def activate_delivery(
    connection: Connection, delivery_id: int, *, actor: str, reason: str, at: datetime
) -> int:
    """Make its passes acceptable, if money that was reconciled covers them; return how many booklets.

    Raises FundsMissing otherwise, and nothing is activated.
    """
    async with connection.transaction():
        delivery = await find_delivery(connection, delivery_id)
        activated = await connection.fetch(ACTIVATE, delivery_id, at)
        if not activated:
            return 0
        for batch_id in sorted({row["batch_id"] for row in activated}):
            # Told per batch, as for one that is activated whole: the audit counts them together.
            await record_event(
                connection,
                actor=actor,
                action="batch.activate",
                subject=f"batch:{batch_id}",
                reason=reason,
                booklets=sum(row["batch_id"] == batch_id for row in activated),
                delivery=delivery_id,
            )
        await release_cancelled(connection, delivery.programme_id, now=at, actor=actor)
        await engage(
            connection,
            delivery.programme_id,
            sum(row["cents"] for row in activated),
            actor=actor,
            subject=f"delivery:{delivery_id}",
            reason=reason,
            at=at,
        )
    return len(activated)


async def restitute(
    connection: Connection,
    programme_id: int,
    territory_id: int,
    booklets: Sequence[int],
    *,
    reason: str,
    actor: str,
    at: datetime,
) -> int:
    """Take back booklets that were not handed out: all of them, or none. Return their passes."""
    wanted = sorted(set(booklets))
    if not 1 <= len(wanted) <= RESTITUTED_MAX:
        raise GrantRefused(f"1 to {RESTITUTED_MAX} booklets come back at once, not {len(wanted)}")
    async with connection.transaction():
        await lock_grants(connection, programme_id)
        await connection.execute(LOCK_BOOKLETS, wanted)
        await connection.execute(LOCK_SCANS, wanted)
        there = await connection.fetch(THERE, programme_id, territory_id, wanted)
        if absent := sorted(set(wanted) - {row["number"] for row in there}):
            raise GrantRefused(f"not at this territory, nothing came back: booklets {absent[:20]}")
        if used := [row["number"] for row in there if not row["is_whole"]]:
            raise GrantRefused(f"handed out or begun, nothing came back: booklets {used[:20]}")
        if replaced := [row["number"] for row in there if row["is_replaced"]]:
            raise GrantRefused(f"replaced by others, nothing came back: booklets {replaced[:20]}")
        await _out_of_safes(connection, wanted, reason=reason, actor=actor, at=at)
        passes = sum(row["pass_count"] for row in there)
        restitution_id = await connection.fetchval(
            ADD_RESTITUTION, programme_id, territory_id, len(wanted), passes, at, actor, reason
        )
        await connection.execute(GIVE_BACK, restitution_id, wanted)
        await record_event(
            connection,
            actor=actor,
            action="territory.restitute",
            subject=f"territory:{programme_id}/{territory_id}",
            reason=reason,
            booklets=len(wanted),
            passes=passes,
        )
    return int(passes)


async def _out_of_safes(
    connection: Connection, booklets: Sequence[int], *, reason: str, actor: str, at: datetime
) -> None:
    """To the territory's own stock, while they are still of it: from then on no prescriber hands them out."""
    for prescriber_id, held in await connection.fetch(HELD, booklets):
        for place in range(0, len(held), BOOKLETS_PER_TRANSFER_MAX):
            some = held[place : place + BOOKLETS_PER_TRANSFER_MAX]
            await transfer_booklets(
                connection, some, from_id=prescriber_id, to_id=None, at=at, actor=actor, reason=reason
            )


async def find_delivery(connection: Connection, delivery_id: int) -> Delivery:
    row = await connection.fetchrow(ONE, delivery_id)
    if row is None:
        raise GrantRefused(f"no delivery {delivery_id}; `poincon grants deliveries` shows those known")
    return Delivery(*row)


async def list_deliveries(
    connection: Connection, *, programme_id: int | None = None, territory_id: int | None = None
) -> list[Delivery]:
    """The newest first."""
    return [Delivery(*row) for row in await connection.fetch(LISTED, programme_id, territory_id, LIST_MAX)]


async def booklets_of_delivery(connection: Connection, delivery_id: int) -> list[BookletRange]:
    """As they were dispatched."""
    return [BookletRange(*row) for row in await connection.fetch(RANGES, delivery_id, RANGES_MAX)]


async def note_printed(connection: Connection, delivery_id: int, sha256: bytes) -> None:
    """Of the note as it was first printed."""
    await connection.execute(NOTE_PRINTED, delivery_id, sha256)


async def booklets_in_stock(connection: Connection, programme_id: int) -> dict[int, int]:
    """Booklets at no territory that may be dispatched, by batch."""
    return {row[0]: row[1] for row in await connection.fetch(STOCK, programme_id)}
