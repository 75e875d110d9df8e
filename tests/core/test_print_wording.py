"""French on paper: amounts, dates, numbers and sentences, and which facts are refused before printing."""

from datetime import date

import pytest

from programmes.print import wording
from programmes.print.french import NBSP, euros, long_day, thousands
from programmes.print.printed import PrintedBooklet, PrintedPass, PrintRun, ascending
from programmes.print.typeface import Face, broken_lines, printable


def a_pass(number: int = 1, *, qr: str = "", short: str = "") -> PrintedPass:
    return PrintedPass(number, qr or f"PN1:{number:0140d}", short or f"AAAA-BBBB-CCCC-{number:04d}")


def a_booklet(number: int = 123, *, size: int = 10) -> PrintedBooklet:
    return PrintedBooklet(number, tuple(a_pass(n) for n in range(1, size + 1)))


def a_run(
    *,
    programme: str = "Pass numérique 2026",
    face_value_cents: int = 1000,
    last_day: date = date(2027, 12, 31),
    contact: str = "01 23 45 67 89",
) -> PrintRun:
    return PrintRun(programme, "Métropole de Lyon", face_value_cents, last_day, "LY-1", contact)


@pytest.mark.parametrize(
    ("cents", "printed"),
    [
        (1000, f"10{NBSP}€"),
        (500, f"5{NBSP}€"),
        (1250, f"12,50{NBSP}€"),
        (1205, f"12,05{NBSP}€"),
        (100_000, f"1{NBSP}000{NBSP}€"),
        (123_456_789, f"1{NBSP}234{NBSP}567,89{NBSP}€"),
    ],
)
def test_amounts_are_written_as_in_french(cents: int, printed: str) -> None:
    assert euros(cents) == printed


def test_numbers_are_grouped_by_thousands_and_padded() -> None:
    assert thousands(123, digits_min=6) == f"000{NBSP}123"
    assert thousands(1_234_567, digits_min=6) == f"1{NBSP}234{NBSP}567"
    assert thousands(7) == "7"


def test_the_first_of_a_month_is_an_ordinal() -> None:
    assert long_day(date(2028, 2, 1)) == f"1er{NBSP}février{NBSP}2028"
    assert long_day(date(2027, 8, 15)) == f"15{NBSP}août{NBSP}2027"


def test_sentences_on_paper_read_as_they_should() -> None:
    run, booklet = a_run(), a_booklet()
    said = [
        wording.validity(run),
        wording.pass_name(booklet.passes[2], booklet),
        wording.booklet_title(booklet),
        wording.booklet_value(run, booklet),
        wording.funded_by(run),
    ]
    assert [sentence.replace(NBSP, " ") for sentence in said] == [
        "Valable jusqu’au 31 décembre 2027 inclus",
        "Carnet n° 000 123 — pass 3/10",
        "Carnet de 10 pass numériques",
        "10 pass de 10 €, soit 100 €",
        "Financé par Métropole de Lyon",
    ]


def test_no_number_can_be_parted_from_its_word_at_the_end_of_a_line() -> None:
    lines = broken_lines(wording.validity(a_run()), Face.REGULAR, size_points=8.5, width_max_points=110)
    assert lines == ["Valable jusqu’au", f"31{NBSP}décembre{NBSP}2027 inclus"]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"face_value_cents": 0}, "face value"),
        ({"face_value_cents": 100_001}, "face value"),
        ({"programme": " "}, "programme to print is empty"),
        ({"contact": "a" * 101}, "contact to print has 101 characters"),
        ({"contact": "ligne 1\nligne 2"}, "one line"),
    ],
)
def test_a_run_that_would_spoil_paper_is_refused(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        a_run(**change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "qr", ["PN1:", "PN2:ABC", "pn1:ABC", "PN1:abc", "PN1:É", "PN1:" + "A" * 151, "PN1:AB\n"]
)
def test_a_qr_text_outside_the_format_is_refused(qr: str) -> None:
    with pytest.raises(ValueError, match="QR text"):
        a_pass(qr=qr)


@pytest.mark.parametrize("short", ["AAAABBBBCCCCDDDD", "AAAA-BBBB-CCCC-DDD", "aaaa-bbbb-cccc-dddd"])
def test_a_short_code_not_in_four_groups_of_four_is_refused(short: str) -> None:
    with pytest.raises(ValueError, match="four groups of four"):
        a_pass(short=short)


@pytest.mark.parametrize(
    ("passes", "complaint"),
    [
        ((), "numbered 1, 2, 3"),
        ((a_pass(2),), "numbered 1, 2, 3"),
        ((a_pass(2), a_pass(1)), "numbered 1, 2, 3"),
        ((a_pass(1, qr="PN1:A"), a_pass(2, qr="PN1:A")), "same QR text"),
        ((a_pass(1, short="AAAA-AAAA-AAAA-AAAA"), a_pass(2, short="AAAA-AAAA-AAAA-AAAA")), "same short code"),
    ],
)
def test_a_booklet_with_a_gap_or_a_double_is_refused(passes: tuple[PrintedPass, ...], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        PrintedBooklet(1, passes)


def test_a_booklet_that_comes_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="123 came after 123"):
        list(ascending([a_booklet(123), a_booklet(123)]))


def test_a_character_without_glyph_is_refused_with_its_name() -> None:
    with pytest.raises(ValueError, match=r"U\+4E2D"):
        printable("Ville de 中", Face.BOLD)


def test_accents_typed_as_two_characters_are_printed_as_one() -> None:
    assert printable("Me\u0301tropole\u202f!", Face.REGULAR) == f"Métropole{NBSP}!"


@pytest.mark.parametrize("face", list(Face))
def test_the_faces_cover_french(face: Face) -> None:
    french = "ABCDEFGHIJKLMNOPQRSTUVWXYZàâäæçéèêëîïôöœùûüÿÀÂÄÆÇÉÈÊËÎÏÔÖŒÙÛÜŸ0123456789€«»’‘“”—–…°&@/.,;:!?()"
    assert printable(french, face) == french
