"""A month's return from its figures: every sum by its name, and the tables of who, where and what. Pure.

What comes out is plain data that is kept as it is: the CSV, the PDF and the dashboards are made from it, so
that they say the same. Small cells are withheld in it already.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from ledger.period_rows import MonthFigures, Slice
from programmes.suppression import Cell, Table, Told, add_tables, publish

UNKNOWN: Final = "Non précisé"  # stands in every table: what is not known, and what nobody is told of
OTHERS: Final = "Autres"
DIMENSIONS: Final = ("operator", "service", "public")

# The sums of a return (MonthFigures.sums), in their order, and how the reader is told of them.
SUMS: Final[Mapping[str, str]] = {
    "received_cents": "Reçus du commanditaire, moins ce qui lui a été rendu",
    "activated_cents": "Valeur faciale des carnets activés",
    "released_cents": "Valeur faciale rendue aux fonds (carnets annulés, expirés)",
    "consumed_passes": "Pass consommés : scannés, et dans un bordereau clos",
    "consumed_cents": "Valeur faciale des pass consommés",
    "corrected_cents": "Corrections en faveur des structures (en moins : à leur charge)",
    "paid_cents": "Payés aux structures, moins ce qui est revenu",
    "of_earlier_cents": "Dont régularisations de mois déjà arrêtés",
    "free_cents": "En fin de mois, fonds libres",
    "circulation_cents": "En fin de mois, en circulation",
    "owed_cents": "En fin de mois, dus aux structures",
}


def return_facts(figures: MonthFigures) -> dict[str, Any]:
    """What is frozen. Every number in it stays as it is."""
    return {
        "programme": figures.programme,
        "funder": figures.funder,
        "month": f"{figures.period.first:%Y-%m}",
        "sums": figures.sums(),
        "territories": [
            {"name": name, "passes": passes, "tables": {one: _plain(table) for one, table in tables.items()}}
            for name, passes, tables in _territories(figures.slices)
        ],
    }


def sum_of(facts: Iterable[Mapping[str, Any]], name: str) -> int:
    """Of several months: moved sums add up, balances do not."""
    assert name in SUMS
    return sum(int(one["sums"][name]) for one in facts)


def tables_of(facts: Iterable[Mapping[str, Any]], *, territory: str | None = None) -> dict[str, Table]:
    """The tables of several months added up, of one territory or of all: from what was told alone."""
    found: dict[str, list[Table]] = defaultdict(list)
    for one in facts:
        for place in one["territories"]:
            if territory in {None, place["name"]}:
                for dimension, table in place["tables"].items():
                    found[dimension].append(_read(table))
    return {dimension: add_tables(tables) for dimension, tables in found.items()}


def passes_by_territory(facts: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    counted: dict[str, int] = defaultdict(int)
    for one in facts:
        for place in one["territories"]:
            counted[place["name"]] += int(place["passes"])
    return dict(sorted(counted.items()))


def _territories(slices: Sequence[Slice]) -> Iterable[tuple[str, int, dict[str, Table]]]:
    for whole in slices:
        if whole.dimension == "territory":
            own = [one for one in slices if one.territory == whole.territory]
            tables = {one: publish(_cells(own, one)) for one in DIMENSIONS}
            assert all(table.total == whole.passes for table in tables.values())
            yield whole.territory or UNKNOWN, whole.passes, tables


def _cells(slices: Sequence[Slice], dimension: str) -> list[Cell]:
    """The unknown first: it matters least, and hides what has to be hidden."""
    found = [_cell(one, slices) for one in slices if one.dimension == dimension and one.name]
    unknown = [one for one in slices if one.dimension == dimension and not one.name]
    passes, booklets = sum(one.passes for one in unknown), sum(one.booklets for one in unknown)
    return [Cell(UNKNOWN, passes, booklets), *(found or [Cell(OTHERS, 0, 0)])]


def _cell(one: Slice, slices: Sequence[Slice]) -> Cell:
    parts: tuple[Cell, ...] = ()
    if one.dimension == "operator":
        sites = (site for site in slices if site.dimension == "site" and site.name == one.name)
        parts = tuple(Cell(site.part, site.passes, site.booklets) for site in sites)
    return Cell(one.name, one.passes, one.booklets, parts)


def _plain(table: Table) -> dict[str, Any]:
    return {"total": table.total, "cells": [_plain_cell(cell) for cell in table.cells]}


def _plain_cell(cell: Told) -> dict[str, Any]:
    plain: dict[str, Any] = {"name": cell.name, "count": cell.count}
    return plain | {"parts": [_plain_cell(part) for part in cell.parts]} if cell.parts else plain


def _read(plain: Mapping[str, Any]) -> Table:
    return Table(plain["total"], tuple(_read_cell(cell) for cell in plain["cells"]))


def _read_cell(plain: Mapping[str, Any]) -> Told:
    return Told(plain["name"], plain["count"], tuple(_read_cell(part) for part in plain.get("parts", ())))
