"""The rows of accounts rendered; their columns are in rendering_columns.py. Pure; amounts are whole cents.

UTF-8 with a byte order mark, semicolons, CRLF. An account is told by the same four cells in every table,
so that anybody can join them.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from io import StringIO

from ledger.book_rows import BANK, AccountKind, BookAccount, Entry, EntryKind
from ledger.remittance_rows import ClosedRemittance, payment_day
from ledger.rendering_rows import BankFile, Decided, Disputed, Movement, Paid, Parties, Unpaid, Waiting
from payouts.books_export import JOURNALS, BookNames, account_cells
from programmes.print.french import PARIS
from programmes.print.printer_csv import defused

CAUSES = {"overpaid": "trop-perçu", "fraud": "fraude", "error": "erreur", "goodwill": "geste"}
OUTCOMES = {"released": "levé, à payer", "corrected": "corrigé, jamais payé", None: "en litige"}
PAYMENT_KINDS = {
    ("payout", False): "virement",
    ("return", False): "retour",
    ("payout", True): "virement : rapprochement annulé",
    ("return", True): "retour : rapprochement annulé",
}
OF_OPERATORS = {
    EntryKind.REMITTANCE: 0,
    EntryKind.CORRECTION: 1,
    EntryKind.PAYOUT: 2,
    EntryKind.RETURN: 3,
}
OTHER = 4


def book_names(parties: Parties) -> BookNames:
    return BookNames(parties.programmes, parties.operators)


def head(columns: Sequence[str]) -> str:
    return "\ufeff" + rows([columns])


def rows(lines: Iterable[Sequence[object]]) -> str:
    text = StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(lines)
    return text.getvalue()


class AccountSums:
    """What movements amount to, by account."""

    def __init__(self, told: Iterable[Movement]) -> None:
        self.opening: dict[BookAccount, int] = {}
        self.debit: dict[BookAccount, int] = {}
        self.credit: dict[BookAccount, int] = {}
        for account, _, before, debit, credit in told:
            self.opening[account] = self.opening.get(account, 0) + before
            self.debit[account] = self.debit.get(account, 0) + debit
            self.credit[account] = self.credit.get(account, 0) + credit

    def accounts(self, *kinds: AccountKind) -> list[BookAccount]:
        return [account for account in sorted(self.opening) if not kinds or account.kind in kinds]

    def closing(self, account: BookAccount) -> int:
        return self.opening[account] + self.debit[account] - self.credit[account]

    def told(self) -> dict[BookAccount, tuple[int, int, int]]:
        """Opening, debits, credits."""
        return {one: (self.opening[one], self.debit[one], self.credit[one]) for one in self.accounts()}

    def held(self, *, is_opening: bool) -> int:
        """The money there is: the bank's, or, of some programmes only, what is kept for them."""
        amounts = self.opening if is_opening else {one: self.closing(one) for one in self.opening}
        if BANK in amounts:
            return amounts[BANK]
        return -sum(cents for account, cents in amounts.items() if account.programme_id)


def balance_rows(sums: AccountSums, names: BookNames) -> Iterator[Sequence[object]]:
    for account in sums.accounts():
        yield (
            *account_cells(account, names),
            sums.opening[account],
            sums.debit[account],
            sums.credit[account],
            sums.closing(account),
        )


def operator_rows(
    told: Sequence[Movement], sums: AccountSums, parties: Parties
) -> Iterator[Sequence[object]]:
    """Seen from the operator: what it is owed is positive."""
    columns: dict[BookAccount, list[int]] = {}
    for account, kind, _, debit, credit in told:
        if account.kind is AccountKind.OPERATOR:
            column = columns.setdefault(account, [0] * 5)
            column[OF_OPERATORS.get(kind, OTHER)] += credit - debit
    for account in sums.accounts(AccountKind.OPERATOR):
        _, name = parties.operators[account.operator_id]
        yield (
            *account_cells(account, book_names(parties)),
            cell(name),
            -sums.opening[account],
            *columns[account],
            -sums.closing(account),
        )


def cash_row(entry: Entry, moved_cents: int, balance_cents: int) -> Sequence[object]:
    return (
        entry.number,
        paris_day(entry.at),
        JOURNALS[entry.kind].entry,
        cell(entry.subject),
        cell(entry.reason or ""),
        max(moved_cents, 0),
        max(-moved_cents, 0),
        balance_cents,
    )


