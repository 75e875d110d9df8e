"""The straight line of the last eight weeks, and its range."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from programmes.forecast import WEEKS, forecast

TODAY = date(2026, 11, 21)


def test_a_steady_pace_has_one_day():
    found = forecast(700, [100] * WEEKS, today=TODAY)
    assert found.expected == found.earliest == found.latest == date(2027, 1, 9)


def test_halves_that_differ_give_a_range():
    found = forecast(200, [0, 0, 0, 0, 50, 50, 50, 50], today=TODAY)
    assert (found.earliest, found.expected, found.latest) == (date(2026, 12, 19), date(2027, 1, 16), None)


def test_what_is_reached_is_reached_today_and_nothing_in_sight_is_said_so():
    assert forecast(0, [0] * WEEKS, today=TODAY).latest == TODAY
    assert forecast(1, [0] * WEEKS, today=TODAY).expected is None
    assert forecast(10**9, [1] * WEEKS, today=TODAY).expected is None


@given(st.integers(0, 10**6), st.lists(st.integers(0, 10**5), min_size=WEEKS, max_size=WEEKS))
def test_the_range_holds_what_is_expected(left, weeks):
    found = forecast(left, weeks, today=TODAY)
    if found.expected:
        assert found.earliest <= found.expected
    if found.latest:
        assert found.expected <= found.latest
