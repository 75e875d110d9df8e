"""The public list of places: filtered, and laid out on a small map. Pure; the page is the console's."""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from ledger.site_details import Place
from programmes.print.french import NBSP

MAP_WIDTH, MAP_HEIGHT = 640, 420
MARGIN = 28
POINTS_MAX = 500
SPAN_DEGREES_MIN = 0.02  # about two kilometres: one place alone is not shown as if under a lens
SCALE_KM = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
KM_PER_DEGREE = 111.32
DAYS = {
    "Mo": "lundi",
    "Tu": "mardi",
    "We": "mercredi",
    "Th": "jeudi",
    "Fr": "vendredi",
    "Sa": "samedi",
    "Su": "dimanche",
    "PH": "jours fériés",
    "off": "fermé",
}


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the map; its number is that of the list."""

    number: int
    x: float
    y: float
    place: Place


@dataclass(frozen=True, slots=True)
class PlaceMap:
    points: tuple[Point, ...]
    scale_km: int
    scale_width: float
    missing: int  # places of the list that have no coordinates


@dataclass(frozen=True, slots=True)
class Choices:
    """What the list can be narrowed to."""

    communes: tuple[str, ...]
    services: tuple[str, ...]


def commune_of(place: Place) -> str:
    return place.details.commune if place.details else place.territory


def choices_in(places: Sequence[Place]) -> Choices:
    return Choices(
        tuple(sorted({commune_of(place) for place in places}, key=_plain)),
        tuple(sorted({service for place in places for service in place.services}, key=_plain)),
    )


def narrowed(places: Sequence[Place], *, commune: str = "", service: str = "") -> list[Place]:
    """Accents and capitals say nothing; an empty choice takes all."""
    return [
        place
        for place in places
        if (not commune or _plain(commune_of(place)) == _plain(commune))
        and (not service or any(_plain(one) == _plain(service) for one in place.services))
    ]


def map_of(places: Sequence[Place]) -> PlaceMap | None:
    """North is up; a degree of longitude is as short as there. None: no place has coordinates."""
    known = [
        (number, place, place.details.longitude, place.details.latitude)
        for number, place in enumerate(places, 1)
        if place.details and place.details.longitude is not None and place.details.latitude is not None
    ][:POINTS_MAX]
    if not known:
        return None
    south, north = min(one[3] for one in known), max(one[3] for one in known)
    shrink = math.cos(math.radians((south + north) / 2))
    west, east = min(one[2] for one in known) * shrink, max(one[2] for one in known) * shrink
    width, height = max(east - west, SPAN_DEGREES_MIN), max(north - south, SPAN_DEGREES_MIN)
    per_degree = min((MAP_WIDTH - 2 * MARGIN) / width, (MAP_HEIGHT - 2 * MARGIN) / height)
    middle_x, middle_y = (west + east) / 2, (south + north) / 2
    points = tuple(
        Point(
            number,
            round(MAP_WIDTH / 2 + (longitude * shrink - middle_x) * per_degree, 1),
            round(MAP_HEIGHT / 2 - (latitude - middle_y) * per_degree, 1),
            place,
        )
        for number, place, longitude, latitude in known
    )
    per_km = per_degree / KM_PER_DEGREE
    scale_km = max((km for km in SCALE_KM if km * per_km <= MAP_WIDTH / 3), default=SCALE_KM[0])
    return PlaceMap(points, scale_km, round(scale_km * per_km, 1), len(places) - len(points))


def phone_words(number: str) -> str:
    """As French eyes read it: `03 26 00 00 00`; a number from elsewhere as it is."""
    if not re.fullmatch(r"\+33\d{9}", number):
        return number
    digits = f"0{number.removeprefix('+33')}"
    return NBSP.join(digits[start : start + 2] for start in range(0, len(digits), 2))


def hours_words(hours: str) -> str:
    """Opening hours of OpenStreetMap with the days in French; what else they say stays as it is."""
    told = re.sub(r"\b(Mo|Tu|We|Th|Fr|Sa|Su|PH|off)\b", lambda found: DAYS[found[0]], hours)
    return re.sub(r",(?=\S)", ", ", told)


def _plain(text: str) -> str:
    letters = unicodedata.normalize("NFD", text.casefold())
    return " ".join("".join(one for one in letters if unicodedata.category(one) != "Mn").split())
