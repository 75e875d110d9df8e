"""Custody: which prescriber has which booklets, transfers between them, counts of the safe, and how long
booklets have been lying there. Hand-outs are in handouts.py."""

from collections.abc import Sequence
from datetime import datetime

from ledger.connect import Connection
from ledger.events import record_event
from ledger.handout_rows import Prescriber, StockedBooklet, StockLine
from ledger.prescribers import PRESCRIBERS_MAX, PrescriberRefused, find_prescriber

BOOKLETS_PER_TRANSFER_MAX = 10_000
LISTED_MAX = 500

# In their order, against deadlocks; the territory is where they were delivered.
LOCK = "SELECT number FROM booklets WHERE number = ANY($1) ORDER BY number FOR UPDATE"
WHERE_THEY_ARE = """
SELECT b.number, e.territory_id, c.prescriber_id, b.state = 'cancelled' AS is_cancelled,
       b.prescribed_by IS NOT NULL AS is_handed_out
FROM booklets b LEFT JOIN booklet_territories e ON e.booklet = b.number
                LEFT JOIN booklet_custody c ON c.booklet = b.number
WHERE b.number = ANY($1) ORDER BY b.number"""
ADD = """
INSERT INTO transfers (territory_id, from_id, to_id, booklet_count, moved_at, moved_by, reason)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id"""
ADD_BOOKLETS = "INSERT INTO transferred_booklets (transfer_id, booklet) SELECT $1, unnest($2::bigint[])"
MOVE = """
INSERT INTO booklet_custody (booklet, prescriber_id, since, transfer_id)
SELECT unnest($1::bigint[]), $2, $3, $4
ON CONFLICT (booklet) DO UPDATE SET prescriber_id = $2, since = $3, transfer_id = $4"""

# What a prescriber has to hand out: not cancelled, and at least one pass that nobody was given.
STOCKED = """
SELECT c.prescriber_id, b.number, c.since, b.pass_count, b.state, b.batch_id,
       coalesce((SELECT sum(h.last_pass - h.first_pass + 1) FROM handouts h
                 WHERE h.booklet = b.number AND h.undone_at IS NULL), 0)::integer AS handed_out
FROM booklet_custody c JOIN booklets b ON b.number = c.booklet
WHERE c.prescriber_id IS NOT NULL AND b.state <> 'cancelled'"""
STOCK = f"""
SELECT p.id, p.name, p.territory_id, t.name, p.operator_id,
       count(s.number) FILTER (WHERE s.handed_out = 0),
       count(s.number) FILTER (WHERE s.handed_out > 0),
       coalesce(sum(s.pass_count - s.handed_out), 0)::bigint,
       count(s.number) FILTER (WHERE s.since > $2::timestamptz - interval '30 days'),
       count(s.number) FILTER (WHERE s.since <= $2::timestamptz - interval '30 days'
                               AND s.since > $2::timestamptz - interval '90 days'),
       count(s.number) FILTER (WHERE s.since <= $2::timestamptz - interval '90 days'),
       (SELECT max(n.counted_at) FROM stock_counts n WHERE n.prescriber_id = p.id),
       (SELECT n.counted - n.expected FROM stock_counts n WHERE n.prescriber_id = p.id
        ORDER BY n.id DESC LIMIT 1)
FROM prescribers p JOIN territories t ON t.id = p.territory_id
LEFT JOIN ({STOCKED}) AS s ON s.prescriber_id = p.id AND s.handed_out < s.pass_count
WHERE ($1::integer IS NULL OR p.id = $1) AND ($3::integer IS NULL OR p.territory_id = $3)
GROUP BY p.id, t.id ORDER BY t.name, p.name LIMIT {PRESCRIBERS_MAX}"""
BOOKLETS = f"""
SELECT s.number, p.name, s.since, s.pass_count, s.handed_out, s.state
FROM ({STOCKED}) AS s JOIN batches t ON t.id = s.batch_id JOIN programmes p ON p.id = t.programme_id
WHERE s.prescriber_id = $1 AND s.handed_out < s.pass_count ORDER BY s.since, s.number LIMIT $2"""
ADD_COUNT = """
INSERT INTO stock_counts (prescriber_id, counted_at, counted_by, counted, expected)
VALUES ($1, $2, $3, $4, $5)"""
# How our queries begin a StockLine: with its prescriber.
PRESCRIBER_COLUMNS = 5


