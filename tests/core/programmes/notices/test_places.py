"""Places as open data in the national schema, and on the map of the public page."""

import csv
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.site_details import Place, SiteDetails
from programmes.mednum import FIELDS, REQUIRED, SERVICES, as_csv_bytes, as_json_bytes, record_of, records_of
from programmes.places import (
    MAP_HEIGHT,
    MAP_WIDTH,
    choices_in,
    hours_words,
    map_of,
    narrowed,
    phone_words,
)

# Of the schema itself, version 0.2.0.
PATTERNS = {
    "code_postal": r"\d{5}",
    "code_insee": r"([013-9]\d|2[AB1-9])\d{3}",
    "telephone": r"(\+33|\+590|\+594|\+262|\+596|\+269|\+687|\+689|\+508|\+681)(\d){6,9}",
    "date_maj": r"\d{4}-\d{2}-\d{2}",
    "services": "|".join(SERVICES) + r"|(?:(?:^|;)(" + "|".join(SERVICES) + "))+",
}
DETAILS = SiteDetails(
    "12 bis rue Leclercq",
    "51100",
    "Reims",
    insee="51454",
    latitude=49.2583,
    longitude=4.0317,
    phone="+33326000000",
    email="accueil@lieu.example",
    opening_hours="Mo-Fr 09:00-12:00,14:00-18:30",
)
PLACE = Place(
    3,
    "Médiathèque",
    "La Fabrique à clics",
    "99900001100018",
    "Ville-Haute",
    ("Démarches administratives en ligne", "Recherche d’emploi"),
    (),
    ("demarches", "emploi"),
    ("Pass",),
    datetime(2026, 11, 20, 23, 30, tzinfo=UTC),
    DETAILS,
)


def test_a_place_is_written_in_the_fields_and_patterns_of_the_schema():
    record = record_of(PLACE, source="Métropole")
    assert record is not None
    assert set(REQUIRED) <= set(record) <= set(FIELDS)
    for name, pattern in PATTERNS.items():
        assert re.fullmatch(pattern, record[name]), (name, record[name])
    assert record["services"] == f"{SERVICES[0]};{SERVICES[2]}"
    assert record["date_maj"] == "2026-11-21", "the day in Paris"
    assert record["structure_parente"] == "La Fabrique à clics"


@pytest.mark.parametrize(
    "place",
    [
        replace(PLACE, details=None, updated_at=None),
        replace(PLACE, codes=("autre",)),
    ],
)
def test_a_place_without_what_the_schema_requires_is_left_out(place):
    assert record_of(place, source="Métropole") is None


def test_a_service_that_was_told_in_the_words_of_the_schema_is_taken():
    told = replace(PLACE, codes=("autre",), mednum=(SERVICES[5],))
    assert record_of(told, source="x")["services"] == SERVICES[5]


def test_csv_has_every_field_in_order_and_json_has_numbers():
    records = records_of([PLACE], source="Métropole")
    [head, row] = csv.reader(io.StringIO(as_csv_bytes(records).decode()))
    assert tuple(head) == FIELDS
    assert dict(zip(head, row, strict=True))["telephone"] == "+33326000000"
    [told] = json.loads(as_json_bytes(records))
    assert (told["latitude"], told["longitude"]) == (49.2583, 4.0317)


@pytest.mark.parametrize("name", ["=1+1", "@import", "-2", "+cmd"])
def test_a_name_that_a_spreadsheet_would_run_is_only_text_to_it(name):
    rows = list(
        csv.DictReader(
            io.StringIO(as_csv_bytes(records_of([replace(PLACE, name=name)], source="x")).decode())
        )
    )
    assert rows[0]["nom"] == f"'{name}"


def test_the_list_is_narrowed_whatever_the_accents_and_capitals():
    other = replace(PLACE, details=replace(DETAILS, commune="Épernay"), services=("Premiers pas",))
    assert narrowed([PLACE, other], commune="epernay") == [other]
    assert narrowed([PLACE, other], service="PREMIERS PAS") == [other]
    assert narrowed([PLACE, other], commune="Reims", service="premiers pas") == []
    assert narrowed([PLACE, other]) == [PLACE, other]
    assert choices_in([PLACE, other]).communes == ("Épernay", "Reims")


def test_a_list_without_coordinates_has_no_map():
    assert map_of([]) is None
    assert map_of([replace(PLACE, details=replace(DETAILS, latitude=None, longitude=None))]) is None


def at(latitude: float, longitude: float) -> Place:
    return replace(PLACE, details=replace(DETAILS, latitude=latitude, longitude=longitude))


def test_north_is_up_and_east_is_right():
    drawn = map_of([at(49.0, 4.0), at(49.1, 4.0), at(49.0, 4.2)])
    south, north, east = drawn.points
    assert north.y < south.y
    assert east.x > south.x
    assert (north.x, east.y) == (south.x, south.y)


def test_the_scale_is_true():
    """0.1 degree of latitude is 11.1 km anywhere."""
    drawn = map_of([at(49.0, 4.0), at(49.1, 4.0)])
    per_km = (drawn.points[0].y - drawn.points[1].y) / 11.132
    assert drawn.scale_width == pytest.approx(drawn.scale_km * per_km, rel=0.01)


COORDINATES = st.tuples(st.floats(-89, 89), st.floats(-180, 180))


@given(st.lists(COORDINATES, min_size=1, max_size=20))
def test_every_point_is_within_the_frame_wherever_the_places_are(coordinates):
    drawn = map_of([at(*one) for one in coordinates])
    assert drawn is not None
    for point in drawn.points:
        assert 0 <= point.x <= MAP_WIDTH
        assert 0 <= point.y <= MAP_HEIGHT
    assert [point.number for point in drawn.points] == list(range(1, len(coordinates) + 1))


def test_phones_and_hours_are_read_by_french_eyes():
    assert phone_words("+33326000000") == "03 26 00 00 00".replace(" ", "\u00a0")
    assert phone_words("+687260000") == "+687260000"
    assert hours_words("Mo-Fr 09:00-12:00; PH off") == "lundi-vendredi 09:00-12:00; jours fériés fermé"
