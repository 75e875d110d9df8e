"""What a territory reads of itself: its programmes, booklets that no prescriber has yet, hand-outs by month
and prescriber. Only reads; what it was granted is in grants.py, what it consumed in follow_up.py."""

from datetime import datetime

from ledger.connect import Connection
from ledger.handout_rows import HandedOutInMonth

NAME = "SELECT name FROM territories WHERE id = $1"
PROGRAMMES = """
SELECT p.id, p.name FROM programmes p
JOIN (SELECT programme_id FROM programme_territories WHERE territory_id = $1
      UNION SELECT programme_id FROM grants WHERE territory_id = $1) AS of ON of.programme_id = p.id
ORDER BY p.name, p.id"""
# Arrived, and given to no prescriber.
RESERVE = """
SELECT count(*) FROM booklet_territories e JOIN booklets b ON b.number = e.booklet
LEFT JOIN booklet_custody c ON c.booklet = b.number
WHERE e.territory_id = $1 AND e.delivered_at IS NOT NULL AND c.prescriber_id IS NULL
  AND b.state <> 'cancelled' AND b.prescribed_by IS NULL"""
HANDED_OUT = """
SELECT date_trunc('month', h.handed_at AT TIME ZONE 'Europe/Paris')::date, p.name, count(*)::integer
FROM handouts h JOIN prescribers p ON p.id = h.prescriber_id
WHERE p.territory_id = $1 AND h.undone_at IS NULL AND NOT h.is_replacement AND h.handed_at < $2
GROUP BY 1, 2 ORDER BY 1, 2"""


async def territory_name(connection: Connection, territory_id: int) -> str:
    name: str = await connection.fetchval(NAME, territory_id)
    return name


async def programmes_of_territory(connection: Connection, territory_id: int) -> dict[int, str]:
    """Number and name of those that cover it, or have granted it passes."""
    return dict(await connection.fetch(PROGRAMMES, territory_id))


async def booklets_in_reserve(connection: Connection, territory_id: int) -> int:
    count: int = await connection.fetchval(RESERVE, territory_id)
    return count


async def handed_out_by_month(
    connection: Connection, territory_id: int, *, until: datetime
) -> list[HandedOutInMonth]:
    """until: the first instant of a month of Paris; what began then is not told yet."""
    return [HandedOutInMonth(*row) for row in await connection.fetch(HANDED_OUT, territory_id, until)]
