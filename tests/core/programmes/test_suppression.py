"""Small cells against an attacker who solves everything that was published as one linear system, exactly."""

from collections import defaultdict
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from programmes.suppression import PEOPLE_MIN, WIDTH_MIN, Cell, add_tables, publish

# Attacker ----------------------------------------------------------------------------------------------


def lowest(costs, rows):
    """The least value of the costs over x >= 0 under the rows (coefficients, right side); None: unbounded.

    Simplex in fractions, by Bland's rule, with one artificial variable per row.
    """
    count, size = len(rows), len(costs)
    basis = list(range(size, size + count))
    tableau = [
        [*map(Fraction, left), *(Fraction(place == other) for other in range(count)), Fraction(right)]
        for place, (left, right) in enumerate(rows)
    ]
    for phase in ([0] * size + [1] * count, [*costs, *[0] * count]):
        if not _descend(tableau, basis, phase, size + count if sum(phase[size:]) else size):
            return None
        if sum(phase[size:]):
            assert all(tableau[place][-1] == 0 for place, one in enumerate(basis) if one >= size)
            _expel(tableau, basis, size)
    return sum((costs[one] * tableau[place][-1] for place, one in enumerate(basis) if one < size), Fraction())


def _descend(tableau, basis, costs, width):
    while True:
        for column in range(width):
            price = costs[column] - sum(costs[one] * tableau[row][column] for row, one in enumerate(basis))
            if price < 0:
                break
        else:
            return True
        ratios = [
            (tableau[row][-1] / tableau[row][column], basis[row], row)
            for row in range(len(basis))
            if tableau[row][column] > 0
        ]
        if not ratios:
            return False
        _pivot(tableau, basis, min(ratios)[2], column)


def _expel(tableau, basis, size):
    for row in reversed(range(len(basis))):
        if basis[row] >= size:
            column = next((one for one in range(size) if tableau[row][one]), None)
            if column is None:
                del tableau[row], basis[row]
            else:
                _pivot(tableau, basis, row, column)


def _pivot(tableau, basis, row, column):
    scale = tableau[row][column]
    tableau[row] = [one / scale for one in tableau[row]]
    for other, line in enumerate(tableau):
        if other != row and line[column]:
            factor = line[column]
            tableau[other] = [one - factor * two for one, two in zip(line, tableau[row], strict=True)]
    basis[row] = column


class Attacker:
    """Knows the shape of every table and all that it tells."""

    def __init__(self):
        self.variables = []
        self.equations = []  # {variable: coefficient}, right side

    def read(self, table, where):
        """Of one table: its cells add up to its total, parts to their whole, and so on downwards."""
        self._read(table.cells, where, {}, table.total)

    def read_sum(self, table, tables):
        """Of a table that was made of others: what it tells of a category is what they tell of it."""
        assert table.total == sum(one.total for _, one in tables)
        told = {cell.name: cell.count for cell in table.cells}
        hidden = {}
        for where, one in tables:
            for cell in one.cells:
                if cell.count is None:
                    hidden[(*where, cell.name)] = 1
                elif told[cell.name] is not None:
                    told[cell.name] -= cell.count
        assert all(not one for one in told.values())
        self.equations.append((hidden, table.withheld))

    def _read(self, cells, where, whole, total):
        """total = the cells, less `whole` where what they add up to is not told itself."""
        unknown = dict(whole)
        for cell in cells:
            name = (*where, cell.name)
            if cell.count is None:
                self.variables.append(name)
                unknown[name] = 1
                if cell.parts:
                    self._read(cell.parts, name, {name: -1}, 0)
            else:
                total -= cell.count
                if cell.parts:
                    self._read(cell.parts, name, {}, cell.count)
        self.equations.append((unknown, total))

    def bounds(self, name):
        wanted, equations = {name}, []
        while grown := [one for one in self.equations if one not in equations and wanted & one[0].keys()]:
            equations += grown
            wanted.update(*(left for left, _ in grown))
        variables = sorted(wanted)
        rows = [([left.get(one, 0) for one in variables], right) for left, right in equations]
        costs = [int(one == name) for one in variables]
        least = lowest(costs, rows)
        most = lowest([-one for one in costs], rows)
        return least, None if most is None else -most


# What is published -------------------------------------------------------------------------------------

COUNTS = st.one_of(st.integers(0, 6), st.integers(0, 60))


@st.composite
def cells(draw, depth=1):
    made = []
    for number in range(draw(st.integers(2, 4))):
        parts = ()
        if depth and draw(st.booleans()):
            parts = tuple(draw(cells(depth=depth - 1)))
        count = sum(part.count for part in parts) if parts else draw(COUNTS)
        # As many booklets as passes, or one that was spent at one place, or at several.
        least = max((part.people for part in parts), default=min(count, 1))
        most = sum(part.people for part in parts) if parts else count
        made.append(Cell(f"c{number}", count, draw(st.integers(least, most)), parts))
    return made


