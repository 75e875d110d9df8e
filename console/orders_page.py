"""Orders of booklets: the list with a form to place one, and one with its quote, its proofs and its file."""

from aiohttp import web

from console.address import number_in
from console.form import FieldRefused, label_in, name_in, reason_in
from console.grant_words import ORDER_SIGNS
from console.money_field import euros_in, number_in_form
from console.refusal import NO_ORDER, NO_PROOF, PageRefused
from console.rendering import NO_STORE
from console.visit import Visit
from ledger.deliveries import list_deliveries
from ledger.order_rows import Order, OrderRefused
from ledger.orders import (
    BOOKLETS_MAX,
    cancel_order,
    decide_proof,
    find_order,
    list_orders,
    list_proofs,
    note_quote,
    place_order,
    proof_pdf,
)
from ledger.programmes import find_programme, list_programmes

ORDERS = "/console/commandes"
PLACING, QUOTING, DECIDING, CANCELLING = "commander", "devis", "epreuve", "annuler"
GONE_ON = "Cette commande a avancé entre-temps : relisez-la."


async def show_orders(visit: Visit) -> web.StreamResponse:
    return await _list(visit)


async def place(visit: Visit) -> web.StreamResponse:
    try:
        told = f"Écrivez un nombre de carnets, de 1 à {BOOKLETS_MAX}."
        programme_id = number_in_form(visit.form, "programme", told="Choisissez le programme.")
        booklet_count = number_in_form(visit.form, "carnets", told=told)
        if not 1 <= booklet_count <= BOOKLETS_MAX:
            raise FieldRefused("carnets", told)
        order = await place_order(
            visit.connection,
            programme_id,
            booklet_count,
            reference=label_in(visit.form, "reference"),
            actor=visit.account.actor,
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _list(visit, wrong)
    except OrderRefused:
        return await _list(visit, FieldRefused("programme", "Choisissez le programme."))
    raise web.HTTPSeeOther(f"{ORDERS}/{order.id}")


async def show_order(visit: Visit) -> web.StreamResponse:
    return await _page(visit, await _asked(visit))


async def quote(visit: Visit) -> web.StreamResponse:
    order = await _asked(visit)
    try:
        await note_quote(
            visit.connection,
            order.id,
            reference=name_in(visit.form, "devis", told="Écrivez la référence du devis accepté."),
            amount_cents=euros_in(visit.form, "montant"),
            actor=visit.account.actor,
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _page(visit, order, wrong, QUOTING)
    except OrderRefused:
        return await _page(visit, await _asked(visit), FieldRefused("devis", GONE_ON), QUOTING)
    raise web.HTTPSeeOther(f"{ORDERS}/{order.id}")


async def approve_proof(visit: Visit) -> web.StreamResponse:
    return await _decide(visit, is_approved=True)


async def refuse_proof(visit: Visit) -> web.StreamResponse:
    return await _decide(visit, is_approved=False)


async def cancel(visit: Visit) -> web.StreamResponse:
    order = await _asked(visit)
    try:
        reason = reason_in(visit.form)
        await cancel_order(visit.connection, order.id, reason=reason, actor=visit.account.actor, at=visit.now)
    except FieldRefused as wrong:
        return await _page(visit, order, wrong, CANCELLING)
    except OrderRefused:
        return await _page(visit, await _asked(visit), FieldRefused("motif", GONE_ON), CANCELLING)
    raise web.HTTPSeeOther(f"{ORDERS}/{order.id}")


async def send_proof(visit: Visit) -> web.StreamResponse:
    order = await _asked(visit)
    pdf = await proof_pdf(visit.connection, order.id, number_in(visit, "proof", NO_PROOF))
    if pdf is None:
        raise PageRefused(NO_PROOF)
    return web.Response(
        body=pdf,
        content_type="application/pdf",
        headers=NO_STORE | {"Content-Disposition": f'inline; filename="bon-a-tirer-{order.id}.pdf"'},
    )


async def _decide(visit: Visit, *, is_approved: bool) -> web.StreamResponse:
    order = await _asked(visit)
    try:
        reason = None if is_approved else reason_in(visit.form)
        await decide_proof(
            visit.connection,
            order.id,
            number_in(visit, "proof", NO_PROOF),
            is_approved=is_approved,
            person_id=visit.account.person_id,
            actor=visit.account.actor,
            reason=reason,
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _page(visit, order, wrong, DECIDING)
    except OrderRefused:
        return await _page(visit, await _asked(visit), FieldRefused("motif", GONE_ON), DECIDING)
    raise web.HTTPSeeOther(f"{ORDERS}/{order.id}")


async def _asked(visit: Visit) -> Order:
    try:
        return await find_order(visit.connection, number_in(visit, "order", NO_ORDER))
    except OrderRefused:
        raise PageRefused(NO_ORDER) from None


async def _list(visit: Visit, wrong: FieldRefused | None = None) -> web.StreamResponse:
    programmes = await list_programmes(visit.connection)
    names = {one.id: one.name for one in programmes}
    return visit.show(
        "orders.html",
        wrong=wrong,
        programmes=programmes,
        orders=[
            (one, names[one.programme_id], ORDER_SIGNS[one.state])
            for one in await list_orders(visit.connection)
        ],
        deliveries=await list_deliveries(visit.connection),
    )


async def _page(
    visit: Visit, order: Order, wrong: FieldRefused | None = None, form_shown: str = ""
) -> web.StreamResponse:
    return visit.show(
        "order.html",
        wrong=wrong,
        form_shown=form_shown,
        order=order,
        sign=ORDER_SIGNS[order.state],
        programme=await find_programme(visit.connection, order.programme_id),
        proofs=await list_proofs(visit.connection, order.id),
    )
