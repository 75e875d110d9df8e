"""Funds: per programme what was received, is outstanding, owed and paid, and whether it is covered."""

from aiohttp import web

from console.funds_chart import bar, columns
from console.visit import Visit
from ledger.account_rows import Role
from ledger.funds_months import months_of_funds
from ledger.payout_register import ProgrammeFunds, programme_funds
from ledger.structures import paris_day
from programmes.print.french import thousands

MONTHS_SHOWN = 6


async def show_funds(visit: Visit) -> web.StreamResponse:
    """A funder reads its own programme."""
    own = visit.account.programme_id if visit.account.role is Role.FUNDER else None
    shown = []
    for one in await programme_funds(visit.connection, programme_id=own):
        months = await months_of_funds(
            visit.connection, one.id, today=paris_day(visit.now), count=MONTHS_SHOWN
        )
        shown.append((one, bar(one), ratio_words(one), months, columns(months)))
    return visit.show("funds.html", programmes=shown)


def ratio_words(funds: ProgrammeFunds) -> tuple[str, bool]:
    """The ratio as it is written, and whether it is what it must be."""
    ratio = funds.ratio_hundredths
    if ratio is None:
        return "—", funds.held_cents >= 0
    sign, (whole, hundredths) = "−" if ratio < 0 else "", divmod(abs(ratio), 100)
    return f"{sign}{thousands(whole)},{hundredths:02d}", funds.held_cents >= funds.engaged_cents
