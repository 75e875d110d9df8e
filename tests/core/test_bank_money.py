"""Decimal text to cents and back, exactly; nothing is rounded."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from payouts.bank.money import cents_of, decimal_of
from payouts.bank.refused import FileRefused

CURRENCIES = st.sampled_from(["EUR", "CHF", "XPF", "JPY", "TND", "CLF"])


@given(st.integers(0, 10**17), CURRENCIES)
def test_an_amount_comes_back_as_it_left(cents: int, currency: str) -> None:
    assert cents_of(decimal_of(cents, currency), currency) == cents


@given(st.decimals(min_value=0, max_value=10**12, places=2), st.integers(0, 3))
def test_decimals_are_read_as_the_decimal_module_reads_them(amount: Decimal, zeros: int) -> None:
    assert cents_of(f"{amount}{'0' * zeros}", "EUR") == int(amount * 100)


@given(st.integers(-(10**15), 10**15))
def test_what_is_written_is_the_number(cents: int) -> None:
    assert Decimal(decimal_of(cents)) * 100 == cents


@pytest.mark.parametrize(
    ("text", "currency", "cents"),
    [("8.850", "EUR", 885), ("3.1", "CHF", 310), ("2700", "JPY", 2700), ("1", "XPF", 1), ("1.", "EUR", 100),
     (".5", "EUR", 50), ("1.234", "TND", 1234), ("+5", "EUR", 500), ("0", "SEK", 0)],
)  # fmt: skip
def test_zeros_too_many_or_too_few_change_nothing(text: str, currency: str, cents: int) -> None:
    assert cents_of(text, currency) == cents


@pytest.mark.parametrize(
    ("text", "currency"),
    [("0.001", "EUR"), ("1.5", "JPY"), ("1.2345", "TND"), ("1,50", "EUR"), ("-1", "EUR"), ("", "EUR"),
     (".", "EUR"), ("1e3", "EUR"), ("١", "EUR"), ("1 000", "EUR"), ("NaN", "EUR"), ("1" * 19, "EUR"),
     ("1", "eur"), ("1", ""), ("1", "EURO")],
)  # fmt: skip
def test_what_is_no_amount_to_the_cent_is_refused(text: str, currency: str) -> None:
    with pytest.raises(FileRefused):
        cents_of(text, currency)
