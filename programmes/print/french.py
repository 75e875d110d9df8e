"""Amounts, dates and numbers as French paper writes them. No sentence about passes, no drawing."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
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


def exact_euros(cents: int) -> str:
    """Accounts show their cents, even where there are none: `1 234,50 €`, `−10,00 €`."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'−' if cents < 0 else ''}{thousands(whole)},{rest:02d}{NBSP}€"


def long_day(day: date) -> str:
    return NBSP.join(["1er" if day.day == 1 else str(day.day), MONTHS[day.month - 1], str(day.year)])


def instant(at: datetime) -> str:
    """`21 novembre 2026 à 9 h 05`, as clocks in France show it."""
    local = at.astimezone(PARIS)
    return f"{long_day(local.date())} à {local.hour}{NBSP}h{NBSP}{local.minute:02d}"


def siret(digits: str) -> str:
    return NBSP.join((digits[:3], digits[3:6], digits[6:9], digits[9:]))
