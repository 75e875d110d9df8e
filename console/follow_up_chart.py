"""Charts of consumption as shapes of an SVG: columns by week, bars by category."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from programmes.suppression import Table, Told

COLUMN, STEP = 26.0, 40.0
TOP, BASE, HEIGHT = 12.0, 150.0, 176.0
BAR_UNITS = 200.0


@dataclass(frozen=True, slots=True)
class WeekColumn:
    left: float
    top: float
    height: float
    middle: float
    label: str
    count: int


@dataclass(frozen=True, slots=True)
class WeekChart:
    columns: tuple[WeekColumn, ...]
    width: float
    height: float = HEIGHT
    base: float = BASE
    column_width: float = COLUMN


@dataclass(frozen=True, slots=True)
class CategoryBar:
    name: str
    count: int | None  # None: withheld
    width: float
    is_part: bool


def week_chart(mondays: Sequence[date], counts: Sequence[int]) -> WeekChart | None:
    """None where nothing was consumed."""
    highest = max(counts, default=0)
    if not highest:
        return None
    drawn = []
    for place, (monday, count) in enumerate(zip(mondays, counts, strict=True)):
        height = round((BASE - TOP) * count / highest, 2)
        left = STEP * place + (STEP - COLUMN) / 2
        # Every other week, the last one among them: more would not be legible on a phone.
        label = f"{monday.day}/{monday.month:02d}" if (len(counts) - place) % 2 else ""
        drawn.append(WeekColumn(left, round(BASE - height, 2), height, STEP * (place + 0.5), label, count))
    return WeekChart(tuple(drawn), STEP * len(drawn))


def category_bars(table: Table | None, *, words: Callable[[str], str] = str) -> list[CategoryBar]:
    """Largest first, parts under their whole; what is withheld together comes last. words: for its names."""
    if table is None or not table.total:
        return []
    highest = max([cell.count or 0 for cell in table.cells] + [table.withheld, 1])
    told = [cell for cell in table.cells if cell.count]
    bars = []
    for cell in sorted(told, key=lambda one: (-(one.count or 0), one.name)):
        bars.append(_bar(words(cell.name), cell, highest, is_part=False))
        bars += [
            _bar(words(part.name), part, highest, is_part=True) for part in cell.parts if part.count != 0
        ]
    if table.withheld:
        width = round(BAR_UNITS * table.withheld / highest, 2)
        bars.append(CategoryBar("Secret statistique", table.withheld, width, is_part=False))
    return bars


def _bar(name: str, cell: Told, highest: int, *, is_part: bool) -> CategoryBar:
    return CategoryBar(name, cell.count, round(BAR_UNITS * (cell.count or 0) / highest, 2), is_part)
