"""What a calendar asks for, closed with the words that stand on its paper. When it is due is ledger's."""

from datetime import datetime

from ledger.calendar_rows import Due
from ledger.calendars import close_due
from ledger.connect import Connection
from ledger.remittance_rows import Remittance
from payouts.certification import calendar_certification
from programmes.grants import propose_after


async def close_by_calendar(connection: Connection, due: Due, *, at: datetime) -> list[Remittance]:
    """Those that this call closed; none when the day was done already. at: now, as the paper tells it."""
    text = calendar_certification(operator=due.operator, operator_siret=due.siret, day=due.day)
    closed = await close_due(connection, due, certification=text, at=at)
    for remittance in closed:
        await propose_after(connection, remittance, at=at)
    return closed
