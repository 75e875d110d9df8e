"""The public counters, each defined once, in SQL; what they count is said in programmes/counters.py.

Every report counts by these. Per programme and per territory where booklets were delivered; a booklet that
replaces another counts as the one it replaces, in its territory, and is issued and handed out no second time.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple, TypeAlias

from ledger.connect import Connection

# Live acceptances by booklet: what a pass that is left is told by.
LIVE = """
SELECT a.booklet, count(*) AS passes, sum(a.amount_cents) AS cents
FROM acceptances a WHERE a.undone_at IS NULL GROUP BY a.booklet"""
LEFT = "c.pass_count - coalesce(live.passes, 0) - c.reissued_passes"
OF_BOOKLETS = f"FROM counted_booklets c LEFT JOIN ({LIVE}) AS live ON live.booklet = c.number"
PLACE = "c.programme_id, c.territory_id"
# $1 is the instant that is asked about, $2 a programme's number, or nothing for all.
ASKED = "$1::timestamptz IS NOT NULL AND ($2::integer IS NULL OR c.programme_id = $2)"


def _left(condition: str) -> str:
    """Passes that nobody took, of booklets in some state."""
    return f"""
SELECT {PLACE}, count(*) FILTER (WHERE {LEFT} > 0), coalesce(sum({LEFT}), 0)::bigint,
       coalesce(sum(({LEFT}) * c.face_value_cents), 0)::bigint
{OF_BOOKLETS} WHERE {condition} AND {ASKED} GROUP BY {PLACE}"""


# Each answers (programme, territory, booklets, passes, cents).
QUERIES: dict[str, str] = {
    "issued": f"""
SELECT {PLACE}, count(*), coalesce(sum(c.pass_count), 0)::bigint,
       coalesce(sum(c.pass_count * c.face_value_cents), 0)::bigint
FROM counted_booklets c
WHERE NOT c.is_replacement AND (c.state <> 'cancelled' OR c.was_active) AND {ASKED}
GROUP BY {PLACE}""",
    "waiting": _left("c.state = 'issued'"),
    "handed_out": f"""
SELECT {PLACE}, count(DISTINCT c.root), coalesce(sum(h.last_pass - h.first_pass + 1), 0)::bigint,
       coalesce(sum((h.last_pass - h.first_pass + 1) * c.face_value_cents), 0)::bigint
FROM handouts h JOIN counted_booklets c ON c.number = h.booklet
WHERE h.undone_at IS NULL AND NOT h.is_replacement AND {ASKED} GROUP BY {PLACE}""",
    # What is counted are booklets; the passes are those taken of them.
    "scanned": f"""
SELECT {PLACE}, count(DISTINCT c.root), coalesce(sum(live.passes), 0)::bigint,
       coalesce(sum(live.cents), 0)::bigint
FROM ({LIVE}) AS live JOIN counted_booklets c ON c.number = live.booklet
WHERE {ASKED} GROUP BY {PLACE}""",
    # A line stands for a live acceptance: what is remitted can't be undone.
    "consumed": f"""
SELECT {PLACE}, count(DISTINCT c.root), count(*), sum(l.amount_cents)::bigint
FROM remittance_lines l JOIN counted_booklets c ON c.number = l.booklet
WHERE {ASKED} GROUP BY {PLACE}""",
    # On a statement of the bank; or set off against a correction, so that nothing is left to transfer.
    "paid": f"""
SELECT {PLACE}, count(DISTINCT c.root), count(*), sum(l.amount_cents)::bigint
FROM remittance_lines l JOIN counted_booklets c ON c.number = l.booklet
LEFT JOIN disputes d ON (d.operator_id, d.number, d.line) = (l.operator_id, l.number, l.line)
WHERE (d.id IS NULL OR d.outcome = 'released') AND {ASKED}
  AND (EXISTS (SELECT FROM payout_attempts p
               WHERE (p.operator_id, p.number, p.portion) = (l.operator_id, l.number, coalesce(d.id, 0))
                 AND p.state = 'booked')
       OR (d.id IS NULL AND NOT EXISTS (
               SELECT FROM remittance_portions o
               WHERE (o.operator_id, o.number, o.portion, o.programme_id)
                     = (l.operator_id, l.number, 0, c.programme_id))))
GROUP BY {PLACE}""",
    "expired": _left("c.state = 'active' AND c.expires_at <= $1"),
    "remaining": _left("c.state = 'active' AND c.expires_at > $1"),
    "cancelled": _left("c.state = 'cancelled' AND c.was_active"),
}
# The same passes, by who took them: (operator, passes, cents).
OF_OPERATORS: dict[str, str] = {
    "scanned": """
