"""Amendments of a programme's rules: another version, and its effect on the programme that verdicts read."""

from dataclasses import asdict
from datetime import date, datetime

from ledger.calendar_rows import Calendar
from ledger.connect import Connection
from ledger.events import record_event
from ledger.programme_rules import UnknownRules, add_version, newest_rules
from ledger.programmes import AMEND, COVER_SERVICES, COVER_TERRITORIES, LOCK, MOVE_LAST_DAY
from ledger.remittance_rows import PARIS
from ledger.rule_rows import LAST_DAY_MAX, LAST_DAY_MIN, Figures, Rules

SET_PAYMENT = "UPDATE programmes SET payment_delay_days = $2, closing_calendar = $3 WHERE id = $1"
UNCOVER_TERRITORIES = """
DELETE FROM programme_territories WHERE programme_id = $1 AND NOT territory_id = ANY($2::integer[])"""
UNCOVER_SERVICES = """
DELETE FROM programme_services WHERE programme_id = $1 AND NOT service_id = ANY($2::smallint[])"""
GRANTED = "SELECT granted_of($1)"


class AmendmentRefused(Exception):
    """Nothing was amended; the text says why and what to do."""


async def amend_rules(
    connection: Connection,
    programme_id: int,
    figures: Figures,
    *,
    of_version: int,
    in_force_from: date,
    reason: str,
    actor: str,
    at: datetime,
) -> Rules:
    """of_version: the one that was read, so that two amendments made at once do not undo each other."""
    async with connection.transaction():
        last_day_old = await connection.fetchval(LOCK, programme_id)
        if last_day_old is None:
            raise UnknownRules(f"no programme {programme_id}; `poincon programmes list` shows those known")
        before = await newest_rules(connection, programme_id)
        _refuse_what_cannot_be(before, figures, of_version, in_force_from, at.astimezone(PARIS).date())
        if figures.stock_cap_passes is not None:
            granted = await connection.fetchval(GRANTED, programme_id)
            if granted > figures.stock_cap_passes:
                raise AmendmentRefused(f"{granted} passes are granted already: the cap can't be lower")
        after = await add_version(
            connection,
            programme_id,
            figures,
            after=before,
            reason=reason,
            actor=actor,
            in_force_from=in_force_from,
            at=at,
        )
        if figures.last_day != last_day_old:
            await connection.execute(MOVE_LAST_DAY, programme_id, figures.last_day)
            await connection.execute(AMEND, programme_id, last_day_old, figures.last_day, reason)
        await _apply(connection, programme_id, before.figures, figures)
        await record_event(
            connection,
            actor=actor,
            action="programme.amend",
            subject=f"programme:{programme_id}",
            reason=reason,
            version=after.version,
            changed=sorted(_changed(before.figures, figures)),
        )
    return after


def _refuse_what_cannot_be(
    before: Rules, figures: Figures, of_version: int, in_force_from: date, today: date
) -> None:
    if before.version != of_version:
        raise AmendmentRefused(f"amended meanwhile: version {before.version} is the newest; read it first")
    if figures == before.figures:
        raise AmendmentRefused("nothing would change")
    if not LAST_DAY_MIN <= figures.last_day_of_use <= LAST_DAY_MAX:
        raise AmendmentRefused(f"the last day of use lies between {LAST_DAY_MIN} and {LAST_DAY_MAX}")
    if in_force_from < before.in_force_from:
        raise AmendmentRefused(f"version {before.version} is in force from {before.in_force_from} only")
    at_once = {"last_day_of_use", "grace_days", "payment_delay_days", "closing_calendar", "service_ids"}
    at_once.add("territory_ids")
    if in_force_from > today and (early := at_once & _changed(before.figures, figures)):
        raise AmendmentRefused(
            f"these take effect when they are recorded, not on {in_force_from}: {', '.join(sorted(early))}"
        )


async def _apply(connection: Connection, programme_id: int, before: Figures, after: Figures) -> None:
    if (before.payment_delay_days, before.closing_calendar) != (
        after.payment_delay_days,
        after.closing_calendar,
    ):
        calendar = Calendar(after.closing_calendar).value
        await connection.execute(SET_PAYMENT, programme_id, after.payment_delay_days, calendar)
    if before.territory_ids != after.territory_ids:
        added = sorted({*after.territory_ids} - {*before.territory_ids})
        await connection.execute(UNCOVER_TERRITORIES, programme_id, list(after.territory_ids))
        await connection.execute(COVER_TERRITORIES, programme_id, added)
    if before.service_ids != after.service_ids:
        added = sorted({*after.service_ids} - {*before.service_ids})
        await connection.execute(UNCOVER_SERVICES, programme_id, list(after.service_ids))
        await connection.execute(COVER_SERVICES, programme_id, added)


def _changed(before: Figures, after: Figures) -> set[str]:
    old, new = asdict(before), asdict(after)
    return {name for name in new if new[name] != old[name]}
