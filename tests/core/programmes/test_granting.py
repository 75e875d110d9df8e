"""When passes are granted: the figures of the real conventions, worked to the unit, and what holds of any."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.grant_rows import Condition, Grant, GrantKind, GrantState, Holdings, Standing
from ledger.rule_rows import Figures, Rules
from programmes.granting import (
    Hindrance,
    hindrance,
    hindrance_to_approval,
    is_late,
    is_proposed_by_itself,
    is_threshold_reached,
    next_grant,
    passes_to_threshold,
    stock_warning,
)
from programmes.working_days import after_working_days, is_working_day

# Grand Paris, first call: one stock for all territories, no grant after 1 October 2021.
GRAND_PARIS = Figures(
    date(2022, 1, 31),
    stock_cap_passes=155_000,
    first_grant_passes=5_000,
    top_up_passes=2_500,
    threshold_percent=50,
    grant_deadline=date(2021, 10, 1),
    delivery_working_days=20,
)
SPRING = date(2021, 4, 1)
AT = datetime(2021, 4, 1, 9, tzinfo=UTC)


def a_standing(**changes):
    """A territory that was granted 5,000 passes and has consumed none."""
    holdings = changes.pop("holdings", Holdings(granted=5_000, held=5_000))
    standing = Standing(
        programme_id=1,
        territory_id=1,
        territory="Plaine",
        rules=Rules(1, 1, AT, "tests", SPRING, "convention", changes.pop("figures", GRAND_PARIS)),
        holdings=holdings,
        conditions=frozenset(Condition),
        is_suspended=False,
        is_covered=True,
        grant_count=1,
        refused_numbers=frozenset(),
        proposed_numbers=frozenset(),
        programme_granted=5_000,
    )
    return replace(standing, **changes)


def a_new_territory(**changes):
    return a_standing(holdings=Holdings(), grant_count=0, **changes)


def consumed(passes, held=5_000):
    return Holdings(granted=held, held=held, consumed=passes)


def test_the_first_grant_is_5_000_passes_once_all_conditions_are_met():
    wanted = next_grant(a_new_territory())
    assert (wanted.kind, wanted.passes, wanted.threshold_number) == (GrantKind.FIRST, 5_000, 0)
    assert hindrance(a_new_territory(), SPRING) is None
    for missing in Condition:
        lacking = a_new_territory(conditions=frozenset(Condition) - {missing})
        assert hindrance(lacking, SPRING) is Hindrance.CONDITIONS_MISSING


def test_a_first_grant_is_never_proposed_by_itself():
    assert not is_proposed_by_itself(a_new_territory(), SPRING)


@pytest.mark.parametrize(
    ("held", "used", "reached", "left"),
    [
        (5_000, 2_499, False, 1),
        (5_000, 2_500, True, 0),
        (7_500, 3_749, False, 1),  # 5,000 and one top-up
        (7_500, 3_750, True, 0),
        (10_000, 4_999, False, 1),
        (4_999, 2_499, False, 1),  # half a pass is not consumed
        (4_999, 2_500, True, 0),
        (0, 0, False, 0),
    ],
)
def test_the_threshold_is_half_of_all_that_the_territory_holds(held, used, reached, left):
    holdings = consumed(used, held)
    assert is_threshold_reached(holdings, GRAND_PARIS) is reached
    assert passes_to_threshold(holdings, GRAND_PARIS) == left


def test_each_threshold_brings_2_500_passes():
    at_half = a_standing(holdings=consumed(2_500))
    assert is_proposed_by_itself(at_half, SPRING)
    assert next_grant(at_half).passes == 2_500
    assert not is_proposed_by_itself(replace(at_half, proposed_numbers=frozenset({1})), SPRING)
    assert not is_proposed_by_itself(replace(at_half, refused_numbers=frozenset({1})), SPRING)
    after = a_standing(holdings=consumed(2_500, 7_500), grant_count=2)
    assert hindrance(after, SPRING) is Hindrance.THRESHOLD_NOT_REACHED


def test_nothing_is_granted_after_the_first_of_october():
    last, after = date(2021, 10, 1), date(2021, 10, 2)
    for standing in (a_new_territory(), a_standing(holdings=consumed(2_500))):
        assert hindrance(standing, last) is None
        assert hindrance(standing, after) is Hindrance.DEADLINE_PASSED


def test_the_stock_of_155_000_is_common_and_holds_31_first_grants():
    granted = 0
    for _ in range(31):
        assert hindrance(a_new_territory(programme_granted=granted), SPRING) is None
        granted += 5_000
    assert granted == 155_000
    assert hindrance(a_new_territory(programme_granted=granted), SPRING) is Hindrance.STOCK_EXHAUSTED
    nearly = a_standing(holdings=consumed(2_500), programme_granted=152_500)
    assert hindrance(nearly, SPRING) is None
    assert hindrance(replace(nearly, programme_granted=152_501), SPRING) is Hindrance.STOCK_EXHAUSTED


@pytest.mark.parametrize(
    ("granted", "warning"),
    [(0, None), (123_999, None), (124_000, 80), (139_499, 80), (139_500, 90), (155_000, 90)],
)
def test_the_stock_warns_at_80_and_at_90_percent(granted, warning):
    assert stock_warning(granted, GRAND_PARIS) == warning
    assert stock_warning(granted, replace(GRAND_PARIS, stock_cap_passes=None)) is None


def test_a_suspended_territory_is_granted_nothing():
    standing = a_standing(holdings=consumed(4_000), is_suspended=True)
    assert hindrance(standing, SPRING) is Hindrance.SUSPENDED
    assert not is_proposed_by_itself(standing, SPRING)


def test_twenty_working_days_leave_out_week_ends_and_holidays():
    # 2021: Easter Monday 5 April, 1 and 8 May on Saturdays, Ascension 13 May, Whit Monday 24 May.
    assert after_working_days(date(2021, 4, 1), 20) == date(2021, 4, 30)
    assert after_working_days(date(2021, 5, 3), 20) == date(2021, 6, 2)
    assert after_working_days(date(2021, 10, 1), 20) == date(2021, 10, 29)
    assert after_working_days(date(2021, 12, 24), 1) == date(2021, 12, 27)
    assert not is_working_day(date(2021, 7, 14))


@given(st.dates(date(2020, 1, 1), date(2035, 12, 31)), st.integers(1, 60))
def test_so_many_working_days_lie_in_the_delay(day, count):
    last = after_working_days(day, count)
    between = [day + timedelta(days=n) for n in range(1, (last - day).days + 1)]
    assert sum(map(is_working_day, between)) == count
    assert is_working_day(last)


def test_a_grant_is_late_the_day_after_its_last_day_until_all_of_it_is_there():
    grant = Grant(1, 1, 1, "Plaine", GrantKind.FIRST, 0, 5_000, 0, 0, AT, "tests", GrantState.APPROVED, AT,
                  "Camille", None, date(2021, 4, 30))  # fmt: skip
    assert not is_late(grant, date(2021, 4, 30))
    assert is_late(grant, date(2021, 5, 1))
    partly = replace(grant, delivered_passes=4_990, delivered_on=date(2021, 4, 20))
    assert is_late(partly, date(2021, 5, 1))
    whole = replace(partly, delivered_passes=5_000)
    assert not is_late(whole, date(2021, 12, 1))
    assert is_late(replace(whole, delivered_on=date(2021, 5, 3)), date(2021, 12, 1))


STANDINGS = st.builds(
    a_standing,
    holdings=st.builds(consumed, st.integers(0, 9_000), st.integers(0, 9_000)),
    grant_count=st.integers(0, 3),
    is_suspended=st.booleans(),
    is_covered=st.booleans(),
    programme_granted=st.integers(0, 160_000),
    conditions=st.frozensets(st.sampled_from(Condition)),
)


@given(STANDINGS, st.dates(date(2021, 9, 25), date(2021, 10, 5)))
def test_what_is_proposed_by_itself_could_be_approved_the_same_day(standing, day):
    if not is_proposed_by_itself(standing, day):
        return
    wanted = next_grant(standing)
    kind, number, passes = wanted.kind, wanted.threshold_number, wanted.passes
    grant = Grant(1, 1, 1, "Plaine", kind, number, passes, 0, 0, AT, "threshold", GrantState.PROPOSED, None,
                  None, None, None)  # fmt: skip
    assert hindrance_to_approval(grant, standing, day) is None
    assert standing.programme_granted + wanted.passes <= 155_000
    assert day <= date(2021, 10, 1)
