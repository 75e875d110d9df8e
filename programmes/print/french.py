"""Amounts, dates and numbers as French paper writes them. No sentence about passes, no drawing."""

from datetime import date

NBSP = "\u00a0"

MONTHS = (
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
)


def thousands(number: int, *, digits_min: int = 1) -> str:
    """`123` with six digits at least is `000 123`; the spaces never break a line."""
    digits = f"{number:0{digits_min}d}"
    head = len(digits) % 3
    groups = [digits[:head]] if head else []
    groups += [digits[start : start + 3] for start in range(head, len(digits), 3)]
    return NBSP.join(groups)


def euros(cents: int) -> str:
    whole, rest = divmod(cents, 100)
    return f"{thousands(whole)}{f',{rest:02d}' if rest else ''}{NBSP}€"


def long_day(day: date) -> str:
    return NBSP.join(["1er" if day.day == 1 else str(day.day), MONTHS[day.month - 1], str(day.year)])
