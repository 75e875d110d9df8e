"""Charts of a programme's money as shapes of an SVG: a bar of what was received, columns by month."""

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.funds_months import MonthOfFunds
from ledger.payout_register import ProgrammeFunds

BAR_UNITS = 1000.0
COLUMN_WIDTH, PAIR_GAP, MONTH_WIDTH = 26.0, 4.0, 76.0
CHART_TOP, CHART_BASE, CHART_HEIGHT = 10.0, 170.0, 224.0
SHORT_MONTHS = (
    *("janv.", "févr.", "mars", "avr.", "mai", "juin"),
    *("juill.", "août", "sept.", "oct.", "nov.", "déc."),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """Of the bar: where it starts and how wide it is."""

    kind: str
    start: float
    width: float


@dataclass(frozen=True, slots=True)
class Column:
    kind: str
    left: float
    top: float
    height: float


@dataclass(frozen=True, slots=True)
class Month:
    name: str
    year: str  # under the first month, and each January
    middle: float
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Columns:
    months: tuple[Month, ...]
    width: float
    height: float = CHART_HEIGHT
    base: float = CHART_BASE
    column_width: float = COLUMN_WIDTH


def bar(funds: ProgrammeFunds) -> list[Piece]:
    """Paid, owed, in circulation, free: together what was received, unless something is missing."""
    pieces = (
        ("consumed", funds.paid_cents),
        ("owed", funds.owed_cents),
        ("accepted", funds.circulation_cents),
        ("outstanding", funds.free_cents),
    )
    whole = sum(max(0, cents) for _, cents in pieces)
    drawn, start = [], 0.0
    for kind, cents in pieces:
        width = BAR_UNITS * max(0, cents) / whole if whole else 0.0
        drawn.append(Piece(kind, round(start, 2), round(width, 2)))
        start += width
    return drawn


def columns(months: Sequence[MonthOfFunds]) -> Columns | None:
    """Remitted beside paid; None where nothing moved. A month with more returned than paid shows nothing."""
    highest = max((cents for one in months for cents in (one.remitted_cents, one.paid_cents)), default=0)
    if highest <= 0:
        return None
    drawn = []
    for place, one in enumerate(months):
        middle = MONTH_WIDTH * (place + 0.5)
        pair = (("owed", one.remitted_cents, -1), ("consumed", one.paid_cents, 1))
        year = str(one.month.year) if place == 0 or one.month.month == 1 else ""
        name = SHORT_MONTHS[one.month.month - 1]
        drawn.append(Month(name, year, middle, tuple(_column(*each, middle, highest) for each in pair)))
    return Columns(tuple(drawn), MONTH_WIDTH * len(months))


def _column(kind: str, cents: int, side: int, middle: float, highest: int) -> Column:
    height = round((CHART_BASE - CHART_TOP) * max(0, cents) / highest, 2)
    left = middle + (PAIR_GAP / 2 if side > 0 else -PAIR_GAP / 2 - COLUMN_WIDTH)
    return Column(kind, left, round(CHART_BASE - height, 2), height)
