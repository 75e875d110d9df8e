"""Which cells of a table of people may be told: small ones are withheld, and others with them. Pure.

Totals are told to the unit, always: they are money, and the reserve page tells them too. What is withheld is
how a small number of people falls into categories.

One table is made per month and territory, once, and never again in another way. Every other table (a year,
all territories) is the sum of those, cell by cell, with what they withheld in one line apart: nobody learns
from it, or from the difference of two of them, what was not already told.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

PEOPLE_MIN = 5  # behind a cell that is told; 0 is told as well, unless another one hides behind it
# From what is told, nobody bounds a small cell more closely than from 0 to this, or to the count of what it
# is part of where that is less. Beside a cell that is not small, 9 leaves 1, 2, 3 and 4 possible.
WIDTH_MIN = 2 * PEOPLE_MIN - 1
CELLS_MAX = 2_000  # of one table


@dataclass(frozen=True, slots=True)
class Cell:
    """A category, what it counts, and the parts that add up to it (the places of an operator, say)."""

    name: str
    count: int
    people: int  # how many can at most be behind the count: booklets; at least one where the count is not 0
    parts: tuple["Cell", ...] = ()

    def __post_init__(self) -> None:
        assert 0 <= self.people <= self.count
        assert (self.people == 0) == (self.count == 0)
        assert not self.parts or sum(part.count for part in self.parts) == self.count

    @property
    def is_small(self) -> bool:
        return 0 < self.people < PEOPLE_MIN


@dataclass(frozen=True, slots=True)
class Told:
    """A category as it may be shown. count None: withheld, and all of its parts with it."""

    name: str
    count: int | None
    parts: tuple["Told", ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    total: int
    cells: tuple[Told, ...]

    @property
    def withheld(self) -> int:
        """What is in the cells that are not told, together: it follows from the rest."""
        return self.total - sum(cell.count for cell in self.cells if cell.count is not None)


def publish(cells: Sequence[Cell]) -> Table:
    """One table, with its total. Two categories at least: what is not known is a category."""
    assert len(cells) >= 2
    assert len(cells) <= CELLS_MAX
    return Table(sum(cell.count for cell in cells), _told(cells))


def add_tables(tables: Iterable[Table]) -> Table:
    """The whole of several tables, from what each of them tells and from nothing else.

    A category counts what its tables told of it: a table that withheld it has its part in `withheld`.
    """
    total, sums = 0, _Sums()
    for table in tables:
        total += table.total
        sums.add(table.cells)
    return Table(total, sums.told())


class _Sums:
    def __init__(self) -> None:
        self._counts: dict[str, int | None] = {}
        self._parts: dict[str, _Sums] = {}

    def add(self, cells: Iterable[Told]) -> None:
        for cell in cells:
            before = self._counts.get(cell.name)
            self._counts[cell.name] = before if cell.count is None else (before or 0) + cell.count
            self._parts.setdefault(cell.name, _Sums()).add(cell.parts)

    def told(self) -> tuple[Told, ...]:
        return tuple(
            Told(name, count, self._parts[name].told()) for name, count in sorted(self._counts.items())
        )


def _told(cells: Sequence[Cell]) -> tuple[Told, ...]:
    """Of cells whose sum is told."""
    withheld = _withheld(cells)
    return tuple(
        _hidden(cell) if cell.name in withheld else Told(cell.name, cell.count, _parts_told(cell))
        for cell in cells
    )


def _parts_told(cell: Cell) -> tuple[Told, ...]:
    # A single part says what its whole says, which is told.
    return _told(cell.parts) if len(cell.parts) > 1 else tuple(_copied(part) for part in cell.parts)


def _withheld(cells: Sequence[Cell]) -> set[str]:
    """The small ones, then others, until what is withheld together tells nothing of each.

    Everybody can subtract what is told from the sum, so one cell is never withheld alone, nor small ones by
    themselves: four and four are all that small cells can be that make eight. Others are taken in the order
    of the list, what matters least first, and not by their counts: were it the smallest, its neighbours would
    tell how large it is at most. Empty ones come last: whoever knows that one is empty sees through it.
    """
    small = [cell for cell in cells if cell.is_small]
    if not small:
        return set()
    names, together, is_mixed = {cell.name for cell in small}, sum(cell.count for cell in small), False
    others = [cell for cell in cells if not cell.is_small]
    for cell in sorted(others, key=lambda cell: cell.count == 0):
        if is_mixed and together >= WIDTH_MIN:
            break
        names.add(cell.name)
        together += cell.count
        is_mixed = is_mixed or cell.count > 0
    return names


def _hidden(cell: Cell) -> Told:
    return Told(cell.name, None, tuple(_hidden(part) for part in cell.parts))


def _copied(cell: Cell) -> Told:
    return Told(cell.name, cell.count, _parts_told(cell))


def by_name(table: Table) -> Mapping[str, int | None]:
    return {cell.name: cell.count for cell in table.cells}
