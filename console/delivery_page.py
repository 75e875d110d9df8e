"""One delivery: its booklets and note, received by somebody, and activated once its money is there."""

import hashlib

from aiohttp import web

from console.address import number_in
from console.form import FieldRefused, name_in, reason_in
from console.french import exact_euros
from console.refusal import BUSY, NO_DELIVERY, PageRefused
from console.rendering import NO_STORE
from console.scope import is_own_territory
from console.visit import Visit
from ledger.booklets import FundsMissing
from ledger.deliveries import (
    activate_delivery,
    booklets_of_delivery,
    find_delivery,
    note_printed,
    receive,
)
from ledger.grant_rows import GrantRefused
from ledger.order_rows import Delivery
from payouts.delivery_note import DeliveryNote, note_name
from payouts.drawing import DrawingBusy

DELIVERIES = "/console/livraisons"
RECEIVING, ACTIVATING = "recevoir", "activer"


async def show_delivery(visit: Visit) -> web.StreamResponse:
    return await _page(visit, await _asked(visit))


async def send_note(visit: Visit) -> web.StreamResponse:
    delivery = await _asked(visit)
    note = DeliveryNote(delivery, tuple(await booklets_of_delivery(visit.connection, delivery.id)))
    try:
        drawn = await visit.console.drawings.draw_note(note)
    except DrawingBusy:
        raise PageRefused(BUSY) from None
    if delivery.note_sha256 is None and visit.may("POST", "/livraisons/{delivery:\\d+}/activation"):
        await note_printed(visit.connection, delivery.id, hashlib.sha256(drawn).digest())
    return web.Response(
        body=drawn,
        content_type="application/pdf",
        headers=NO_STORE | {"Content-Disposition": f'attachment; filename="{note_name(note)}"'},
    )


async def note_receipt(visit: Visit) -> web.StreamResponse:
    delivery = await _asked(visit)
    try:
        received_by = name_in(visit.form, "nom", told="Écrivez qui a signé le bon de livraison.")
        await receive(
            visit.connection,
            delivery.id,
            received_by=received_by,
            actor=visit.account.actor,
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _page(visit, delivery, wrong, RECEIVING)
    except GrantRefused:
        told = FieldRefused("nom", "L’arrivée de cette livraison est déjà notée.")
        return await _page(visit, await _asked(visit), told, RECEIVING)
    raise web.HTTPSeeOther(f"{DELIVERIES}/{delivery.id}")


async def activate(visit: Visit) -> web.StreamResponse:
    delivery = await _asked(visit)
    try:
        await activate_delivery(
            visit.connection,
            delivery.id,
            actor=visit.account.actor,
            reason=reason_in(visit.form),
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _page(visit, delivery, wrong, ACTIVATING)
    except FundsMissing as short:
        told = FieldRefused(
            "argent",
            f"Il manque {exact_euros(short.missing_cents)} sur les fonds du programme. Rapprochez d’abord le"
            " virement du commanditaire : aucun pass ne circule avant son argent.",
        )
        return await _page(visit, delivery, told, ACTIVATING)
    raise web.HTTPSeeOther(f"{DELIVERIES}/{delivery.id}?active")


async def _asked(visit: Visit) -> Delivery:
    try:
        delivery = await find_delivery(visit.connection, number_in(visit, "delivery", NO_DELIVERY))
    except GrantRefused:
        raise PageRefused(NO_DELIVERY) from None
    if not is_own_territory(visit, delivery.territory_id):
        raise PageRefused(NO_DELIVERY)
    return delivery


async def _page(
    visit: Visit, delivery: Delivery, wrong: FieldRefused | None = None, form_shown: str = ""
) -> web.StreamResponse:
    return visit.show(
        "delivery.html",
        wrong=wrong,
        form_shown=form_shown,
        delivery=delivery,
        ranges=await booklets_of_delivery(visit.connection, delivery.id),
        is_activated="active" in visit.request.query,
    )
