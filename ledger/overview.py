"""The first page's figures: the counters of each programme, and of each operator what it took and remitted.
One consistent reading; what is counted is counters.py's to say; single things are in registers.py."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from ledger.connect import Connection, Record
from ledger.counters import Counters, Place, add_up, count_operators, count_places

COUNTED = ("issued", "scanned", "consumed", "remaining", "expired", "cancelled")
PROGRAMMES = """
SELECT id, name, funder, face_value_cents, booklet_size, last_day, expires_at <= $1 AS is_over
FROM programmes ORDER BY id"""
OPERATORS = "SELECT id, name, siret FROM operators ORDER BY name, id"


class Tally(NamedTuple):
    passes: int
    cents: int


@dataclass(frozen=True, slots=True)
class CountedProgramme:
    id: int
    name: str
    funder: str
    face_value_cents: int
    booklet_size: int
    last_day: date
    is_over: bool
    counters: Counters  # those of COUNTED


@dataclass(frozen=True, slots=True)
class CountedOperator:
    id: int
    name: str
    siret: str
    scanned: Tally
    consumed: Tally

    @property
    def unremitted(self) -> Tally:
        return Tally(self.scanned.passes - self.consumed.passes, self.scanned.cents - self.consumed.cents)


@dataclass(frozen=True, slots=True)
class Overview:
    read_at: datetime
    programmes: tuple[CountedProgramme, ...]
    operators: tuple[CountedOperator, ...]

    @property
    def agrees(self) -> bool:
        """Both ways of adding up give the same; false when somebody changed rows by hand."""
        whole = add_up(one.counters for one in self.programmes)
        return all(
            (told.passes, told.cents) == (sum(one.passes for one in of), sum(one.cents for one in of))
            for told, of in (
                (whole.scanned, [one.scanned for one in self.operators]),
                (whole.consumed, [one.consumed for one in self.operators]),
            )
        )


async def read_overview(connection: Connection, *, now: datetime) -> Overview:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        programmes = await connection.fetch(PROGRAMMES, now)
        operators = await connection.fetch(OPERATORS)
        places = await count_places(connection, now=now, names=COUNTED)
        scanned = await count_operators(connection, "scanned")
        consumed = await count_operators(connection, "consumed")
    return Overview(
        now,
        tuple(_programme(row, places) for row in programmes),
        tuple(
            CountedOperator(
                row["id"],
                row["name"],
                row["siret"],
                Tally(*scanned.get(row["id"], (0, 0))),
                Tally(*consumed.get(row["id"], (0, 0))),
            )
            for row in operators
        ),
    )


def _programme(row: Record, places: dict[Place, Counters]) -> CountedProgramme:
    own = (counters for (programme_id, _), counters in places.items() if programme_id == row["id"])
    return CountedProgramme(
        id=row["id"],
        name=row["name"],
        funder=row["funder"],
        face_value_cents=row["face_value_cents"],
        booklet_size=row["booklet_size"],
        last_day=row["last_day"],
        is_over=row["is_over"],
        counters=add_up(own),
    )
