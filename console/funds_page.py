"""Funds: per programme what was received, is outstanding, owed and paid, and whether it is covered."""

from dataclasses import dataclass

from aiohttp import web

from console.visit import Visit
from ledger.account_rows import Role
from ledger.payout_register import ProgrammeFunds, programme_funds

CHART_UNITS = 1000.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of the chart: where it starts and how wide it is."""

    kind: str
    start: float
    width: float


async def show_funds(visit: Visit) -> web.StreamResponse:
    """A funder reads its own programme."""
    own = visit.account.programme_id if visit.account.role is Role.FUNDER else None
    found = await programme_funds(visit.connection, programme_id=own)
    return visit.show(
        "funds.html",
        programmes=[(one, bars(one), ratio_words(one)) for one in found],
    )


def bars(funds: ProgrammeFunds) -> list[Bar]:
    """Paid, owed, in circulation, free: together what was received, unless something is missing."""
    pieces = (
        ("consumed", funds.paid_cents),
        ("owed", funds.owed_cents),
        ("accepted", funds.circulation_cents),
        ("outstanding", funds.free_cents),
    )
    whole = sum(max(0, cents) for _, cents in pieces)
    drawn, start = [], 0.0
    for kind, cents in pieces:
        width = CHART_UNITS * max(0, cents) / whole if whole else 0.0
        drawn.append(Bar(kind, round(start, 2), round(width, 2)))
        start += width
    return drawn


def ratio_words(funds: ProgrammeFunds) -> tuple[str, bool]:
    """The ratio as it is written, and whether it is what it must be."""
    ratio = funds.ratio_hundredths
    if ratio is None:
        return "—", funds.held_cents >= 0
    sign, (whole, hundredths) = "−" if ratio < 0 else "", divmod(abs(ratio), 100)
    return f"{sign}{whole},{hundredths:02d}", funds.held_cents >= funds.engaged_cents
