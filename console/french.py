"""How the console writes amounts, numbers, days and instants. No sentence is here."""

from datetime import date, datetime

from programmes.print.french import NBSP, PARIS, euros, instant, long_day, siret, thousands

__all__ = ["count_of", "day", "euros", "instant", "siret", "thousands"]


def day(value: date | datetime) -> str:
    return long_day(value.astimezone(PARIS).date() if isinstance(value, datetime) else value)


def count_of(number: int, noun: str) -> str:
    """French takes the plural from two on: `0 carnet`, `1 carnet`, `2 carnets`."""
    return f"{thousands(number)}{NBSP}{noun}{'s' if number > 1 and noun != 'pass' else ''}"
