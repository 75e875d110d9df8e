"""The print-ready PDF: what a press checks before it prints, and what a scanner reads from the paper."""

import random
import re
import subprocess
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zxingcpp
from numpy.typing import NDArray
from PIL import Image
from pypdf import PageObject, PdfReader
from pypdf.generic import ContentStream

from programmes.print import pass_page
from programmes.print.pen import BLEED, TRIM_HEIGHT, TRIM_WIDTH
from programmes.print.sheet import (
    BOOKLETS_PER_FILE_MAX,
    PrintedBooklet,
    PrintedPass,
    PrintRun,
    write_booklets_pdf,
)
from programmes.print.symbols import CODE_128_QUIET_MODULES, QR_QUIET_MODULES, QR_SIDE_MODULES, code_128_bars

BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
DOTS_PER_INCH = 200
DOTS_PER_MM = DOTS_PER_INCH / 25.4
POINTS_PER_MM = 72 / 25.4
BLACK_INK = [0, 0, 0, 1]
OTHER_COLOURS = {"rg", "RG", "g", "G", "cs", "CS", "sc", "SC", "scn", "SCN", "sh", "BI", "INLINE IMAGE"}

Picture = NDArray[np.uint8]


def a_booklet(number: int, *, size: int = 10) -> PrintedBooklet:
    seeded = random.Random(number)
    passes = tuple(
        PrintedPass(
            number=rank,
            qr="PN1:" + "".join(seeded.choices(BASE45, k=141)),
            short="-".join("".join(seeded.choices(CROCKFORD, k=4)) for _ in range(4)),
        )
        for rank in range(1, size + 1)
    )
    return PrintedBooklet(number, passes)


def a_run(
    *,
    programme: str = "Pass numérique Grand Paris 2026",
    funder: str = "Métropole du Grand Paris",
    face_value_cents: int = 1000,
    contact: str = "01 23 45 67 89",
) -> PrintRun:
    return PrintRun(programme, funder, face_value_cents, date(2027, 12, 31), "GP-2026-001", contact)


def written(run: PrintRun, *booklets: PrintedBooklet) -> bytes:
    target = BytesIO()
    write_booklets_pdf(run, booklets, len(booklets), target)
    return target.getvalue()


BOOKLETS = (a_booklet(123), a_booklet(1_234_567, size=3))


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return written(a_run(), *BOOKLETS)


@pytest.fixture(scope="module")
def pages(pdf: bytes) -> list[PageObject]:
    return list(PdfReader(BytesIO(pdf)).pages)


@pytest.fixture(scope="module")
def pictures(pdf: bytes, tmp_path_factory: pytest.TempPathFactory) -> list[Picture]:
    folder = tmp_path_factory.mktemp("print")
    (folder / "booklets.pdf").write_bytes(pdf)
    render = ["pdftoppm", "-gray", "-r", str(DOTS_PER_INCH), "booklets.pdf", "page"]
    subprocess.run(render, cwd=folder, check=True, timeout=60)
    return [np.asarray(Image.open(path)) for path in sorted(folder.glob("page-*.pgm"))]


@pytest.fixture(scope="module")
def printed(pictures: list[Picture]) -> list[tuple[PrintedPass, Picture]]:
    """Each pass with the picture of its page; covers left out."""
    passes = [(None, *booklet.passes) for booklet in BOOKLETS]
    flat = [entry for booklet in passes for entry in booklet]
    assert len(flat) == len(pictures)
    return [(entry, picture) for entry, picture in zip(flat, pictures, strict=True) if entry]


def part(picture: Picture, x: float, y: float, width: float, height: float) -> Picture:
    """A rectangle of the picture, in millimetres of the trimmed paper, from its lower left corner."""
    bottom = TRIM_HEIGHT + BLEED - y
    rows = slice(round((bottom - height) * DOTS_PER_MM), round(bottom * DOTS_PER_MM))
    columns = slice(round((x + BLEED) * DOTS_PER_MM), round((x + width + BLEED) * DOTS_PER_MM))
    return picture[rows, columns]


