"""One territory in a programme: conditions, grants, deliveries, measures after a hearing, what came back."""

from typing import Any

from aiohttp import web

from console.address import number_in
from console.form import FieldRefused, booklet_in, label_in, reason_in
from console.grant_words import (
    CONDITIONS,
    GRANT_SIGNS,
    HINDRANCES,
    KINDS,
    MEASURES,
    delivery_sign,
    grant_sentence,
)
from console.money_field import day_in, number_in_form
from console.programme_page import PROGRAMMES, programme_asked
from console.refusal import NO_GRANT, NO_TERRITORY, PageRefused
from console.scope import is_own_territory
from console.territories_page import row_of
from console.visit import Visit
from ledger.deliveries import booklets_in_stock, dispatch, list_deliveries, restitute
from ledger.grant_rows import Condition, GrantRefused, MeasureKind, Standing
from ledger.grants import find_grant, list_grants, standing_of
from ledger.rows import Programme
from ledger.structures import paris_day
from ledger.territory_measures import (
    conditions_met,
    decide_measure,
    list_measures,
    note_condition,
    resume,
    withdraw_condition,
)
from programmes.granting import hindrance, hindrance_to_approval, next_grant
from programmes.grants import GrantHindered, approve, propose, refuse

RESTITUTED_MAX = 1_000  # booklets in one form
# Which form is shown with its mistake.
CONDITION, GRANT, MEASURE, RETURN, DISPATCH = "condition", "dotation", "mesure", "restitution", "envoi"
NOT_TAKEN_BACK = {
    "handed out": "L’un de ces carnets est remis ou entamé : aucun n’est repris.",
    "replaced": "L’un de ces carnets a été remplacé, et circule sous un autre numéro : aucun n’est repris.",
    "": "L’un de ces carnets n’est pas dans ce territoire : aucun n’est repris.",
}


async def show_territory(visit: Visit) -> web.StreamResponse:
    return await _page(visit, *await _asked(visit))


