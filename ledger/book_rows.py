"""The books' accounts, entries and postings, frozen and without I/O.

A debit is positive and a credit is negative, everywhere. The bank's balance is a debit; funds, circulation
and what operators are owed are credits: their balances are negative, or nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class AccountKind(StrEnum):
    BANK = "bank"
    FUNDS = "funds"  # received for a programme, and not engaged
    CIRCULATION = "circulation"  # face value of passes that may be taken, or were and are not remitted
    OPERATOR = "operator"  # what a programme owes an operator for closed remittances
    SUSPENSE = "suspense"  # bank lines that nobody has explained yet
    FEES = "fees"


NEVER_BELOW_NOTHING = frozenset({AccountKind.FUNDS, AccountKind.CIRCULATION, AccountKind.OPERATOR})


class EntryKind(StrEnum):
    OPENING = "opening"  # what an instance had activated before it had books
    BANK_LINE = "bank_line"  # bank ↔ suspense
    FUNDING = "funding"  # suspense → funds
    ACTIVATION = "activation"  # funds → circulation
    RELEASE = "release"  # circulation → funds: passes that nobody can take any more
    REMITTANCE = "remittance"  # circulation → operator
    CORRECTION = "correction"  # operator ↔ funds
    PAYOUT = "payout"  # suspense → operator
    RETURN = "return"  # a payout that came back
    REFUND = "refund"  # funds → suspense: back to the funder
    FEE = "fee"
    REVERSAL = "reversal"  # of an entry that was wrong


@dataclass(frozen=True, slots=True, order=True)
class BookAccount:
    """Made by the functions below, which know what belongs to which kind."""

    kind: AccountKind
    programme_id: int = 0  # 0: of none
    operator_id: int = 0


BANK = BookAccount(AccountKind.BANK)
SUSPENSE = BookAccount(AccountKind.SUSPENSE)
FEES = BookAccount(AccountKind.FEES)


def funds_of(programme_id: int) -> BookAccount:
    return BookAccount(AccountKind.FUNDS, programme_id)


def circulation_of(programme_id: int) -> BookAccount:
    return BookAccount(AccountKind.CIRCULATION, programme_id)


def owed_to(operator_id: int, *, by_programme: int) -> BookAccount:
    return BookAccount(AccountKind.OPERATOR, by_programme, operator_id)


class Posting(NamedTuple):
    account: BookAccount
    amount_cents: int


def transfer(amount_cents: int, *, debit: BookAccount, credit: BookAccount) -> tuple[Posting, Posting]:
    """Money that leaves what `debit` holds for what `credit` holds: from funds to circulation, say."""
    return Posting(debit, amount_cents), Posting(credit, -amount_cents)


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry that is not in the books yet."""

    kind: EntryKind
    subject: str  # as events name it: `batch:3`, `remittance:1/4`
    postings: Sequence[Posting]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    number: int  # without gap, in the order of their commits
    at: datetime
    recorded_at: datetime
    kind: EntryKind
    actor: str
    subject: str
    reason: str | None
    postings: tuple[Posting, ...]

    def touches(self, programme_ids: Collection[int]) -> bool:
        return any(posting.account.programme_id in programme_ids for posting in self.postings)


class BalanceRefused(Exception):
    """Nothing was posted: an account would fall below nothing, by so many cents."""

    def __init__(self, account: BookAccount, missing_cents: int) -> None:
        super().__init__(f"{missing_cents} c are missing on {account_name(account)}")
        self.account = account
        self.missing_cents = missing_cents


def account_name(account: BookAccount) -> str:
    """`funds:3`, `operator:3:12`: programme first."""
    numbers = [number for number in (account.programme_id, account.operator_id) if number]
    return ":".join((account.kind.value, *map(str, numbers)))
