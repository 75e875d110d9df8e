"""What an account rendered for a period holds besides the entries themselves, frozen and without I/O.

Everything is told as it was at the end of the period, whatever came after, so that the same period reads the
same for ever. Cents of accounts: a debit is positive; of operators and payments: positive is the operator's.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from ledger.book_rows import BookAccount, Entry, EntryKind, account_name
from ledger.calendar_rows import midnight

# After its last midnight: by then, what was begun before it is written or given up.
SETTLED_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Period:
    """Legal days in Europe/Paris, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        assert self.first <= self.last

    @property
    def since(self) -> datetime:
        return midnight(self.first)

    @property
    def until(self) -> datetime:
        """The first instant after it."""
        return midnight(self.last + timedelta(days=1))

    def is_over(self, now: datetime) -> bool:
        """Nothing is added to it any more."""
        return now >= self.until + SETTLED_AFTER


@dataclass(frozen=True, slots=True)
class Parties:
    programmes: Mapping[int, str]
    funders: Mapping[int, str]  # by programme
    operators: Mapping[int, tuple[str, str]]  # SIRET and name
    trustee: str | None  # who holds the dedicated account


class Movement(NamedTuple):
    """What one kind of entry did to one account: before the period, and in it by each side."""

    account: BookAccount
    kind: EntryKind
    before_cents: int
    debit_cents: int
    credit_cents: int


class Unpaid(NamedTuple):
    operator_id: int
    number: int
    programme_id: int
    closed_at: datetime
    delay_days: int  # the slowest part's: what was promised
    remitted_cents: int
    corrected_cents: int
    paid_cents: int
    held_cents: int  # of what is left, in dispute

    @property
    def left_cents(self) -> int:
        return self.remitted_cents + self.corrected_cents - self.paid_cents


class Decided(NamedTuple):
    """A correction, and what had become of it when the period ended."""

    id: int
    operator_id: int
    programme_id: int
    amount_cents: int
    cause: str
    reason: str
    attempt_id: UUID | None
    decided_at: datetime
    netted_in: int | None
    claimed_at: datetime | None
    is_of_dispute: bool


class Disputed(NamedTuple):
    id: int
    operator_id: int
    number: int
    line: int
    programme_id: int
    amount_cents: int
    reason: str
    opened_at: datetime
    outcome: str | None
    resolved_at: datetime | None
    resolution: str | None


class Paid(NamedTuple):
    """A transfer that a line of the bank told, came back, or turned out to be told wrongly."""

    at: datetime
    kind: str  # payout, return
    is_undone: bool  # the row takes back what an earlier one said
    end_to_end_id: str
    operator_id: int
    number: int
    holder: str
    booked_on: date
    amount_cents: int  # of the programmes wanted
    reason: str | None


class BankFile(NamedTuple):
    """A file that the bank sent, or that was made for it."""

    id: int
    name: str
    at: datetime
    sha256: bytes
    size: int


class Waiting(NamedTuple):
    """A line of the bank that nothing explained, or not whole, when the period ended."""

    reference: str
    booked_on: date
    at: datetime  # in the books since
    label: str
    amount_cents: int  # positive: the bank credited us
    open_cents: int


class EntrySeal:
    """SHA-256 over what entries say, in their order: each as one line of JSON."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self.count = 0

    def add(self, entry: Entry) -> None:
        facts = [entry.number, entry.at.isoformat(), entry.kind, entry.actor, entry.subject, entry.reason]
        moved = [[account_name(account), cents] for account, cents in entry.postings]
        line = json.dumps([*facts, moved], ensure_ascii=False, separators=(",", ":"))
        self._digest.update(line.encode() + b"\n")
        self.count += 1

    def digest(self) -> bytes:
        return self._digest.digest()


@dataclass(frozen=True, slots=True)
class RenderedFacts:
    """What accounts rendered say, to be frozen."""

    period: Period
    funder: str | None
    programme_ids: Sequence[int] | None  # None: all
    entries: int
    entries_sha256: bytes
    archive_sha256: bytes
    held_cents: int
    unpaid_cents: int
    balances: Mapping[BookAccount, tuple[int, int, int]]  # opening, debits, credits


@dataclass(frozen=True, slots=True)
class Frozen:
    id: int
    period: Period
    funder: str | None
    programme_ids: Sequence[int] | None
    entries: int
    entries_sha256: bytes
    archive_sha256: bytes
    held_cents: int
    unpaid_cents: int
    frozen_at: datetime
    frozen_by: str
