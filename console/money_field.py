"""Euros, days and numbers typed into a form."""

import re
from collections.abc import Mapping
from datetime import date

from console.form import FieldRefused

EUROS = re.compile(r"(\d{1,9})(?:[.,](\d{1,2}))?")
NUMBER_DIGITS_MAX = 9
YEAR_MIN, YEAR_MAX = 2000, 2100


def euros_in(form: Mapping[str, str], field: str) -> int:
    """Cents, never negative: `1 234,50`, `1234.5`, `12 €`."""
    text = re.sub(r"[\s€]", "", form.get(field, ""))
    told = EUROS.fullmatch(text)
    if told is None or not text.isascii():
        raise FieldRefused(field, "Écrivez un montant en euros, par exemple 1 234,50.")
    cents = int(told[1]) * 100 + int((told[2] or "0").ljust(2, "0"))
    if cents == 0:
        raise FieldRefused(field, "Écrivez un montant plus grand que zéro.")
    return cents


def day_in(form: Mapping[str, str], field: str) -> date:
    """As browsers send the day of a calendar field; days are counted from it, and stay in the calendar."""
    try:
        day = date.fromisoformat(form.get(field, ""))
    except ValueError:
        raise FieldRefused(field, "Écrivez un jour, par exemple 2026-11-30.") from None
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise FieldRefused(field, "Vérifiez l’année.")
    return day


def number_in_form(form: Mapping[str, str], field: str, *, told: str) -> int:
    digits = form.get(field, "").strip()
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= NUMBER_DIGITS_MAX):
        raise FieldRefused(field, told)
    return int(digits)
