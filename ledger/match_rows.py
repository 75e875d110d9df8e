"""Lines of the bank, the payments they may be about, and what explains them: frozen, without I/O.

Amounts are cents and signed as our account sees them: a transfer leaves as a negative amount.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from ledger.payout_rows import AttemptState


class MatchKind(StrEnum):
    PAYOUT = "payout"
    RETURN = "return"
    OFFSET = "offset"  # of two lines that undo each other, and wait for each other
    FEE = "fee"


class How(StrEnum):
    END_TO_END_ID = "end_to_end_id"
    BATCH = "batch"
    CONFIRMED = "confirmed"  # by a person


@dataclass(frozen=True, slots=True)
class Payment:
    """An attempt, as far as the bank may know of it."""

    id: int
    end_to_end_id: str
    amount_cents: int  # positive
    state: AttemptState
    batch_id: int
    message_id: str
    operator_id: int
    holder: str
    iban: str
    account_id: int
    offset_cents: int = 0  # of its live offsets; not nothing: one half of a pair is missing
    parts: tuple[tuple[int, int], ...] = ()  # programme, cents


@dataclass(frozen=True, slots=True)
class Mention:
    """One payment inside a line."""

    end_to_end_id: str | None = None
    amount_cents: int | None = None
    message_id: str | None = None
    reason: str | None = None
    name: str | None = None
    iban: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A line of the bank that is not explained, or not whole, with what every statement tells of it."""

    id: int
    reference: str
    booked_on: date
    amount_cents: int
    open_cents: int  # what nothing explains yet, signed as the line
    label: str
    mentions: tuple[Mention, ...] = ()
    message_ids: frozenset[str] = frozenset()  # of batches that the line books at once
    settled: frozenset[str] = (
        frozenset()
    )  # end-to-end ids that it explains, or that a person took back from it


@dataclass(frozen=True, slots=True)
class Allocation:
    payment: Payment | None  # none for a fee
    kind: MatchKind
    amount_cents: int  # signed as the line
    how: How
    reason: str | None = None  # the bank's, for what came back


@dataclass(frozen=True, slots=True)
class Match:
    id: int
    bank_line_id: int
    booked_on: date
    line_reference: str
    kind: MatchKind
    how: How
    amount_cents: int
    end_to_end_id: str | None
    holder: str | None
    reason: str | None
    matched_at: datetime
    matched_by: str
    undone_at: datetime | None
    undo_reason: str | None
