"""Programmes: their rules as they are and as they were on a day, and the form that amends them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from aiohttp import web

from console.address import number_in
from console.event_words import CALENDARS
from console.form import FieldRefused, label_in, reason_in
from console.money_field import day_in, number_in_form
from console.refusal import NO_PROGRAMME, PageRefused
from console.scope import readable_programmes
from console.visit import Visit
from ledger.amendments import AmendmentRefused, amend_rules
from ledger.calendar_rows import Calendar
from ledger.grants import programme_granted
from ledger.parties import known_names
from ledger.programme_rules import list_versions, newest_rules, rules_on
from ledger.programmes import UnknownProgramme, find_programme, list_programmes
from ledger.rows import Programme
from ledger.rule_rows import Figures
from ledger.structures import paris_day
from programmes.granting import stock_warning

PROGRAMMES = "/console/programmes"
PUBLICS_MAX = 20
NAMED_CHARS_MAX = 200
NUMBERS = {  # field of the form → figure, least, most
    "tolerance": ("grace_days", 0, 365),
    "remise": ("claim_window_days", 0, 365),
    "paiement": ("payment_delay_days", 0, 365),
    "amorcage": ("first_grant_passes", 1, 10_000_000),
    "abondement": ("top_up_passes", 1, 10_000_000),
    "seuil": ("threshold_percent", 1, 100),
    "livraison": ("delivery_working_days", 1, 250),
    "pic": ("pic_share_percent", 0, 100),
}
STALE = "Un avenant a été enregistré entre-temps : relisez les règles, puis recommencez."


async def show_programmes(visit: Visit) -> web.StreamResponse:
    """A funder has one, and is shown it."""
    if visit.account.programme_id is not None:
        return await _page(visit, await find_programme(visit.connection, visit.account.programme_id))
    return visit.show("programmes.html", programmes=await list_programmes(visit.connection))


async def show_programme(visit: Visit) -> web.StreamResponse:
    return await _page(visit, await programme_asked(visit))


async def amend(visit: Visit) -> web.StreamResponse:
    programme = await programme_asked(visit)
    rules = await newest_rules(visit.connection, programme.id)
    try:
        version = number_in_form(visit.form, "version", told=STALE)
        known = await known_names(visit.connection)
        figures = replace(
            _figures_in(visit.form, rules.figures),
            closing_calendar=_calendar_in(visit.form),
            territory_ids=_ids_in(visit.form, "territoires", known.territories, rules.figures.territory_ids),
            service_ids=_ids_in(visit.form, "services", known.services, rules.figures.service_ids),
        )
        in_force_from, reason = day_in(visit.form, "effet"), reason_in(visit.form)
        await amend_rules(
            visit.connection,
            programme.id,
            figures,
            of_version=version,
            in_force_from=in_force_from,
            reason=reason,
            actor=visit.account.actor,
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _page(visit, programme, wrong)
    except AmendmentRefused as refused:
        return await _page(visit, programme, FieldRefused("version", _told(refused)))
    raise web.HTTPSeeOther(f"{PROGRAMMES}/{programme.id}?avenant")


async def programme_asked(visit: Visit) -> Programme:
    """What is not this account's to read is as if there were none."""
    number = number_in(visit, "programme", NO_PROGRAMME)
    if number not in await readable_programmes(visit):
        raise PageRefused(NO_PROGRAMME)
    try:
        return await find_programme(visit.connection, number)
    except UnknownProgramme:
        raise PageRefused(NO_PROGRAMME) from None


