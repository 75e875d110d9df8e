"""The log: who did what, when and why, newest first."""

from aiohttp import web

from console.refusal import ADDRESS_UNREADABLE, PageRefused
from console.visit import Visit
from ledger.registers import list_events

EVENTS_PER_PAGE = 200
BEFORE = "avant"
DIGITS_MAX = 18  # of a number that PostgreSQL's bigint holds


async def show_events(visit: Visit) -> web.StreamResponse:
    before = visit.request.query.get(BEFORE)
    if before is not None and not (before.isascii() and before.isdecimal() and len(before) <= DIGITS_MAX):
        raise PageRefused(ADDRESS_UNREADABLE)
    events = await list_events(
        visit.connection, before=int(before) if before else None, limit=EVENTS_PER_PAGE + 1
    )
    shown = events[:EVENTS_PER_PAGE]
    older = shown[-1].id if len(events) > EVENTS_PER_PAGE else None
    return visit.show("events.html", events=shown, older=older, is_first=before is None)
