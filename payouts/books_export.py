"""The books as files: FEC (article A47 A-1 of the LPF), an hledger journal, CSV. Pure: entries in, text out.

Each writer gives its head once, then the text of each entry, so that no more than one is held in memory.
Amounts are exact: cents become decimals by digits, never by division.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import NamedTuple, Protocol

from ledger.book_rows import AccountKind, BookAccount, Entry, EntryKind, Posting
from programmes.print.french import PARIS
from programmes.print.printer_csv import defused

CURRENCY = "EUR"
FEC_COLUMNS = (
    "JournalCode",
    "JournalLib",
    "EcritureNum",
    "EcritureDate",
    "CompteNum",
    "CompteLib",
    "CompAuxNum",
    "CompAuxLib",
    "PieceRef",
    "PieceDate",
    "EcritureLib",
    "Debit",
    "Credit",
    "EcritureLet",
    "DateLet",
    "ValidDate",
    "Montantdevise",
    "Idevise",
)
CSV_COLUMNS = (
    "ecriture",
    "date",
    "enregistree_le",
    "nature",
    "objet",
    "compte",
    "libelle_du_compte",
    "programme",
    "siret",
    "debit_centimes",
    "credit_centimes",
    "motif",
    "auteur",
)


class AccountWords(NamedTuple):
    number: str  # of the French general chart of accounts
    label: str
    hledger: str


ACCOUNTS: Mapping[AccountKind, AccountWords] = {
    AccountKind.BANK: AccountWords("512000", "Banque, compte dédié", "actif:banque"),
    AccountKind.FUNDS: AccountWords("467100", "Fonds reçus, disponibles", "passif:fonds"),
    AccountKind.CIRCULATION: AccountWords("467200", "Pass en circulation", "passif:circulation"),
    AccountKind.OPERATOR: AccountWords("467300", "Opérateurs à payer", "passif:operateurs"),
    AccountKind.SUSPENSE: AccountWords("471000", "Compte d’attente", "passif:attente"),
    AccountKind.FEES: AccountWords("627000", "Services bancaires", "charges:banque"),
}
HLEDGER_TYPES = {"actif": "A", "passif": "L", "charges": "X"}


class JournalWords(NamedTuple):
    code: str
    journal: str
    entry: str


BANK_JOURNAL = ("BQ", "Banque")
FUNDS_JOURNAL = ("FD", "Fonds des commanditaires")
PASSES_JOURNAL = ("PC", "Pass en circulation")
OPERATORS_JOURNAL = ("OP", "Opérateurs")
OTHER_JOURNAL = ("OD", "Opérations diverses")
JOURNALS: Mapping[EntryKind, JournalWords] = {
    EntryKind.OPENING: JournalWords(*OTHER_JOURNAL, "Ouverture"),
    EntryKind.BANK_LINE: JournalWords(*BANK_JOURNAL, "Ligne de relevé"),
    EntryKind.FUNDING: JournalWords(*FUNDS_JOURNAL, "Fonds reçus"),
    EntryKind.ACTIVATION: JournalWords(*PASSES_JOURNAL, "Activation"),
    EntryKind.RELEASE: JournalWords(*PASSES_JOURNAL, "Pass qui ne seront plus pris"),
    EntryKind.REMITTANCE: JournalWords(*OPERATORS_JOURNAL, "Bordereau de remise clos"),
    EntryKind.CORRECTION: JournalWords(*OPERATORS_JOURNAL, "Correction"),
    EntryKind.PAYOUT: JournalWords(*OPERATORS_JOURNAL, "Virement"),
    EntryKind.RETURN: JournalWords(*OPERATORS_JOURNAL, "Virement revenu"),
    EntryKind.REFUND: JournalWords(*FUNDS_JOURNAL, "Restitution au commanditaire"),
    EntryKind.FEE: JournalWords(*BANK_JOURNAL, "Frais bancaires"),
    EntryKind.REVERSAL: JournalWords(*OTHER_JOURNAL, "Contre-passation"),
}
assert set(ACCOUNTS) == set(AccountKind)
assert set(JOURNALS) == set(EntryKind)


@dataclass(frozen=True, slots=True)
class BookNames:
    """What accounts are about. An unknown number is told as it is."""

    programmes: Mapping[int, str]
    operators: Mapping[int, tuple[str, str]]  # SIRET and name


class BooksWriter(Protocol):
    def head(self) -> str: ...

    def entry(self, entry: Entry) -> str: ...


class FecWriter:
    """Tabs between fields, CRLF between rows, UTF-8. Everything is valid once it is recorded: no draft."""

    def __init__(self, names: BookNames) -> None:
        self._names = names

    def head(self) -> str:
        return _fec_row(FEC_COLUMNS)

    def entry(self, entry: Entry) -> str:
        return "".join(_fec_row(self._fields(entry, posting)) for posting in entry.postings)

    def _fields(self, entry: Entry, posting: Posting) -> tuple[str, ...]:
        words, journal = ACCOUNTS[posting.account.kind], JOURNALS[entry.kind]
        day = _compact_day(entry.at)
        return (
            journal.code,
            journal.journal,
            str(entry.number),
            day,
            words.number,
            words.label,
            _auxiliary_number(posting.account, self._names),
            _auxiliary_label(posting.account, self._names),
            entry.subject,
            day,
            ": ".join(filter(None, (journal.entry, entry.reason))),
            _decimal(max(posting.amount_cents, 0), ","),
            _decimal(max(-posting.amount_cents, 0), ","),
            "",
            "",
            _compact_day(entry.recorded_at),
            "",
            "",
        )


class HledgerWriter:
    """A journal that `hledger check --strict` accepts; accounts: all that entries may name."""

    def __init__(self, names: BookNames, accounts: Iterable[BookAccount]) -> None:
        self._names = names
        self._accounts = sorted(accounts)

    def head(self) -> str:
        lines = ["decimal-mark .", f"commodity 1000.00 {CURRENCY}", ""]
        for account in self._accounts:
            name = _hledger_account(account)
            lines.append(f"account {name}  ; type: {HLEDGER_TYPES[name.partition(':')[0]]}")
            if label := _one_line(_auxiliary_label(account, self._names)):
                lines.append(f"  ; {label}")
        return "\n".join(lines) + "\n\n"

    def entry(self, entry: Entry) -> str:
        words = f"{JOURNALS[entry.kind].entry} {entry.subject}"
        lines = [f"{_day(entry.at)} * ({entry.number}) {_one_line(words)}"]
        lines += [f"    ; {_one_line(entry.reason)}"] if entry.reason else []
        lines += [
            f"    {_hledger_account(posting.account)}  {_decimal(posting.amount_cents, '.')} {CURRENCY}"
            for posting in entry.postings
        ]
        return "\n".join(lines) + "\n\n"


class CsvWriter:
    """For spreadsheets: semicolons, CRLF; the byte order mark is the head's."""

    def __init__(self, names: BookNames) -> None:
        self._names = names

    def head(self) -> str:
        return "\ufeff" + _csv_rows([CSV_COLUMNS])

    def entry(self, entry: Entry) -> str:
        return _csv_rows([self._fields(entry, posting) for posting in entry.postings])

    def _fields(self, entry: Entry, posting: Posting) -> tuple[str, ...]:
        account = posting.account
        return (
            str(entry.number),
            _day(entry.at),
            entry.recorded_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            JOURNALS[entry.kind].entry,
            defused(_one_line(entry.subject)),
            *account_cells(account, self._names),
            str(max(posting.amount_cents, 0)),
            str(max(-posting.amount_cents, 0)),
            defused(_one_line(entry.reason or "")),
            defused(_one_line(entry.actor)),
        )


