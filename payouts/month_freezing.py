"""Freezes monthly returns: reads the month, draws its papers and keeps them, once. Again: what is kept."""

import asyncio
from datetime import datetime

import asyncpg

from ledger.connect import Connection
from ledger.month_figures import month_figures
from ledger.monthly_returns import add_return, due_returns, find_return, lock_returns, told_before
from ledger.period_rows import MonthlyReturn
from ledger.rendering_rows import Period
from payouts.monthly_return import draw_return, return_csv
from programmes.returns import return_facts


class ReturnRefused(Exception):
    """Nothing was frozen; the text says why and what to do."""


async def freeze_month(
    connection: Connection, programme_id: int, period: Period, *, at: datetime, actor: str
) -> MonthlyReturn:
    """The return of a month that is over and follows the newest one that is frozen."""
    if frozen := await find_return(connection, programme_id, period.first):
        return frozen
    if not period.is_over(at):
        raise ReturnRefused(f"{period.first:%Y-%m} is not over, or not for an hour yet")
    try:
        async with connection.transaction():
            # A statement of its own: what another one froze meanwhile is seen by the next ones.
            await lock_returns(connection, programme_id)
            if frozen := await find_return(connection, programme_id, period.first):
                return frozen
            return await _freeze(connection, programme_id, period, at=at, actor=actor)
    except asyncpg.RestrictViolationError as error:
        raise ReturnRefused(f"{error}: freeze the months in between, or run `poincon report due`") from None


async def freeze_due(
    connection: Connection, *, at: datetime, actor: str, programme_id: int | None = None
) -> list[MonthlyReturn]:
    """All that are due, oldest first. programme_id: of this programme alone."""
    return [
        await freeze_month(connection, due, period, at=at, actor=actor)
        for due, period in await due_returns(connection, at=at)
        if programme_id in {None, due}
    ]


async def _freeze(
    connection: Connection, programme_id: int, period: Period, *, at: datetime, actor: str
) -> MonthlyReturn:
    before = await told_before(connection, programme_id)
    figures = await month_figures(connection, programme_id, period, told_before=before[1] if before else None)
    facts = return_facts(figures)
    content = return_csv(facts)
    # In a thread: drawing would hold the loop, and with it the scans.
    pdf = await asyncio.to_thread(draw_return, facts, content, at=at)
    return await add_return(
        connection, programme_id, period.first, last_entry=figures.last_entry, facts=facts, csv=content,
        pdf=pdf, actor=actor, at=at,
    )  # fmt: skip
