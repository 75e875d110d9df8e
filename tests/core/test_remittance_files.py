"""A remittance's hash, CSV and PDF/A-3b: recomputed by anybody, safe in a spreadsheet, always the same."""

import csv
import hashlib
import io
import random
import re
import subprocess
import time
import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from keys.passes import PassId
from ledger.remittance_rows import (
    HASHED_FIELDS,
    ClosedRemittance,
    Remittance,
    RemittanceLine,
    RemittanceNames,
    RemittancePart,
    hash_of_lines,
    payment_day,
)
from payouts.certification import certification_text
from payouts.remittance_csv import COLUMNS, NotARemittance, read_remittance_csv, remittance_csv
from payouts.remittance_pdf import draw_remittance

SIRET = "99900001100018"
NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
NAMES = RemittanceNames(
    operator="La Fabrique à clics",
    certified_by="Amina Benali",
    sites={1: "Médiathèque Jules-Verne", 2: "Maison des Tilleuls"},
    services={"demarches": "Démarches en ligne", "": "Service non précisé"},
    programmes={1: "Pass numérique des Trois-Rivières", 2: "Pass d’à côté"},
    funders={1: "Métropole des Trois-Rivières", 2: "Département"},
)
HOSTILE = '=HYPERLINK("x";"y")\r\n;"'


def some_lines(count: int) -> tuple[RemittanceLine, ...]:
    seeded = random.Random(count)
    return tuple(
        RemittanceLine(
            line=place,
            pass_id=PassId(100 + place // 10, place % 10 + 1),
            attempt_id=uuid.UUID(int=seeded.getrandbits(128)),
            accepted_at=NOON - timedelta(days=3) + timedelta(minutes=place),
            amount_cents=1_000,
            programme_id=1 + place % 2,
            site_id=1 + place % 2,
            service=("demarches", "")[place % 2],
        )
        for place in range(1, count + 1)
    )


def a_remittance(lines: tuple[RemittanceLine, ...], *, names: RemittanceNames = NAMES) -> ClosedRemittance:
    amounts: dict[int, list[int]] = {}
    for line in lines:
        amounts.setdefault(line.programme_id, []).append(line.amount_cents)
    remittance = Remittance(
        operator_id=1,
        siret=SIRET,
        number=3,
        closed_at=NOON,
        line_count=len(lines),
        total_cents=sum(line.amount_cents for line in lines),
        lines_sha256=hash_of_lines(SIRET, 3, lines),
        closed_by="device:1",
        certification=certification_text(
            operator=names.operator, operator_siret=SIRET, person=str(names.certified_by)
        ),
        names=names,
        parts=tuple(RemittancePart(key, len(one), sum(one), 30) for key, one in sorted(amounts.items())),
    )
    return ClosedRemittance(remittance, lines)


def text_of(closed: ClosedRemittance) -> str:
    return remittance_csv(closed).decode("utf-8-sig")


instants = st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001
    max_value=datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda at: at.replace(microsecond=0))
any_line = st.builds(
    RemittanceLine,
    line=st.just(0),
    pass_id=st.builds(PassId, st.integers(1, 2**40 - 1), st.integers(1, 255)),
    attempt_id=st.uuids(),
    accepted_at=instants,
    amount_cents=st.integers(1, 2**31 - 1),
    programme_id=st.sampled_from([1, 2]),
    site_id=st.sampled_from([1, 2]),
    service=st.sampled_from(["demarches", ""]),
)
any_lines = st.lists(any_line, min_size=1, max_size=8).map(
    lambda lines: tuple(replace(line, line=place) for place, line in enumerate(lines, start=1))
)
any_name = st.text(min_size=1, max_size=30)


@given(any_lines, any_name)
def test_the_csv_read_again_gives_count_total_and_hash_whatever_parties_are_called(lines, name):
    names = replace(NAMES, sites=dict.fromkeys(NAMES.sites, name), funders=dict.fromkeys(NAMES.funders, name))
    closed = a_remittance(lines, names=names)
    read = read_remittance_csv(text_of(closed))
    remittance = closed.remittance
    assert (read.siret, read.number) == (SIRET, 3)
    assert (read.line_count, read.total_cents) == (remittance.line_count, remittance.total_cents)
    assert read.lines_sha256 == remittance.lines_sha256