def dark_extent_mm(picture: Picture) -> tuple[float, float]:
    rows, columns = np.nonzero(picture < 128)
    return np.ptp(columns) / DOTS_PER_MM, np.ptp(rows) / DOTS_PER_MM


def drawings(page: Any) -> Iterator[Any]:
    """The page's own content and the templates it is stamped with."""
    yield page["/Contents"].get_object()
    for form in page["/Resources"].get("/XObject", {}).values():
        assert form.get_object()["/Subtype"] == "/Form"
        yield form.get_object()


def read_one(picture: Picture, symbology: zxingcpp.BarcodeFormat) -> zxingcpp.Barcode:
    (code,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats(symbology))
    return code


def test_each_booklet_is_a_cover_and_its_passes(pages: list[PageObject]) -> None:
    texts = [page.extract_text() for page in pages]
    assert len(texts) == 11 + 4
    assert "Carnet de 10 pass numériques" in texts[0]
    assert "10 pass de 10 €, soit 100 €" in texts[0]
    assert "Carnet n° 000 123 — pass 10/10" in texts[10]
    assert "Carnet de 3 pass numériques" in texts[11]
    assert "Carnet n° 1 234 567 — pass 1/3" in texts[12]


def test_every_page_has_3_mm_of_bleed_around_the_trimmed_paper(pages: list[PageObject]) -> None:
    assert (TRIM_WIDTH, TRIM_HEIGHT, BLEED) == (200, 80, 3)
    for page in pages:
        trim = [float(edge) / POINTS_PER_MM for edge in page.trimbox]
        bleed = [float(edge) / POINTS_PER_MM for edge in page.bleedbox]
        assert trim == pytest.approx([3, 3, 203, 83], abs=0.001)
        assert bleed == pytest.approx([0, 0, 206, 86], abs=0.001)
        assert page.mediabox == page.bleedbox


def test_all_ink_is_plain_black_in_cmyk(pages: list[PageObject]) -> None:
    seen = set()
    for page in pages:
        for drawing in drawings(page):
            for operands, operator in ContentStream(drawing, None).operations:
                name = operator.decode()
                seen.add(name)
                assert name not in OTHER_COLOURS
                if name in {"k", "K"}:
                    assert operands == BLACK_INK
    assert {"k", "K", "re", "Tj"} <= seen


def test_each_page_takes_its_ink_before_it_draws(pages: list[Any]) -> None:
    for page in pages:
        names = [name.decode() for _, name in ContentStream(page["/Contents"].get_object(), None).operations]
        first_mark = min(names.index(name) for name in ("Do", "Tj", "f") if name in names)
        assert max(names.index("k"), names.index("K")) < first_mark


def test_all_fonts_are_embedded(pages: list[Any]) -> None:
    for page in pages:
        fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
        assert fonts
        assert all("/FontFile2" in font["/FontDescriptor"] for font in fonts)
        assert all(re.match(r"/[A-Z]{6}\+", font["/BaseFont"]) for font in fonts)


def test_every_qr_symbol_on_paper_reads_as_its_pass(printed: list[tuple[PrintedPass, Picture]]) -> None:
    for entry, picture in printed:
        code = read_one(picture, zxingcpp.BarcodeFormat.QRCode)
        assert (code.text, code.ec_level) == (entry.qr, "M")


def test_every_code_128_on_paper_reads_as_the_short_code(printed: list[tuple[PrintedPass, Picture]]) -> None:
    for entry, picture in printed:
        assert read_one(picture, zxingcpp.BarcodeFormat.Code128).text == entry.short.replace("-", "")


def test_the_qr_symbol_is_30_mm_wide_with_its_quiet_zone_free(
    printed: list[tuple[PrintedPass, Picture]],
) -> None:
    quiet = QR_QUIET_MODULES * pass_page.QR_SIDE / QR_SIDE_MODULES
    side = pass_page.QR_SIDE + 2 * quiet
    for _, picture in printed:
        zone = part(picture, pass_page.QR_X - quiet, pass_page.QR_Y - quiet, side, side)
        assert dark_extent_mm(zone) == pytest.approx((30, 30), abs=0.2)


