"""Hand-outs by prescriber, as their territory reads them: of the months that are over, added up, small cells
withheld. Pure."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from ledger.handout_rows import HandedOutInMonth
from programmes.suppression import Cell, Table, add_tables, publish


def handed_out_table(prescribers: Sequence[str], months: Iterable[HandedOutInMonth]) -> Table | None:
    """months: in their order. None: one prescriber, or none; its cell would be the total."""
    if len(prescribers) < 2:
        return None
    tables = []
    for _, rows in groupby(months, lambda one: one.month):
        counts = {one.prescriber: one.beneficiaries for one in rows}
        tables.append(publish([Cell(name, counts.get(name, 0), counts.get(name, 0)) for name in prescribers]))
    return add_tables(tables)
