"""The demo's prescribers and who hands out for them: made once, before the story that they are in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ledger.connect import Connection
from ledger.handout_rows import Prescriber
from ledger.parties import find_operator
from ledger.prescribers import add_prescriber, add_prescriber_person, list_persons, list_prescribers

ACTOR = "demo"
VILLE_HAUTE, VAL_RIVIERE = "Ville-Haute", "Val-Rivière"


@dataclass(frozen=True)
class DemoPrescriber:
    name: str
    territory: str
    persons: tuple[str, ...]  # none of them scans
    siret: str | None = None  # of the organisation that accepts passes as well


PRESCRIBERS = (
    DemoPrescriber("CCAS de Ville-Haute", VILLE_HAUTE, ("Sacha Lambert", "Inès Caron")),
    DemoPrescriber("Mission locale des Tilleuls", VILLE_HAUTE, ("Hugo Petit",)),
    DemoPrescriber("France services du Val", VAL_RIVIERE, ("Nadia Ferrand",)),
    DemoPrescriber("Régie Entre-deux-Rives, accueil", VAL_RIVIERE, ("Paul Mercier",), "99900003700013"),
)


@dataclass(frozen=True)
class KnownPrescriber:
    id: int
    name: str
    territory_id: int
    person_ids: tuple[int, ...]


async def seed_prescribers(
    connection: Connection, territories: Mapping[str, int], *, at: datetime
) -> list[KnownPrescriber]:
    """All of them or none; in the order of PRESCRIBERS."""
    async with connection.transaction():
        known = {one.name for one in await list_prescribers(connection)}
        for one in PRESCRIBERS:
            if one.name not in known:
                await _add(connection, one, territories[one.territory], at=at)
        found = {one.name: one for one in await list_prescribers(connection)}
        return [await _known(connection, found[one.name]) for one in PRESCRIBERS]


async def _known(connection: Connection, one: Prescriber) -> KnownPrescriber:
    """Persons in the order in which they came."""
    persons = sorted(person.person_id for person in await list_persons(connection, one.id))
    return KnownPrescriber(one.id, one.name, one.territory_id, tuple(persons))


async def _add(connection: Connection, one: DemoPrescriber, territory_id: int, *, at: datetime) -> None:
    operator_id = await find_operator(connection, one.siret) if one.siret else None
    prescriber_id = await add_prescriber(
        connection, territory_id=territory_id, name=one.name, operator_id=operator_id, at=at, actor=ACTOR
    )
    for name in one.persons:
        await add_prescriber_person(connection, prescriber_id, name=name, at=at, actor=ACTOR)
