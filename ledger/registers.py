"""What a person leafs through: devices, sites, batches, one booklet, events. Only reads; counters are in
overview.py."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ledger.connect import Connection

DEVICES_MAX = 1_000
SITES_MAX = 5_000
BATCHES_MAX = 500

LISTED_DEVICES = """
SELECT d.id, o.name, s.name, p.name, d.label, d.enrolled_at, d.revoked_at, d.public_key
FROM devices d JOIN operators o ON o.id = d.operator_id JOIN sites s ON s.id = d.site_id
               JOIN persons p ON p.id = d.mediator_id"""
DEVICES = f"""
{LISTED_DEVICES} ORDER BY o.name, o.id, d.revoked_at IS NOT NULL, s.name, p.name, d.id LIMIT $1"""
DEVICE = f"{LISTED_DEVICES} WHERE d.id = $1"
SITES = """
SELECT s.id, o.name, s.name, t.name
FROM sites s JOIN operators o ON o.id = s.operator_id JOIN territories t ON t.id = s.territory_id
ORDER BY o.name, o.id, s.name LIMIT $1"""
# Of two persons with one name in one operator the first is meant: the rule that nobody accepts what they
# prescribed then refuses too much rather than too little.
MEDIATOR = """
SELECT p.id FROM persons p
WHERE p.name = $2 AND p.id IN (
    SELECT d.mediator_id FROM devices d JOIN sites s ON s.operator_id = d.operator_id WHERE s.id = $1
    UNION
    SELECT e.mediator_id FROM enrolments e JOIN sites offered ON offered.id = e.site_id
    JOIN sites s ON s.operator_id = offered.operator_id WHERE s.id = $1)
ORDER BY p.id LIMIT 1"""
BATCHES = """
SELECT t.id, p.name, t.first_booklet, t.booklet_count, t.issued_at, p.last_day,
       count(*) FILTER (WHERE b.state = 'issued'), count(*) FILTER (WHERE b.state = 'active'),
       count(*) FILTER (WHERE b.state = 'cancelled')
FROM batches t JOIN programmes p ON p.id = t.programme_id JOIN booklets b ON b.batch_id = t.id
GROUP BY t.id, p.id ORDER BY t.id DESC LIMIT $1"""
BOOKLET = """
SELECT b.number, b.batch_id, p.name, b.state, b.pass_count, b.face_value_cents, b.activated_at,
       b.cancelled_at, b.cancel_cause, p.last_day,
       (SELECT count(*) FROM acceptances a WHERE a.booklet = b.number AND a.undone_at IS NULL)
FROM booklets b JOIN batches t ON t.id = b.batch_id JOIN programmes p ON p.id = t.programme_id
WHERE b.number = $1"""
EVENTS = """
SELECT id, at, actor, action, subject, reason, detail FROM events
WHERE $1::bigint IS NULL OR id < $1 ORDER BY id DESC LIMIT $2"""


@dataclass(frozen=True, slots=True)
class ListedDevice:
    id: int
    operator: str
    site: str
    mediator: str
    label: str
    enrolled_at: datetime
    revoked_at: datetime | None
    public_key: bytes | None  # what it signs its requests with


@dataclass(frozen=True, slots=True)
class ListedSite:
    id: int
    operator: str
    name: str
    territory: str


@dataclass(frozen=True, slots=True)
class ListedBatch:
    id: int
    programme: str
    first_booklet: int
    booklet_count: int
    issued_at: datetime
    last_day: date
    issued_count: int  # printed, not yet activated
    active_count: int
    cancelled_count: int

    @property
    def last_booklet(self) -> int:
        return self.first_booklet + self.booklet_count - 1


@dataclass(frozen=True, slots=True)
class FoundBooklet:
    number: int
    batch_id: int
    programme: str
    state: str
    pass_count: int
    face_value_cents: int
    activated_at: datetime | None
    cancelled_at: datetime | None
    cancel_cause: str | None
    last_day: date
    accepted_passes: int


@dataclass(frozen=True, slots=True)
class Event:
    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    reason: str | None
    detail: dict[str, Any]


async def list_devices(connection: Connection) -> list[ListedDevice]:
    """By operator, those in use first."""
    return [ListedDevice(*row) for row in await connection.fetch(DEVICES, DEVICES_MAX)]


async def find_device(connection: Connection, device_id: int) -> ListedDevice | None:
    row = await connection.fetchrow(DEVICE, device_id)
    return ListedDevice(*row) if row else None


async def list_sites(connection: Connection) -> list[ListedSite]:
    return [ListedSite(*row) for row in await connection.fetch(SITES, SITES_MAX)]


async def find_mediator(connection: Connection, *, site_id: int, name: str) -> int | None:
    """The person of this name who has, or was offered, a device of the site's operator."""
    found: int | None = await connection.fetchval(MEDIATOR, site_id, name)
    return found


async def newest_batches(connection: Connection) -> list[ListedBatch]:
    return [ListedBatch(*row) for row in await connection.fetch(BATCHES, BATCHES_MAX)]


async def find_booklet(connection: Connection, number: int) -> FoundBooklet | None:
    row = await connection.fetchrow(BOOKLET, number)
    return FoundBooklet(*row) if row else None


async def list_events(connection: Connection, *, before: int | None, limit: int) -> list[Event]:
    """Newest first; before: the id of the last event already seen."""
    return [Event(*row) for row in await connection.fetch(EVENTS, before, limit)]
