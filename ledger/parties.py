"""Who takes part: territories, operators with their sites and qualifications, persons, services."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from ledger.connect import Connection
from ledger.events import record_event

ADD_TERRITORY = "INSERT INTO territories (name) VALUES ($1) RETURNING id"
ADD_PERSON = "INSERT INTO persons (name) VALUES ($1) RETURNING id"
ADD_OPERATOR = "INSERT INTO operators (siret, name) VALUES ($1, $2) RETURNING id"
ADD_SITE = "INSERT INTO sites (operator_id, territory_id, name) VALUES ($1, $2, $3) RETURNING id"
ADD_SERVICE = """
INSERT INTO services (id, code, label)
SELECT max(id) + 1, $1, $2 FROM services RETURNING id"""
QUALIFY = """
INSERT INTO qualifications (operator_id, programme_id, starts_on, ends_on, service_ids)
VALUES ($1, $2, $3, $4, $5)"""
END_QUALIFICATION = """
UPDATE qualifications SET ends_on = $3
WHERE operator_id = $1 AND programme_id = $2 AND (ends_on IS NULL OR ends_on > $3)"""
FIND_OPERATOR = "SELECT id FROM operators WHERE siret = $1"
TERRITORIES = "SELECT name, id FROM territories"
SERVICES = "SELECT code, id FROM services"
PROGRAMMES = "SELECT name, id FROM programmes"


@dataclass
class KnownNames:
    territories: dict[str, int]
    services: dict[str, int]
    programmes: dict[str, int]


async def add_territory(connection: Connection, name: str) -> int:
    return int(await connection.fetchval(ADD_TERRITORY, name))


async def add_person(connection: Connection, name: str) -> int:
    """A member of staff; beneficiaries are never recorded."""
    return int(await connection.fetchval(ADD_PERSON, name))


async def add_operator(connection: Connection, *, siret: str, name: str, actor: str) -> int:
    """siret: 14 digits, checked by the caller (python-stdnum); it never changes afterwards."""
    operator_id = int(await connection.fetchval(ADD_OPERATOR, siret, name))
    await record_event(connection, actor=actor, action="operator.add", subject=f"operator:{operator_id}")
    return operator_id


async def add_site(connection: Connection, *, operator_id: int, territory_id: int, name: str) -> int:
    return int(await connection.fetchval(ADD_SITE, operator_id, territory_id, name))


async def add_service(connection: Connection, *, code: str, label: str) -> int:
    return int(await connection.fetchval(ADD_SERVICE, code, label))


async def qualify(
    connection: Connection,
    *,
    operator_id: int,
    programme_id: int,
    starts_on: date,
    ends_on: date | None,
    service_ids: Iterable[int],
    actor: str,
) -> None:
    """ends_on: the last day included; None: until ended."""
    await connection.execute(QUALIFY, operator_id, programme_id, starts_on, ends_on, sorted(service_ids))
    subject = f"operator:{operator_id}"
    await record_event(
        connection, actor=actor, action="operator.qualify", subject=subject, programme=programme_id
    )


async def end_qualification(
    connection: Connection, *, operator_id: int, programme_id: int, ends_on: date, actor: str, reason: str
) -> None:
    async with connection.transaction():
        await connection.execute(END_QUALIFICATION, operator_id, programme_id, ends_on)
        subject = f"operator:{operator_id}"
        await record_event(
            connection, actor=actor, action="operator.disqualify", subject=subject, reason=reason
        )


async def find_operator(connection: Connection, siret: str) -> int | None:
    found: int | None = await connection.fetchval(FIND_OPERATOR, siret)
    return found


async def known_names(connection: Connection) -> KnownNames:
    return KnownNames(
        dict(await connection.fetch(TERRITORIES)),
        dict(await connection.fetch(SERVICES)),
        dict(await connection.fetch(PROGRAMMES)),
    )
