"""Grants are proposed, approved and refused here, each under its programme's lock."""

from datetime import datetime
from zoneinfo import ZoneInfo

import asyncpg
import structlog

from ledger.connect import Connection
from ledger.grant_rows import Grant, GrantRefused, GrantState, Standing
from ledger.grants import (
    add_grant,
    decide_grant,
    find_grant,
    lock_grants,
    standing_of,
    standings,
)
from ledger.notice_facts import top_up_proposed
from ledger.notices import tell
from ledger.payout_register import programme_names
from ledger.programmes import programme_ids
from ledger.remittance_rows import Remittance
from programmes.granting import (
    Hindrance,
    hindrance,
    hindrance_to_approval,
    is_proposed_by_itself,
    next_grant,
)
from programmes.working_days import after_working_days

PARIS = ZoneInfo("Europe/Paris")
ACTOR = "threshold"

log = structlog.get_logger(__name__)


class GrantHindered(GrantRefused):
    """Nothing was granted: what hinders it is one of granting.Hindrance."""

    def __init__(self, why: Hindrance) -> None:
        super().__init__(f"not granted: {why.value}")
        self.why = why


async def propose(
    connection: Connection, programme_id: int, territory_id: int, *, actor: str, at: datetime
) -> Grant:
    """A person asks for what is next: the first grant, or a top-up that was refused before."""
    async with connection.transaction():
        await lock_grants(connection, programme_id)
        day = at.astimezone(PARIS).date()
        standing = await standing_of(connection, programme_id, territory_id, day=day)
        if why := hindrance(standing, day):
            raise GrantHindered(why)
        wanted = next_grant(standing)
        grant = await add_grant(
            connection,
            standing,
            kind=wanted.kind,
            threshold_number=wanted.threshold_number,
            passes=wanted.passes,
            actor=actor,
            at=at,
        )
        if grant is None:
            raise GrantHindered(Hindrance.ALREADY_GRANTED)
        return grant


async def propose_due(
    connection: Connection, *, at: datetime, programmes: frozenset[int] | None = None
) -> list[Grant]:
    """Propose each top-up whose threshold is reached, once. Safe to repeat, and for several at once.

    programmes: those that something changed of; None: all.
    """
    proposed = []
    day = at.astimezone(PARIS).date()
    for programme_id in sorted(await programme_ids(connection) if programmes is None else programmes):
        for standing in await standings(connection, programme_id, day=day):
            if is_proposed_by_itself(standing, day):
                grant = await _propose_top_up(connection, programme_id, standing.territory_id, at=at)
                proposed += [grant] if grant else []
    return proposed


async def propose_after(connection: Connection, closed: Remittance, *, at: datetime) -> list[Grant]:
    """The top-ups that a closing made due. What goes wrong here is not its trouble: a clerk looks again."""
    try:
        touched = frozenset(part.programme_id for part in closed.parts)
        return await propose_due(connection, at=at, programmes=touched)
    except Exception:
        log.exception("top_ups_not_looked_at", operator=closed.operator_id, number=closed.number)
        return []


async def _propose_top_up(
    connection: Connection, programme_id: int, territory_id: int, *, at: datetime
) -> Grant | None:
    """Looked at again under the lock: another process may have proposed it, or a person just refused it."""
    async with connection.transaction():
        await lock_grants(connection, programme_id)
        day = at.astimezone(PARIS).date()
        standing = await standing_of(connection, programme_id, territory_id, day=day)
        if not is_proposed_by_itself(standing, day):
            return None
        wanted = next_grant(standing)
        grant = await add_grant(
            connection,
            standing,
            kind=wanted.kind,
            threshold_number=wanted.threshold_number,
            passes=wanted.passes,
            actor=ACTOR,
            at=at,
        )
        if grant is not None:
            await _tell_funder(connection, standing, grant, at=at)
        return grant


async def _tell_funder(connection: Connection, standing: Standing, grant: Grant, *, at: datetime) -> None:
    fact = top_up_proposed(
        grant_id=grant.id,
        programme_id=standing.programme_id,
        programme=(await programme_names(connection))[standing.programme_id],
        territory=standing.territory,
        passes=grant.passes,
        consumed=standing.holdings.consumed,
        held=standing.holdings.held,
    )
    await tell(connection, fact, at=at)


async def approve(
    connection: Connection,
    grant_id: int,
    *,
    person_id: int,
    actor: str,
    at: datetime,
    reason: str | None = None,
) -> Grant:
    """Judged again under the lock, by the rules of the day: the cap is common to all territories."""
    async with connection.transaction():
        await lock_grants(connection, (await find_grant(connection, grant_id)).programme_id)
        grant = await find_grant(connection, grant_id)
        if grant.state is not GrantState.PROPOSED:
            raise GrantRefused(f"grant {grant_id} is {grant.state} already")
        day = at.astimezone(PARIS).date()
        standing = await standing_of(connection, grant.programme_id, grant.territory_id, day=day)
        if why := hindrance_to_approval(grant, standing, day):
            raise GrantHindered(why)
        try:
            return await decide_grant(
                connection,
                grant,
                GrantState.APPROVED,
                person_id=person_id,
                actor=actor,
                reason=reason,
                deliver_by=after_working_days(day, standing.rules.figures.delivery_working_days),
                at=at,
            )
        except asyncpg.RestrictViolationError as error:
            raise GrantRefused(str(error)) from None


async def refuse(
    connection: Connection, grant_id: int, *, person_id: int, actor: str, reason: str, at: datetime
) -> Grant:
    async with connection.transaction():
        grant = await find_grant(connection, grant_id)
        await lock_grants(connection, grant.programme_id)
        return await decide_grant(
            connection,
            grant,
            GrantState.REFUSED,
            person_id=person_id,
            actor=actor,
            reason=reason,
            at=at,
        )
