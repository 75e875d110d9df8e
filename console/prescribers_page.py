"""Prescribers for the trustee: their stocks and how long booklets lie there, who hands out, transfers."""

import re
from collections.abc import Mapping

from aiohttp import web

from console.address import number_in
from console.form import FieldRefused, name_in, reason_in
from console.refusal import NO_PRESCRIBER, PageRefused
from console.visit import Visit
from ledger.custody import (
    BOOKLETS_PER_TRANSFER_MAX,
    list_stock,
    read_stock,
    stocked_booklets,
    transfer_booklets,
)
from ledger.handout_rows import Prescriber
from ledger.handouts import newest_handouts
from ledger.parties import known_names
from ledger.prescribers import (
    PrescriberRefused,
    add_prescriber,
    add_prescriber_person,
    end_prescriber_person,
    find_prescriber,
    list_persons,
    list_prescribers,
)
from ledger.structures import list_structures

PRESCRIBERS = "/console/prescripteurs"
RANGE = re.compile(r"(\d{1,13})(?:-(\d{1,13}))?")
TERRITORY_STOCK = "territoire"


async def show_prescribers(visit: Visit) -> web.StreamResponse:
    return await _list(visit)


async def add(visit: Visit) -> web.StreamResponse:
    try:
        territories = (await known_names(visit.connection)).territories
        structures = await list_structures(visit.connection, now=visit.now)
        territory_id = _choice(
            visit.form, "territoire", set(territories.values()), "Choisissez le territoire."
        )
        operator_id = None
        if visit.form.get("structure"):
            known = {one.id for one in structures}
            operator_id = _choice(visit.form, "structure", known, "Choisissez la structure.")
        added = await add_prescriber(
            visit.connection,
            territory_id=territory_id,
            name=name_in(visit.form, "nom", told="Écrivez le nom du prescripteur."),
            operator_id=operator_id,
            at=visit.now,
            actor=visit.account.actor,
        )
    except FieldRefused as wrong:
        return await _list(visit, wrong)
    except PrescriberRefused:
        return await _list(visit, FieldRefused("nom", "Ce territoire a déjà un prescripteur de ce nom."))
    raise web.HTTPSeeOther(f"{PRESCRIBERS}/{added}")


async def show_prescriber(visit: Visit) -> web.StreamResponse:
    return await _page(visit, await _prescriber(visit))


async def add_person(visit: Visit) -> web.StreamResponse:
    prescriber = await _prescriber(visit)
    try:
        name = name_in(visit.form, "nom", told="Écrivez le nom de la personne.")
        known = visit.form.get("connue", "")
        await add_prescriber_person(
            visit.connection,
            prescriber.id,
            name=name,
            at=visit.now,
            actor=visit.account.actor,
            person_id=int(known) if known.isdecimal() and len(known) < 10 else None,
            is_namesake=visit.form.get("homonyme") == "oui",
        )
    except FieldRefused as wrong:
        return await _page(visit, prescriber, wrong)
    except PrescriberRefused as refused:
        told = re.search(r"known as person (\d+) \((.*)\)", str(refused))
        text = "Cette personne n’existe pas."
        if told:
            text = (
                f"Une personne de ce nom est déjà connue sous le numéro {told[1]} ({told[2]}). Écrivez ce"
                " numéro si c’est elle, ou cochez « homonyme »."
            )
        return await _page(visit, prescriber, FieldRefused("nom", text))
    raise web.HTTPSeeOther(f"{PRESCRIBERS}/{prescriber.id}")


async def end_person(visit: Visit) -> web.StreamResponse:
    prescriber = await _prescriber(visit)
    try:
        await end_prescriber_person(
            visit.connection,
            prescriber.id,
            number_in(visit, "person", NO_PRESCRIBER),
            at=visit.now,
            actor=visit.account.actor,
            reason=reason_in(visit.form),
        )
    except FieldRefused as wrong:
        return await _page(visit, prescriber, wrong)
    except PrescriberRefused:
        raise PageRefused(NO_PRESCRIBER) from None
    raise web.HTTPSeeOther(f"{PRESCRIBERS}/{prescriber.id}")


