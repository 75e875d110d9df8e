"""Qualifications that end soon and that nothing follows, read for warnings. Qualifying is parties.py's."""

from dataclasses import dataclass
from datetime import date

from ledger.connect import Connection

ENDING_MAX = 5_000

# Followed by another qualification of the same programme, the end of one is no end. A suspended operator's
# qualification ended already.
ENDING = """
SELECT q.operator_id, o.name AS operator, q.programme_id, p.name AS programme, q.ends_on
FROM qualifications q JOIN operators o ON o.id = q.operator_id JOIN programmes p ON p.id = q.programme_id
WHERE q.ends_on BETWEEN $1 AND $2 AND q.starts_on <= q.ends_on AND p.last_day > q.ends_on
  AND NOT EXISTS (SELECT FROM qualifications n
                  WHERE (n.operator_id, n.programme_id) = (q.operator_id, q.programme_id)
                    AND n.id <> q.id AND n.starts_on <= q.ends_on + 1
                    AND (n.ends_on IS NULL OR n.ends_on > q.ends_on))
ORDER BY q.ends_on, q.operator_id, q.programme_id LIMIT $3"""


@dataclass(frozen=True, slots=True)
class Ending:
    operator_id: int
    operator: str
    programme_id: int
    programme: str
    ends_on: date


async def ending_qualifications(connection: Connection, *, first: date, last: date) -> list[Ending]:
    """Those whose last day is in the period, both days included; soonest first."""
    return [Ending(*row) for row in await connection.fetch(ENDING, first, last, ENDING_MAX)]
