"""The clerk that proposes top-ups whose closing could not: one made by a command, or cut short.

Every process looks; the record holds that each threshold has one proposal.
"""

from datetime import UTC, datetime

import structlog

from ledger.connect import Connection
from programmes.grants import propose_due
from validator.clerk import Clerk

LOOK_SECONDS = 300.0

log = structlog.get_logger(__name__)


def top_up_clerk(dsn: str) -> Clerk:
    return Clerk("top-ups", dsn, _look, seconds=LOOK_SECONDS)


async def _look(connection: Connection) -> int:
    proposed = await propose_due(connection, at=datetime.now(UTC))
    for grant in proposed:
        log.info("top_up_proposed", grant=grant.id, territory=grant.territory_id)
    return len(proposed)
