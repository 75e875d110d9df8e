"""The clerks that freeze monthly returns on the 1st, that alert and release at the end of a validity, and
that freeze the papers of joint statements whose last signer could not.

Every process looks; the record holds that each month is frozen and each stage done once.
"""

from datetime import UTC, datetime

import structlog

from ledger.connect import Connection
from ledger.month_figures import FiguresDisagree
from ledger.monthly_returns import due_returns
from ledger.statement_papers import unfrozen_statements
from ledger.validity_ends import StageRefused, done_stages, ending_programmes, record_stage, release_all
from payouts.month_freezing import freeze_month
from payouts.statement_freezing import freeze_statement
from programmes.end_of_validity import Stage, Validity, due_stages
from validator.clerk import Clerk

LOOK_SECONDS = 600.0
ACTOR = "calendar"

log = structlog.get_logger(__name__)


def return_clerk(dsn: str) -> Clerk:
    async def look(connection: Connection) -> int:
        return await freeze_returns(connection, datetime.now(UTC))

    return Clerk("returns", dsn, look, seconds=LOOK_SECONDS)


async def freeze_returns(connection: Connection, now: datetime) -> int:
    """How many this look froze. A programme whose records disagree keeps no other one waiting."""
    count, refused = 0, set()
    for programme_id, period in await due_returns(connection, at=now):
        if programme_id in refused:
            continue
        try:
            frozen = await freeze_month(connection, programme_id, period, at=now, actor=ACTOR)
        except FiguresDisagree:
            log.exception("return_refused", programme=programme_id, month=f"{period.first:%Y-%m}")
            refused.add(programme_id)
            continue
        count += frozen.frozen_at == now
        log.info("return_frozen", programme=programme_id, month=f"{frozen.month:%Y-%m}")
    return count


def ending_clerk(dsn: str) -> Clerk:
    async def look(connection: Connection) -> int:
        now = datetime.now(UTC)
        return await keep_endings(connection, now) + await freeze_statements(connection, now)

    return Clerk("endings", dsn, look, seconds=LOOK_SECONDS)


async def keep_endings(connection: Connection, now: datetime, *, programme_id: int | None = None) -> int:
    """What no person has to decide: alerts, and the release of what expired. How many stages were done."""
    count = 0
    for ending in await ending_programmes(connection, programme_id):
        done = {Stage(one) for one in await done_stages(connection, ending)}
        due = due_stages(Validity(ending.last_day, ending.grace_days), done, now)
        try:
            if Stage.ALERT in due:
                await record_stage(connection, ending, Stage.ALERT, at=now, actor=ACTOR)
                count += 1
            if Stage.RELEASED in due:
                await release_all(connection, ending, at=now, actor=ACTOR)
                count += 1
        except StageRefused:  # another process was first
            continue
        if due:
            log.info("validity_stages", programme=ending.id, due=[stage.value for stage in due])
    return count


async def freeze_statements(connection: Connection, now: datetime) -> int:
    """How many joint statements got their papers: both sides signed, and the process died before them."""
    waiting = await unfrozen_statements(connection)
    for statement in waiting:
        await freeze_statement(connection, statement, at=now, actor=ACTOR)
        log.info("statement_frozen", programme=statement.programme_id)
    return len(waiting)
