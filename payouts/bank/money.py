"""Decimal text to whole minor units (cents for the euro) and back, exactly. No arithmetic on money."""

import re
from typing import Final

from payouts.bank.refused import FileRefusal, FileRefused

# ISO 20022 allows 18 digits; more would still fit, and be no amount.
DIGITS_MAX: Final = 18

# ISO 4217: every currency not named here has two decimals.
_WITHOUT_DECIMALS: Final = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_WITH_THREE: Final = "BHD IQD JOD KWD LYD OMR TND"
_WITH_FOUR: Final = "CLF UYW"
_DECIMALS: Final = {
    currency: decimals
    for decimals, currencies in ((0, _WITHOUT_DECIMALS), (3, _WITH_THREE), (4, _WITH_FOUR))
    for currency in currencies.split()
}
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_DECIMAL: Final = re.compile(r"\+?([0-9]*)(?:\.([0-9]*))?")


def decimals_of(currency: str) -> int:
    if not _CURRENCY.fullmatch(currency):
        raise FileRefused(FileRefusal.AMOUNT, f"{currency!r} is no currency: three capital letters are")
    return _DECIMALS.get(currency, 2)


def cents_of(text: str, currency: str) -> int:
    """Zeros after the last decimal of the currency change nothing and are accepted: 8.850 euros are 885."""
    match = _DECIMAL.fullmatch(text)
    if match is None or not (match[1] or match[2]) or len(match[1] + (match[2] or "")) > DIGITS_MAX:
        raise FileRefused(FileRefusal.AMOUNT, f"{text[:40]!r} is no amount: digits and one point are")
    decimals = decimals_of(currency)
    fraction = (match[2] or "").rstrip("0")
    if len(fraction) > decimals:
        raise FileRefused(
            FileRefusal.AMOUNT, f"{text!r} has more decimals than {currency}, which has {decimals}"
        )
    return int(match[1] + fraction.ljust(decimals, "0") or "0")


def decimal_of(cents: int, currency: str = "EUR") -> str:
    assert type(cents) is int
    decimals = decimals_of(currency)
    digits = str(abs(cents)).rjust(decimals + 1, "0")
    whole, fraction = digits[: len(digits) - decimals], digits[len(digits) - decimals :]
    return ("-" if cents < 0 else "") + whole + (f".{fraction}" if fraction else "")
