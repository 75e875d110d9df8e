"""The printer's data-variable file: one line per pass, for printers who lay passes out themselves."""

import csv
from collections.abc import Callable, Iterable
from functools import partial
from io import TextIOWrapper
from typing import IO

from programmes.print.french import euros
from programmes.print.printed import PrintedBooklet, PrintedPass, PrintRun, ascending
from programmes.print.wording import PRACTICE, WORTHLESS, booklet_number, funded_by, pass_name, validity

# A cell that starts so is run as a formula by spreadsheets; programmes and funders are named by people.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

# No accents: layout tools take these names for variables.
COLUMNS = (
    "lot",
    "programme",
    "financeur",
    "contact",
    "valeur",
    "validite",
    "carnet",
    "pass",
    "pass_par_carnet",
    "numerotation",
    "qr",
    "code_128",
    "code_court",
)


def write_printer_csv(run: PrintRun, booklets: Iterable[PrintedBooklet], target: IO[bytes]) -> None:
    """UTF-8 with a byte order mark and semicolons, as spreadsheets and layout tools set to French expect."""
    write_lines(booklets, target, partial(cells, run))


def write_practice_csv(booklets: Iterable[PrintedBooklet], target: IO[bytes]) -> None:
    write_lines(booklets, target, practice_cells)


def write_lines(
    booklets: Iterable[PrintedBooklet],
    target: IO[bytes],
    cells_of: Callable[[PrintedBooklet, PrintedPass], list[str]],
) -> None:
    text = TextIOWrapper(target, encoding="utf-8-sig", newline="")
    lines = csv.writer(text, delimiter=";", lineterminator="\r\n")
    lines.writerow(COLUMNS)
    for booklet in ascending(booklets):
        lines.writerows([defused(cell) for cell in cells_of(booklet, printed)] for printed in booklet.passes)
    text.detach()


def cells(run: PrintRun, booklet: PrintedBooklet, printed: PrintedPass) -> list[str]:
    return [
        run.batch,
        run.programme,
        funded_by(run),
        run.contact,
        euros(run.face_value_cents),
        validity(run),
        *own_cells(booklet, printed),
    ]


def practice_cells(booklet: PrintedBooklet, printed: PrintedPass) -> list[str]:
    return [PRACTICE, PRACTICE, "", "", WORTHLESS, "", *own_cells(booklet, printed)]


def own_cells(booklet: PrintedBooklet, printed: PrintedPass) -> list[str]:
    return [
        booklet_number(booklet),
        str(printed.number),
        str(len(booklet.passes)),
        pass_name(printed, booklet),
        printed.qr,
        printed.code_128,
        printed.short,
    ]


def defused(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
