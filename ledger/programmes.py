"""Programmes: face value, validity and its amendments, what they cover. Booklets are in booklets.py, the
rules of its convention in programme_rules.py."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta

from ledger.calendar_rows import Calendar
from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.facts import PROGRAMMES
from ledger.programme_rules import add_version, follow, newest_rules
from ledger.rows import Programme
from ledger.rule_rows import Figures

ADD = """
INSERT INTO programmes (name, funder, contact, face_value_cents, booklet_size, last_day, expires_at)
VALUES ($1, $2, $3, $4, $5, $6::date, ($6::date + 1)::timestamp AT TIME ZONE 'Europe/Paris')
RETURNING id, payment_delay_days"""
COVER_TERRITORIES = "INSERT INTO programme_territories SELECT $1, unnest($2::integer[])"
COVER_SERVICES = "INSERT INTO programme_services SELECT $1, unnest($2::smallint[])"
LOCK = "SELECT last_day FROM programmes WHERE id = $1 FOR UPDATE"
MOVE_LAST_DAY = """
UPDATE programmes SET last_day = $2::date, expires_at = ($2::date + 1)::timestamp AT TIME ZONE 'Europe/Paris'
WHERE id = $1"""
AMEND = """
INSERT INTO programme_amendments (programme_id, last_day_old, last_day_new, reason) VALUES ($1, $2, $3, $4)"""

IDS = "SELECT id FROM programmes"
ONE = f"SELECT * FROM ({PROGRAMMES}) AS known WHERE id = $1"


CONTACT = "SELECT contact FROM programmes WHERE id = $1"


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
    figures: Figures | None = None,
    at: datetime | None = None,
) -> int:
    """last_day: the last legal day of use in Europe/Paris, grace included.

    figures: of its convention; their validity, coverage and payments are what the other arguments say.
    """
    territories, services = tuple(sorted(territory_ids)), tuple(sorted(service_ids))
    async with connection.transaction():
        row = await connection.fetchrow(ADD, name, funder, contact, face_value_cents, booklet_size, last_day)
        programme_id, payment_delay_days = int(row[0]), int(row[1])
        await connection.execute(COVER_TERRITORIES, programme_id, list(territories))
        await connection.execute(COVER_SERVICES, programme_id, list(services))
        first = replace(
            figures or Figures(last_day),
            last_day_of_use=last_day - timedelta(days=figures.grace_days if figures else 0),
            payment_delay_days=payment_delay_days,
            closing_calendar=Calendar.NONE,
            territory_ids=territories,
            service_ids=services,
        )
        await add_version(
            connection, programme_id, first, after=None, reason=first.convention or name, actor=actor, at=at
        )
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
        grace_days = (await newest_rules(connection, programme_id)).figures.grace_days
        last_day_of_use = last_day - timedelta(days=grace_days)
        await follow(connection, programme_id, reason=reason, actor=actor, last_day_of_use=last_day_of_use)
        subject = f"programme:{programme_id}"
        await record_event(connection, actor=actor, action="programme.amend", subject=subject, reason=reason)


async def find_programme(connection: Connection, programme_id: int) -> Programme:
    row = await connection.fetchrow(ONE, programme_id)
    if row is None:
        raise UnknownProgramme(f"no programme {programme_id}; `poincon programmes list` shows those known")
    return _programme(row)


def _programme(row: Record) -> Programme:
    told = dict(row)
    territory_ids, service_ids = told.pop("territory_ids"), told.pop("service_ids")
    return Programme(**told, territory_ids=frozenset(territory_ids), service_ids=frozenset(service_ids))


async def list_programmes(connection: Connection) -> list[Programme]:
    return [_programme(row) for row in await connection.fetch(PROGRAMMES)]


async def programme_ids(connection: Connection) -> frozenset[int]:
    return frozenset(row["id"] for row in await connection.fetch(IDS))


async def find_contact(connection: Connection, programme_id: int) -> str:
    """Whom beneficiaries ask; printed on their papers."""
    return str(await connection.fetchval(CONTACT, programme_id) or "")
