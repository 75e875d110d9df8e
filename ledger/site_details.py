"""What the public is told of a place, and the places told of: where passes may be accepted today."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.structures import paris_day

PLACES_MAX = 10_000

SAVE = """
INSERT INTO site_details (site_id, address, complement, postcode, commune, insee, latitude, longitude, phone,
                          email, website, opening_hours, summary, access_sheet, booking, updated_at,
                          updated_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
ON CONFLICT (site_id) DO UPDATE SET
    address = excluded.address, complement = excluded.complement, postcode = excluded.postcode,
    commune = excluded.commune, insee = excluded.insee, latitude = excluded.latitude,
    longitude = excluded.longitude, phone = excluded.phone, email = excluded.email,
    website = excluded.website, opening_hours = excluded.opening_hours, summary = excluded.summary,
    access_sheet = excluded.access_sheet, booking = excluded.booking, updated_at = excluded.updated_at,
    updated_by = excluded.updated_by"""
SAVED = (
    *("address", "complement", "postcode", "commune", "insee", "latitude", "longitude", "phone", "email"),
    *("website", "opening_hours", "summary", "access_sheet", "booking"),
)
DETAILS = """address, postcode, commune, complement, insee, latitude, longitude, phone, email, website,
       opening_hours, summary, access_sheet, booking"""
OF_SITE = f"SELECT {DETAILS} FROM site_details WHERE site_id = $1"
SITES = """
SELECT s.id, s.name, s.operator_id, t.name AS territory
FROM sites s JOIN territories t ON t.id = s.territory_id WHERE s.operator_id = $1 ORDER BY s.name"""
# Qualified today for a programme that runs and covers the site's territory. Suspended operators are not.
PLACES = """
SELECT s.id AS site_id, s.name, o.name AS operator, o.siret, t.name AS territory,
       array_agg(DISTINCT v.label) AS services, array_remove(array_agg(DISTINCT v.mednum), NULL) AS mednum,
       coalesce(array_agg(DISTINCT v.code) FILTER (WHERE v.mednum IS NULL), '{}') AS codes,
       array_agg(DISTINCT p.name) AS programmes,
       max(d.updated_at) AS updated_at
FROM sites s JOIN operators o ON o.id = s.operator_id JOIN territories t ON t.id = s.territory_id
JOIN qualifications q ON q.operator_id = o.id AND q.starts_on <= $1 AND (q.ends_on IS NULL OR q.ends_on >= $1)
JOIN programmes p ON p.id = q.programme_id AND p.last_day >= $1
JOIN programme_territories pt ON pt.programme_id = p.id AND pt.territory_id = s.territory_id
JOIN programme_services ps ON ps.programme_id = p.id AND ps.service_id = ANY(q.service_ids)
JOIN services v ON v.id = ps.service_id
LEFT JOIN site_details d ON d.site_id = s.id
GROUP BY s.id, o.id, t.id ORDER BY t.name, s.name, s.id LIMIT $2"""
NAME_SERVICE = "UPDATE services SET mednum = $2 WHERE code = $1 AND id > 0 RETURNING id"
PUBLISHERS = "SELECT DISTINCT funder FROM programmes ORDER BY funder"
ALL_DETAILS = f"SELECT site_id, {DETAILS} FROM site_details WHERE site_id = ANY($1)"


@dataclass(frozen=True, slots=True)
class SiteDetails:
    address: str
    postcode: str
    commune: str
    complement: str | None = None
    insee: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    phone: str | None = None
    email: str | None = None
    website: str | None = None
    opening_hours: str | None = None
    summary: str | None = None
    access_sheet: str | None = None
    booking: str | None = None


@dataclass(frozen=True, slots=True)
class OwnSite:
    id: int
    name: str
    operator_id: int
    territory: str


@dataclass(frozen=True, slots=True)
class Place:
    """A site where passes may be accepted today."""

    site_id: int
    name: str
    operator: str
    siret: str
    territory: str
    services: tuple[str, ...]
    mednum: tuple[str, ...]  # the same in the words of the national schema, as far as they were said
    codes: tuple[str, ...]  # of those that were not said
    programmes: tuple[str, ...]
    updated_at: datetime | None  # of its details
    details: SiteDetails | None


async def save_details(
    connection: Connection, site_id: int, details: SiteDetails, *, actor: str, at: datetime
) -> None:
    """Checked by the caller; the event keeps what was said."""
    told: dict[str, Any] = asdict(details)
    async with connection.transaction():
        await connection.execute(SAVE, site_id, *(told[name] for name in SAVED), at, actor)
        kept = {name: value for name, value in told.items() if value is not None}
        await record_event(connection, actor=actor, action="site.describe", subject=f"site:{site_id}", **kept)


async def read_details(connection: Connection, site_id: int) -> SiteDetails | None:
    row = await connection.fetchrow(OF_SITE, site_id)
    return SiteDetails(*row) if row else None


async def own_sites(connection: Connection, operator_id: int) -> list[OwnSite]:
    return [OwnSite(*row) for row in await connection.fetch(SITES, operator_id)]


async def places_on(connection: Connection, *, now: datetime) -> list[Place]:
    """By territory and name."""
    rows = await connection.fetch(PLACES, paris_day(now), PLACES_MAX)
    found = await connection.fetch(ALL_DETAILS, [row["site_id"] for row in rows])
    details = {row["site_id"]: SiteDetails(*list(row)[1:]) for row in found}
    return [_place(row, details.get(row["site_id"])) for row in rows]


async def name_service(connection: Connection, code: str, name: str, *, actor: str) -> bool:
    """name: in the words of the national schema. False: no service has the code."""
    async with connection.transaction():
        service_id = await connection.fetchval(NAME_SERVICE, code, name)
        if service_id is None:
            return False
        subject = f"service:{service_id}"
        await record_event(connection, actor=actor, action="service.mednum", subject=subject, name=name)
    return True


async def publishers(connection: Connection) -> list[str]:
    """Who answers for the list: the funders."""
    return [row["funder"] for row in await connection.fetch(PUBLISHERS)]


def _place(row: Record, details: SiteDetails | None) -> Place:
    site_id, name, operator, siret, territory, *lists, updated_at = row
    services, mednum, codes, programmes = (tuple(one) for one in lists)
    return Place(
        site_id, name, operator, siret, territory, services, mednum, codes, programmes, updated_at, details
    )
