"""A prescriber's own stock: which booklets, since when, and a count of the safe."""

from aiohttp import web

from console.form import FieldRefused
from console.visit import Visit
from ledger.custody import LISTED_MAX, count_stock, read_stock, stocked_booklets

STOCK = "/console/stock"
COUNTED_MAX = 99_999


async def show_stock(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def count(visit: Visit) -> web.StreamResponse:
    prescriber_id = visit.account.prescriber_id
    assert prescriber_id is not None
    counted = visit.form.get("compte", "").strip()
    if not (counted.isascii() and counted.isdecimal() and len(counted) <= len(str(COUNTED_MAX))):
        return await _page(
            visit, wrong=FieldRefused("compte", "Écrivez en chiffres combien de carnets vous avez.")
        )
    difference = await count_stock(
        visit.connection, prescriber_id, int(counted), at=visit.now, actor=visit.account.actor
    )
    raise web.HTTPSeeOther(f"{STOCK}?ecart={difference}")


async def _page(visit: Visit, *, wrong: FieldRefused | None = None) -> web.StreamResponse:
    prescriber_id = visit.account.prescriber_id
    assert prescriber_id is not None
    booklets = await stocked_booklets(visit.connection, prescriber_id)
    return visit.show(
        "stock.html",
        wrong=wrong,
        stock=await read_stock(visit.connection, prescriber_id, now=visit.now),
        booklets=booklets,
        is_cut=len(booklets) == LISTED_MAX,
        difference=visit.request.query.get("ecart", "")[:6],
    )
