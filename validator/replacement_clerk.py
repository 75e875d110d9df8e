"""The clerk that finishes replacements which were cut short between their two stages.

Whoever began one may be gone: a booklet that is shut and not issued again would leave its bearer with nothing
until somebody asked. Every process looks; the record holds that each is finished once.
"""

from datetime import UTC, datetime

import structlog

from ledger.booklets import IssueRefused
from ledger.connect import Connection
from ledger.replacements import ReplacementWaits, finish_replacement, unfinished_replacements
from validator.clerk import Clerk

LOOK_SECONDS = 60.0
ACTOR = "validator"

log = structlog.get_logger(__name__)


def replacement_clerk(dsn: str) -> Clerk:
    async def look(connection: Connection) -> int:
        return await finish_replacements(connection, datetime.now(UTC))

    return Clerk("replacements", dsn, look, seconds=LOOK_SECONDS)


async def finish_replacements(connection: Connection, now: datetime) -> int:
    """How many this look finished, or found that another one had meanwhile."""
    count = 0
    for number in await unfinished_replacements(connection):
        try:
            await finish_replacement(connection, number, at=now, actor=ACTOR)
        except ReplacementWaits:
            break  # scans are under way for all of them alike: the next look
        except IssueRefused as error:
            log.warning("replacement_refused", booklet=number, error=str(error))
            continue
        count += 1
        log.info("replacement_finished", booklet=number)
    return count
