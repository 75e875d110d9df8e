"""The clerk that freezes monthly returns on the 1st, whoever forgets it. What a return says is payouts'.

Every process looks; the record holds that each programme and month is frozen once.
"""

from datetime import UTC, datetime

import structlog

from ledger.connect import Connection
from ledger.month_figures import FiguresDisagree
from ledger.monthly_returns import due_returns
from payouts.month_freezing import freeze_month
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