def hidden_of(cells, told, where, ancestor):
    """Every small cell, with the count of the nearest one above it that is told."""
    for cell, one in zip(cells, told, strict=True):
        name = (*where, cell.name)
        if cell.is_small:
            yield name, cell.count, ancestor
        yield from hidden_of(cell.parts, one.parts, name, ancestor if one.count is None else cell.count)


@settings(max_examples=120, deadline=None)
@given(months=st.lists(st.lists(cells(), min_size=1, max_size=2), min_size=1, max_size=3))
@example(months=[[[Cell("c0", 1, 1), Cell("c1", 0, 0)]]])
def test_no_small_cell_is_bounded_more_closely_than_told_from_all_tables_together(months):
    """Months and territories, several tables of the same people, their sums over both: all of it at once."""
    attacker, atoms, small = Attacker(), {}, []
    for month, tables in enumerate(months):
        for territory, made in enumerate(tables):
            where = (month, territory)
            atoms[where] = publish(made)
            attacker.read(atoms[where], where)
            small += hidden_of(made, atoms[where].cells, where, atoms[where].total)
    by_month = {
        month: [(where, one) for where, one in atoms.items() if where[0] == month]
        for month in range(len(months))
    }
    running = []
    for tables in by_month.values():
        attacker.read_sum(add_tables(one for _, one in tables), tables)
        running += tables  # what a dashboard shows after each month: differences of these
        attacker.read_sum(add_tables(one for _, one in running), list(running))
    for name, count, ancestor in small:
        assert name in attacker.variables, f"{name} is told"
        least, most = attacker.bounds(name)
        assert least == 0
        assert most is None or most >= min(WIDTH_MIN, ancestor)
        assert most is None or most >= count


@settings(max_examples=200)
@given(cells())
def test_totals_stay_exact_and_what_is_told_is_true(made):
    table = publish(made)
    assert table.total == sum(cell.count for cell in made)
    assert all(one.count in {None, cell.count} for cell, one in zip(made, table.cells, strict=True))
    if not any(cell.is_small for cell in made):
        assert all(one.count is not None for one in table.cells)
    assert table.withheld == sum(
        cell.count for cell, one in zip(made, table.cells, strict=True) if one.count is None
    )


@settings(max_examples=100)
@given(st.lists(cells(), min_size=1, max_size=5))
def test_the_sum_of_tables_follows_from_the_tables_alone(made):
    tables = [publish(one) for one in made]
    whole = add_tables(tables)
    assert whole.total == sum(one.total for one in tables)
    assert whole.withheld == sum(one.withheld for one in tables)
    assert add_tables([add_tables(tables[:1]), *tables[1:]]).total == whole.total


@pytest.mark.parametrize(("size", "total_max"), [(2, 40), (3, 30), (4, 24)])
def test_even_who_knows_our_rule_can_not_tell_a_small_cell(size, total_max):
    """Every table up to a total, by what is published of it: no small cell is the same in all alike."""
    alike = defaultdict(list)
    for counts in product(range(total_max + 1), repeat=size):
        if sum(counts) > total_max:
            continue
        made = [Cell(f"c{place}", count, count) for place, count in enumerate(counts)]
        alike[publish(made)].append(counts)
    for counts_seen in alike.values():
        for place in range(size):
            values = {counts[place] for counts in counts_seen}
            assert len(values) > 1 or not 0 < min(values) < PEOPLE_MIN


def test_passes_of_few_booklets_are_few_people():
    table = publish([Cell("one person's", 10, 1), Cell("many", 40, 12), Cell("more", 90, 20)])
    assert [cell.count for cell in table.cells] == [None, None, 90]
    assert table.withheld == 50


def test_places_go_with_their_operator_and_never_betray_each_other():
    told = publish(
        [
            Cell("b", 20, 9, (Cell("b1", 20, 9),)),
            Cell("a", 43, 12, (Cell("a1", 3, 3), Cell("a2", 40, 10))),
            Cell("c", 8, 2, (Cell("c1", 4, 1), Cell("c2", 4, 1))),
        ]
    )
    assert [(cell.count, [part.count for part in cell.parts]) for cell in told.cells] == [
        (None, [None]),
        (43, [None, None]),
        (None, [None, None]),
    ]


def test_the_attacker_recovers_what_is_planted():
    """A table whose single hidden cell is its total less the rest: the attacker must see through it."""
    attacker = Attacker()
    attacker.variables = ["x", "y"]
    attacker.equations = [({"x": 1, "y": 1}, 9), ({"y": 2}, 12)]
    assert attacker.bounds("x") == (3, 3)