def _figures_in(form: Mapping[str, str], before: Figures) -> Figures:
    changes: dict[str, Any] = {}
    for field, (figure, least, most) in NUMBERS.items():
        told = f"Écrivez un nombre de {least} à {most}."
        number = number_in_form(form, field, told=told)
        if not least <= number <= most:
            raise FieldRefused(field, told)
        changes[figure] = number
    cap = form.get("plafond", "").strip()
    changes["stock_cap_passes"] = (
        number_in_form(form, "plafond", told="Écrivez un nombre de pass, ou rien.") or None if cap else None
    )
    for field, figure in (("mandat-debut", "mandate_starts_on"), ("mandat-fin", "mandate_ends_on")):
        changes[figure] = _optional_day(form, field)
    changes["grant_deadline"] = _optional_day(form, "limite")
    figures = replace(
        before,
        last_day_of_use=day_in(form, "dernier-jour"),
        convention=label_in(form, "convention"),
        publics=_publics_in(form),
        **changes,
    )
    if (
        figures.mandate_starts_on
        and figures.mandate_ends_on
        and figures.mandate_ends_on < figures.mandate_starts_on
    ):
        raise FieldRefused("mandat-fin", "Le mandat ne peut pas finir avant de commencer.")
    return figures


def _publics_in(form: Mapping[str, str]) -> tuple[str, ...]:
    words = [word.strip().lower() for word in label_in(form, "publics").split(",") if word.strip()]
    if len(words) > PUBLICS_MAX or not all(word.replace("_", "").isalnum() for word in words):
        raise FieldRefused("publics", "Écrivez des mots séparés par des virgules, par exemple : pic, qpv.")
    return tuple(dict.fromkeys(words))


def _calendar_in(form: Mapping[str, str]) -> Calendar:
    try:
        return Calendar(form.get("cloture", ""))
    except ValueError:
        raise FieldRefused("cloture", "Choisissez quand les bordereaux se ferment.") from None


def _ids_in(
    form: Mapping[str, str], field: str, known: Mapping[str, int], before: tuple[int, ...]
) -> tuple[int, ...]:
    """One a line, all that are covered from now on; not nothing, which would stop the programme."""
    lines = {line for one in form.get(field, "").splitlines() if (line := " ".join(one.split()))}
    if before and not lines:
        raise FieldRefused(field, "Écrivez au moins un nom : sans lui, plus aucun pass ne serait accepté.")
    if unknown := sorted(lines - known.keys()):
        raise FieldRefused(field, f"Personne ne connaît : {', '.join(unknown)[:NAMED_CHARS_MAX]}.")
    return tuple(sorted(known[line] for line in lines))


def _optional_day(form: Mapping[str, str], field: str) -> date | None:
    return day_in(form, field) if form.get(field) else None


def _told(refused: AmendmentRefused) -> str:
    text = str(refused)
    if "meanwhile" in text:
        return STALE
    if "nothing would change" in text:
        return "Rien ne change : modifiez au moins une règle."
    if "granted already" in text:
        return "Le plafond serait plus bas que ce qui est déjà accordé."
    if "take effect when" in text:
        return (
            "La validité et les délais changent le jour de l’avenant : datez-le d’aujourd’hui au plus tard."
        )
    return "Un avenant ne peut pas précéder celui d’avant : choisissez un jour d’effet plus récent."


async def _page(visit: Visit, programme: Programme, wrong: FieldRefused | None = None) -> web.StreamResponse:
    today = paris_day(visit.now)
    day = _day_asked(visit, today)
    newest = await newest_rules(visit.connection, programme.id)
    granted = await programme_granted(visit.connection, programme.id)
    known = await known_names(visit.connection)
    return visit.show(
        "programme.html",
        wrong=wrong,
        programme=programme,
        rules=await rules_on(visit.connection, programme.id, day),
        newest=newest,
        versions=(await list_versions(visit.connection, programme.id))[::-1],
        covered={
            "territoires": _names_of(newest.figures.territory_ids, known.territories),
            "services": _names_of(newest.figures.service_ids, known.services),
        },
        CALENDARS=CALENDARS,
        granted=granted,
        warning=stock_warning(granted, newest.figures),
        day=day,
        today=today,
        is_amended="avenant" in visit.request.query,
    )


def _names_of(ids: tuple[int, ...], known: Mapping[str, int]) -> list[str]:
    return sorted(name for name, one in known.items() if one in ids)


def _day_asked(visit: Visit, today: date) -> date:
    try:
        return date.fromisoformat(visit.request.query.get("jour", ""))
    except ValueError:
        return today
