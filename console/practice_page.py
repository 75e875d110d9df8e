"""A practice booklet to print, for mediators who learn. What it says and how it looks is not decided here."""

import asyncio

from aiohttp import web

from console.refusal import NO_PRACTICE, PageRefused
from console.rendering import NO_STORE
from console.visit import Visit
from console.wiring import CONSOLE
from keys.sealed import SealError
from ledger.booklets import IssueRefused
from programmes.practice import note_practice, practice_pdf

BOOKLETS = 1
HEADERS = {**NO_STORE, "Content-Disposition": 'attachment; filename="entrainement.pdf"'}


async def print_practice(visit: Visit) -> web.StreamResponse:
    folder = visit.request.app[CONSOLE].keys
    if folder is None:
        raise PageRefused(NO_PRACTICE)
    try:
        # One transaction: no event tells of a booklet that could not be printed.
        async with visit.connection.transaction():
            kid = await note_practice(visit.connection, BOOKLETS, actor=visit.account.actor)
            pdf = await asyncio.to_thread(practice_pdf, BOOKLETS, kid, folder)
    except (IssueRefused, SealError):
        raise PageRefused(NO_PRACTICE) from None
    return web.Response(body=pdf, content_type="application/pdf", headers=HEADERS)
