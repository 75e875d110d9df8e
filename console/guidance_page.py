"""The explanatory sheet that a prescriber prints with a booklet."""

import asyncio

from aiohttp import web

from console.form import FieldRefused, booklet_in
from console.refusal import NO_BOOKLET, PageRefused
from console.rendering import NO_STORE
from console.visit import Visit
from ledger.booklet_history import read_life
from ledger.handouts import find_booklet_to_hand_out
from ledger.prescribers import find_prescriber
from ledger.programmes import find_contact
from ledger.site_details import Place, places_on
from ledger.structures import find_structure
from programmes.nearest import nearest_places, own_position
from programmes.print.guidance_sheet import GuidanceSheet, SheetPlace, draw_guidance

HEADERS = {**NO_STORE, "Content-Disposition": 'inline; filename="fiche-pass-numeriques.pdf"'}


async def send_sheet(visit: Visit) -> web.StreamResponse:
    try:
        number = booklet_in(visit.request.query, "carnet")
    except FieldRefused:
        raise PageRefused(NO_BOOKLET) from None
    booklet = await find_booklet_to_hand_out(visit.connection, number, now=visit.now)
    if booklet is None or booklet.prescriber_id is None:
        raise PageRefused(NO_BOOKLET)
    if booklet.prescriber_id != visit.account.prescriber_id:
        raise PageRefused(NO_BOOKLET)
    life = await read_life(visit.connection, number, now=visit.now)
    prescriber = await find_prescriber(visit.connection, booklet.prescriber_id)
    assert life is not None
    assert prescriber is not None
    places = await places_on(visit.connection, now=visit.now)
    siret = None
    if prescriber.operator_id is not None:
        structure = await find_structure(visit.connection, prescriber.operator_id, now=visit.now)
        siret = structure.siret if structure else None
    near = nearest_places(
        places,
        territory=prescriber.territory,
        programme=life.programme,
        origin=own_position(places, siret),
    )
    sheet = GuidanceSheet(
        life.programme,
        await find_contact(visit.connection, life.programme_id),
        life.face_value_cents,
        life.pass_count,
        life.last_day,
        prescriber.territory,
        [_told(place) for place in near],
    )
    drawn = await asyncio.to_thread(draw_guidance, sheet)
    return web.Response(body=drawn, content_type="application/pdf", headers=HEADERS)


def _told(place: Place) -> SheetPlace:
    details = place.details
    address = f"{details.address}, {details.postcode} {details.commune}" if details else ""
    return SheetPlace(
        place.name, address, (details.phone or "") if details else "", ", ".join(place.services)
    )
