"""Prescribers: organisations of a territory, and who hands out for them. Their stock is in custody.py."""

from datetime import datetime

from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.handout_rows import Prescriber, PrescriberPerson
from ledger.parties import add_person

PRESCRIBERS_MAX = 2_000

COLUMNS = "p.id, p.name, p.territory_id, t.name, p.operator_id"
FROM = "FROM prescribers p JOIN territories t ON t.id = p.territory_id"
FIND = f"SELECT {COLUMNS} {FROM} WHERE p.id = $1"
LIST = f"""
SELECT {COLUMNS} {FROM} WHERE $1::integer IS NULL OR p.territory_id = $1 ORDER BY t.name, p.name LIMIT $2"""
ADD = """
INSERT INTO prescribers (territory_id, name, operator_id, added_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (territory_id, name) DO NOTHING RETURNING id"""
HAS_TERRITORY = "SELECT EXISTS (SELECT FROM territories WHERE id = $1)"
HAS_OPERATOR = "SELECT EXISTS (SELECT FROM operators WHERE id = $1)"
PERSONS = """
SELECT h.person_id, n.name, h.joined_at, h.left_at,
       EXISTS (SELECT FROM devices d WHERE d.mediator_id = h.person_id AND d.revoked_at IS NULL)
FROM prescriber_persons h JOIN persons n ON n.id = h.person_id
WHERE h.prescriber_id = $1 ORDER BY h.left_at IS NOT NULL, n.name, h.person_id"""
HANDS_OUT = """
SELECT EXISTS (SELECT FROM prescriber_persons
               WHERE prescriber_id = $1 AND person_id = $2 AND left_at IS NULL)"""
# The same organisation's médiateurs first: they are who a namesake most likely is.
NAMESAKE = """
SELECT n.id, coalesce(o.name, 'console') FROM persons n
LEFT JOIN devices d ON d.mediator_id = n.id LEFT JOIN operators o ON o.id = d.operator_id
WHERE lower(n.name) = lower($1) ORDER BY d.operator_id IS NOT DISTINCT FROM $2 DESC, n.id LIMIT 1"""
PERSON = "SELECT name FROM persons WHERE id = $1"
JOIN = """
INSERT INTO prescriber_persons (prescriber_id, person_id, joined_at) VALUES ($1, $2, $3)
ON CONFLICT (prescriber_id, person_id) DO UPDATE SET left_at = NULL
WHERE prescriber_persons.left_at IS NOT NULL
RETURNING person_id"""
LEAVE = """
UPDATE prescriber_persons SET left_at = $3
WHERE prescriber_id = $1 AND person_id = $2 AND left_at IS NULL RETURNING person_id"""
END_SESSIONS = """
DELETE FROM sessions s USING accounts a
WHERE a.id = s.account_id AND a.prescriber_id = $1 AND a.person_id = $2"""


class PrescriberRefused(Exception):
    """Nothing was changed; the text says why and what to do."""


async def add_prescriber(
    connection: Connection,
    *,
    territory_id: int,
    name: str,
    operator_id: int | None,
    at: datetime,
    actor: str,
) -> int:
    """operator_id: the same organisation's, when it accepts passes as well."""
    async with connection.transaction():
        if not await connection.fetchval(HAS_TERRITORY, territory_id):
            raise PrescriberRefused(f"no territory {territory_id}")
        if operator_id is not None and not await connection.fetchval(HAS_OPERATOR, operator_id):
            raise PrescriberRefused(f"no operator {operator_id}")
        added = await connection.fetchval(ADD, territory_id, name, operator_id, at)
        if added is None:
            raise PrescriberRefused(f"territory {territory_id} has a prescriber {name} already")
        await record_event(
            connection, actor=actor, action="prescriber.add", subject=f"prescriber:{added}", name=name
        )
    return int(added)


async def find_prescriber(connection: Connection, prescriber_id: int) -> Prescriber | None:
    row = await connection.fetchrow(FIND, prescriber_id)
    return read_prescriber(row) if row else None


async def list_prescribers(connection: Connection, territory_id: int | None = None) -> list[Prescriber]:
    rows = await connection.fetch(LIST, territory_id, PRESCRIBERS_MAX)
    return [read_prescriber(row) for row in rows]


async def list_persons(connection: Connection, prescriber_id: int) -> list[PrescriberPerson]:
    return [PrescriberPerson(*row) for row in await connection.fetch(PERSONS, prescriber_id)]


async def hands_out_for(connection: Connection, prescriber_id: int, person_id: int) -> bool:
    return bool(await connection.fetchval(HANDS_OUT, prescriber_id, person_id))


async def add_prescriber_person(
    connection: Connection,
    prescriber_id: int,
    *,
    name: str,
    at: datetime,
    actor: str,
    person_id: int | None = None,
    is_namesake: bool = False,
) -> int:
    """Somebody who hands out. person_id: who is known already, as a médiateur or at the console.

    One person under two numbers could hand out under one and accept under the other: whoever bears the name
    of somebody known must be told apart (is_namesake), or named by number.
    """
    async with connection.transaction():
        prescriber = await find_prescriber(connection, prescriber_id)
        if prescriber is None:
            raise PrescriberRefused(
                f"no prescriber {prescriber_id}; `poincon prescribers list` shows those known"
            )
        if person_id is not None and await connection.fetchval(PERSON, person_id) is None:
            raise PrescriberRefused(f"no person {person_id}")
        if person_id is None:
            known = await connection.fetchrow(NAMESAKE, name, prescriber.operator_id)
            if known and not is_namesake:
                raise PrescriberRefused(
                    f"{name} is known as person {known[0]} ({known[1]}): say --person {known[0]},"
                    " or --namesake if this is another person"
                )
            person_id = await add_person(connection, name)
        if await connection.fetchval(JOIN, prescriber_id, person_id, at) is not None:
            await record_event(
                connection,
                actor=actor,
                action="prescriber.join",
                subject=f"prescriber:{prescriber_id}",
                person=person_id,
            )
    return person_id


async def end_prescriber_person(
    connection: Connection, prescriber_id: int, person_id: int, *, at: datetime, actor: str, reason: str
) -> None:
    """They hand out no more, and their sessions end; what they handed out stays theirs."""
    async with connection.transaction():
        if await connection.fetchval(LEAVE, prescriber_id, person_id, at) is None:
            raise PrescriberRefused(f"person {person_id} hands nothing out for prescriber {prescriber_id}")
        await connection.execute(END_SESSIONS, prescriber_id, person_id)
        await record_event(
            connection,
            actor=actor,
            action="prescriber.leave",
            subject=f"prescriber:{prescriber_id}",
            reason=reason,
            person=person_id,
        )


def read_prescriber(row: Record) -> Prescriber:
    return Prescriber(*row)
