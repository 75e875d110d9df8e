"""The printer's data-variable file: read back as a spreadsheet does, and harmless in one."""

import csv
from datetime import date
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from programmes.print.sheet import PrintedBooklet, PrintedPass, PrintRun, write_printer_csv

NAMES = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=100).filter(
    str.strip
)


def a_booklet(number: int) -> PrintedBooklet:
    passes = (
        PrintedPass(n, f"PN1:{number} {n}", f"AB{number:02d}-CDEF-GHJK-MN{n:02d}") for n in range(1, 11)
    )
    return PrintedBooklet(number, tuple(passes))


def a_run(*, programme: str = "Pass ; numérique « 2026 »", funder: str = "Ville d’Évry") -> PrintRun:
    return PrintRun(programme, funder, 1000, date(2027, 12, 31), "EV-1", "0 800 00 00 00")


def written(run: PrintRun, *booklets: PrintedBooklet) -> bytes:
    target = BytesIO()
    write_printer_csv(run, booklets, target)
    return target.getvalue()


def rows(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(data.decode("utf-8-sig").splitlines(), delimiter=";"))


def test_each_pass_has_its_line_with_all_that_is_printed_on_it() -> None:
    lines = rows(written(a_run(), a_booklet(7), a_booklet(8)))
    assert len(lines) == 20
    assert lines[12] == {
        "lot": "EV-1",
        "programme": "Pass ; numérique « 2026 »",
        "financeur": "Financé par Ville d’Évry",
        "contact": "0 800 00 00 00",
        "valeur": "10\u00a0€",
        "validite": "Valable jusqu’au 31\u00a0décembre\u00a02027 inclus",
        "carnet": "000\u00a0008",
        "pass": "3",
        "pass_par_carnet": "10",
        "numerotation": "Carnet n°\u00a0000\u00a0008 — pass\u00a03/10",
        "qr": "PN1:8 3",
        "code_128": "AB08CDEFGHJKMN03",
        "code_court": "AB08-CDEF-GHJK-MN03",
    }


def test_the_file_says_its_encoding_and_is_the_same_twice() -> None:
    data = written(a_run(), a_booklet(7))
    assert data.startswith(b"\xef\xbb\xbflot;programme;")
    assert data.count(b"\r\n") == 11
    assert data == written(a_run(), a_booklet(7))


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_name_is_never_run_as_a_formula(start: str) -> None:
    line = rows(written(a_run(programme=f"{start}SOMME(A1)"), a_booklet(7)))[0]
    assert line["programme"] == f"'{start}SOMME(A1)"


@given(programme=NAMES, funder=NAMES)
def test_no_cell_ever_starts_a_formula_or_spills_into_another(programme: str, funder: str) -> None:
    lines = rows(written(a_run(programme=programme, funder=funder), a_booklet(7)))
    assert len(lines) == 10
    assert not any(cell.startswith(("=", "+", "-", "@")) for line in lines for cell in line.values())
    assert lines[0]["programme"].removeprefix("'") == programme.removeprefix("'")


def test_the_file_stays_open_for_whoever_opened_it() -> None:
    target = BytesIO()
    write_printer_csv(a_run(), [a_booklet(7)], target)
    assert not target.closed
