"""Programmes: face value, validity and its amendments, what they cover. Booklets are in booklets.py."""

from collections.abc import Iterable
from datetime import date

from ledger.connect import Connection
from ledger.events import record_event

ADD = """
INSERT INTO programmes (name, funder, contact, face_value_cents, booklet_size, last_day, expires_at)
VALUES ($1, $2, $3, $4, $5, $6::date, ($6::date + 1)::timestamp AT TIME ZONE 'Europe/Paris') RETURNING id"""
COVER_TERRITORIES = "INSERT INTO programme_territories SELECT $1, unnest($2::integer[])"
COVER_SERVICES = "INSERT INTO programme_services SELECT $1, unnest($2::smallint[])"
LOCK = "SELECT last_day FROM programmes WHERE id = $1 FOR UPDATE"
MOVE_LAST_DAY = """
UPDATE programmes SET last_day = $2::date, expires_at = ($2::date + 1)::timestamp AT TIME ZONE 'Europe/Paris'
WHERE id = $1"""
AMEND = """
INSERT INTO programme_amendments (programme_id, last_day_old, last_day_new, reason) VALUES ($1, $2, $3, $4)"""


class UnknownProgramme(Exception):
    """No programme has this number."""


async def add_programme(
    connection: Connection,
    *,
    name: str,
    funder: str,
    contact: str,
    face_value_cents: int,
    booklet_size: int,
    last_day: date,
    territory_ids: Iterable[int],
    service_ids: Iterable[int],
    actor: str,
) -> int:
    """last_day: the last legal day of use in Europe/Paris, grace included."""
    async with connection.transaction():
        programme_id = int(
            await connection.fetchval(ADD, name, funder, contact, face_value_cents, booklet_size, last_day)
        )
        await connection.execute(COVER_TERRITORIES, programme_id, sorted(territory_ids))
        await connection.execute(COVER_SERVICES, programme_id, sorted(service_ids))
        subject = f"programme:{programme_id}"
        await record_event(connection, actor=actor, action="programme.add", subject=subject, name=name)
    return programme_id


async def amend_last_day(
    connection: Connection, programme_id: int, last_day: date, *, reason: str, actor: str
) -> None:
    """Extend or shorten the validity of every booklet of the programme; printed codes stay as they are."""
    async with connection.transaction():
        last_day_old = await connection.fetchval(LOCK, programme_id)
        if last_day_old is None:
            raise UnknownProgramme(f"no programme {programme_id}")
        if last_day_old == last_day:
            return
        await connection.execute(MOVE_LAST_DAY, programme_id, last_day)
        await connection.execute(AMEND, programme_id, last_day_old, last_day, reason)
        subject = f"programme:{programme_id}"
        await record_event(connection, actor=actor, action="programme.amend", subject=subject, reason=reason)