@given(any_lines, st.data())
def test_another_line_gives_another_hash(lines, data):
    place = data.draw(st.integers(0, len(lines) - 1))
    other = replace(data.draw(any_line), line=place + 1)
    changed = (*lines[:place], other, *lines[place + 1 :])
    assert (hash_of_lines(SIRET, 3, lines) == hash_of_lines(SIRET, 3, changed)) == (lines == changed)


def test_the_hash_of_a_known_remittance_never_changes():
    """It is printed: if this fails, bordereaux on paper can no more be verified."""
    line = RemittanceLine(1, PassId(7, 2), uuid.UUID(int=5), NOON, 1_000, 1, 2, "demarches")
    text = f"{SIRET};3;1;7;2;00000000-0000-0000-0000-000000000005;2026-11-21T11:00:00Z;1000;1;2;demarches\n"
    assert hash_of_lines(SIRET, 3, [line]) == hashlib.sha256(text.encode()).digest()


def test_the_hash_depends_on_number_and_operator():
    lines = some_lines(2)
    assert len({hash_of_lines(SIRET, 3, lines), hash_of_lines(SIRET, 4, lines),
                hash_of_lines("9" * 14, 3, lines)}) == 3  # fmt: skip


def test_no_cell_begins_a_formula_and_each_row_is_one_line():
    starts = {
        "=": "=1+1",
        "+": "+33",
        "-": "-cmd",
        "@": "@SUM",
        "tab": "\t=1",
        "line": "a\r\n=1",
        "all": HOSTILE,
    }
    for name in starts.values():
        names = replace(NAMES, sites={1: name, 2: name}, programmes={1: name, 2: name})
        text = text_of(a_remittance(some_lines(3), names=names))
        assert text.count("\n") == 4
        for row in csv.reader(io.StringIO(text), delimiter=";"):
            assert len(row) == len(COLUMNS)
            assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_what_is_not_one_whole_remittance_is_said_to_be_so():
    rows = text_of(a_remittance(some_lines(4))).splitlines(keepends=True)
    other = text_of(a_remittance(some_lines(4))).replace(f"{SIRET};3", f"{SIRET};4").splitlines(keepends=True)
    wrong = {
        "first row": "a;b\r\n",
        "0 lines": rows[0],
        "says that it is line 3": "".join([*rows[:2], *rows[3:]]),
        "another remittance": "".join([*rows[:2], *other[2:]]),
        "columns": rows[0] + "1;2\r\n",
        "digits only": "".join(rows).replace(";1000;", ";10,00;"),
        "no hashed column": "".join(rows).replace(";demarches;", ';"dem;arches";'),
    }
    for why, text in wrong.items():
        with pytest.raises(NotARemittance, match=why):
            read_remittance_csv(text)


def test_the_day_of_payment_is_counted_in_paris():
    late = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)  # half past midnight on 1 January there
    assert payment_day(late, 30) == date(2027, 1, 31)


# PDF -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def closed() -> ClosedRemittance:
    return a_remittance(some_lines(120))


@pytest.fixture(scope="module")
def pdf(closed: ClosedRemittance) -> bytes:
    return draw_remittance(closed)


@pytest.fixture(scope="module")
def reader(pdf: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(pdf))


def test_the_same_facts_give_the_same_bytes_at_another_time(closed, pdf):
    time.sleep(1.1)  # dates in a PDF are of a second
    assert draw_remittance(closed) == pdf


def test_it_says_that_it_is_pdf_a_3b_and_is_dated_by_its_closing(pdf, reader):
    xmp = reader.trailer["/Root"]["/Metadata"].get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>" in xmp
    assert set(re.findall(r'xmp:\w+Date="([^"]+)"', xmp)) == {"2026-11-21T11:00:00+00:00"}
    assert re.search(r'x-default">([^<]+)<', xmp)[1] == "Bordereau de remise n° 3 — La Fabrique à clics"
    assert "/Info" not in reader.trailer  # it could only contradict
    assert pdf.startswith(b"%PDF-1.7\n%")
    assert "/ID" in reader.trailer
    assert "/Encrypt" not in reader.trailer


