"""Booklets: the batches, one booklet looked up by its number, and its cancellation."""

from collections.abc import Mapping

from aiohttp import web

from console.event_words import CAUSES
from console.form import FieldRefused, booklet_in, reason_in
from console.visit import Visit
from ledger.booklets import IssueRefused, cancel_booklets
from ledger.registers import BATCHES_MAX, find_booklet, newest_batches
from ledger.rows import CancelCause

BOOKLETS = "/console/carnets"
NUMBER = "numero"
UNKNOWN = "Aucun carnet ne porte ce numéro. Vérifiez-le sur la couverture."


async def show_booklets(visit: Visit) -> web.StreamResponse:
    """With `?numero=`, also the booklet of that number."""
    asked = visit.request.query
    if NUMBER not in asked:
        return await _page(visit)
    try:
        return await _page(visit, shown=booklet_in(asked))
    except FieldRefused as wrong:
        return await _page(visit, wrong=wrong)


async def cancel(visit: Visit) -> web.StreamResponse:
    shown = None
    try:
        shown = booklet_in(visit.form)
        cause = _cause_in(visit.form)
        reason = reason_in(visit.form)
        await cancel_booklets(
            visit.connection, [shown], cause=cause, at=visit.now, actor=visit.account.actor, reason=reason
        )
    except FieldRefused as wrong:
        return await _page(visit, shown=shown, wrong=wrong)
    except IssueRefused:
        return await _page(visit, wrong=FieldRefused(NUMBER, UNKNOWN))
    raise web.HTTPSeeOther(f"{BOOKLETS}?{NUMBER}={shown}")


def _cause_in(form: Mapping[str, str]) -> CancelCause:
    try:
        return CancelCause(form.get("cause", ""))
    except ValueError:
        raise FieldRefused("cause", "Choisissez la cause.") from None


async def _page(
    visit: Visit, *, shown: int | None = None, wrong: FieldRefused | None = None
) -> web.StreamResponse:
    booklet = None if shown is None else await find_booklet(visit.connection, shown)
    if shown is not None and booklet is None:
        wrong = FieldRefused(NUMBER, UNKNOWN)
    batches = await newest_batches(visit.connection)
    return visit.show(
        "booklets.html",
        wrong=wrong,
        asked=visit.form.get(NUMBER) or visit.request.query.get(NUMBER, ""),
        booklet=booklet,
        causes=CAUSES,
        batches=batches,
        is_cut=len(batches) == BATCHES_MAX,
    )
