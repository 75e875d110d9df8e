"""Days as banks write them, to dates of the legal calendar. No clock."""

import re
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

from payouts.bank.refused import FileRefusal, FileRefused

PARIS: Final = ZoneInfo("Europe/Paris")

_ISO_DATE: Final = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:Z|[+-][0-9]{2}:[0-9]{2})?")
# Two figures for the year: relevés of the last century are not coming back, nor are those of 2080.
_CENTURY_TURN: Final = 80


def iso_day(text: str) -> date:
    """A date is taken as written; an instant with its offset falls on the day it has in Paris."""
    try:
        if match := _ISO_DATE.fullmatch(text):
            return date.fromisoformat(match[1])
        instant = datetime.fromisoformat(text)
        return (instant.astimezone(PARIS) if instant.tzinfo else instant).date()
    except (ValueError, OverflowError):
        raise FileRefused(FileRefusal.DATE, f"{text[:40]!r} is no date") from None


def short_day(text: str) -> date:
    """DDMMYY, as CFONB writes it."""
    try:
        if not re.fullmatch("[0-9]{6}", text):
            raise ValueError
        year = int(text[4:])
        return date(year + (1900 if year >= _CENTURY_TURN else 2000), int(text[2:4]), int(text[:2]))
    except ValueError:
        raise FileRefused(FileRefusal.DATE, f"{text!r} is no date: DDMMYY is") from None
