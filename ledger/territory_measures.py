"""What is checked off for a territory, and what is decided against it once it was heard."""

from datetime import date, datetime

import asyncpg

from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.grant_rows import Condition, ConditionMet, GrantRefused, Measure, MeasureKind
from ledger.grants import lock_grants
from ledger.remittance_rows import PARIS

TEXT_CHARS_MAX = 2_000
LIST_MAX = 500

NOTE = """
INSERT INTO territory_conditions (programme_id, territory_id, condition, met_on, note, noted_at, noted_by)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (programme_id, territory_id, condition) WHERE withdrawn_at IS NULL DO NOTHING RETURNING id"""
WITHDRAW = """
UPDATE territory_conditions SET withdrawn_at = $4, withdrawn_by = $5, withdraw_reason = $6
WHERE (programme_id, territory_id, condition) = ($1, $2, $3) AND withdrawn_at IS NULL RETURNING id"""
MET = """
SELECT id, condition, met_on, note, noted_at, noted_by FROM territory_conditions
WHERE (programme_id, territory_id) = ($1, $2) AND withdrawn_at IS NULL"""
DECIDE = """
INSERT INTO territory_measures (programme_id, territory_id, kind, passes, heard_on, hearing, reason,
                                decided_at, decided_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id"""
LIFT = """
UPDATE territory_measures SET lifted_at = $3, lifted_by = $4, lift_reason = $5
WHERE (programme_id, territory_id) = ($1, $2) AND kind = 'suspension' AND lifted_at IS NULL RETURNING id"""
MEASURES = """
SELECT m.id, m.territory_id, t.name, m.kind, m.passes, m.heard_on, m.hearing, m.reason, m.decided_at, d.name,
       m.lifted_at, l.name, m.lift_reason
FROM territory_measures m JOIN territories t ON t.id = m.territory_id JOIN persons d ON d.id = m.decided_by
LEFT JOIN persons l ON l.id = m.lifted_by
WHERE m.programme_id = $1 AND ($2::integer IS NULL OR m.territory_id = $2) ORDER BY m.id DESC LIMIT $3"""


async def note_condition(
    connection: Connection,
    programme_id: int,
    territory_id: int,
    condition: Condition,
    *,
    met_on: date,
    note: str,
    actor: str,
    at: datetime,
) -> None:
    """note: the convention's reference, who leads, whose opinion. Said again, it changes nothing."""
    if met_on > at.astimezone(PARIS).date():
        raise GrantRefused(f"{met_on} is to come: a condition is checked off once it is met")
    async with connection.transaction():
        noted = await connection.fetchval(
            NOTE, programme_id, territory_id, condition.value, met_on, note, at, actor
        )
        if noted is not None:
            await record_event(
                connection,
                actor=actor,
                action="territory.condition",
                subject=f"territory:{programme_id}/{territory_id}",
                reason=note or None,
                condition=condition.value,
            )


async def withdraw_condition(
    connection: Connection,
    programme_id: int,
    territory_id: int,
    condition: Condition,
    *,
    reason: str,
    actor: str,
    at: datetime,
) -> None:
    async with connection.transaction():
        if await connection.fetchval(
            WITHDRAW, programme_id, territory_id, condition.value, at, actor, reason
        ):
            await record_event(
                connection,
                actor=actor,
                action="territory.withdraw",
                subject=f"territory:{programme_id}/{territory_id}",
                reason=reason,
                condition=condition.value,
            )


async def conditions_met(
    connection: Connection, programme_id: int, territory_id: int
) -> dict[Condition, ConditionMet]:
    rows = await connection.fetch(MET, programme_id, territory_id)
    met = [ConditionMet(row["id"], Condition(row["condition"]), *list(row)[2:]) for row in rows]
    return {one.condition: one for one in met}


async def decide_measure(
    connection: Connection,
    programme_id: int,
    territory_id: int,
    kind: MeasureKind,
    *,
    passes: int | None = None,
    heard_on: date,
    hearing: str,
    reason: str,
    person_id: int,
    actor: str,
    at: datetime,
) -> int:
    """Suspend a territory, or take off what it was granted and not sent.

    It was heard before: `hearing` is the record of it, who spoke for the territory and what was said.
    """
    if heard_on > at.astimezone(PARIS).date():
        raise GrantRefused(f"the territory is heard first: {heard_on} is to come")
    if not hearing.strip():
        raise GrantRefused("write the record of the hearing: who was heard, and what was said")
    async with connection.transaction():
        await lock_grants(connection, programme_id)
        try:
            async with connection.transaction():
                measure_id = await connection.fetchval(
                    DECIDE,
                    programme_id,
                    territory_id,
                    kind.value,
                    passes,
                    heard_on,
                    hearing,
                    reason,
                    at,
                    person_id,
                )
        except asyncpg.UniqueViolationError:
            raise GrantRefused("this territory is suspended already") from None
        except asyncpg.RestrictViolationError as error:
            raise GrantRefused(str(error)) from None
        await record_event(
            connection,
            actor=actor,
            action="territory.suspend" if kind is MeasureKind.SUSPENSION else "territory.reduce",
            subject=f"territory:{programme_id}/{territory_id}",
            reason=reason,
            heard_on=heard_on.isoformat(),
            passes=passes,
        )
    return int(measure_id)


async def resume(
    connection: Connection,
    programme_id: int,
    territory_id: int,
    *,
    reason: str,
    person_id: int,
    actor: str,
    at: datetime,
) -> None:
    async with connection.transaction():
        if await connection.fetchval(LIFT, programme_id, territory_id, at, person_id, reason) is None:
            raise GrantRefused("this territory is not suspended")
        await record_event(
            connection,
            actor=actor,
            action="territory.resume",
            subject=f"territory:{programme_id}/{territory_id}",
            reason=reason,
        )


async def list_measures(
    connection: Connection, programme_id: int, *, territory_id: int | None = None
) -> list[Measure]:
    """The newest first."""
    rows = await connection.fetch(MEASURES, programme_id, territory_id, LIST_MAX)
    return [_measure(row) for row in rows]


def _measure(row: Record) -> Measure:
    told = list(row)
    told[3] = MeasureKind(told[3])
    return Measure(*told)
