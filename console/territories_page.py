"""A programme's territories: what each was granted, holds and consumed, how near its next threshold is."""

from dataclasses import dataclass
from datetime import date

from aiohttp import web

from console.grant_words import GRANT_SIGNS, HINDRANCES, KINDS, delivery_sign, grant_sentence
from console.programme_page import programme_asked
from console.visit import Visit
from ledger.grant_rows import GrantState, Standing
from ledger.grants import list_grants, programme_granted, standings
from ledger.programme_rules import rules_on
from ledger.programmes import list_programmes
from ledger.rows import Programme
from ledger.structures import paris_day
from programmes.granting import (
    Hindrance,
    hindrance,
    is_late,
    missing_conditions,
    passes_to_threshold,
    stock_warning,
)

BAR = 1_000  # of the drawing's width


@dataclass(frozen=True, slots=True)
class Row:
    """A territory as the table shows it."""

    standing: Standing
    sign: tuple[str, str]
    consumed: int  # of the bar
    threshold: int
    to_threshold: int
    late_grants: int


async def show_own_territories(visit: Visit) -> web.StreamResponse:
    """The way in from the navigation: the only programme, or the choice of one."""
    own = visit.account.programme_id
    programmes = [one for one in await list_programmes(visit.connection) if own in (None, one.id)]
    if len(programmes) == 1:
        return await _page(visit, programmes[0])
    return visit.show("territory_programmes.html", programmes=programmes)


async def show_territories(visit: Visit) -> web.StreamResponse:
    return await _page(visit, await programme_asked(visit))


async def _page(visit: Visit, programme: Programme) -> web.StreamResponse:
    today = paris_day(visit.now)
    rules = await rules_on(visit.connection, programme.id, today)
    grants = await list_grants(visit.connection, programme.id)
    granted = await programme_granted(visit.connection, programme.id)
    rows = [
        row_of(
            standing,
            today,
            sum(is_late(one, today) for one in grants if one.territory_id == standing.territory_id),
        )
        for standing in await standings(visit.connection, programme.id, day=today)
    ]
    cap = rules.figures.stock_cap_passes
    return visit.show(
        "territories.html",
        programme=programme,
        figures=rules.figures,
        rows=rows,
        proposed=[(one, grant_sentence(one)) for one in grants if one.state is GrantState.PROPOSED],
        late=[(one, delivery_sign(one, today)) for one in grants if is_late(one, today)],
        granted=granted,
        stock_bar=min(granted * BAR // cap, BAR) if cap else 0,
        warning=stock_warning(granted, rules.figures),
        KINDS=KINDS,
        SIGNS=GRANT_SIGNS,
    )


def row_of(standing: Standing, today: date, late_grants: int) -> Row:
    held = max(standing.holdings.held, 1)
    percent = standing.rules.figures.threshold_percent
    return Row(
        standing,
        standing_sign(standing, today),
        consumed=min(standing.holdings.consumed * BAR // held, BAR),
        threshold=percent * BAR // 100,
        to_threshold=passes_to_threshold(standing.holdings, standing.rules.figures),
        late_grants=late_grants,
    )


def standing_sign(standing: Standing, today: date) -> tuple[str, str]:
    if standing.is_suspended:
        return "suspendu", "off"
    if not standing.is_covered:
        return "n’est plus couvert", "off"
    if standing.proposed_numbers:
        return "dotation à décider", "wait"
    if missing := len(missing_conditions(standing)) * (standing.grant_count == 0):
        return f"{missing} condition{'s' if missing > 1 else ''} à remplir", "wait"
    why = hindrance(standing, today)
    if why is Hindrance.THRESHOLD_NOT_REACHED:
        return "en cours", "on"
    if why is not None:
        return HINDRANCES[why].split(" : ")[0].rstrip(".").lower(), "off"
    return ("amorçage à proposer" if standing.grant_count == 0 else "seuil atteint"), "wait"
