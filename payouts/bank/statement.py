"""What a bank says happened on an account, as frozen rows. No reading and no judgement.

Amounts are in minor units of their currency and signed as the account sees them: more money is positive.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

BOOKED: Final = "BOOK"
"""The status of an entry that counts in the balance; others announce (PDNG, INFO, FUTR)."""


class Doubt(StrEnum):
    """What a file says that does not agree with itself. The file is read, and the doubt is shown."""

    ENTRIES_DO_NOT_SUM = "entries_do_not_sum"
    BALANCE_IN_ANOTHER_CURRENCY = "balance_in_another_currency"
    ENTRY_IN_ANOTHER_CURRENCY = "entry_in_another_currency"
    SUMMARY_DIFFERS = "summary_differs"
    TRANSACTIONS_DO_NOT_SUM = "transactions_do_not_sum"
    TRANSACTION_IN_ANOTHER_CURRENCY = "transaction_in_another_currency"
    COUNT_DIFFERS = "count_differs"
    BATCH_TOTAL_DIFFERS = "batch_total_differs"
    DIRECTION_DIFFERS = "direction_differs"
    END_TO_END_ID_TWICE = "end_to_end_id_twice"
    OTHER_BANK = "other_bank"


FRENCH_OF: Final = {
    Doubt.ENTRIES_DO_NOT_SUM: "L’ancien solde et les écritures ne font pas le nouveau solde.",
    Doubt.BALANCE_IN_ANOTHER_CURRENCY: "Un solde n’est pas dans la monnaie du compte.",
    Doubt.ENTRY_IN_ANOTHER_CURRENCY: "Une écriture n’est pas dans la monnaie du compte.",
    Doubt.SUMMARY_DIFFERS: "Le récapitulatif ne correspond pas aux écritures.",
    Doubt.TRANSACTIONS_DO_NOT_SUM: "Les opérations ne font pas le montant de l’écriture.",
    Doubt.TRANSACTION_IN_ANOTHER_CURRENCY: "Une opération n’est pas dans la monnaie de l’écriture.",
    Doubt.COUNT_DIFFERS: "Le nombre d’opérations annoncé n’est pas celui des opérations présentes.",
    Doubt.BATCH_TOTAL_DIFFERS: "Le total annoncé pour le lot n’est pas celui des opérations présentes.",
    Doubt.DIRECTION_DIFFERS: "Une opération se dit d’un sens, son écriture de l’autre.",
    Doubt.END_TO_END_ID_TWICE: "La même référence de bout en bout figure deux fois dans l’écriture.",
    Doubt.OTHER_BANK: "Une écriture porte le code d’une autre banque que son relevé.",
}


@dataclass(frozen=True, slots=True)
class Remark:
    """A doubt with the figures that raise it."""

    doubt: Doubt
    message: str


@dataclass(frozen=True, slots=True)
class Money:
    cents: int
    currency: str


@dataclass(frozen=True, slots=True)
class Party:
    name: str | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class References:
    """How the parties named a payment. For a return or a rejection they name the payment that came back."""

    message_id: str | None = None
    payment_information_id: str | None = None
    instruction_id: str | None = None
    end_to_end_id: str | None = None
    transaction_id: str | None = None
    servicer_reference: str | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """One payment inside an entry. The amount is None where the bank gives that of the entry only."""

    amount_cents: int | None
    currency: str | None
    references: References = References()
    reason: str | None = None
    reason_text: str | None = None
    counterparty: Party = Party()
    remittance: str | None = None

    @property
    def end_to_end_id(self) -> str | None:
        return self.references.end_to_end_id


@dataclass(frozen=True, slots=True)
class Batch:
    """What an entry says of the file of payments it books at once; each part may be missing."""

    message_id: str | None
    payment_information_id: str | None
    transaction_count: int | None
    total: Money | None


@dataclass(frozen=True, slots=True)
class Entry:
    amount_cents: int
    currency: str
    booked_on: date | None
    value_on: date | None
    reference: str | None
    is_reversal: bool
    status: str
    transactions: tuple[Transaction, ...]
    batches: tuple[Batch, ...] = ()
    label: str | None = None
    remarks: tuple[Remark, ...] = ()

    def cents_of(self, transaction: Transaction) -> int | None:
        """A payment alone in its entry is worth the entry, where it has no amount of its own."""
        if transaction.amount_cents is None and self.transactions == (transaction,):
            return self.amount_cents
        return transaction.amount_cents


@dataclass(frozen=True, slots=True)
class Balance:
    kind: str
    cents: int
    currency: str
    on: date | None


@dataclass(frozen=True, slots=True)
class Statement:
    """One account over one period; opening and closing are None in notices, which have no balance."""

    format: str
    account: str
    currency: str | None
    opening_cents: int | None
    closing_cents: int | None
    entries: tuple[Entry, ...]
    identification: str | None = None
    sequence: str | None = None
    opening_on: date | None = None
    closing_on: date | None = None
    balances: tuple[Balance, ...] = ()
    remarks: tuple[Remark, ...] = ()

    @property
    def all_remarks(self) -> tuple[Remark, ...]:
        return self.remarks + tuple(remark for entry in self.entries for remark in entry.remarks)
