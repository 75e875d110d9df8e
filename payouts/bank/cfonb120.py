"""CFONB 120, the account statement of French banks, as statements. Columns: cfonb_line.py.

A statement is a line 01 (former balance), lines 04 (movements) each followed by its 05 (what is said of it),
and a line 07 (new balance).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from payouts.bank.cfonb_line import LINE_CHARACTERS, Line, iban_of
from payouts.bank.day import short_day
from payouts.bank.doubts import statement_remarks
from payouts.bank.refused import FileRefusal, FileRefused, refuse_size
from payouts.bank.statement import (
    BOOKED,
    Balance,
    Doubt,
    Entry,
    Party,
    References,
    Remark,
    Statement,
    Transaction,
)

FORMAT: Final = "cfonb120"
LINES_MAX: Final = 100_000

_KINDS: Final = ("01", "04", "05", "07")
_AMOUNT_ENDS_AT: Final = 104
_QUALIFIER_ENDS_AT: Final = 48
_RIB: Final = (re.compile(r"[0-9]{5}"), re.compile(r"[0-9]{5}"), re.compile(r"[0-9A-Z]{11}"))
_REASON: Final = re.compile(r"([A-Z]{2}[0-9]{2})\b\s*(.*)")
_NO_DAY: Final = ("", "000000")
# The client's reference is the first half of an RCN line; what follows is the nature of the payment.
_REFERENCE_CHARACTERS: Final = 35


def read_cfonb120(file: bytes) -> tuple[Statement, ...]:
    refuse_size(file)
    return tuple(_statement(lines) for lines in _statement_lines(_lines(file)))


def _statement_lines(lines: Sequence[Line]) -> Iterator[list[Line]]:
    """Lines up to a new balance each; what comes after the last one has lost its end."""
    held: list[Line] = []
    for line in lines:
        held.append(line)
        if line.kind == "07":
            yield held
            held = []
    if held:
        raise FileRefused(
            FileRefusal.TRUNCATED,
            f"line {held[0].number} begins a statement that no line 07 ends: the file is cut",
        )


def _lines(file: bytes) -> list[Line]:
    text = _decoded(file).rstrip("\x1a\r\n ")
    written = re.split(r"\r\n|\r|\n", text) if "\n" in text or "\r" in text else _blocks(text)
    if len(written) > LINES_MAX:
        raise FileRefused(FileRefusal.TOO_MANY_ELEMENTS, f"the file has more than {LINES_MAX} lines")
    return [
        _line(number, content) for number, content in enumerate(written, start=1) if content.strip("\x1a ")
    ]


def _decoded(file: bytes) -> str:
    """A letter is one column: UTF-8 is tried first, since as Latin-1 it would shift every amount."""
    if b"\x00" in file:
        raise FileRefused(FileRefusal.ENCODING, "the file has zero bytes: it is no CFONB text")
    bare = file.removeprefix(b"\xef\xbb\xbf")
    try:
        return bare.decode()
    except UnicodeDecodeError:
        return bare.decode("iso-8859-1")


def _blocks(text: str) -> list[str]:
    """Some transfers take the line ends away."""
    return [text[at : at + LINE_CHARACTERS] for at in range(0, len(text), LINE_CHARACTERS)]


def _line(number: int, content: str) -> Line:
    line = Line(number, content.rstrip().ljust(LINE_CHARACTERS))
    if len(line.text) > LINE_CHARACTERS:
        raise line.refused(f"has {len(line.text)} characters: CFONB 120 has {LINE_CHARACTERS}")
    if line.kind not in _KINDS:
        raise line.refused(f"begins with {line.kind!r}: 01, 04, 05 or 07 is expected")
    needed = _QUALIFIER_ENDS_AT if line.kind == "05" else _AMOUNT_ENDS_AT
    if len(content.rstrip()) < needed:
        raise line.refused(f"has {len(content.rstrip())} characters, and {needed} at least are needed")
    if not all(shape.fullmatch(part) for shape, part in zip(_RIB, line.rib, strict=True)):
        raise line.refused(f"names no account: {' '.join(line.rib)!r}")
    return line


@dataclass(frozen=True, slots=True)
class _Movement:
    line: Line
    details: tuple[tuple[str, str], ...]

    def said(self, *qualifiers: str) -> str | None:
        found = [text for name in qualifiers for qualifier, text in self.details if qualifier == name]
        return "\n".join(found) or None


def _statement(lines: Sequence[Line]) -> Statement:
    if lines[0].kind != "01":
        raise lines[0].refused("stands where a line 01 (former balance) should")
    first, *middle, last = lines
    _refuse_other_account(first, lines[1:])
    opening, closing = _balance(first, "OPBD"), _balance(last, "CLBD")
    entries = tuple(_entry(movement, first) for movement in _movements(middle))
    return Statement(
        format=FORMAT,
        account=iban_of(first.rib),
        currency=first.currency,
        opening_cents=opening.cents,
        closing_cents=closing.cents,
        entries=entries,
        opening_on=opening.on,
        closing_on=closing.on,
        balances=(opening, closing),
        remarks=tuple(
            statement_remarks(currency=first.currency, opening=opening, closing=closing, entries=entries)
        ),
    )


def _refuse_other_account(first: Line, others: Sequence[Line]) -> None:
    for line in others:
        if line.rib[1:] != first.rib[1:] or line.currency != first.currency:
            raise line.refused("is of another account or currency than its line 01")
    if others[-1].rib != first.rib:
        raise others[-1].refused("is of another bank than its line 01")


def _balance(line: Line, kind: str) -> Balance:
    return Balance(kind=kind, cents=line.cents(), currency=line.currency, on=short_day(line.at(35, 40)))


def _movements(lines: Sequence[Line]) -> Iterator[_Movement]:
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.kind != "04":
            raise line.refused("stands where a line 04 (movement) should")
        end = next((later for later in range(at + 1, len(lines)) if lines[later].kind != "05"), len(lines))
        details = lines[at + 1 : end]
        yield _Movement(line, tuple((detail.at(46, 48), detail.text[48:118].rstrip()) for detail in details))
        at = end


def _entry(movement: _Movement, first: Line) -> Entry:
    line = movement.line
    cents, value = line.cents(), line.at(43, 48)
    number = line.at(82, 88)
    return Entry(
        amount_cents=cents,
        currency=line.currency,
        booked_on=short_day(line.at(35, 40)),
        value_on=None if value in _NO_DAY else short_day(value),
        reference=movement.said("REF") or line.at(105, 120) or (number if number.strip("0") else None),
        is_reversal=False,
        status=BOOKED,
        transactions=(_transaction(movement, cents),),
        label=line.at(49, 79) or None,
        remarks=tuple(_bank_remarks(movement, first)),
    )


def _bank_remarks(movement: _Movement, first: Line) -> Iterator[Remark]:
    """Seen in a real file: movements keep the code of the bank that made them. The account is the same."""
    bank, own = movement.line.rib[0], first.rib[0]
    if bank != own:
        yield Remark(
            Doubt.OTHER_BANK, f"line {movement.line.number} is of bank {bank}, its statement of {own}"
        )


def _transaction(movement: _Movement, cents: int) -> Transaction:
    reference = movement.said("RCN")
    # The party that is named and is not us: the beneficiary of a debit, the payer of a credit.
    name = movement.said("NBE", "NPY") if cents < 0 else movement.said("NPY", "NBE")
    reason, reason_text = _reason(movement)
    return Transaction(
        amount_cents=cents,
        currency=movement.line.currency,
        references=References(
            end_to_end_id=reference[:_REFERENCE_CHARACTERS].strip() or None if reference else None,
            servicer_reference=movement.said("REF"),
        ),
        reason=reason,
        reason_text=reason_text,
        counterparty=Party(name=name.split("\n")[0].strip() if name else None, account=movement.said("CBE")),
        remittance=movement.said("LCC", "LC2", "LCS", "LIB"),
    )


def _reason(movement: _Movement) -> tuple[str | None, str | None]:
    """RET opens with the ISO code of the return; a bank without it gives two figures in the movement."""
    told = movement.said("RET")
    if told is None:
        return movement.line.at(41, 42) or None, None
    match = _REASON.match(told.strip())
    return (match[1], match[2].strip() or None) if match else (None, told.strip())
