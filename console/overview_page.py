"""The first page: what was issued, accepted, consumed and is still outstanding."""

from aiohttp import web

from console.visit import Visit
from ledger.overview import read_overview


async def show_overview(visit: Visit) -> web.StreamResponse:
    overview = await read_overview(visit.connection, now=visit.now)
    return visit.show("overview.html", overview=overview)
