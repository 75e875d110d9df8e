"""What a print run says: its programme, its booklets and their passes. How it looks is decided elsewhere.

Facts that would spoil paper are refused here, before a page is drawn: a booklet is numbered matter, and a
wrong one costs a recall.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date

BOOKLET_NUMBER_MAX = 2**40 - 1
PASSES_PER_BOOKLET_MAX = 255
FACE_VALUE_CENTS_MAX = 100_000
TEXT_CHARACTERS_MAX = 100

# 154 characters of QR's alphanumeric alphabet are what a version 6 symbol holds at level M.
QR_TEXT = re.compile(r"PN1:[0-9A-Z $%*+\-./:]{1,150}")
SHORT_CODE = re.compile(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{3}[0-9A-Z*]")


@dataclass(frozen=True)
class PrintedPass:
    number: int
    qr: str
    short: str

    def __post_init__(self) -> None:
        if not 1 <= self.number <= PASSES_PER_BOOKLET_MAX:
            raise ValueError(f"pass number {self.number} is not between 1 and {PASSES_PER_BOOKLET_MAX}")
        if not QR_TEXT.fullmatch(self.qr):
            raise ValueError(f"pass {self.number}: its QR text is not PN1: and at most 150 Base45 characters")
        if not SHORT_CODE.fullmatch(self.short):
            raise ValueError(
                f"pass {self.number}: its short code is not four groups of four, XXXX-XXXX-XXXX-XXXX"
            )

    @property
    def code_128(self) -> str:
        return self.short.replace("-", "")


@dataclass(frozen=True)
class PrintedBooklet:
    number: int
    passes: tuple[PrintedPass, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.number <= BOOKLET_NUMBER_MAX:
            raise ValueError(f"booklet number {self.number} is not between 1 and {BOOKLET_NUMBER_MAX}")
        numbers = [printed.number for printed in self.passes]
        if not numbers or numbers != list(range(1, len(numbers) + 1)):
            raise ValueError(
                f"booklet {self.number}: its passes must be numbered 1, 2, 3… in order, not {numbers}"
            )
        if len({printed.qr for printed in self.passes}) < len(numbers):
            raise ValueError(f"booklet {self.number}: two of its passes have the same QR text")
        if len({printed.short for printed in self.passes}) < len(numbers):
            raise ValueError(f"booklet {self.number}: two of its passes have the same short code")


@dataclass(frozen=True)
class PrintRun:
    """What all booklets of one run share. `last_day` is the last legal day on which a pass is taken."""

    programme: str
    funder: str
    face_value_cents: int
    last_day: date
    batch: str
    contact: str

    def __post_init__(self) -> None:
        if not 1 <= self.face_value_cents <= FACE_VALUE_CENTS_MAX:
            raise ValueError(
                f"a face value of {self.face_value_cents} cents is not between 1 and {FACE_VALUE_CENTS_MAX}"
            )
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, str):
                check_line(field.name, value)


def check_line(name: str, text: str) -> None:
    if not text.strip():
        raise ValueError(f"the {name} to print is empty")
    if len(text) > TEXT_CHARACTERS_MAX:
        raise ValueError(f"the {name} to print has {len(text)} characters; at most {TEXT_CHARACTERS_MAX} fit")
    if any(unicodedata.category(character) in {"Cc", "Cf", "Zl", "Zp"} for character in text):
        raise ValueError(f"the {name} to print must be one line of text without control characters")


def ascending(booklets: Iterable[PrintedBooklet]) -> Iterator[PrintedBooklet]:
    """The booklets as they come, provided that no number comes twice: two papers would be one pass."""
    last = 0
    for booklet in booklets:
        if booklet.number <= last:
            raise ValueError(f"booklets must come by ascending number: {booklet.number} came after {last}")
        last = booklet.number
        yield booklet
