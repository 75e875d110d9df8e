"""A programme's rules by version: added, and read as they were on any day. Amending is in amendments.py."""

from dataclasses import asdict, fields, replace
from datetime import date, datetime
from typing import Any

from ledger.calendar_rows import Calendar
from ledger.connect import Connection, Record
from ledger.rule_rows import Figures, Rules

FIGURES = tuple(field.name for field in fields(Figures))
COLUMNS = f"programme_id, version, decided_at, decided_by, in_force_from, reason, {', '.join(FIGURES)}"
ADD = f"""
INSERT INTO programme_rules ({COLUMNS})
SELECT $1, $2, t.at, $4, coalesce($5::date, greatest(paris_day(t.at), $6::date)), $7,
       {", ".join(f"${8 + place}" for place in range(len(FIGURES)))}
FROM (SELECT coalesce($3::timestamptz, clock_timestamp()) AS at) AS t
RETURNING {COLUMNS}"""
NEWEST = f"SELECT {COLUMNS} FROM programme_rules WHERE programme_id = $1 ORDER BY version DESC LIMIT 1"
ALL = f"SELECT {COLUMNS} FROM programme_rules WHERE programme_id = $1 ORDER BY version"
ON = f"SELECT {COLUMNS} FROM rules_on($1, $2) WHERE version IS NOT NULL"


class UnknownRules(Exception):
    """No programme has this number, or it has no rules."""


async def add_version(
    connection: Connection,
    programme_id: int,
    figures: Figures,
    *,
    after: Rules | None,
    reason: str,
    actor: str,
    in_force_from: date | None = None,
    at: datetime | None = None,
) -> Rules:
    """after: the newest version, which this one amends; None for the first. at, in_force_from: else now.

    What it changes of the programme's own row is the caller's, in the same transaction.
    """
    row = await connection.fetchrow(
        ADD,
        programme_id,
        after.version + 1 if after else 1,
        at,
        actor,
        in_force_from,
        after.in_force_from if after else None,
        reason,
        *asdict(figures).values(),
    )
    return _rules(row)


async def follow(
    connection: Connection,
    programme_id: int,
    *,
    reason: str,
    actor: str,
    at: datetime | None = None,
    **changes: Any,
) -> None:
    """The programme's own row was changed: its rules get a version that says so."""
    newest = await newest_rules(connection, programme_id)
    figures = replace(newest.figures, **changes)
    if figures != newest.figures:
        await add_version(connection, programme_id, figures, after=newest, reason=reason, actor=actor, at=at)


async def newest_rules(connection: Connection, programme_id: int) -> Rules:
    return _found(await connection.fetchrow(NEWEST, programme_id), programme_id)


async def rules_on(connection: Connection, programme_id: int, day: date) -> Rules:
    """In force on this day, by what had been decided by then; before the first version, the first."""
    return _found(await connection.fetchrow(ON, programme_id, day), programme_id)


async def list_versions(connection: Connection, programme_id: int) -> list[Rules]:
    return [_rules(row) for row in await connection.fetch(ALL, programme_id)]


def _found(row: Record | None, programme_id: int) -> Rules:
    if row is None:
        raise UnknownRules(f"no programme {programme_id}; `poincon programmes list` shows those known")
    return _rules(row)


def _rules(row: Record) -> Rules:
    told = dict(row)
    figures = {name: told.pop(name) for name in FIGURES}
    figures["closing_calendar"] = Calendar(figures["closing_calendar"])
    for name in ("publics", "service_ids", "territory_ids"):
        figures[name] = tuple(figures[name])
    return Rules(**told, figures=Figures(**figures))