def waiting_row(one: Waiting) -> Sequence[object]:
    return (
        cell(one.reference),
        one.booked_on.isoformat(),
        paris_day(one.at),
        cell(one.label),
        one.amount_cents,
        one.open_cents,
    )


def unpaid_row(one: Unpaid, parties: Parties) -> Sequence[object]:
    return (
        *_operator(one.operator_id, parties),
        one.number,
        programme_cell(one.programme_id, parties),
        paris_day(one.closed_at),
        payment_day(one.closed_at, one.delay_days).isoformat(),
        one.remitted_cents,
        one.corrected_cents,
        one.paid_cents,
        one.left_cents,
        one.held_cents,
    )


def remittance_row(closed: ClosedRemittance, scope_cents: int, file: str) -> Sequence[object]:
    told = closed.remittance
    return (
        told.siret,
        cell(told.names.operator),
        told.number,
        paris_instant(told.closed_at),
        told.line_count,
        told.total_cents,
        told.corrections_cents,
        told.payable_cents,
        scope_cents,
        told.lines_sha256.hex(),
        file,
    )


def correction_row(one: Decided, parties: Parties) -> Sequence[object]:
    ends = (
        (one.is_of_dispute, "prise sur la ligne en litige"),
        (one.netted_in is not None, f"imputée au bordereau {one.netted_in}"),
        (one.claimed_at is not None, "réclamée par lettre"),
    )
    return (
        one.id,
        *_operator(one.operator_id, parties),
        programme_cell(one.programme_id, parties),
        paris_instant(one.decided_at),
        CAUSES[one.cause],
        cell(one.reason),
        one.attempt_id or "",
        one.amount_cents,
        next((text for holds, text in ends if holds), "en attente d’un bordereau"),
    )


def dispute_row(one: Disputed, parties: Parties) -> Sequence[object]:
    return (
        one.id,
        *_operator(one.operator_id, parties),
        one.number,
        one.line,
        programme_cell(one.programme_id, parties),
        one.amount_cents,
        cell(one.reason),
        paris_instant(one.opened_at),
        OUTCOMES[one.outcome],
        paris_instant(one.resolved_at) if one.resolved_at else "",
        cell(one.resolution or ""),
    )


def payment_row(one: Paid, parties: Parties) -> Sequence[object]:
    is_leaving = (one.kind == "payout") != one.is_undone
    return (
        paris_instant(one.at),
        PAYMENT_KINDS[one.kind, one.is_undone],
        one.end_to_end_id,
        *_operator(one.operator_id, parties),
        one.number,
        cell(one.holder),
        one.booked_on.isoformat(),
        one.amount_cents if is_leaving else -one.amount_cents,
        cell(one.reason or ""),
    )


def file_row(one: BankFile, kind: str, place: str) -> Sequence[object]:
    return kind, cell(one.name), paris_instant(one.at), one.size, one.sha256.hex(), place


def cell(text: str) -> str:
    """What people wrote, on one line, and no formula of a spreadsheet's."""
    return defused(" ".join("".join(c if c.isprintable() else " " for c in text).split()))


def paris_day(at: datetime) -> str:
    day: date = at.astimezone(PARIS).date()
    return day.isoformat()


def paris_instant(at: datetime) -> str:
    """With its offset: the hour that clocks show twice in October is told apart."""
    return at.astimezone(UTC).astimezone(PARIS).isoformat(timespec="seconds")


def _operator(operator_id: int, parties: Parties) -> tuple[str, str]:
    siret, name = parties.operators[operator_id]
    return siret, cell(name)


def programme_cell(programme_id: int, parties: Parties) -> str:
    return account_cells(BookAccount(AccountKind.FUNDS, programme_id), book_names(parties))[2]


def funders_of(parties: Parties, programme_ids: Iterable[int]) -> Mapping[str, list[str]]:
    """Programmes by funder, in their order."""
    told: dict[str, list[str]] = {}
    for programme_id in sorted(programme_ids):
        told.setdefault(parties.funders[programme_id], []).append(parties.programmes[programme_id])
    return told
