"""One place of an operator, as the public is told of it: address, coordinates, hours, how to reach it."""

import re
from collections.abc import Mapping

from aiohttp import web

from console.address import number_in
from console.form import FieldRefused, text_in
from console.refusal import NO_OPERATOR, PageRefused
from console.visit import Visit
from ledger.contacts import is_address
from ledger.site_details import OwnSite, SiteDetails, own_sites, read_details, save_details

TEXT_CHARS_MAX = 200
SUMMARY_CHARS_MAX = 280
POSTCODE = re.compile(r"\d{5}")
INSEE = re.compile(r"([013-9]\d|2[AB1-9])\d{3}")
PHONE = re.compile(r"\+\d{8,14}")
DEGREES = re.compile(r"-?\d{1,3}(\.\d{1,8})?")


async def show_site(visit: Visit) -> web.StreamResponse:
    site = await _site(visit)
    return _page(visit, site, _fields(await read_details(visit.connection, site.id)))


async def describe_site(visit: Visit) -> web.StreamResponse:
    site = await _site(visit)
    try:
        details = details_in(visit.form)
    except FieldRefused as wrong:
        return _page(visit, site, visit.form, wrong)
    await save_details(visit.connection, site.id, details, actor=visit.account.actor, at=visit.now)
    raise web.HTTPSeeOther(f"/console/structures/{site.operator_id}")


def details_in(form: Mapping[str, str]) -> SiteDetails:
    latitude, longitude = _degrees_in(form, "latitude", 90), _degrees_in(form, "longitude", 180)
    if (latitude is None) != (longitude is None):
        raise FieldRefused("longitude", "Écrivez la latitude et la longitude, ou aucune des deux.")
    email = _optional(form, "courriel")
    if email and not is_address(email):
        raise FieldRefused("courriel", "Écrivez une adresse sans accent, par exemple accueil@exemple.fr.")
    return SiteDetails(
        _needed(form, "adresse", "Écrivez le numéro et la voie."),
        _shaped(form, "code-postal", POSTCODE, "Cinq chiffres, par exemple 51100.", needed=True) or "",
        _needed(form, "commune", "Écrivez la commune."),
        complement=_optional(form, "complement"),
        insee=_shaped(form, "insee", INSEE, "Le code officiel de la commune, par exemple 51454."),
        latitude=latitude,
        longitude=longitude,
        phone=_phone_in(form),
        email=email,
        website=_shaped(form, "site", re.compile(r"https?://\S+"), "Une adresse qui commence par https://."),
        opening_hours=_optional(form, "horaires"),
        summary=_optional(form, "resume", SUMMARY_CHARS_MAX),
        access_sheet=_shaped(
            form, "acces", re.compile(r"https://\S+"), "L’adresse de la fiche, qui commence par https://."
        ),
        booking=_shaped(form, "rdv", re.compile(r"https://\S+"), "Une adresse qui commence par https://."),
    )


def _needed(form: Mapping[str, str], field: str, told: str) -> str:
    text = text_in(form, field, chars_max=TEXT_CHARS_MAX)
    if not text:
        raise FieldRefused(field, told)
    return text


def _optional(form: Mapping[str, str], field: str, chars_max: int = TEXT_CHARS_MAX) -> str | None:
    return text_in(form, field, chars_max=chars_max) or None


def _shaped(
    form: Mapping[str, str], field: str, shape: re.Pattern[str], told: str, *, needed: bool = False
) -> str | None:
    text = _optional(form, field)
    if text is None and not needed:
        return None
    if text is None or not shape.fullmatch(text):
        raise FieldRefused(field, told)
    return text


def _phone_in(form: Mapping[str, str]) -> str | None:
    """As it is dialled in France, or with its country: the national schema wants the latter."""
    text = _optional(form, "telephone")
    if text is None:
        return None
    digits = re.sub(r"[ .\-\u00a0()]", "", text)
    if re.fullmatch(r"0[1-9]\d{8}", digits):
        digits = f"+33{digits[1:]}"
    if not PHONE.fullmatch(digits):
        raise FieldRefused("telephone", "Un numéro à dix chiffres, ou qui commence par +.")
    return digits


def _degrees_in(form: Mapping[str, str], field: str, most: int) -> float | None:
    text = text_in(form, field, chars_max=20).replace(",", ".")
    if not text:
        return None
    if not DEGREES.fullmatch(text) or abs(float(text)) > most:
        raise FieldRefused(field, f"Des degrés entre -{most} et {most}, par exemple 49,2583.")
    return float(text)


async def _site(visit: Visit) -> OwnSite:
    operator_id, site_id = number_in(visit, "operator", NO_OPERATOR), number_in(visit, "site", NO_OPERATOR)
    site = next((one for one in await own_sites(visit.connection, operator_id) if one.id == site_id), None)
    if site is None:
        raise PageRefused(NO_OPERATOR)
    return site


def _fields(details: SiteDetails | None) -> dict[str, str]:
    """As the form calls them."""
    if details is None:
        return {}
    values = {
        "adresse": details.address,
        "code-postal": details.postcode,
        "commune": details.commune,
        "complement": details.complement,
        "insee": details.insee,
        "latitude": details.latitude,
        "longitude": details.longitude,
        "telephone": details.phone,
        "courriel": details.email,
        "site": details.website,
        "horaires": details.opening_hours,
        "resume": details.summary,
        "acces": details.access_sheet,
        "rdv": details.booking,
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def _page(
    visit: Visit, site: OwnSite, typed: Mapping[str, str], wrong: FieldRefused | None = None
) -> web.StreamResponse:
    return visit.show("site.html", wrong=wrong, site=site, typed=typed)
