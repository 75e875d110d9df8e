"""Pages for everybody, outside the console: places where passes are taken, open data, and applications.

No session, no cookie, nothing from elsewhere. What is read is the same for all, and kept for a minute.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

import structlog
from aiohttp import web
from stdnum.fr import siret as siret_number

from console.form import FieldRefused, read_form, text_in
from console.origin import address_of, is_from_our_page
from console.public_limits import Remembered, SendingLimits
from console.refusal import (
    BY_STATUS,
    FORM_UNREADABLE,
    NOT_OURS,
    OUR_MISTAKE,
    TOO_MANY,
    UNAVAILABLE,
    PageRefused,
    Refusal,
)
from console.rendering import HEADERS, Templates
from ledger.application_rows import ApplicationRefused, AppliedSite, Criteria, NewApplication
from ledger.applications import current_criteria, receive_application
from ledger.connect import UNREACHABLE, Connection, Pool, answering
from ledger.contacts import ADDRESS_CHARS_MAX, is_address
from ledger.site_details import Place, places_on, publishers
from ledger.structures import OpenProgramme, open_programmes
from programmes.mednum import as_csv_bytes, as_json_bytes, records_of
from programmes.places import MAP_HEIGHT, MAP_WIDTH, choices_in, hours_words, map_of, narrowed, phone_words

KEPT_SECONDS = 60
SHOWN_MAX = 300
CHOICE_CHARS_MAX = 200
SITES_MAX = 5
FIELDS_MAX = 80
ANSWER_CHARS_MAX = 500
NAME_CHARS_MAX = 100
TRAP = "site-internet"  # no person sees it; what fills in everything fills it in too
SERVICE, ANSWER, PLACE = "service-", "critere-", "lieu-"
CACHEABLE = {"Cache-Control": f"public, max-age={KEPT_SECONDS}"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class PublicSite:
    pool: web.AppKey[Pool]
    templates: Templates
    places: Remembered[list[Place]] = field(default_factory=lambda: Remembered(KEPT_SECONDS))
    limits: SendingLimits = field(default_factory=SendingLimits)


SITE = web.AppKey("PUBLIC_SITE", PublicSite)
Page: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]


def add_public_pages(app: web.Application, *, pool: web.AppKey[Pool], templates: Templates) -> None:
    app[SITE] = PublicSite(pool, templates)
    app.router.add_get("/lieux", _answering(show_places))
    app.router.add_get("/lieux.csv", _answering(send_csv))
    app.router.add_get("/lieux.json", _answering(send_json))
    app.router.add_get("/candidature", _answering(show_form))
    app.router.add_post("/candidature", _answering(take_application))


def _answering(page: Page) -> Page:
    """With our headers, and errors as pages: the service around would answer them to programs."""

    async def answer(request: web.Request) -> web.Response:
        try:
            response = await page(request)
        except PageRefused as error:
            response = _refused(request, error.refusal)
        except web.HTTPException as error:
            response = _refused(request, BY_STATUS.get(error.status, FORM_UNREADABLE))
        except UNREACHABLE as error:
            log.warning("record_unreachable", error=repr(error), route=request.path)
            response = _refused(request, UNAVAILABLE)
        except Exception:
            log.exception("page_failed", method=request.method, route=request.path)
            response = _refused(request, OUR_MISTAKE)
        response.headers.update(HEADERS)
        return response

    return answer


def _refused(request: web.Request, refusal: Refusal) -> web.Response:
    templates = request.app[SITE].templates
    return templates.answer("public_error.html", refusal.status, dict(refusal.headers), refusal=refusal)


async def show_places(request: web.Request) -> web.Response:
    commune, service = (request.query.get(name, "")[:CHOICE_CHARS_MAX] for name in ("commune", "service"))
    every = await _places(request)
    found = narrowed(every, commune=commune, service=service)
    return request.app[SITE].templates.answer(
        "places.html",
        200,
        dict(CACHEABLE),
        places=found[:SHOWN_MAX],
        count=len(found),
        is_cut=len(found) > SHOWN_MAX,
        choices=choices_in(every),
        commune=commune,
        service=service,
        map=map_of(found[:SHOWN_MAX]),
        phone_words=phone_words,
        hours_words=hours_words,
        MAP_WIDTH=MAP_WIDTH,
        MAP_HEIGHT=MAP_HEIGHT,
    )


async def send_csv(request: web.Request) -> web.Response:
    body = as_csv_bytes(await _records(request))
    return _data(request, body, "text/csv", "lieux-pass-numerique.csv")


async def send_json(request: web.Request) -> web.Response:
    return _data(request, as_json_bytes(await _records(request)), "application/json", None)


async def show_form(request: web.Request) -> web.Response:
    async with answering(request.app[request.app[SITE].pool]) as connection:
        return await _form_page(request, connection, {})


async def take_application(request: web.Request) -> web.Response:
    """A number to keep; the answer is shown once, and by mail."""
    if not is_from_our_page(request):
        raise PageRefused(NOT_OURS)
    site = request.app[SITE]
    form = await read_form(request, fields_max=FIELDS_MAX)
    now = datetime.now(UTC)
    async with answering(request.app[site.pool]) as connection:
        criteria = await current_criteria(connection)
        programmes = await open_programmes(connection, now=now)
        if criteria is None or not programmes:
            return await _form_page(request, connection, form)
        try:
            told = _application_in(form, criteria, programmes)
            if not site.limits.may_send(address_of(request), now.timestamp()):
                raise PageRefused(TOO_MANY)
            number = await receive_application(connection, told, at=now)
        except FieldRefused as wrong:
            return await _form_page(request, connection, form, wrong)
        except ApplicationRefused:
            told_so = "Une candidature de ce SIRET attend déjà sa décision : il n’y a rien à renvoyer."
            return await _form_page(request, connection, form, FieldRefused("siret", told_so))
    return site.templates.answer("application_received.html", number=number, told=told)


def _application_in(
    form: Mapping[str, str], criteria: Criteria, programmes: list[OpenProgramme]
) -> NewApplication:
    if form.get(TRAP):
        raise PageRefused(FORM_UNREADABLE)
    programme = next((one for one in programmes if str(one.id) == form.get("programme")), None)
    if programme is None:
        raise FieldRefused("programme", "Choisissez le programme.")
    digits = re.sub(r"\s", "", form.get("siret", ""))
    if not (digits.isascii() and siret_number.is_valid(digits)):
        raise FieldRefused("siret", "Vérifiez les quatorze chiffres du SIRET.")
    services = tuple(number for number in programme.services if form.get(f"{SERVICE}{number}") == "oui")
    organisation = _needed(form, "organisation", "Écrivez le nom de l’organisation.")
    if not services:
        raise FieldRefused("services", "Cochez au moins un service que vous rendez.")
    contact = _needed(form, "contact", "Écrivez le nom de la personne à qui répondre.")
    address = text_in(form, "courriel", chars_max=ADDRESS_CHARS_MAX)
    if not is_address(address):
        raise FieldRefused("courriel", "Écrivez une adresse sans accent, par exemple nom@exemple.fr.")
    answers = tuple(
        _needed(form, f"{ANSWER}{place}", "Dites comment vous y répondez.", ANSWER_CHARS_MAX)
        for place in range(len(criteria.items))
    )
    return NewApplication(
        criteria.version,
        programme.id,
        str(siret_number.compact(digits)),
        organisation,
        contact,
        address,
        services,
        _sites_in(form),
        answers,
    )


def _sites_in(form: Mapping[str, str]) -> tuple[AppliedSite, ...]:
    sites: list[AppliedSite] = []
    for place in range(SITES_MAX):
        name, address, postcode, commune = (
            text_in(form, f"{PLACE}{place}-{part}", chars_max=NAME_CHARS_MAX)
            for part in ("nom", "adresse", "code-postal", "commune")
        )
        if not any((name, address, postcode, commune)):
            continue
        missing = next(
            (part for part, text in (("nom", name), ("adresse", address), ("commune", commune)) if not text),
            None,
        )
        if missing:
            raise FieldRefused(f"{PLACE}{place}-{missing}", "Complétez ce lieu, ou effacez-le.")
        if not re.fullmatch(r"\d{5}", postcode):
            raise FieldRefused(f"{PLACE}{place}-code-postal", "Cinq chiffres, par exemple 51100.")
        if any(one.name == name for one in sites):
            raise FieldRefused(f"{PLACE}{place}-nom", "Deux lieux ne portent pas le même nom.")
        sites.append(AppliedSite(name, address, postcode, commune))
    if not sites:
        raise FieldRefused(f"{PLACE}0-nom", "Décrivez au moins un lieu.")
    return tuple(sites)


def _needed(form: Mapping[str, str], name: str, told: str, chars_max: int = NAME_CHARS_MAX) -> str:
    text = text_in(form, name, chars_max=chars_max)
    if not text:
        raise FieldRefused(name, told)
    return text


async def _form_page(
    request: web.Request,
    connection: Connection,
    form: Mapping[str, str],
    wrong: FieldRefused | None = None,
) -> web.Response:
    return request.app[SITE].templates.answer(
        "application_form.html",
        422 if wrong else 200,
        form=form,
        wrong=wrong,
        criteria=await current_criteria(connection),
        programmes=await open_programmes(connection, now=datetime.now(UTC)),
        SITES_MAX=SITES_MAX,
        TRAP=TRAP,
        SERVICE=SERVICE,
        ANSWER=ANSWER,
        PLACE=PLACE,
    )


async def _places(request: web.Request) -> list[Place]:
    site = request.app[SITE]

    async def read() -> list[Place]:
        async with answering(request.app[site.pool]) as connection:
            return await places_on(connection, now=datetime.now(UTC))

    return await site.places.get(read)


async def _records(request: web.Request) -> list[dict[str, str]]:
    places = await _places(request)
    async with answering(request.app[request.app[SITE].pool]) as connection:
        source = ", ".join(await publishers(connection)) or "Pass numériques"
    return records_of(places, source=source)


def _data(request: web.Request, body: bytes, content_type: str, name: str | None) -> web.Response:
    tag = hashlib.sha256(body).hexdigest()[:32]
    headers = {**CACHEABLE, "ETag": f'"{tag}"', "Access-Control-Allow-Origin": "*"}
    if any(one.value in {tag, "*"} for one in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    if name:
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return web.Response(body=body, content_type=content_type, charset="utf-8", headers=headers)
