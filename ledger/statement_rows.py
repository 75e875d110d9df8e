"""What a file of the bank adds to the record, frozen and without I/O. Reading the file is payouts/bank's."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line as a statement tells it. The same reference is the same line, whatever file it comes in."""

    reference: str
    bank_reference: str | None
    amount_cents: int
    booked_on: date | None
    label: str
    mentions: list[dict[str, Any]] = field(default_factory=list)
    message_ids: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class NewStatement:
    account: str
    currency: str | None
    format: str
    identification: str | None
    sequence: str | None
    opening_cents: int | None
    closing_cents: int | None
    opening_on: date | None
    closing_on: date | None
    remarks: list[str]
    is_booked: bool  # its lines count; else they only tell more of lines that do
    lines: list[NewLine]


@dataclass(frozen=True, slots=True)
class NewReport:
    """What the bank answers to a file of ours: for all of it, or for one transfer."""

    original_message_id: str
    end_to_end_id: str | None
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class KnownStatement:
    """A statement on record, for the chain of balances."""

    id: int
    account: str
    currency: str | None
    format: str
    identification: str | None
    sequence: str | None
    opening_cents: int | None
    closing_cents: int | None
    opening_on: date | None
    closing_on: date | None
    remarks: list[str]
    file_name: str
    imported_at: datetime
    line_count: int
