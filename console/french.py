"""How the console writes amounts, numbers, days and instants. No sentence is here."""

import re
from datetime import date, datetime

from programmes.print.french import (
    MONTHS,
    NBSP,
    PARIS,
    euros,
    exact_euros,
    instant,
    long_day,
    siret,
    thousands,
)

NARROW_NBSP = "\u202f"
UNBROKEN = (
    (re.compile(r" (?=[;!?])"), NARROW_NBSP),
    (re.compile(r" (?=[:»%€])|(?<=[«°]) |(?<=\d)\u202f(?=\d)"), NBSP),
)

__all__ = ["count_of", "day", "euros", "exact_euros", "instant", "siret", "thousands"]


def unbroken(text: str) -> str:
    """No line of French begins with a sign of punctuation, nor ends with an opening one."""
    for pattern, space in UNBROKEN:
        text = pattern.sub(space, text)
    return text


def day(value: date | datetime) -> str:
    return long_day(value.astimezone(PARIS).date() if isinstance(value, datetime) else value)


def month(value: date) -> str:
    return f"{MONTHS[value.month - 1]}{NBSP}{value.year}"


def iban(value: str) -> str:
    """In fours, as on a RIB; a phone may break the line between them."""
    return " ".join(value[start : start + 4] for start in range(0, len(value), 4))


def count_of(number: int, noun: str) -> str:
    """French takes the plural from two on: `0 carnet`, `1 carnet`, `2 carnets`, `2 bordereaux`, `2 pass`."""
    ending = "" if noun.endswith("s") else "x" if noun.endswith("eau") else "s"
    return f"{thousands(number)}{NBSP}{noun}{ending if number > 1 else ''}"
