"""Calendars on which remittances close by themselves: their days, and what a closing is called. Without I/O.

A day is legal in Europe/Paris. What was accepted before its midnight is closed on it; what comes later waits.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

from ledger.remittance_rows import PARIS

REQUESTS = UUID("6f0d1c5e-9b0a-4a53-8f6c-0d2b5f6f7a10")  # ours; a closing's request is named within it


class Calendar(StrEnum):
    NONE = "none"  # operators close when they wish
    MONTHLY = "monthly"  # on the first
    TWICE_A_MONTH = "twice_a_month"  # on the first and on the sixteenth
    WEEKLY = "weekly"  # on Monday


@dataclass(frozen=True, slots=True)
class Due:
    """What one operator's closing takes on one day: its passes of these programmes."""

    operator_id: int
    operator: str
    siret: str
    day: date
    programme_ids: tuple[int, ...]

    @property
    def accepted_before(self) -> datetime:
        return midnight(self.day)


def midnight(day: date) -> datetime:
    """When the legal day begins."""
    return datetime.combine(day, time(), PARIS)


def last_due_day(calendar: Calendar, today: date) -> date | None:
    """The newest day of the calendar that has begun: a run that was missed is made good by the next."""
    match calendar:
        case Calendar.NONE:
            return None
        case Calendar.MONTHLY:
            return today.replace(day=1)
        case Calendar.TWICE_A_MONTH:
            return today.replace(day=16 if today.day >= 16 else 1)
        case Calendar.WEEKLY:
            return today - timedelta(days=today.weekday())


def request_of(operator_id: int, day: date, place: int) -> UUID:
    """Names the closing, so that a second run is told what the first one closed. place: 0, then 1 for what
    one remittance could not hold."""
    return uuid5(REQUESTS, f"{operator_id}/{day.isoformat()}/{place}")
