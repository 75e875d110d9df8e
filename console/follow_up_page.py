"""Suivi: how a programme's passes are consumed, live and by month, with its returns to fetch.

Totals are live. Who, where and what come from the frozen months alone, so that nobody learns about a person
by comparing this page with itself a day later.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

from aiohttp import web

from console.address import number_in
from console.follow_up_chart import CategoryBar, WeekChart, category_bars, week_chart
from console.refusal import NO_PAGE, PageRefused
from console.rendering import NO_STORE
from console.scope import readable_programmes
from console.visit import Visit
from ledger.account_rows import Role
from ledger.connect import Connection
from ledger.follow_up import Followed, FollowUp, follow_up
from ledger.monthly_returns import list_returns, return_csv, return_pdf
from ledger.payout_register import programme_names
from ledger.structures import paris_day
from payouts.monthly_return import file_name
from programmes.forecast import WEEKS, Forecast, forecast
from programmes.returns import passes_by_territory, tables_of
from programmes.usage import Usage, usage

ReturnPaper: TypeAlias = Callable[[Connection, int, date], Awaitable[bytes | None]]
WEEKS_SHOWN = 12
DIMENSIONS: Mapping[str, str] = {
    "operator": "Par structure et lieu",
    "service": "Par service rendu",
    "public": "Par public",
}


@dataclass(frozen=True, slots=True)
class Shown:
    followed: Followed
    chart: WeekChart | None
    threshold_passes: int | None
    threshold: Forecast | None
    end: Forecast | None
    bars: Mapping[str, list[CategoryBar]]


async def show_follow_up(visit: Visit) -> web.StreamResponse:
    names = await readable_programmes(visit)
    programme_id = _wanted(visit, names)
    if programme_id is None:
        return visit.show("follow_up.html", programmes=names, programme_id=None)
    now = visit.now
    followed = await follow_up(visit.connection, programme_id, now=now, weeks=WEEKS_SHOWN)
    returns = await list_returns(visit.connection, programme_id)
    facts = [one.facts for one in returns]
    places = _places(visit, followed)
    own = places[0].name if visit.account.territory_id is not None else None
    people = followed.handed_out(visit.account.territory_id)
    used: Usage = usage(
        facts, distributed_passes=people.passes, beneficiaries=people.beneficiaries, territory=own
    )
    return visit.show(
        "follow_up.html",
        programmes=names,
        programme_id=programme_id,
        follow=followed,
        mondays=followed.mondays,
        shown=[_shown(followed, one, facts, paris_day(now)) for one in places],
        dimensions=DIMENSIONS,
        returns=list(reversed(returns)),
        own=own,
        own_passes=[passes_by_territory([one.facts]).get(own, 0) for one in reversed(returns)] if own else [],
        usage=used,
        read_at=now,
    )


async def send_return_pdf(visit: Visit) -> web.StreamResponse:
    return await _frozen(visit, "pdf", "application/pdf", return_pdf)


async def send_return_csv(visit: Visit) -> web.StreamResponse:
    return await _frozen(visit, "csv", "text/csv", return_csv)


async def _frozen(visit: Visit, suffix: str, kind: str, read: ReturnPaper) -> web.StreamResponse:
    """As it was frozen, byte for byte."""
    programme_id = number_in(visit, "programme", NO_PAGE)
    if visit.account.role is Role.FUNDER and programme_id != visit.account.programme_id:
        raise PageRefused(NO_PAGE)
    try:
        first = date.fromisoformat(f"{visit.request.match_info['month']}01")
    except ValueError:
        raise PageRefused(NO_PAGE) from None
    content = await read(visit.connection, programme_id, first)
    if content is None:
        raise PageRefused(NO_PAGE)
    names = await programme_names(visit.connection)
    disposition = f'attachment; filename="{file_name(names[programme_id], first, suffix)}"'
    charset = "utf-8" if suffix == "csv" else None
    headers = NO_STORE | {"Content-Disposition": disposition}
    return web.Response(body=content, content_type=kind, charset=charset, headers=headers)


def _places(visit: Visit, follow: FollowUp) -> tuple[Followed, ...]:
    """The whole and its territories; for a territory's reader its territory alone."""
    own = visit.account.territory_id
    if own is None:
        return (follow.whole, *follow.territories)
    return tuple(one for one in follow.territories if one.territory_id == own)


def _wanted(visit: Visit, names: Mapping[int, str]) -> int | None:
    asked = visit.request.query.get("programme", "")
    if not asked:
        return next(iter(names), None)
    wanted = next((one for one in names if str(one) == asked), None)
    if wanted is None:
        raise PageRefused(NO_PAGE)
    return wanted


def _shown(follow: FollowUp, one: Followed, facts: list[Mapping[str, Any]], today: date) -> Shown:
    pace = one.weeks[-WEEKS - 1 : -1]  # whole weeks only
    # A territory without a grant has no threshold to reach, and nothing that could come to its end.
    left = one.left_passes if one.held_passes else None
    at_threshold = (
        follow.passes_at_threshold(one) if one.territory_id is not None and one.held_passes else None
    )
    tables = tables_of(facts, territory=None if one.territory_id is None else one.name)
    return Shown(
        followed=one,
        chart=week_chart(follow.mondays, one.weeks),
        threshold_passes=at_threshold,
        threshold=None
        if at_threshold is None
        else forecast(at_threshold - one.consumed_passes, pace, today=today),
        end=None if left is None else forecast(left, pace, today=today),
        bars={dimension: category_bars(tables.get(dimension)) for dimension in DIMENSIONS},
    )
