"""Operators: the list, and one with its sites, phones and qualifications, to qualify, suspend or end."""

from collections.abc import Mapping
from datetime import date

from aiohttp import web

from console.form import FieldRefused, reason_in
from console.money_field import day_in
from console.refusal import NO_OPERATOR, PageRefused
from console.visit import Visit
from ledger.holds import find_hold, hold_operator, release_operator
from ledger.parties import qualify
from ledger.payout_rows import PayoutRefused
from ledger.registers import list_devices
from ledger.site_details import own_sites
from ledger.structures import (
    STRUCTURES_MAX,
    OpenProgramme,
    Structure,
    end_running_qualification,
    find_structure,
    is_qualified_within,
    list_qualifications,
    list_structures,
    open_programmes,
    paris_day,
    suspend_operator,
)

STRUCTURES = "/console/structures"
NUMBER_MAX = 2**31 - 1
DIGITS_MAX = 10
SERVICE = "service-"
# Which form is shown with its mistake.
QUALIFYING, ENDING, SUSPENDING, RELEASING = "qualifier", "terminer", "suspendre", "reprendre"


async def show_structures(visit: Visit) -> web.StreamResponse:
    structures = await list_structures(visit.connection, now=visit.now)
    return visit.show("structures.html", structures=structures, is_cut=len(structures) == STRUCTURES_MAX)


async def show_structure(visit: Visit) -> web.StreamResponse:
    return await _page(visit, await _structure(visit))


async def qualify_structure(visit: Visit) -> web.StreamResponse:
    structure = await _structure(visit)
    programmes = await open_programmes(visit.connection, now=visit.now)
    try:
        programme = _programme_in(visit.form, programmes)
        services = [number for number in programme.services if visit.form.get(f"{SERVICE}{number}") == "oui"]
        if not services:
            raise FieldRefused("services", "Cochez au moins un service que cette structure peut rendre.")
        starts_on = day_in(visit.form, "debut")
        ends_on = day_in(visit.form, "dernier-jour") if visit.form.get("dernier-jour") else None
        await _refuse_period(visit, structure, programme, starts_on, ends_on)
    except FieldRefused as wrong:
        return await _page(visit, structure, wrong, QUALIFYING)
    async with visit.connection.transaction():
        await qualify(
            visit.connection,
            operator_id=structure.id,
            programme_id=programme.id,
            starts_on=starts_on,
            ends_on=ends_on,
            service_ids=services,
            actor=visit.account.actor,
        )
    raise web.HTTPSeeOther(f"{STRUCTURES}/{structure.id}")


async def end_structure(visit: Visit) -> web.StreamResponse:
    structure = await _structure(visit)
    try:
        number = visit.form.get("programme", "")
        running = await list_qualifications(visit.connection, structure.id)
        programme_id = next((one.programme_id for one in running if str(one.programme_id) == number), None)
        if programme_id is None:
            raise FieldRefused("programme", "Choisissez le programme.")
        ends_on, reason = day_in(visit.form, "fin"), reason_in(visit.form)
        ended = await end_running_qualification(
            visit.connection,
            structure.id,
            programme_id,
            ends_on=ends_on,
            actor=visit.account.actor,
            reason=reason,
        )
        if not ended:
            raise FieldRefused("fin", "Aucune qualification de ce programme ne court au-delà de ce jour.")
    except FieldRefused as wrong:
        return await _page(visit, structure, wrong, ENDING)
    raise web.HTTPSeeOther(f"{STRUCTURES}/{structure.id}")


async def suspend_structure(visit: Visit) -> web.StreamResponse:
    structure = await _structure(visit)
    try:
        reason = reason_in(visit.form)
        who = {"actor": visit.account.actor, "reason": reason}
        async with visit.connection.transaction():
            last_day = await suspend_operator(visit.connection, structure.id, now=visit.now, **who)
            is_held = visit.form.get("retenir") == "oui" and await hold_operator(
                visit.connection, structure.id, at=visit.now, **who
            )
            if last_day is None and not is_held:
                raise FieldRefused("motif", "Cette structure n’a aucune qualification en cours.")
    except FieldRefused as wrong:
        return await _page(visit, structure, wrong, SUSPENDING)
    raise web.HTTPSeeOther(f"{STRUCTURES}/{structure.id}")


async def release_structure(visit: Visit) -> web.StreamResponse:
    """What it is owed is paid again. Accepting passes takes a new qualification."""
    structure = await _structure(visit)
    try:
        reason = reason_in(visit.form)
        await release_operator(
            visit.connection, structure.id, actor=visit.account.actor, at=visit.now, reason=reason
        )
    except PayoutRefused:
        raise PageRefused(NO_OPERATOR) from None
    except FieldRefused as wrong:
        return await _page(visit, structure, wrong, RELEASING)
    raise web.HTTPSeeOther(f"{STRUCTURES}/{structure.id}")


async def _structure(visit: Visit) -> Structure:
    """The route lets digits through only."""
    number = int(visit.request.match_info["operator"][:DIGITS_MAX])
    structure = None
    if number <= NUMBER_MAX:
        structure = await find_structure(visit.connection, number, now=visit.now)
    if structure is None:
        raise PageRefused(NO_OPERATOR)
    return structure


def _programme_in(form: Mapping[str, str], programmes: list[OpenProgramme]) -> OpenProgramme:
    programme = next((one for one in programmes if str(one.id) == form.get("programme")), None)
    if programme is None:
        raise FieldRefused("programme", "Choisissez le programme.")
    return programme


async def _refuse_period(
    visit: Visit, structure: Structure, programme: OpenProgramme, starts_on: date, ends_on: date | None
) -> None:
    if ends_on is not None and ends_on < starts_on:
        raise FieldRefused("dernier-jour", "Le dernier jour ne peut pas précéder le premier.")
    if await is_qualified_within(
        visit.connection, structure.id, programme.id, starts_on=starts_on, ends_on=ends_on
    ):
        raise FieldRefused(
            "debut", "Une qualification couvre déjà une partie de cette période : terminez-la d’abord."
        )


async def _page(
    visit: Visit, structure: Structure, wrong: FieldRefused | None = None, form_shown: str = ""
) -> web.StreamResponse:
    today = paris_day(visit.now)
    qualifications = await list_qualifications(visit.connection, structure.id)
    return visit.show(
        "structure.html",
        wrong=wrong,
        structure=structure,
        sites=await own_sites(visit.connection, structure.id),
        hold=await find_hold(visit.connection, structure.id),
        devices=await list_devices(visit.connection, operator_id=structure.id),
        qualifications=qualifications,
        running=[one for one in qualifications if one.ends_on is None or one.ends_on >= today],
        programmes=await open_programmes(visit.connection, now=visit.now),
        today=today,
        form_shown=form_shown,
        SERVICE=SERVICE,
    )
