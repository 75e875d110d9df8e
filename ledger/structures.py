"""Operators as the trustee leafs through them: sites, qualifications, services; and suspending one.

Qualifying and ending a qualification are in parties.py. Only what the console shows is read here.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ledger.connect import Connection, Record
from ledger.events import record_event

STRUCTURES_MAX = 2_000
QUALIFICATIONS_MAX = 500
PARIS = ZoneInfo("Europe/Paris")

STRUCTURES = """
SELECT o.id, o.name, o.siret,
       (SELECT count(*) FROM sites s WHERE s.operator_id = o.id),
       (SELECT count(*) FROM devices d WHERE d.operator_id = o.id AND d.revoked_at IS NULL),
       ARRAY(SELECT DISTINCT p.name FROM qualifications q JOIN programmes p ON p.id = q.programme_id
             WHERE q.operator_id = o.id AND q.starts_on <= $1 AND (q.ends_on IS NULL OR q.ends_on >= $1)
             ORDER BY p.name)
FROM operators o"""
LISTED = f"{STRUCTURES} ORDER BY o.name, o.id LIMIT $2"
ONE = f"{STRUCTURES} WHERE o.id = $2"
QUALIFICATIONS = """
SELECT q.programme_id, p.name, q.starts_on, q.ends_on,
       ARRAY(SELECT v.label FROM services v WHERE v.id = ANY(q.service_ids) ORDER BY v.label)
FROM qualifications q JOIN programmes p ON p.id = q.programme_id
WHERE q.operator_id = $1 ORDER BY q.starts_on DESC, q.id DESC LIMIT $2"""
PROGRAMME_SERVICES = """
SELECT p.id, p.name, v.id, v.label
FROM programmes p JOIN programme_services ps ON ps.programme_id = p.id JOIN services v ON v.id = ps.service_id
WHERE p.expires_at > $1 ORDER BY p.name, p.id, v.label"""
# A qualification ends with a day. One that began today or later ends with its first day: it can't end sooner.
SUSPEND = """
UPDATE qualifications SET ends_on = greatest($2, starts_on)
WHERE operator_id = $1 AND (ends_on IS NULL OR ends_on > greatest($2, starts_on))
RETURNING ends_on"""
END = """
UPDATE qualifications SET ends_on = $3
WHERE operator_id = $1 AND programme_id = $2 AND starts_on <= $3 AND (ends_on IS NULL OR ends_on > $3)"""
OVERLAPS = """
SELECT EXISTS (SELECT FROM qualifications WHERE operator_id = $1 AND programme_id = $2
               AND starts_on <= coalesce($4, 'infinity'::date) AND (ends_on IS NULL OR ends_on >= $3))"""


@dataclass(frozen=True, slots=True)
class Structure:
    id: int
    name: str
    siret: str
    site_count: int
    device_count: int  # in use
    programmes: tuple[str, ...]  # for which it is qualified today


@dataclass(frozen=True, slots=True)
class StructureQualification:
    programme_id: int
    programme: str
    starts_on: date
    ends_on: date | None
    services: tuple[str, ...]

    def holds(self, day: date) -> bool:
        return self.starts_on <= day and (self.ends_on is None or day <= self.ends_on)


@dataclass(frozen=True, slots=True)
class OpenProgramme:
    """A programme that an operator can be qualified for, with its services by number."""

    id: int
    name: str
    services: dict[int, str]


async def list_structures(connection: Connection, *, now: datetime) -> list[Structure]:
    rows = await connection.fetch(LISTED, paris_day(now), STRUCTURES_MAX)
    return [_structure(row) for row in rows]


async def find_structure(connection: Connection, operator_id: int, *, now: datetime) -> Structure | None:
    row = await connection.fetchrow(ONE, paris_day(now), operator_id)
    return _structure(row) if row else None


async def list_qualifications(connection: Connection, operator_id: int) -> list[StructureQualification]:
    rows = await connection.fetch(QUALIFICATIONS, operator_id, QUALIFICATIONS_MAX)
    return [
        StructureQualification(programme_id, name, starts_on, ends_on, tuple(services))
        for programme_id, name, starts_on, ends_on, services in rows
    ]


async def open_programmes(connection: Connection, *, now: datetime) -> list[OpenProgramme]:
    programmes: dict[int, OpenProgramme] = {}
    for programme_id, name, service_id, label in await connection.fetch(PROGRAMME_SERVICES, now):
        programme = programmes.setdefault(programme_id, OpenProgramme(programme_id, name, {}))
        programme.services[service_id] = label
    return list(programmes.values())


async def is_qualified_within(
    connection: Connection, operator_id: int, programme_id: int, *, starts_on: date, ends_on: date | None
) -> bool:
    """Whether some day of the period is covered already."""
    found: bool = await connection.fetchval(OVERLAPS, operator_id, programme_id, starts_on, ends_on)
    return found


async def end_running_qualification(
    connection: Connection, operator_id: int, programme_id: int, *, ends_on: date, actor: str, reason: str
) -> bool:
    """ends_on: the last day included. False where nothing runs beyond it."""
    async with connection.transaction():
        if await connection.execute(END, operator_id, programme_id, ends_on) == "UPDATE 0":
            return False
        await record_event(
            connection,
            actor=actor,
            action="operator.disqualify",
            subject=f"operator:{operator_id}",
            reason=reason,
            programme=programme_id,
            ends_on=ends_on.isoformat(),
        )
    return True


async def suspend_operator(
    connection: Connection, operator_id: int, *, now: datetime, actor: str, reason: str
) -> date | None:
    """End what it is qualified for, in every programme, from now on; what it accepted stays owed.

    Return the last day that is still covered: yesterday, or the first day of a qualification that began
    today; None where nothing ran.
    """
    async with connection.transaction():
        ended = await connection.fetch(SUSPEND, operator_id, paris_day(now) - timedelta(days=1))
        if not ended:
            return None
        await record_event(
            connection,
            actor=actor,
            action="operator.suspend",
            subject=f"operator:{operator_id}",
            reason=reason,
        )
    last: date = max(row["ends_on"] for row in ended)
    return last


def paris_day(now: datetime) -> date:
    return now.astimezone(PARIS).date()


def _structure(row: Record) -> Structure:
    number, name, siret, site_count, device_count, programmes = row
    return Structure(number, name, siret, site_count, device_count, tuple(programmes))
