"""CFONB 120 made for the purpose: signs, references, returns, files cut or mixed."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from schwifty import IBAN

from payouts.bank.bank_file import read_bank_file
from payouts.bank.cfonb_line import Line, amount_text, iban_of
from payouts.bank.refused import FileRefusal, FileRefused
from payouts.bank.statement import Doubt, Statement

FIGURE_OF = {
    letter: figure for letters in ("{ABCDEFGHI", "}JKLMNOPQR") for figure, letter in enumerate(letters)
}


def line(kind: str, *, amount: str = "", **fields: Any) -> str:
    """A line with its columns in place; fields are named by where they begin, counted from 1."""
    columns = {"at3": "30006", "at12": "00001", "at17": "EUR2", "at22": "12345678901", "at35": "211126"}
    columns |= {f"at{at}": text for at, text in (("91", amount),) if text} | fields
    text = kind.ljust(120)
    for name, content in columns.items():
        at = int(name[2:]) - 1
        text = text[:at] + content + text[at + len(content) :]
    assert len(text) == 120
    return text


def movement(cents: int, *said: tuple[str, str], **fields: Any) -> list[str]:
    return [line("04", amount=amount_text(cents), **{"at33": "06", "at43": "231126", **fields})] + [
        line("05", at46=qualifier, at49=text) for qualifier, text in said
    ]


def file(*lines: str, opening: int = 0, closing: int | None = None) -> bytes:
    every = [line("01", amount=amount_text(opening)), *lines]
    if closing is not None:
        every.append(line("07", amount=amount_text(closing)))
    return "\r\n".join(every).encode()


def only(content: bytes) -> Statement:
    (statement,) = read_bank_file(content).statements
    return statement


@given(st.integers(-(10**14) + 1, 10**14 - 1))
def test_a_signed_amount_is_read_as_it_was_written(cents: int) -> None:
    assert Line(1, line("04", amount=amount_text(cents))).cents() == cents


@given(st.text("0123456789", min_size=13, max_size=13), st.sampled_from(sorted(FIGURE_OF)))
def test_the_last_letter_is_a_figure_and_a_sign(figures: str, letter: str) -> None:
    cents = Line(1, line("04", amount=figures + letter)).cents()
    assert abs(cents) == Decimal(figures) * 10 + FIGURE_OF[letter]
    assert cents <= 0 if letter in "}JKLMNOPQR" else cents >= 0


@pytest.mark.parametrize(
    "amount", ["0000000001177Z", "0000000001177a", "00000000011771", "000000000 177A", "-000000001177A"]
)
def test_what_is_no_amount_is_refused(amount: str) -> None:
    with pytest.raises(FileRefused):
        Line(1, line("04", amount=amount)).cents()


def test_braces_that_became_french_letters_are_still_zeros() -> None:
    content = file(*movement(-500_00), closing=-500_00).decode().replace("{", "é").replace("}", "è")
    for codec in ("utf-8", "iso-8859-1"):
        assert only(content.encode(codec)).closing_cents == -500_00


def test_decimals_other_than_those_of_the_currency_are_converted_exactly_or_refused() -> None:
    assert Line(1, line("04", amount="0000000012340{", at17="EUR3")).cents() == 12_340
    assert Line(1, line("04", amount="0000000000012C", at17="EUR0")).cents() == 12_300
    assert Line(1, line("04", amount="0000000000012C", at17="XPF0")).cents() == 123
    with pytest.raises(FileRefused, match="more decimals than EUR"):
        Line(1, line("04", amount="0000000012340A", at17="EUR3")).cents()


@given(
    st.text("0123456789", min_size=5, max_size=5),
    st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=11, max_size=11),
)
def test_the_iban_of_an_account_has_both_keys_right(branch: str, account: str) -> None:
    iban = iban_of(("30006", branch, account))
    assert IBAN(iban, validate_bban=True).compact == iban


def test_a_transfer_is_found_by_the_reference_it_was_given() -> None:
    said = (
        ("RCN", "BR-0001-1".ljust(35) + "CONTRE-PAIEMENT"),
        ("NBE", "ATELIER NUMERIQUE"),
        ("LCC", "BORDEREAU 1"),
    )
    statement = only(file(*movement(-120_00, *said, at105="REFBANQUE"), opening=200_00, closing=80_00))
    (entry,) = statement.entries
    (part,) = entry.transactions
    assert (part.end_to_end_id, part.counterparty.name, part.remittance) == (
        "BR-0001-1",
        "ATELIER NUMERIQUE",
        "BORDEREAU 1",
    )
    assert (entry.reference, str(entry.value_on)) == ("REFBANQUE", "2026-11-23")
    assert not statement.all_remarks


def test_a_return_gives_its_reason() -> None:
    said = ("RCN", "BR-0001-1"), ("RET", "AC04 COMPTE CLOS")
    (entry,) = only(file(*movement(120_00, *said), closing=120_00)).entries
    assert (entry.transactions[0].reason, entry.transactions[0].reason_text) == ("AC04", "COMPTE CLOS")


def test_balances_that_do_not_follow_are_shown() -> None:
    statement = only(file(*movement(-1), opening=100, closing=98))
    assert [remark.doubt for remark in statement.all_remarks] == [Doubt.ENTRIES_DO_NOT_SUM]


def test_blanks_cut_from_the_ends_of_lines_change_nothing() -> None:
    whole = file(*movement(-1, ("LIB", "X")), opening=1, closing=0)
    cut = b"\n".join(each.rstrip() for each in whole.splitlines())
    assert only(cut + b"\n\x1a") == only(whole)


def test_a_sign_that_elsewhere_ends_a_line_does_not_end_one_here() -> None:
    content = file(*movement(1, ("LIB", "SUITE@FIN")), closing=1).replace(b"@", b"\x85")
    assert only(content).entries[0].transactions[0].remittance == "SUITE\x85FIN"


OTHER = "98765432109"


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (file(*movement(1)), FileRefusal.TRUNCATED),
        (file(*movement(1), closing=1)[:-30], FileRefusal.STRUCTURE),
        (file(line("05", at46="LIB"), closing=0), FileRefusal.STRUCTURE),
        (file(line("01", amount=amount_text(0)), closing=0), FileRefusal.STRUCTURE),
        (file(line("03"), closing=0), FileRefusal.STRUCTURE),
        (file(*movement(1, at22=OTHER), closing=1), FileRefusal.STRUCTURE),
        (file(*movement(1, at17="CHF2"), closing=1), FileRefusal.STRUCTURE),
        (file(*movement(1, at3="3000X"), closing=1), FileRefusal.STRUCTURE),
        (file(*movement(1), closing=1).replace(b"211126", b"311126"), FileRefusal.DATE),
        (file(line("04", amount=amount_text(0)) + "X", closing=0), FileRefusal.STRUCTURE),
        (file(closing=0) + b"\x00", FileRefusal.ENCODING),
        (b"\n".join(file(closing=0).splitlines()[::-1]), FileRefusal.STRUCTURE),
    ],
)  # fmt: skip
def test_a_file_out_of_shape_is_refused_whole(content: bytes, refusal: FileRefusal) -> None:
    with pytest.raises(FileRefused) as refused:
        read_bank_file(content)
    assert refused.value.refusal is refusal
