"""Phones: the list, a link that enrols one more, the end of a lost one. A manager's are its operator's."""

from datetime import timedelta
from itertools import groupby

import segno
from aiohttp import web

from console.form import FieldRefused, label_in, name_in, reason_in
from console.origin import origin_of
from console.refusal import NO_DEVICE, PageRefused
from console.visit import Visit
from console.wiring import CONSOLE
from ledger.devices import invite_device, revoke_device
from ledger.parties import add_person
from ledger.registers import (
    DEVICES_MAX,
    ListedDevice,
    ListedSite,
    find_device,
    find_mediator,
    list_devices,
    list_sites,
)

INVITATION = timedelta(minutes=10)
DEVICE_NUMBER_MAX = 2**31 - 1
DIGITS_MAX = 12
DEVICES = "/console/telephones"


async def show_devices(visit: Visit) -> web.StreamResponse:
    devices = await list_devices(visit.connection, operator_id=visit.account.operator_id)
    by_operator = [(name, list(some)) for name, some in groupby(devices, lambda one: one.operator)]
    return visit.show("devices.html", by_operator=by_operator, is_cut=len(devices) == DEVICES_MAX)


async def show_enrolment(visit: Visit) -> web.StreamResponse:
    sites = await list_sites(visit.connection, operator_id=visit.account.operator_id)
    return visit.show("enrolment.html", sites=_by_operator(sites))


async def invite(visit: Visit) -> web.StreamResponse:
    sites = await list_sites(visit.connection, operator_id=visit.account.operator_id)
    try:
        site = next((one for one in sites if str(one.id) == visit.form.get("lieu")), None)
        if site is None:
            raise FieldRefused("lieu", "Choisissez le lieu où ce téléphone servira.")
        mediator = name_in(visit.form, "mediateur", told="Écrivez le nom du médiateur.")
        label = label_in(visit.form, "reconnaissance") or f"Téléphone de {mediator}"
    except FieldRefused as wrong:
        return visit.show("enrolment.html", wrong=wrong, sites=_by_operator(sites))
    async with visit.connection.transaction():
        mediator_id = await find_mediator(visit.connection, site_id=site.id, name=mediator)
        code = await invite_device(
            visit.connection,
            site_id=site.id,
            mediator_id=mediator_id or await add_person(visit.connection, mediator),
            label=label,
            expires_at=visit.now + INVITATION,
            actor=visit.account.actor,
        )
    link = f"{origin_of(visit.request, visit.request.app[CONSOLE].public_url)}/#enrol={code}"
    qr = segno.make(link, error="m", micro=False).svg_data_uri(border=4, dark="#000", light="#fff")
    expires_at = visit.now + INVITATION
    return visit.show(
        "invitation.html", site=site, mediator=mediator, link=link, qr=qr, expires_at=expires_at
    )


async def show_device(visit: Visit) -> web.StreamResponse:
    return visit.show("device.html", device=await _device(visit))


async def revoke(visit: Visit) -> web.StreamResponse:
    device = await _device(visit)
    try:
        reason = reason_in(visit.form)
    except FieldRefused as wrong:
        return visit.show("device.html", wrong=wrong, device=device)
    await revoke_device(visit.connection, device.id, at=visit.now, actor=visit.account.actor, reason=reason)
    raise web.HTTPSeeOther(f"{DEVICES}/{device.id}")


async def _device(visit: Visit) -> ListedDevice:
    """The route lets digits through only. To a manager, another operator's phone is as good as unknown."""
    number = int(visit.request.match_info["device"][:DIGITS_MAX])
    device = await find_device(visit.connection, number) if number <= DEVICE_NUMBER_MAX else None
    if device is None or visit.account.operator_id not in {None, device.operator_id}:
        raise PageRefused(NO_DEVICE)
    return device


def _by_operator(sites: list[ListedSite]) -> list[tuple[str, list[ListedSite]]]:
    return [(name, list(some)) for name, some in groupby(sites, lambda one: one.operator)]
