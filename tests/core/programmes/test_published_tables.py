"""What is published of two months and of their sums, read as anybody reads it: neither differences nor linear
algebra nor bounds tell how small a small cell is."""

import csv
import io
from datetime import date
from fractions import Fraction
from itertools import product

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledger.period_rows import MonthFigures, Slice
from ledger.rendering_rows import Period
from payouts.monthly_return import TABLES, WITHHELD, return_csv
from programmes.returns import UNKNOWN, passes_by_territory, return_facts, tables_of
from programmes.suppression import PEOPLE_MIN, by_name

MONTHS = (Period(date(2026, 9, 1), date(2026, 9, 30)), Period(date(2026, 10, 1), date(2026, 10, 31)))
TERRITORIES = ("Plaine", "Vallée")
OPERATORS, SITES = ("Alpha", "Bêta"), ("Mairie", "Médiathèque")
SERVICES, PUBLICS = ("", "Démarches", "Premiers pas"), ("", "pic", "pic + qpv", "qpv")
KINDS = list(product(OPERATORS, SITES, SERVICES, PUBLICS))
COUNTS = st.one_of(st.integers(1, 6), st.integers(1, 40))
FALLEN = st.lists(st.tuples(st.sampled_from(KINDS), COUNTS), max_size=7, unique_by=lambda one: one[0])
LIVES = st.lists(FALLEN, min_size=len(MONTHS) * len(TERRITORIES), max_size=len(MONTHS) * len(TERRITORIES))


def slices_of(territory, fallen):
    """As the ledger sorts them; each booklet gave one pass."""
    sums = {}
    for (operator, site, service, public), count in fallen:
        for key in (
            ("territory", "", ""), ("operator", operator, ""), ("site", operator, site),
            ("service", service, ""), ("public", public, ""),
        ):  # fmt: skip
            sums[key] = sums.get(key, 0) + count
    return [
        Slice(dimension, territory, name, part, count, count)
        for (dimension, name, part), count in sums.items()
    ]


def facts_of(period, slices):
    passes = sum(one.passes for one in slices if one.dimension == "territory")
    return return_facts(
        MonthFigures(1, "Pass", "Métropole", period, 1, (), {}, passes, passes * 1_000, tuple(slices))
    )


class Reader:
    """Equations that published numbers make of cells that are withheld: {cell: factor} = number."""

    def __init__(self):
        self.equations = []
        self.told = {}

    def add(self, parts, whole, total=None):
        """The parts make the whole. total: what is told of it; None: a cell of this table itself."""
        unknown = {cell: 1 for cell in parts if self.told[cell] is None}
        right = total if total is not None else self.told[whole]
        if right is None:
            unknown[whole], right = -1, 0
        self.equations.append((unknown, right - sum(self.told[cell] or 0 for cell in parts)))

    def read(self, month, content):
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))
        for row in rows:
            if row["section"] in TABLES.values():
                cell = (month, row["territoire"], row["section"], row["rubrique"], row["lieu"])
                self.told[cell] = None if row["pass"] == WITHHELD else int(row["pass"])
        for row, section in product(rows, TABLES.values()):
            if row["section"] == "territoire":
                table = [cell for cell in self.told if cell[:3] == (month, row["territoire"], section)]
                wholes = [cell for cell in table if not cell[4]]
                self.add(wholes, None, int(row["pass"]))
                for whole in wholes:
                    if parts := [cell for cell in table if cell[3] == whole[3] and cell[4]]:
                        self.add(parts, whole)

    def by_algebra(self):
        """Cells that follow by elimination."""
        names = sorted({name for left, _ in self.equations for name in left})
        rows = [
            [*(Fraction(left.get(one, 0)) for one in names), Fraction(right)]
            for left, right in self.equations
        ]
        rank = 0
        for column in range(len(names)):
            pivot = next((place for place in range(rank, len(rows)) if rows[place][column]), None)
            if pivot is None:
                continue
            rows[rank], rows[pivot] = rows[pivot], rows[rank]
            rows[rank] = [one / rows[rank][column] for one in rows[rank]]
            for place, row in enumerate(rows):
                if place != rank and row[column]:
                    rows[place] = [one - row[column] * two for one, two in zip(row, rows[rank], strict=True)]
            rank += 1
        alone = [[name for name, factor in zip(names, row, strict=False) if factor] for row in rows[:rank]]
        return {unknown[0] for unknown in alone if len(unknown) == 1}

    def highest(self):
        """How much each cell can be at most: each is at least 0, round after round until nothing follows."""
        high = {name: None for left, _ in self.equations for name in left}
        for _ in high:
            for left, right in self.equations:
                # A whole that is withheld is at most what its own sum leaves.
                wholes = [high[name] for name, factor in left.items() if factor < 0]
                if None not in wholes:
                    for name in (one for one, factor in left.items() if factor > 0):
                        most = right + sum(wholes)
                        high[name] = most if high[name] is None else min(high[name], most)
        return high


@settings(max_examples=100)
@given(LIVES)
@example([[(KINDS[1], 1), (KINDS[2], 30)], [], [(KINDS[1], 2), (KINDS[2], 30)], []])
@example([[(KINDS[0], 4), (KINDS[5], 4)], [(KINDS[0], 4)], [(KINDS[0], 9)], [(KINDS[0], 1)]])
def test_no_small_cell_follows_from_the_files_of_two_months(lives):
    reader, cells = Reader(), {}
    for place, period in enumerate(MONTHS):
        slices = []
        for one, territory in enumerate(TERRITORIES):
            slices += slices_of(territory, lives[place * len(TERRITORIES) + one])
        for one in slices:
            if one.dimension != "territory":
                section = TABLES["operator" if one.dimension == "site" else one.dimension]
                cells[place, one.territory, section, one.name or UNKNOWN, one.part] = one.passes
        reader.read(place, return_csv(facts_of(period, slices)))
    small = {cell for cell, count in cells.items() if 0 < count < PEOPLE_MIN}
    assert all(reader.told[cell] is None for cell in small)
    assert all(told in {None, cells.get(cell, 0)} for cell, told in reader.told.items())
    assert not small & reader.by_algebra()
    high = reader.highest()
    for cell in small:
        whole = sum(count for _, count in lives[cell[0] * len(TERRITORIES) + TERRITORIES.index(cell[1])])
        assert high[cell] is None or high[cell] >= min(PEOPLE_MIN, whole), "bounded by its table alone"


@settings(max_examples=60)
@given(LIVES)
def test_whatever_is_shown_over_months_and_territories_follows_from_the_files(lives):
    """So that no difference of two of them, nor of one and itself a month later, tells anything more."""
    facts = [
        facts_of(period, [one for part, territory in enumerate(TERRITORIES)
                          for one in slices_of(territory, lives[place * len(TERRITORIES) + part])])
        for place, period in enumerate(MONTHS)
    ]  # fmt: skip
    for shown, territory in product((facts[:1], facts), (None, *TERRITORIES)):
        reader = Reader()
        for place, one in enumerate(shown):
            reader.read(place, return_csv(one))
        for dimension, table in tables_of(shown, territory=territory).items():
            told = {}
            for cell, count in reader.told.items():
                if cell[2] == TABLES[dimension] and not cell[4] and territory in {None, cell[1]}:
                    told.setdefault(cell[3], []).append(count)
            summed = {name: None if set(counts) == {None} else sum(one or 0 for one in counts)
                      for name, counts in told.items()}  # fmt: skip
            assert by_name(table) == summed
            places = passes_by_territory(shown)
            assert table.total == sum(count for name, count in places.items() if territory in {None, name})
