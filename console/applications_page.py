"""« Candidatures »: organisations that ask to accept passes, what is decided and why, and the criteria."""

from datetime import date

from aiohttp import web

from console.address import number_in
from console.form import FieldRefused, reason_in, text_in
from console.money_field import day_in
from console.notice_words import STAGES
from console.refusal import NO_APPLICATION, OWN_DECISION, PageRefused
from console.visit import Visit
from ledger.application_rows import Application, ApplicationRefused, Decision, Stage
from ledger.applications import (
    appeal,
    current_criteria,
    decide,
    find_application,
    list_applications,
    publish_criteria,
)
from ledger.four_eyes import is_another_person
from ledger.parties import known_names
from ledger.structures import open_programmes

APPLICATIONS = "/console/candidatures"
TERRITORY = "territoire-"
CRITERIA_MAX = 30
CRITERION_CHARS_MAX = 300
APPEAL_CHARS_MAX = 2_000


async def show_applications(visit: Visit) -> web.StreamResponse:
    return await _list_page(visit)


async def publish(visit: Visit) -> web.StreamResponse:
    lines = [line for line in visit.form.get("criteres", "").splitlines() if line.strip()]
    try:
        if not 1 <= len(lines) <= CRITERIA_MAX:
            raise FieldRefused("criteres", f"Écrivez un critère par ligne, {CRITERIA_MAX} au plus.")
        items = [text_in({"criteres": one}, "criteres", chars_max=CRITERION_CHARS_MAX) for one in lines]
    except FieldRefused as wrong:
        return await _list_page(visit, wrong)
    await publish_criteria(visit.connection, items, actor=visit.account.actor, at=visit.now)
    raise web.HTTPSeeOther(APPLICATIONS)


async def show_application(visit: Visit) -> web.StreamResponse:
    return await _page(visit, await _application(visit))


async def decide_application(visit: Visit) -> web.StreamResponse:
    application = await _application(visit)
    if application.stage is Stage.APPEALED and not is_another_person(
        visit.account.person_id, prepared_by=[application.decided_by]
    ):
        raise PageRefused(OWN_DECISION)
    try:
        decision, reason = _decision_in(visit), reason_in(visit.form)
        territories = await _territories_in(visit, application) if decision is Decision.ACCEPTED else {}
        try:
            await decide(
                visit.connection,
                application.id,
                decision,
                reason=reason,
                person_id=visit.account.person_id,
                actor=visit.account.actor,
                at=visit.now,
                territory_of=territories,
                ends_on=_last_day_in(visit),
            )
        except ApplicationRefused:
            told = "Rien n’est enregistré : la candidature est déjà décidée, ou la structure déjà qualifiée."
            raise FieldRefused("decision", told) from None
    except FieldRefused as wrong:
        return await _page(visit, application, wrong)
    raise web.HTTPSeeOther(f"{APPLICATIONS}/{application.id}")


async def enter_appeal(visit: Visit) -> web.StreamResponse:
    application = await _application(visit)
    try:
        text = text_in(visit.form, "recours", chars_max=APPEAL_CHARS_MAX)
        if not text:
            raise FieldRefused("recours", "Écrivez ce que le candidat demande.")
        try:
            await appeal(visit.connection, application.id, text, actor=visit.account.actor, at=visit.now)
        except ApplicationRefused:
            raise FieldRefused("recours", "Aucun recours n’est possible, ou son délai est passé.") from None
    except FieldRefused as wrong:
        return await _page(visit, application, wrong)
    raise web.HTTPSeeOther(f"{APPLICATIONS}/{application.id}")


def _decision_in(visit: Visit) -> Decision:
    try:
        return Decision(visit.form.get("decision", ""))
    except ValueError:
        raise FieldRefused("decision", "Choisissez d’accepter ou de refuser.") from None


def _last_day_in(visit: Visit) -> date | None:
    return day_in(visit.form, "dernier-jour") if visit.form.get("dernier-jour") else None


async def _territories_in(visit: Visit, application: Application) -> dict[str, int]:
    known = set((await known_names(visit.connection)).territories.values())
    chosen = {}
    for place, site in enumerate(application.told.sites):
        digits = visit.form.get(f"{TERRITORY}{place}", "")
        if not (digits.isascii() and digits.isdecimal() and int(digits[:9]) in known):
            raise FieldRefused("territoires", f"Choisissez le territoire de « {site.name} ».")
        chosen[site.name] = int(digits[:9])
    return chosen


async def _application(visit: Visit) -> Application:
    application = await find_application(visit.connection, number_in(visit, "application", NO_APPLICATION))
    if application is None:
        raise PageRefused(NO_APPLICATION)
    return application


async def _list_page(visit: Visit, wrong: FieldRefused | None = None) -> web.StreamResponse:
    return visit.show(
        "applications.html",
        wrong=wrong,
        applications=await list_applications(visit.connection),
        criteria=await current_criteria(visit.connection),
        STAGES=STAGES,
    )


async def _page(
    visit: Visit, application: Application, wrong: FieldRefused | None = None
) -> web.StreamResponse:
    criteria = await current_criteria(visit.connection, application.told.criteria_version)
    assert criteria is not None
    programmes = await open_programmes(visit.connection, now=visit.now)
    labels = {number: label for programme in programmes for number, label in programme.services.items()}
    return visit.show(
        "application.html",
        wrong=wrong,
        application=application,
        answers=list(zip(criteria.items, application.told.answers, strict=True)),
        services=[labels.get(number, str(number)) for number in application.told.service_ids],
        territories=(await known_names(visit.connection)).territories,
        is_own=not is_another_person(visit.account.person_id, prepared_by=[application.decided_by])
        and application.stage is Stage.APPEALED,
        STAGES=STAGES,
        TERRITORY=TERRITORY,
    )