async def transfer(visit: Visit) -> web.StreamResponse:
    """Booklets to this prescriber, from the territory's stock or a neighbour; or back."""
    prescriber = await _prescriber(visit)
    try:
        numbers = _numbers_in(visit.form)
        around = {one.id for one in await list_prescribers(visit.connection, prescriber.territory_id)}
        other = None
        if visit.form.get("autre") != TERRITORY_STOCK:
            other = _choice(visit.form, "autre", around - {prescriber.id}, "Choisissez l’autre lieu.")
        is_back = visit.form.get("sens") == "retour"
        places = (prescriber.id, other) if is_back else (other, prescriber.id)
        await transfer_booklets(
            visit.connection,
            numbers,
            from_id=places[0],
            to_id=places[1],
            at=visit.now,
            actor=visit.account.actor,
            reason=reason_in(visit.form),
        )
    except FieldRefused as wrong:
        return await _page(visit, prescriber, wrong)
    except PrescriberRefused as refused:
        return await _page(visit, prescriber, FieldRefused("carnets", _in_french(str(refused))))
    raise web.HTTPSeeOther(f"{PRESCRIBERS}/{prescriber.id}")


def _in_french(refused: str) -> str:
    numbers = refused.partition("booklets ")[2]
    for english, french in (
        ("never issued", "aucun carnet ne porte ce numéro"),
        ("not of this territory", "ces carnets ne sont pas livrés à ce territoire"),
        ("not there", "ces carnets ne sont pas dans le stock de départ"),
        ("cancelled", "ces carnets sont annulés"),
        ("handed out", "ces carnets sont déjà remis, au moins en partie"),
    ):
        if english in refused:
            return f"Rien n’a été déplacé, {french} : {numbers}."
    return "Rien n’a été déplacé : choisissez deux lieux différents du même territoire."


def _numbers_in(form: Mapping[str, str]) -> list[int]:
    """`12-40, 57`"""
    numbers: list[int] = []
    for part in form.get("carnets", "").replace(" ", "").split(","):
        found = RANGE.fullmatch(part)
        if found is None:
            raise FieldRefused("carnets", "Écrivez des numéros, par exemple 12-40, 57.")
        first, last = int(found[1]), int(found[2] or found[1])
        if not first <= last < first + BOOKLETS_PER_TRANSFER_MAX:
            raise FieldRefused("carnets", f"Déplacez au plus {BOOKLETS_PER_TRANSFER_MAX} carnets à la fois.")
        numbers.extend(range(first, last + 1))
    return numbers


def _choice(form: Mapping[str, str], field: str, known: set[int], told: str) -> int:
    text = form.get(field, "")
    if not (text.isdecimal() and len(text) < 10 and int(text) in known):
        raise FieldRefused(field, told)
    return int(text)


async def _prescriber(visit: Visit) -> Prescriber:
    prescriber = await find_prescriber(visit.connection, number_in(visit, "prescriber", NO_PRESCRIBER))
    if prescriber is None:
        raise PageRefused(NO_PRESCRIBER)
    return prescriber


async def _list(visit: Visit, wrong: FieldRefused | None = None) -> web.StreamResponse:
    return visit.show(
        "prescribers.html",
        wrong=wrong,
        stocks=await list_stock(visit.connection, now=visit.now),
        territories=sorted((await known_names(visit.connection)).territories.items()),
        structures=await list_structures(visit.connection, now=visit.now),
    )


async def _page(
    visit: Visit, prescriber: Prescriber, wrong: FieldRefused | None = None
) -> web.StreamResponse:
    around = await list_prescribers(visit.connection, prescriber.territory_id)
    return visit.show(
        "prescriber.html",
        wrong=wrong,
        prescriber=prescriber,
        stock=await read_stock(visit.connection, prescriber.id, now=visit.now),
        persons=await list_persons(visit.connection, prescriber.id),
        booklets=await stocked_booklets(visit.connection, prescriber.id),
        handouts=await newest_handouts(visit.connection, prescriber.id, limit=20),
        others=[one for one in around if one.id != prescriber.id],
        TERRITORY_STOCK=TERRITORY_STOCK,
    )