def account_cells(account: BookAccount, names: BookNames) -> tuple[str, str, str, str]:
    """How CSVs tell an account: its number and label, programme, SIRET. Other tables are joined by them."""
    return (
        ACCOUNTS[account.kind].number,
        ACCOUNTS[account.kind].label,
        defused(_one_line(_programme(account, names))),
        _siret(account, names),
    )


def _auxiliary_number(account: BookAccount, names: BookNames) -> str:
    parts = [_siret(account, names)] if account.operator_id else []
    return "-".join([*parts, f"P{account.programme_id:04d}"]) if account.programme_id else ""


def _auxiliary_label(account: BookAccount, names: BookNames) -> str:
    _, operator = names.operators.get(account.operator_id, ("", ""))
    return ", ".join(filter(None, (operator, _programme(account, names))))


def _programme(account: BookAccount, names: BookNames) -> str:
    number = account.programme_id
    return names.programmes.get(number, f"programme {number}") if number else ""


def _siret(account: BookAccount, names: BookNames) -> str:
    if not account.operator_id:
        return ""
    return names.operators.get(account.operator_id, (f"operateur-{account.operator_id}", ""))[0]


def _hledger_account(account: BookAccount) -> str:
    numbers = [f"P{account.programme_id:04d}"] if account.programme_id else []
    numbers += [f"O{account.operator_id:05d}"] if account.operator_id else []
    return ":".join((ACCOUNTS[account.kind].hledger, *numbers))


def _fec_row(fields: Iterable[str]) -> str:
    return "\t".join(_one_line(field) for field in fields) + "\r\n"


def _csv_rows(rows: Iterable[Iterable[str]]) -> str:
    text = StringIO()
    csv.writer(text, delimiter=";", lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def _one_line(text: str) -> str:
    """What no format takes for its own: no line, tab, bar, or mark of a comment."""
    plain = "".join(c if c.isprintable() and c not in "|;" else " " for c in text)
    return " ".join(plain.split())


def _decimal(cents: int, mark: str) -> str:
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}{mark}{rest:02d}"


def _day(at: datetime) -> str:
    """The legal day."""
    return at.astimezone(PARIS).strftime("%Y-%m-%d")


def _compact_day(at: datetime) -> str:
    return at.astimezone(PARIS).strftime("%Y%m%d")
