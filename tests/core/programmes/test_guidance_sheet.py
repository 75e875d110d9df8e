"""The sheet that goes with a booklet is drawn whatever operators call their places."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from programmes.print.guidance_sheet import GuidanceSheet, SheetPlace, draw_guidance
from programmes.print.typeface import Face, settable


def a_sheet(name: str) -> GuidanceSheet:
    place = SheetPlace(name, name, name, name)
    return GuidanceSheet("Pass", "01 02 03 04 05", 1_000, 10, date(2026, 12, 31), "Plaine", [place] * 40)


@pytest.mark.parametrize(
    "name", ["😀 Café 漢字", "\u202eeuros", "a\x00b", "deux\r\nlignes", " ", "", "ﷺ", "é" * 100]
)
def test_a_name_that_no_face_can_set_keeps_nobody_from_the_sheet(name):
    assert draw_guidance(a_sheet(name)).startswith(b"%PDF")


@settings(max_examples=30)
@given(st.text(max_size=60))
def test_what_is_left_of_a_name_can_be_set_on_one_line(name):
    kept = settable(name, Face.REGULAR)
    assert draw_guidance(a_sheet(name)).startswith(b"%PDF")
    assert not set(kept) & {"\n", "\r", "\t", "\x00", "\u202e"}
    assert settable(kept, Face.REGULAR) == kept


def test_what_can_be_set_is_left_as_it_is():
    assert settable("Médiathèque n° 2 – « l’Œuvre »", Face.BOLD) == "Médiathèque n° 2 – « l’Œuvre »"
