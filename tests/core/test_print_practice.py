"""Practice booklets on paper: nothing that could pass for money, and symbols as on real passes."""

import subprocess
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import zxingcpp
from numpy.typing import NDArray
from PIL import Image
from pypdf import PdfReader
from pypdf.generic import ContentStream

from keys.passes import PRACTICE_FIRST
from programmes.print.pen import BLEED, TRIM_HEIGHT
from programmes.print.practice_page import BARS_AREA, QR_AREA
from programmes.print.sheet import (
    BOOKLETS_PER_FILE_MAX,
    PrintedBooklet,
    PrintedPass,
    write_practice_csv,
    write_practice_pdf,
)

DOTS_PER_MM = 200 / 25.4
SIZE = 3


def a_booklet(number: int = PRACTICE_FIRST) -> PrintedBooklet:
    return PrintedBooklet(
        number,
        tuple(
            PrintedPass(rank, f"PN1:{'PWGSLK/-4' * 15}{rank}", f"ZZZZ-0000-074N-AE{rank}7")
            for rank in range(1, SIZE + 1)
        ),
    )


def written(*booklets: PrintedBooklet) -> bytes:
    target = BytesIO()
    write_practice_pdf(booklets, len(booklets), target)
    return target.getvalue()


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return written(a_booklet())


@pytest.fixture(scope="module")
def pictures(pdf: bytes, tmp_path_factory: pytest.TempPathFactory) -> list[NDArray[np.uint8]]:
    folder = tmp_path_factory.mktemp("practice")
    (folder / "practice.pdf").write_bytes(pdf)
    render = ["pdftoppm", "-gray", "-r", "200", "practice.pdf", "page"]
    subprocess.run(render, cwd=folder, check=True, timeout=60)
    return [np.asarray(Image.open(path)) for path in sorted(Path(folder).glob("page-*.pgm"))]


def test_every_page_says_that_it_is_worth_nothing_and_no_amount(pdf: bytes) -> None:
    texts = [page.extract_text() for page in PdfReader(BytesIO(pdf)).pages]
    assert len(texts) == 1 + SIZE
    for text in texts:
        assert "ENTRAÎNEMENT" in text
        assert "SANS VALEUR" in text
        assert "€" not in text
        assert "Valable" not in text
        assert "1 099 510 579 200" in text.replace("\u00a0", " ")
    assert all(f"pass {rank}/{SIZE}" in texts[rank].replace("\u00a0", " ") for rank in range(1, SIZE + 1))


def test_all_ink_is_plain_black(pdf: bytes) -> None:
    for page in PdfReader(BytesIO(pdf)).pages:
        forms = page["/Resources"].get("/XObject", {}).values()  # type: ignore[union-attr]
        for drawing in (page["/Contents"].get_object(), *(form.get_object() for form in forms)):
            for operands, operator in ContentStream(drawing, None).operations:
                name = operator.decode()
                assert name not in {"rg", "RG", "g", "G", "cs", "CS", "sc", "SC", "scn", "SCN", "sh", "BI"}
                if name in {"k", "K"}:
                    assert [float(part) for part in operands] == [0, 0, 0, 1]


def test_both_symbols_are_read_from_the_paper(pictures: list[NDArray[np.uint8]]) -> None:
    for printed, picture in zip(a_booklet().passes, pictures[1:], strict=True):
        formats = (zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128)
        assert {code.text for code in zxingcpp.read_barcodes(picture, formats=formats)} == {
            printed.qr,
            printed.code_128,
        }


def test_the_hatching_stays_out_of_the_quiet_zones(pictures: list[NDArray[np.uint8]]) -> None:
    margin = 0.3  # the renderer's own rounding, in millimetres
    for area in (QR_AREA, BARS_AREA):
        (left, bottom), _, (right, top), _ = area
        rows = slice(
            round((TRIM_HEIGHT + BLEED - top + margin) * DOTS_PER_MM),
            round((TRIM_HEIGHT + BLEED - bottom - margin) * DOTS_PER_MM),
        )
        columns = slice(
            round((left + BLEED + margin) * DOTS_PER_MM), round((right + BLEED - margin) * DOTS_PER_MM)
        )
        part = pictures[1][rows, columns]
        assert part[0].min() == part[-1].min() == part[:, 0].min() == part[:, -1].min() == 255


def test_the_same_booklets_make_the_same_bytes(pdf: bytes) -> None:
    assert written(a_booklet()) == pdf


@pytest.mark.parametrize("count", [0, BOOKLETS_PER_FILE_MAX + 1])
def test_a_file_of_too_many_or_none_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match="a file holds"):
        write_practice_pdf([], count, BytesIO())


def test_the_printers_file_says_it_on_every_line() -> None:
    target = BytesIO()
    write_practice_csv([a_booklet()], target)
    head, *lines = target.getvalue().decode("utf-8-sig").splitlines()
    assert head.startswith("lot;programme;")
    assert len(lines) == SIZE
    for line, printed in zip(lines, a_booklet().passes, strict=True):
        assert line.startswith("ENTRAÎNEMENT;ENTRAÎNEMENT;;;SANS VALEUR;;")
        assert line.endswith(f"{printed.qr};{printed.code_128};{printed.short}")
        assert "€" not in line