SELECT operator_id, count(*), sum(amount_cents)::bigint FROM acceptances
WHERE undone_at IS NULL GROUP BY operator_id""",
    "consumed": """
SELECT operator_id, count(*), sum(amount_cents)::bigint FROM remittance_lines GROUP BY operator_id""",
}
NAMES = """
SELECT p.id, NULL::integer, p.name, p.funder, NULL FROM programmes p
UNION ALL
SELECT p.id, t.id, p.name, p.funder, t.name FROM programmes p
JOIN (SELECT programme_id, territory_id FROM programme_territories
      UNION SELECT programme_id, territory_id FROM booklet_territories) AS of ON of.programme_id = p.id
JOIN territories t ON t.id = of.territory_id"""


Place: TypeAlias = tuple[int, int | None]  # programme, and territory: None where booklets are in none


class Count(NamedTuple):
    booklets: int = 0
    passes: int = 0
    cents: int = 0

    def plus(self, other: "Count") -> "Count":
        return Count(*(one + more for one, more in zip(self, other, strict=True)))


NONE = Count()


@dataclass(frozen=True, slots=True)
class Counters:
    """issued = waiting + scanned + remaining + expired + cancelled, in passes and in cents."""

    issued: Count = NONE
    waiting: Count = NONE
    handed_out: Count = NONE
    scanned: Count = NONE
    consumed: Count = NONE
    paid: Count = NONE
    expired: Count = NONE
    remaining: Count = NONE
    cancelled: Count = NONE

    @property
    def started(self) -> int:
        """Booklets of which at least one pass was taken."""
        return self.scanned.booklets

    @property
    def adds_up(self) -> bool:
        parts = (self.waiting, self.scanned, self.remaining, self.expired, self.cancelled)
        told = (self.issued.passes, self.issued.cents)
        return told == (sum(one.passes for one in parts), sum(one.cents for one in parts))


@dataclass(frozen=True, slots=True)
class PlacedCounters:
    programme_id: int
    programme: str
    funder: str
    territory_id: int | None  # None: of booklets that are in no territory
    territory: str | None
    counters: Counters


async def read_counters(
    connection: Connection, *, now: datetime, programme_id: int | None = None
) -> list[PlacedCounters]:
    """By programme, then territory; a place without booklets has its zeros. One consistent reading."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        names = [tuple(row) for row in await connection.fetch(NAMES)]
        counted = await count_places(connection, now=now, programme_id=programme_id)
    found = [
        PlacedCounters(programme, name, funder, place, territory, counted.get((programme, place), Counters()))
        for programme, place, name, funder, territory in names
        if programme_id is None or programme == programme_id
    ]
    # Where all booklets are somewhere, nowhere is no place to tell of.
    kept = [one for one in found if one.territory_id is not None or (one.programme_id, None) in counted]
    return sorted(kept, key=lambda one: (one.programme_id, one.territory is None, one.territory or ""))


async def count_places(
    connection: Connection,
    *,
    now: datetime,
    names: Iterable[str] = tuple(QUERIES),
    programme_id: int | None = None,
) -> dict[Place, Counters]:
    """Where there is something to count. names: of the counters that are wanted; others stay 0.

    It is one reading in a transaction of repeatable reads; the caller opens it.
    """
    counted: dict[Place, dict[str, Count]] = {}
    for name in names:
        for programme, territory, *told in await connection.fetch(QUERIES[name], now, programme_id):
            counted.setdefault((programme, territory), {})[name] = Count(*told)
    return {place: Counters(**found) for place, found in counted.items()}


async def count_operators(connection: Connection, name: str) -> dict[int, tuple[int, int]]:
    """Passes and cents of each operator that has some, by one of OF_OPERATORS; as count_places() reads."""
    return {row[0]: (row[1], row[2]) for row in await connection.fetch(OF_OPERATORS[name])}


def total(of: Iterable[PlacedCounters]) -> Counters:
    return add_up(one.counters for one in of)


def add_up(of: Iterable[Counters]) -> Counters:
    counters = list(of)
    return Counters(**{field.name: _sum(counters, field.name) for field in fields(Counters)})


def _sum(counters: list[Counters], name: str) -> Count:
    added = NONE
    for one in counters:
        added = added.plus(getattr(one, name))
    return added
