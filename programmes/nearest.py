"""Which places a beneficiary is sent to: the territory's, the nearest first where positions are known."""

from collections.abc import Iterable
from math import asin, cos, radians, sin, sqrt

from ledger.site_details import Place

PLACES_MAX = 6  # what fits a sheet in large type
EARTH_KM = 6_371.0
Position = tuple[float, float]  # latitude, longitude


def nearest_places(
    places: Iterable[Place], *, territory: str, programme: str, origin: Position | None
) -> list[Place]:
    """Without a position, by name: better said than guessed."""
    offered = [one for one in places if one.territory == territory and programme in one.programmes]
    return sorted(offered, key=lambda one: (_distance(one, origin), one.name))[:PLACES_MAX]


def position_of(place: Place) -> Position | None:
    details = place.details
    if details is None or details.latitude is None or details.longitude is None:
        return None
    return details.latitude, details.longitude


def own_position(places: Iterable[Place], siret: str | None) -> Position | None:
    """Where a prescriber that is an operator too has its first place."""
    own = (position_of(one) for one in places if siret is not None and one.siret == siret)
    return next((position for position in own if position), None)


def _distance(place: Place, origin: Position | None) -> float:
    position = position_of(place)
    if origin is None or position is None:
        return EARTH_KM
    (here_lat, here_lon), (there_lat, there_lon) = (tuple(map(radians, one)) for one in (origin, position))
    half = (
        sin((there_lat - here_lat) / 2) ** 2
        + cos(here_lat) * cos(there_lat) * sin((there_lon - here_lon) / 2) ** 2
    )
    return 2 * EARTH_KM * asin(sqrt(half))
