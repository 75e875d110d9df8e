"""The worked examples of the State's call of 2020, and what holds of any budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from programmes.cofunding import Plan, PlanRefused, claims_by_year, state_share

EURO = 100


def test_a_project_of_200_000_euros_with_own_money_alone():
    plan = Plan(100_000 * EURO, 0, 100_000 * EURO, engineering_cents=20_000 * EURO)
    assert plan.budget_cents == 200_000 * EURO
    assert plan.passes_cents == 180_000 * EURO
    assert plan.advance_cents == 20_000 * EURO


def test_a_project_of_200_000_euros_with_european_funds():
    plan = Plan(80_000 * EURO, 20_000 * EURO, 100_000 * EURO)
    assert plan.budget_cents == plan.passes_cents == 200_000 * EURO


@pytest.mark.parametrize(
    ("own", "european", "state", "engineering"),
    [(100_000, 0, 100_001, 0), (100_000, 0, 100_000, 20_001), (-1, 1, 0, 0)],
)
def test_a_budget_that_the_state_would_not_fund_so_is_refused(own, european, state, engineering):
    with pytest.raises(PlanRefused):
        Plan(own, european, state, engineering)


def test_the_advance_is_used_up_before_more_is_claimed():
    plan = Plan(100_000 * EURO, 0, 100_000 * EURO)
    used = {2026: 30_000 * EURO, 2027: 60_000 * EURO, 2028: 200_000 * EURO}
    assert claims_by_year(plan, used) == {2026: 0, 2027: 25_000 * EURO, 2028: 55_000 * EURO}


CENTS = st.integers(0, 10**9)


@given(CENTS, CENTS, st.dictionaries(st.integers(2020, 2030), CENTS, max_size=5))
def test_the_state_never_pays_more_than_its_grant_nor_than_half_beyond_its_advance(own, european, used):
    plan = Plan(own, european, own + european)
    claimed = claims_by_year(plan, used)
    paid = plan.advance_cents + sum(claimed.values())
    assert all(cents >= 0 for cents in claimed.values())
    assert plan.advance_cents <= paid <= plan.state_cents
    assert paid == max(plan.advance_cents, min(plan.state_cents, sum(map(state_share, used.values()))))
