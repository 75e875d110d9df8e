"""How far a booklet is in its life, and which places its beneficiary is sent to."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ledger.booklet_history import BookletLife
from ledger.site_details import Place, SiteDetails
from programmes.booklet_life import Stage, stage_of
from programmes.nearest import nearest_places, own_position

NOON = datetime(2026, 3, 3, 12, tzinfo=UTC)
PRINTED = BookletLife(
    number=1, batch_id=1, programme_id=1, programme="P", state="issued", pass_count=10,
    face_value_cents=1_000,
    issued_at=NOON, activated_at=None, cancelled_at=None, cancel_cause=None, last_day=date(2027, 1, 31),
    is_over=False, dispatched_at=None, delivered_at=None, territory=None, prescriber=None, accepted=0,
    handed_out=0, replaces=None, replaced_by=None, is_being_replaced=False,
)  # fmt: skip
ACTIVE = replace(PRINTED, state="active", activated_at=NOON, delivered_at=NOON)


@pytest.mark.parametrize(
    ("life", "stage"),
    [
        (PRINTED, Stage.PRINTED),
        (replace(PRINTED, delivered_at=NOON), Stage.DELIVERED),
        (ACTIVE, Stage.ACTIVE),
        (replace(ACTIVE, handed_out=3), Stage.HANDED_OUT),
        (replace(ACTIVE, handed_out=3, accepted=1), Stage.STARTED),
        (replace(ACTIVE, accepted=10), Stage.FINISHED),
        (replace(ACTIVE, accepted=9, is_over=True), Stage.EXPIRED),
        (replace(ACTIVE, accepted=10, is_over=True), Stage.FINISHED),
        (replace(ACTIVE, state="cancelled", cancelled_at=NOON), Stage.CANCELLED),
        (replace(ACTIVE, state="cancelled", cancelled_at=NOON, replaced_by=2), Stage.REPLACED),
        (replace(ACTIVE, state="cancelled", cancelled_at=NOON, is_being_replaced=True), Stage.REPLACED),
    ],
)
def test_a_booklet_is_at_the_last_stage_that_it_reached(life, stage):
    assert stage_of(life) is stage


def a_place(name: str, position: tuple[float, float] | None = None, **other: str) -> Place:
    details = (
        SiteDetails("1 rue", "69001", "Lyon", latitude=position[0], longitude=position[1])
        if position
        else None
    )
    told = {"operator": "O", "siret": "1", "territory": "Rhône"} | other
    return Place(
        0, name, services=(), mednum=(), codes=(), programmes=("P",), updated_at=None, details=details, **told
    )


def test_places_of_the_territory_come_nearest_first_and_those_without_position_last():
    here = (45.76, 4.84)
    places = [
        a_place("loin", (45.9, 4.9)),
        a_place("sans position"),
        a_place("près", (45.77, 4.84), siret="2"),
    ]
    elsewhere = a_place("ailleurs", here, territory="Ain")
    near = nearest_places([*places, elsewhere], territory="Rhône", programme="P", origin=here)
    assert [one.name for one in near] == ["près", "loin", "sans position"]
    unknown = nearest_places(places, territory="Rhône", programme="P", origin=None)
    assert [one.name for one in unknown] == ["loin", "près", "sans position"]
    assert nearest_places(places, territory="Rhône", programme="Q", origin=here) == []
    assert own_position(places, "2") == (45.77, 4.84)
    assert own_position(places, None) is None
