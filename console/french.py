"""How the console writes amounts, numbers, days and instants. No sentence is here."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from programmes.print.french import NBSP, euros, long_day, thousands

PARIS = ZoneInfo("Europe/Paris")

__all__ = ["count_of", "day", "euros", "instant", "siret", "thousands"]


def instant(at: datetime) -> str:
    """`21 novembre 2026 à 9 h 05`, as clocks in France show it."""
    local = at.astimezone(PARIS)
    return f"{long_day(local.date())} à {local.hour}{NBSP}h{NBSP}{local.minute:02d}"


def day(value: date | datetime) -> str:
    return long_day(value.astimezone(PARIS).date() if isinstance(value, datetime) else value)


def count_of(number: int, noun: str) -> str:
    """French takes the plural from two on: `0 carnet`, `1 carnet`, `2 carnets`."""
    return f"{thousands(number)}{NBSP}{noun}{'s' if number > 1 and noun != 'pass' else ''}"


def siret(digits: str) -> str:
    return NBSP.join((digits[:3], digits[3:6], digits[6:9], digits[9:]))
