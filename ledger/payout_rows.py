"""Batches of transfers, their attempts and the accounts they go to, frozen and without I/O.

Cents are positive: what an operator is paid.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any


class BatchState(StrEnum):
    DRAFT = "draft"  # may be cancelled; no file exists
    CANCELLED = "cancelled"
    APPROVED = "approved"  # by a second person; its file exists and never changes
    SENT = "sent"  # given to the bank; its status is unknown until the bank says
    ACCEPTED = "accepted"
    PARTIAL = "partial"
    REJECTED = "rejected"
    RECONCILED = "reconciled"  # every transfer of it has come to its end


class AttemptState(StrEnum):
    PREPARED = "prepared"
    SENT = "sent"
    BOOKED = "booked"  # on a statement of ours
    RETURNED = "returned"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class LeftOut(StrEnum):
    """Why something that is owed is not in a batch."""

    NO_ACCOUNT = "no_account"
    NOT_APPROVED = "not_approved"
    COOLING_OFF = "cooling_off"
    BLOCKED = "blocked"
    HELD = "held"  # suspended: what it is owed waits
    IN_SUSPENSE = "in_suspense"  # a line of the bank names it and is not explained yet
    OVER_MAXIMUM = "over_maximum"
    BATCH_FULL = "batch_full"


@dataclass(frozen=True, slots=True)
class OperatorAccount:
    id: int
    operator_id: int
    holder: str
    iban: str
    bic: str | None
    proof: str
    proposed_at: datetime
    proposed_by: int  # a person
    approved_at: datetime | None
    approved_by: int | None
    usable_from: datetime | None
    refused_at: datetime | None
    blocked_at: datetime | None
    blocked_why: str | None
    vop_result: dict[str, Any] | None = None  # what a Verification of Payee answered, once a bank is asked


@dataclass(frozen=True, slots=True)
class TrusteeAccount:
    """Whose money leaves: the dedicated account of the instance."""

    id: int
    holder: str
    iban: str
    bic: str | None
    proposed_by: int
    approved_at: datetime | None
    approved_by: int | None
    booking_format: str | None


@dataclass(frozen=True, slots=True)
class Owed:
    """A portion of a remittance that no live attempt pays."""

    operator_id: int
    number: int
    portion: int
    operator: str
    attempt: int  # the number that its next attempt has
    in_suspense: bool
    parts: tuple[tuple[int, int], ...]  # programme, cents

    @property
    def amount_cents(self) -> int:
        return sum(cents for _, cents in self.parts)


@dataclass(frozen=True, slots=True)
class PayoutBatch:
    id: int
    state: BatchState
    transfer_count: int
    total_cents: int
    prepared_at: datetime
    prepared_by: int
    approved_at: datetime | None
    approved_by: int | None
    message_id: str | None
    requested_on: date | None
    file_sha256: bytes | None
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Attempt:
    id: int
    batch_id: int
    operator_id: int
    operator: str
    number: int
    portion: int
    end_to_end_id: str
    amount_cents: int
    state: AttemptState
    holder: str | None
    iban: str | None
    bic: str | None
    changed_at: datetime
    reason: str | None


class PayoutRefused(Exception):
    """Nothing was changed; the text says why and what to do."""
