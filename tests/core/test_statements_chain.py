"""Statements that must follow one another."""

from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from payouts.bank.chain import apart, gaps
from payouts.bank.statement import Statement

MONDAY = date(2026, 11, 2)


def a_statement(day: int, opening: int | None, closing: int | None, **change: Any) -> Statement:
    facts: dict[str, Any] = {
        "format": "camt.053.001.08",
        "account": "FR7630006000011234567890189",
        "currency": "EUR",
        "opening_cents": opening,
        "closing_cents": closing,
        "entries": (),
        "opening_on": MONDAY + timedelta(days=day),
        "closing_on": MONDAY + timedelta(days=day),
    }
    return Statement(**facts | change)


@given(st.lists(st.integers(-1000, 1000), min_size=2, max_size=20), st.randoms(use_true_random=False))
def test_a_chain_is_whole_in_any_order_and_with_repeats(balances: list[int], random: Any) -> None:
    chain = [a_statement(day, balances[day], balances[day + 1]) for day in range(len(balances) - 1)]
    shuffled = chain + chain[: len(chain) // 2]
    random.shuffle(shuffled)
    assert not gaps(shuffled)


def test_a_missing_statement_is_told_with_days_and_amount() -> None:
    (gap,) = gaps([a_statement(3, 900, 1000), a_statement(0, 0, 500)])
    assert gap.missing_cents == 400
    assert str(gap) == (
        "FR7630006000011234567890189: closed at 5.00 on 2026-11-02, opened at 9.00 on 2026-11-05: "
        "4.00 EUR of movements are missing"
    )


def test_several_statements_of_one_day_are_put_one_after_the_other() -> None:
    morning, noon, night = a_statement(0, 10, 20), a_statement(0, 20, 5), a_statement(0, 5, 7)
    assert not gaps([night, morning, noon])
    assert len(gaps([night, morning])) == 1


def test_accounts_do_not_mix_and_notices_have_no_balance_to_chain() -> None:
    other = {"account": "FR1420041010050500013M02606"}
    assert not gaps([a_statement(0, 0, 5), a_statement(1, 70, 80, **other), a_statement(2, None, None)])
    assert (
        len(gaps([a_statement(0, 0, 5), a_statement(1, 70, 80, currency="CHF"), a_statement(1, 6, 6)])) == 1
    )


def test_thousands_of_statements_of_one_day_keep_their_order() -> None:
    assert not gaps([a_statement(0, number, number + 1) for number in range(5000)])


def test_what_follows_a_statement_and_what_it_follows_are_apart_from_it_and_what_shares_an_end_is_not():
    morning, noon, evening, day, next_day = (
        (1, 500, 480),
        (2, 480, 445),
        (3, 445, 425),
        (4, 500, 425),
        (5, 425, 400),
    )
    others = [noon, evening, day, next_day]
    assert apart(*morning[1:], others) == {2, 3, 5}
    assert apart(*day[1:], [morning, noon, evening, next_day]) == {5}
    assert apart(*noon[1:], [morning, evening, day]) == {1, 3}


def test_a_statement_that_moved_nothing_in_the_end_may_tell_of_what_its_neighbours_tell():
    assert apart(500, 500, [(1, 500, 480), (2, 520, 500)]) == set()