async def transfer_booklets(
    connection: Connection,
    numbers: Sequence[int],
    *,
    from_id: int | None,
    to_id: int | None,
    at: datetime,
    actor: str,
    reason: str,
) -> int:
    """Move booklets within a territory, None being its own stock: all or none. Answers its number."""
    wanted = sorted(set(numbers))
    if not 1 <= len(wanted) <= BOOKLETS_PER_TRANSFER_MAX:
        raise PrescriberRefused(f"a transfer moves 1 to {BOOKLETS_PER_TRANSFER_MAX} booklets")
    async with connection.transaction():
        territory_id = await _territory_of(connection, from_id, to_id)
        await connection.execute(LOCK, wanted)
        await _refuse_strays(connection, wanted, territory_id, from_id)
        transfer_id = int(
            await connection.fetchval(ADD, territory_id, from_id, to_id, len(wanted), at, actor, reason)
        )
        await connection.execute(ADD_BOOKLETS, transfer_id, wanted)
        await connection.execute(MOVE, wanted, to_id, at, transfer_id)
        await record_event(
            connection,
            actor=actor,
            action="booklet.transfer",
            subject=f"prescriber:{to_id if to_id is not None else from_id}",
            reason=reason,
            booklets=len(wanted),
            first_booklet=wanted[0],
            last_booklet=wanted[-1],
        )
    return transfer_id


async def read_stock(connection: Connection, prescriber_id: int, *, now: datetime) -> StockLine | None:
    row = await connection.fetchrow(STOCK, prescriber_id, now, None)
    return _line(tuple(row)) if row else None


async def list_stock(
    connection: Connection, *, now: datetime, territory_id: int | None = None
) -> list[StockLine]:
    return [_line(tuple(row)) for row in await connection.fetch(STOCK, None, now, territory_id)]


async def stocked_booklets(connection: Connection, prescriber_id: int) -> list[StockedBooklet]:
    """Those that have waited longest first."""
    return [StockedBooklet(*row) for row in await connection.fetch(BOOKLETS, prescriber_id, LISTED_MAX)]


async def count_stock(
    connection: Connection, prescriber_id: int, counted: int, *, at: datetime, actor: str
) -> int:
    """Somebody counted the booklets in the safe; return how many there are more than by the record."""
    async with connection.transaction(isolation="repeatable_read"):
        line = await read_stock(connection, prescriber_id, now=at)
        if line is None:
            raise PrescriberRefused(
                f"no prescriber {prescriber_id}; `poincon prescribers list` shows those known"
            )
        expected = line.whole + line.begun
        await connection.execute(ADD_COUNT, prescriber_id, at, actor, counted, expected)
        await record_event(
            connection,
            actor=actor,
            action="prescriber.count",
            subject=f"prescriber:{prescriber_id}",
            counted=counted,
            expected=expected,
        )
    return counted - expected


async def _territory_of(connection: Connection, from_id: int | None, to_id: int | None) -> int:
    territories = set()
    for prescriber_id in {from_id, to_id} - {None}:
        assert prescriber_id is not None
        prescriber = await find_prescriber(connection, prescriber_id)
        if prescriber is None:
            raise PrescriberRefused(
                f"no prescriber {prescriber_id}; `poincon prescribers list` shows those known"
            )
        territories.add(prescriber.territory_id)
    if from_id == to_id or not territories:
        raise PrescriberRefused("a transfer names two different places, one of them a prescriber")
    if len(territories) > 1:
        raise PrescriberRefused(
            "these prescribers are of different territories, which have stocks of their own"
        )
    return territories.pop()


async def _refuse_strays(
    connection: Connection, wanted: list[int], territory_id: int, from_id: int | None
) -> None:
    rows = {row["number"]: row for row in await connection.fetch(WHERE_THEY_ARE, wanted)}
    for why, strays in (
        ("never issued", [one for one in wanted if one not in rows]),
        ("not of this territory", [one for one, row in rows.items() if row["territory_id"] != territory_id]),
        ("not there", [one for one, row in rows.items() if row["prescriber_id"] != from_id]),
        ("cancelled", [one for one, row in rows.items() if row["is_cancelled"]]),
        ("handed out", [one for one, row in rows.items() if row["is_handed_out"]]),
    ):
        if strays:
            raise PrescriberRefused(f"nothing was moved, {why}: booklets {', '.join(map(str, strays[:20]))}")


def _line(row: tuple[object, ...]) -> StockLine:
    prescriber, rest = row[:PRESCRIBER_COLUMNS], row[PRESCRIBER_COLUMNS:]
    return StockLine(Prescriber(*prescriber), *rest)  # type: ignore[arg-type]
