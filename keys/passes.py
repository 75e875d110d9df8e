"""The identity of a pass, and what opening its code can tell. Not whether the pass may be taken."""

from enum import StrEnum
from typing import Literal, NamedTuple, Self

from msgspec import Struct

BOOKLET_MAX = 2**40 - 1
PRACTICE_BOOKLETS_MAX = 2**20
PRACTICE_FIRST = BOOKLET_MAX + 1 - PRACTICE_BOOKLETS_MAX
"""Booklets from this number on are for practice: the record has none of them, and none can be accepted."""
NUMBER_MAX = 255
CTI_BYTES = 6


class PassId(NamedTuple):
    """Pass `number` of `booklet`. Build it with `of` or `from_cti` from anything not known to be sound."""

    booklet: int
    number: int

    @classmethod
    def of(cls, booklet: int, number: int) -> Self:
        if not 0 <= booklet <= BOOKLET_MAX:
            raise ValueError(f"booklet must be 0 to {BOOKLET_MAX}, not {booklet}")
        if not 1 <= number <= NUMBER_MAX:
            raise ValueError(f"pass number must be 1 to {NUMBER_MAX}, not {number}")
        return cls(booklet, number)

    @classmethod
    def from_cti(cls, cti: bytes) -> Self:
        """Read the CWT ID: booklet in 5 bytes, big-endian, then the pass number in 1."""
        if len(cti) != CTI_BYTES:
            raise ValueError(f"cti must be {CTI_BYTES} bytes, not {len(cti)}")
        if cti[5] == 0:
            raise ValueError("pass numbers start at 1")
        return cls(int.from_bytes(cti[:5]), cti[5])

    @property
    def cti(self) -> bytes:
        return self.booklet.to_bytes(5) + self.number.to_bytes(1)

    @property
    def is_practice(self) -> bool:
        return self.booklet >= PRACTICE_FIRST


class CodeFault(StrEnum):
    """Why a code says nothing. Order matters: when several hold, the first is told."""

    UNREADABLE = "unreadable"
    UNKNOWN_FORMAT = "unknown_format"
    UNKNOWN_KEY = "unknown_key"
    FORGED = "forged"


class SignedPass(Struct, frozen=True):
    """A pass whose signature or MAC was checked: only `open_code` and `open_short_code` build one."""

    pass_id: PassId
    printed_expires_at: int | None
    """Epoch seconds from which the print says no; None for a short code, which carries no date."""
    carrier: Literal["qr", "short"]
    key_revoked: bool


class PracticePass(Struct, frozen=True):
    """A pass for training, whose signature or MAC was checked. Another type, so that nothing can take it."""

    pass_id: PassId
    carrier: Literal["qr", "short"]
