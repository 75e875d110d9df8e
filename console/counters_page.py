"""The public counters, per programme and per territory, each under the sentence that says what it counts."""

from itertools import groupby

from aiohttp import web

from console.visit import Visit
from ledger.counters import read_counters, total
from programmes.counters import DEFINITIONS, IDENTITY


async def show_counters(visit: Visit) -> web.StreamResponse:
    """A funder reads its own programme's, a territory's reader its own territory's."""
    read = await read_counters(visit.connection, now=visit.now, programme_id=visit.account.programme_id)
    own = visit.account.territory_id
    found = [one for one in read if own in {None, one.territory_id}]
    programmes = [
        (placed[0], placed, total(placed))
        for placed in (list(group) for _, group in groupby(found, lambda one: one.programme_id))
    ]
    return visit.show(
        "counters.html", programmes=programmes, definitions=DEFINITIONS, identity=IDENTITY, read_at=visit.now
    )