def test_its_colours_have_a_profile_and_every_font_is_within(reader):
    [intent] = reader.trailer["/Root"]["/OutputIntents"]
    assert intent["/S"] == "/GTS_PDFA1"
    assert intent["/DestOutputProfile"].get_data()[36:40] == b"acsp"
    fonts = {id(font): font for page in reader.pages for font in page["/Resources"]["/Font"].values()}
    assert len(fonts) >= 3
    for font in fonts.values():
        [descendant] = font["/DescendantFonts"]
        assert "/FontFile2" in descendant["/FontDescriptor"]
        assert "/ToUnicode" in font
        assert descendant["/CIDToGIDMap"] is not None


def test_no_page_does_what_an_archive_may_not(pdf, reader):
    root = reader.trailer["/Root"]
    assert not {"/AA", "/JavaScript"} & set(root)
    assert isinstance(root["/OpenAction"], list)  # a place to look at, not an action
    for page in reader.pages:
        assert "/Annots" not in page
        assert page.get("/Group", {}).get("/CS", "/DeviceRGB") == "/DeviceRGB"  # as its profile has it
    assert b"/JavaScript" not in pdf


def test_its_csv_is_attached_as_its_data(closed, reader):
    [spec] = reader.trailer["/Root"]["/AF"]
    spec = spec.get_object()
    assert spec["/AFRelationship"] == "/Data"
    assert spec["/F"] == spec["/UF"] == f"bordereau-{SIRET}-3.csv"
    stream = spec["/EF"]["/F"]
    assert stream["/Subtype"] == "/text/csv"
    assert stream.get_data() == remittance_csv(closed)
    assert reader.attachments[f"bordereau-{SIRET}-3.csv"] == [remittance_csv(closed)]


def test_it_tells_in_french_what_an_operator_asks(closed, reader):
    text = " ".join(page.extract_text() for page in reader.pages)
    words = " ".join(text.split())
    for told in (
        "Bordereau de remise n° 3", "999 000 011 00018", "La Fabrique à clics", "1 200,00 €", "600,00 €",
        "21 décembre 2026", "30 jours après la clôture", "Amina Benali, pour", "Démarches en ligne",
        closed.remittance.lines_sha256.hex(), "poincon remittances verify",
        "clos le 21 novembre 2026 à 12 h 00",
    ):  # fmt: skip
        assert told in words, told
    assert "\u00a0€" in text
    for number, page in enumerate(reader.pages, start=1):
        shown = page.extract_text()
        assert f"page {number} / {len(reader.pages)}" in " ".join(shown.split())
    heads = [page.extract_text().count("Encaissé le") for page in reader.pages]
    assert heads[:-1] == [1] * (len(heads) - 1)


def test_names_that_no_typeface_has_are_drawn_without_failing():
    names = replace(NAMES, operator="Ассоциация 协会 Việt Nam 🙂", sites={1: "e\u0301cole " * 30, 2: "x"})
    text = (
        PdfReader(io.BytesIO(draw_remittance(a_remittance(some_lines(3), names=names))))
        .pages[0]
        .extract_text()
    )
    assert "Nam" in text
    assert "école" in text


def test_poppler_reads_it_without_complaint(pdf, tmp_path):
    path = tmp_path / "b.pdf"
    path.write_bytes(pdf)
    poppler = subprocess.run(
        ["pdftoppm", "-r", "40", "-png", path, tmp_path / "page"], capture_output=True, check=True, timeout=60
    )
    assert poppler.stderr == b""
    assert len(list(tmp_path.glob("page*.png"))) == len(PdfReader(path).pages)


def test_the_hashed_columns_stand_first():
    assert COLUMNS[: len(HASHED_FIELDS)] == HASHED_FIELDS
