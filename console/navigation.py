"""The console's places in the order of its navigation, per role: only those that exist and that the role may
open."""

from collections.abc import Mapping
from typing import NamedTuple

from ledger.account_rows import Role


class Place(NamedTuple):
    path: str  # below /console
    name: str


PLACES = (
    Place("/aujourdhui", "Aujourd’hui"),
    Place("", "Vue d’ensemble"),
    Place("/suivi", "Suivi"),
    Place("/bordereaux", "Bordereaux"),
    Place("/compte", "Compte bancaire"),
    Place("/virements", "Virements"),
    Place("/releves", "Relevés"),
    Place("/rapprochement", "Rapprochement"),
    Place("/structures", "Structures"),
    Place("/candidatures", "Candidatures"),
    Place("/telephones", "Téléphones"),
    Place("/programmes", "Programmes"),
    Place("/territoires", "Territoires"),
    Place("/commandes", "Commandes"),
    Place("/carnets", "Carnets"),
    Place("/prescripteurs", "Prescripteurs"),
    Place("/stock", "Stock"),
    Place("/compteurs", "Compteurs"),
    Place("/fonds", "Fonds"),
    Place("/avis", "Avis"),
    Place("/journal", "Journal"),
)
HOMES = {
    Role.OPERATOR: Place("", "Nos pass"),
    Role.PRESCRIBER: Place("", "Remettre"),
    Role.TERRITORY: Place("", "Notre territoire"),
}


def places_for(role: Role, roles_of: Mapping[tuple[str, str], frozenset[Role]]) -> list[Place]:
    """roles_of: by method and path, for every route there is."""
    open_to_it = [place for place in PLACES if role in roles_of.get(("GET", place.path), frozenset[Role]())]
    return [HOMES.get(role, place) if place.path == "" else place for place in open_to_it]