async def check_condition(visit: Visit) -> web.StreamResponse:
    programme, standing = await _asked(visit)
    try:
        condition = _condition_in(visit)
        await note_condition(
            visit.connection,
            programme.id,
            standing.territory_id,
            condition,
            met_on=day_in(visit.form, "jour"),
            note=label_in(visit.form, "note"),
            actor=visit.account.actor,
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _page(visit, programme, standing, wrong, CONDITION)
    except GrantRefused:
        told = "Une condition se coche une fois remplie : ce jour est à venir."
        return await _page(visit, programme, standing, FieldRefused("jour", told), CONDITION)
    raise _back(programme, standing)


async def uncheck_condition(visit: Visit) -> web.StreamResponse:
    programme, standing = await _asked(visit)
    try:
        await withdraw_condition(
            visit.connection,
            programme.id,
            standing.territory_id,
            _condition_in(visit),
            reason=reason_in(visit.form),
            actor=visit.account.actor,
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _page(visit, programme, standing, wrong, CONDITION)
    raise _back(programme, standing)


async def propose_grant(visit: Visit) -> web.StreamResponse:
    programme, standing = await _asked(visit)
    try:
        await propose(
            visit.connection,
            programme.id,
            standing.territory_id,
            actor=visit.account.actor,
            at=visit.now,
        )
    except GrantHindered as hindered:
        wrong = FieldRefused(GRANT, HINDRANCES[hindered.why])
        return await _page(visit, programme, standing, wrong, GRANT)
    raise _back(programme, standing)


async def approve_grant(visit: Visit) -> web.StreamResponse:
    return await _decide(visit, is_approved=True)


async def refuse_grant(visit: Visit) -> web.StreamResponse:
    return await _decide(visit, is_approved=False)


async def send_booklets(visit: Visit) -> web.StreamResponse:
    programme, standing = await _asked(visit)
    try:
        grant_id = await _grant_asked(visit, programme, standing)
        sent = await dispatch(
            visit.connection,
            grant_id,
            batch_id=number_in_form(visit.form, "lot", told="Choisissez le lot."),
            booklet_count=number_in_form(visit.form, "carnets", told="Écrivez combien de carnets."),
            actor=visit.account.actor,
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _page(visit, programme, standing, wrong, DISPATCH)
    except GrantRefused:
        told = "Pas autant : le lot ou la dotation n’a plus assez de carnets, ou le territoire est suspendu."
        return await _page(visit, programme, standing, FieldRefused("carnets", told), DISPATCH)
    raise web.HTTPSeeOther(f"/console/livraisons/{sent.id}")


async def take_measure(visit: Visit) -> web.StreamResponse:
    programme, standing = await _asked(visit)
    try:
        kind = MeasureKind.REDUCTION if visit.form.get("mesure") == "reduction" else MeasureKind.SUSPENSION
        passes = None
        if kind is MeasureKind.REDUCTION:
            passes = number_in_form(visit.form, "pass", told="Écrivez combien de pass sont retirés.")
        await decide_measure(
            visit.connection,
            programme.id,
            standing.territory_id,
            kind,
            passes=passes,
            heard_on=day_in(visit.form, "audition"),
            hearing=reason_in(visit.form, "compte-rendu"),
            reason=reason_in(visit.form),
            person_id=visit.account.person_id,
            actor=visit.account.actor,
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _page(visit, programme, standing, wrong, MEASURE)
    except GrantRefused as refused:
        return await _page(visit, programme, standing, _measure_told(refused), MEASURE)
    raise _back(programme, standing)


async def resume_territory(visit: Visit) -> web.StreamResponse:
    programme, standing = await _asked(visit)
    try:
        await resume(
            visit.connection,
            programme.id,
            standing.territory_id,
            reason=reason_in(visit.form),
            person_id=visit.account.person_id,
            actor=visit.account.actor,
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _page(visit, programme, standing, wrong, MEASURE)
    except GrantRefused:
        told = FieldRefused("motif", "Ce territoire n’est pas suspendu.")
        return await _page(visit, programme, standing, told, MEASURE)
    raise _back(programme, standing)


async def take_back(visit: Visit) -> web.StreamResponse:
    programme, standing = await _asked(visit)
    try:
        first, last = booklet_in(visit.form, "premier"), booklet_in(visit.form, "dernier")
        if not first <= last < first + RESTITUTED_MAX:
            raise FieldRefused("dernier", f"Du premier au dernier, {RESTITUTED_MAX} carnets au plus.")
        await restitute(
            visit.connection,
            programme.id,
            standing.territory_id,
            range(first, last + 1),
            reason=reason_in(visit.form),
            actor=visit.account.actor,
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _page(visit, programme, standing, wrong, RETURN)
    except GrantRefused as refused:
        told = next(words for mark, words in NOT_TAKEN_BACK.items() if mark in str(refused))
        return await _page(visit, programme, standing, FieldRefused("premier", told), RETURN)
    raise _back(programme, standing)


async def _decide(visit: Visit, *, is_approved: bool) -> web.StreamResponse:
    programme, standing = await _asked(visit)
    grant_id = await _grant_asked(visit, programme, standing)
    who: dict[str, Any] = {
        "person_id": visit.account.person_id,
        "actor": visit.account.actor,
        "at": visit.now,
    }
    try:
        if is_approved:
            await approve(visit.connection, grant_id, **who)
        else:
            await refuse(visit.connection, grant_id, reason=reason_in(visit.form), **who)
    except FieldRefused as wrong:
        return await _page(visit, programme, standing, wrong, GRANT)
    except GrantHindered as hindered:
        told = FieldRefused(GRANT, HINDRANCES[hindered.why])
        return await _page(visit, programme, standing, told, GRANT)
    except GrantRefused:
        told = FieldRefused(GRANT, "Cette dotation vient d’être décidée : relisez la page.")
        return await _page(visit, programme, standing, told, GRANT)
    raise _back(programme, standing)


async def _asked(visit: Visit) -> tuple[Programme, Standing]:
    programme = await programme_asked(visit)
    territory_id = number_in(visit, "territory", NO_TERRITORY)
    if not is_own_territory(visit, territory_id):
        raise PageRefused(NO_TERRITORY)
    day = paris_day(visit.now)
    try:
        return programme, await standing_of(visit.connection, programme.id, territory_id, day=day)
    except GrantRefused:
        raise PageRefused(NO_TERRITORY) from None


async def _grant_asked(visit: Visit, programme: Programme, standing: Standing) -> int:
    try:
        grant = await find_grant(visit.connection, number_in(visit, "grant", NO_GRANT))
    except GrantRefused:
        raise PageRefused(NO_GRANT) from None
    if (grant.programme_id, grant.territory_id) != (programme.id, standing.territory_id):
        raise PageRefused(NO_GRANT)
    return grant.id


def _condition_in(visit: Visit) -> Condition:
    try:
        return Condition(visit.form.get("condition", ""))
    except ValueError:
        raise FieldRefused("condition", "Choisissez la condition.") from None


def _measure_told(refused: GrantRefused) -> FieldRefused:
    text = str(refused)
    if "suspended already" in text:
        return FieldRefused("mesure", "Ce territoire est déjà suspendu.")
    if "heard first" in text:
        return FieldRefused("audition", "Le territoire est entendu d’abord : ce jour est à venir.")
    return FieldRefused("pass", "Seuls les pass accordés et pas encore expédiés peuvent être retirés.")


def _back(programme: Programme, standing: Standing) -> web.HTTPSeeOther:
    return web.HTTPSeeOther(f"{PROGRAMMES}/{programme.id}/territoires/{standing.territory_id}")


async def _page(
    visit: Visit,
    programme: Programme,
    standing: Standing,
    wrong: FieldRefused | None = None,
    form_shown: str = "",
) -> web.StreamResponse:
    today = paris_day(visit.now)
    here = {"programme_id": programme.id, "territory_id": standing.territory_id}
    grants = await list_grants(visit.connection, programme.id, territory_id=standing.territory_id)
    why = hindrance(standing, today)
    hindered = {one.id: hindrance_to_approval(one, standing, today) for one in grants}
    return visit.show(
        "territory.html",
        wrong=wrong,
        form_shown=form_shown,
        programme=programme,
        standing=standing,
        row=row_of(standing, today, 0),
        conditions=[
            (one, *CONDITIONS[one], met.get(one))
            for met in [await conditions_met(visit.connection, programme.id, standing.territory_id)]
            for one in Condition
        ],
        grants=[
            (
                one,
                GRANT_SIGNS[one.state],
                grant_sentence(one),
                delivery_sign(one, today),
                HINDRANCES[found] if (found := hindered[one.id]) else None,
            )
            for one in grants
        ],
        wanted=next_grant(standing),
        why=HINDRANCES[why] if why else None,
        deliveries=await list_deliveries(visit.connection, **here),
        stock=await booklets_in_stock(visit.connection, programme.id),
        measures=await list_measures(visit.connection, programme.id, territory_id=standing.territory_id),
        today=today,
        KINDS=KINDS,
        MEASURES=MEASURES,
    )