def test_code_128_modules_are_wide_enough_and_their_quiet_zones_free(
    printed: list[tuple[PrintedPass, Picture]],
) -> None:
    quiet = CODE_128_QUIET_MODULES * pass_page.CODE_128_MODULE
    left = pass_page.CODE_128_MIDDLE - pass_page.CODE_128_WIDTH / 2
    for entry, picture in printed:
        _, modules = code_128_bars(entry.code_128)
        height = pass_page.CODE_128_HEIGHT
        zone = part(picture, left - quiet, pass_page.CODE_128_Y, pass_page.CODE_128_WIDTH + 2 * quiet, height)
        width, _ = dark_extent_mm(zone)
        assert width / modules == pytest.approx(pass_page.CODE_128_MODULE, rel=0.01)
        assert width / modules >= 0.33
        ends = part(picture, left - quiet, pass_page.CODE_128_Y, quiet - 0.2, height)
        assert (ends > 128).all()


def test_the_same_facts_make_the_same_bytes(pdf: bytes) -> None:
    assert written(a_run(), *BOOKLETS) == pdf


def test_long_names_stay_on_the_paper_and_off_the_symbols(tmp_path: Path) -> None:
    run = a_run(
        programme="Pass numérique des communes et intercommunalités de la région Centre-Val de Loire",
        funder="Agence nationale de la cohésion des territoires et Métropole du Grand Paris",
        face_value_cents=99_999,
        contact="Conseil départemental, 01 23 45 67 89 (appel gratuit), pass-numerique@departement.example",
    )
    (tmp_path / "long.pdf").write_bytes(written(run, a_booklet(2**40 - 1, size=255)))
    read = ["pdftotext", "-bbox", "-f", "1", "-l", "3", "long.pdf", "-"]
    answer = subprocess.run(read, cwd=tmp_path, check=True, capture_output=True, text=True, timeout=60).stdout
    words = re.findall(r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">', answer)
    assert len(words) > 100
    for left, top, right, bottom in (map(float, word) for word in words):
        assert (BLEED + 5) * POINTS_PER_MM < left < right < (BLEED + TRIM_WIDTH - 5) * POINTS_PER_MM
        assert BLEED * POINTS_PER_MM < top < bottom < (BLEED + TRIM_HEIGHT) * POINTS_PER_MM
        edge = (BLEED + pass_page.STUB_WIDTH) * POINTS_PER_MM
        assert right < edge or left > edge
    render = [
        "pdftoppm",
        "-gray",
        "-r",
        str(DOTS_PER_INCH),
        "-f",
        "2",
        "-l",
        "2",
        "-singlefile",
        "long.pdf",
        "long",
    ]
    subprocess.run(render, cwd=tmp_path, check=True, timeout=60)
    found = zxingcpp.read_barcodes(np.asarray(Image.open(tmp_path / "long.pgm")))
    assert {code.format for code in found} == {zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128}


def test_a_text_too_long_to_be_read_is_refused_and_nothing_is_written() -> None:
    target = BytesIO()
    with pytest.raises(ValueError, match="shorten it"):
        write_booklets_pdf(a_run(programme="W" * 100), [a_booklet(1)], 1, target)
    assert target.getvalue() == b""


@pytest.mark.parametrize("came", [1, 3])
def test_a_run_with_too_few_or_too_many_booklets_leaves_no_file(came: int) -> None:
    target = BytesIO()
    with pytest.raises(ValueError, match=f"2 booklets were to be printed, {came} came"):
        write_booklets_pdf(a_run(), map(a_booklet, range(1, came + 1)), 2, target)
    assert target.getvalue() == b""


@pytest.mark.parametrize("count", [0, BOOKLETS_PER_FILE_MAX + 1])
def test_a_file_has_a_largest_size(count: int) -> None:
    with pytest.raises(ValueError, match="print several runs"):
        write_booklets_pdf(a_run(), [], count, BytesIO())


def test_progress_is_told_of_each_booklet() -> None:
    told: list[int] = []
    write_booklets_pdf(a_run(), map(a_booklet, range(1, 4)), 3, BytesIO(), told.append)
    assert told == [1, 1, 1]
