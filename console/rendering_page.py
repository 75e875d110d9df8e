"""Accounts rendered for a period: downloaded by who may read them, frozen by the trustee."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import IO, NamedTuple

import structlog
from aiohttp import web

from console.form import FieldRefused
from console.refusal import BUSY, DIFFERS, NO_RENDERING, PageRefused
from console.rendering import NO_STORE
from console.visit import Visit
from ledger.account_rows import Role
from ledger.frozen_renderings import frozen_renderings
from ledger.payout_register import programme_funds
from ledger.remittance_rows import PARIS
from ledger.rendering_rows import Frozen, Period
from payouts.rendering import archive_name
from payouts.rendering_desk import RenderingBusy, RenderingRefused

RENDERING = "/console/reddition"
DAYS_MAX = 5 * 366  # of one archive
ALL, FUNDER, PROGRAMME = "tous", "commanditaire", "programme"

log = structlog.get_logger(__name__)


class Scope(NamedTuple):
    funder: str | None = None
    programme_id: int | None = None


async def show_renderings(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def send_archive(visit: Visit) -> web.StreamResponse:
    fields = visit.request.query
    try:
        period, scope = await _asked(visit, fields)
    except FieldRefused as wrong:
        return await _page(visit, wrong, fields)
    archive = await _rendered(visit, period, scope, frozen_by=None)
    name = archive_name(period, *scope)
    return web.Response(
        body=archive,
        content_type="application/zip",
        headers=NO_STORE | {"Content-Disposition": f'attachment; filename="{name}"'},
    )


async def freeze(visit: Visit) -> web.StreamResponse:
    try:
        period, scope = await _asked(visit, visit.form)
    except FieldRefused as wrong:
        return await _page(visit, wrong, visit.form)
    archive = await _rendered(visit, period, scope, frozen_by=visit.account.actor)
    archive.close()
    raise web.HTTPSeeOther(f"{RENDERING}?arrete")


async def _rendered(visit: Visit, period: Period, scope: Scope, *, frozen_by: str | None) -> IO[bytes]:
    console = visit.console
    if console.database_url is None:
        raise PageRefused(NO_RENDERING)
    try:
        return await console.renderings.render(
            console.database_url, period, **scope._asdict(), frozen_by=frozen_by, at=visit.now
        )
    except RenderingBusy:
        raise PageRefused(BUSY) from None
    except RenderingRefused as error:
        log.error("rendering_refused", why=str(error))
        raise PageRefused(DIFFERS) from None


async def _asked(visit: Visit, fields: Mapping[str, str]) -> tuple[Period, Scope]:
    first, last = (_day(fields, field) for field in ("du", "au"))
    if last < first:
        raise FieldRefused("au", "Le dernier jour vient après le premier.")
    if (last - first).days >= DAYS_MAX:
        raise FieldRefused("au", "Demandez cinq ans au plus à la fois.")
    period = Period(first, last)
    if not period.is_over(visit.now):
        raise FieldRefused(
            "au", "La période n’est pas close : elle l’est une heure après son dernier jour, à minuit."
        )
    return period, await _scope(visit, fields.get("perimetre", ALL))


def _day(fields: Mapping[str, str], field: str) -> date:
    try:
        day = date.fromisoformat(fields.get(field, ""))
    except ValueError:
        raise FieldRefused(field, "Écrivez un jour, comme 2026-12-31.") from None
    if not 2000 <= day.year < 2200:
        raise FieldRefused(field, "Écrivez un jour de ce siècle.")
    return day


async def _scope(visit: Visit, asked: str) -> Scope:
    """A funder's account reads its programme, whatever it asks for."""
    if visit.account.role is Role.FUNDER:
        return Scope(programme_id=visit.account.programme_id)
    scopes = await _scopes(visit)
    if asked not in scopes:
        raise FieldRefused("perimetre", "Choisissez un commanditaire ou un programme de la liste.")
    return scopes[asked][1]


async def _scopes(visit: Visit) -> dict[str, tuple[str, Scope]]:
    """What may be chosen: its words, and what it means."""
    programmes = await programme_funds(visit.connection)
    funders = sorted({one.funder for one in programmes})
    return {
        ALL: ("Tous les commanditaires", Scope()),
        **{f"{FUNDER}:{name}": (name, Scope(funder=name)) for name in funders},
        **{
            f"{PROGRAMME}:{one.id}": (f"{one.funder} : {one.name}", Scope(programme_id=one.id))
            for one in programmes
        },
    }


def _last_month(today: date) -> Period:
    last = today.replace(day=1) - timedelta(days=1)
    return Period(last.replace(day=1), last)


def _scope_of(one: Frozen) -> str:
    """As the form names it."""
    if one.programme_ids is None:
        return ALL
    return f"{PROGRAMME}:{one.programme_ids[0]}" if len(one.programme_ids) == 1 else f"{FUNDER}:{one.funder}"


async def _page(
    visit: Visit, wrong: FieldRefused | None = None, fields: Mapping[str, str] | None = None
) -> web.StreamResponse:
    account = visit.account
    own = account.programme_id if account.role is Role.FUNDER else None
    scopes = await _scopes(visit)
    frozen = await frozen_renderings(visit.connection, programme_id=own)
    month = _last_month(visit.now.astimezone(PARIS).date())
    return visit.show(
        "accounts_rendered.html",
        wrong=wrong,
        scopes=[] if own else [(name, words) for name, (words, _) in scopes.items()],
        typed=fields or {"du": month.first.isoformat(), "au": month.last.isoformat(), "perimetre": ALL},
        frozen=[(one, _scope_of(one)) for one in frozen],
        words={name: words for name, (words, _) in scopes.items()},
        is_done="arrete" in visit.request.query,
    )
