"""What a programme did in a month, and how it was told: rows without I/O. Money is in cents."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from ledger.book_rows import AccountKind, EntryKind
from ledger.rendering_rows import Period

PAYMENTS = (EntryKind.PAYOUT, EntryKind.RETURN, EntryKind.REVERSAL)


class MonthMoved(NamedTuple):
    """What one kind of entry did to a programme's accounts of one kind; a credit is negative."""

    account: AccountKind
    kind: EntryKind
    amount_cents: int
    of_earlier_cents: int  # of these, of months before, recorded since their return was frozen


class ConsumedPass(NamedTuple):
    booklet: int
    number: int
    siret: str
    remittance: int
    line: int
    closed_at: datetime
    amount_cents: int


class Slice(NamedTuple):
    """Consumed passes by one way of sorting them. Empty names: not sorted by it, or not known."""

    dimension: str  # territory, operator, site, service, public
    territory: str
    name: str
    part: str  # the site, where the dimension is site
    passes: int
    booklets: int  # behind them


@dataclass(frozen=True, slots=True)
class MonthFigures:
    programme_id: int
    programme: str
    funder: str
    period: Period
    last_entry: int
    moved: tuple[MonthMoved, ...]
    balances: Mapping[AccountKind, int]  # at the end of the month, of what was told by then
    consumed_passes: int
    consumed_cents: int
    slices: tuple[Slice, ...]

    def moved_cents(self, account: AccountKind, *kinds: EntryKind) -> int:
        """What came to the account: a credit counts positive."""
        return -sum(row.amount_cents for row in self.moved if row.account is account and row.kind in kinds)

    @property
    def of_earlier_cents(self) -> int:
        """What months before were told too little of, in what operators are owed and were paid."""
        return -sum(row.of_earlier_cents for row in self.moved if row.account is AccountKind.OPERATOR)

    def sums(self) -> dict[str, int]:
        """What a return tells of the whole, by name; the audit derives it again."""
        return {
            "received_cents": self.moved_cents(AccountKind.FUNDS, EntryKind.FUNDING, EntryKind.REFUND),
            "activated_cents": self.moved_cents(AccountKind.CIRCULATION, EntryKind.ACTIVATION),
            "released_cents": self.moved_cents(AccountKind.FUNDS, EntryKind.RELEASE),
            "consumed_passes": self.consumed_passes,
            "consumed_cents": self.consumed_cents,
            "corrected_cents": self.moved_cents(AccountKind.OPERATOR, EntryKind.CORRECTION),
            "paid_cents": -self.moved_cents(AccountKind.OPERATOR, *PAYMENTS),
            "of_earlier_cents": self.of_earlier_cents,
            "free_cents": self.balances.get(AccountKind.FUNDS, 0),
            "circulation_cents": self.balances.get(AccountKind.CIRCULATION, 0),
            "owed_cents": self.balances.get(AccountKind.OPERATOR, 0),
        }


@dataclass(frozen=True, slots=True)
class MonthlyReturn:
    id: int
    programme_id: int
    month: date
    last_entry: int
    facts: Mapping[str, Any]
    csv_sha256: bytes
    pdf_sha256: bytes
    frozen_at: datetime
    frozen_by: str


@dataclass(frozen=True, slots=True)
class Declaration:
    id: int
    programme_id: int
    year: int
    passes: int
    face_cents: int
    state_cents: int
    archive_sha256: bytes
    frozen_at: datetime
    frozen_by: str
