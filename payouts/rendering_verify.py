"""Recomputes accounts rendered from their archive alone: hashes, then every total from the tables. No server.

What does not agree is told to the cent; an archive that is not whole raises NotAnArchive.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ledger.book_rows import AccountKind
from payouts import rendering_columns as columns
from payouts.archive import ArchiveReader, NotAnArchive
from payouts.books_export import ACCOUNTS, CSV_COLUMNS
from payouts.remittance_csv import NotARemittance, read_remittance_csv

FIELD_CHARS_MAX = 10_000
DIFFERENCES_MAX = 100
REMITTANCE_BYTES_MAX = 16 * 1024**2
CENTS = re.compile(r"-?[0-9]{1,18}")
BANK, OPERATOR = ACCOUNTS[AccountKind.BANK].number, ACCOUNTS[AccountKind.OPERATOR].number
SUSPENSE = ACCOUNTS[AccountKind.SUSPENSE].number
SHARED = frozenset(
    ACCOUNTS[kind].number for kind in (AccountKind.BANK, AccountKind.SUSPENSE, AccountKind.FEES)
)

Account = tuple[str, ...]  # number, label, programme, SIRET
Row = dict[str, str]


@dataclass
class Verified:
    sha256: str
    files: int
    entries: int
    differences: list[str] = field(default_factory=list)

    def hold(self, what: str, told: object, found: object) -> None:
        """told: by the table or manifest that is checked; found: as recomputed."""
        if told != found and len(self.differences) < DIFFERENCES_MAX:
            self.differences.append(f"{what}: told {told}, recomputed {found}")


@dataclass
class Balance:
    opening: int
    debit: int
    credit: int
    closing: int


def verify_accounts(path: Path) -> Verified:
    archive = ArchiveReader(path)
    told = archive.manifest
    verified = Verified(str(told["sha256"]), len(archive.files), 0)
    is_whole = told.get("funder") is None
    balance = _balances(archive, verified)
    moved = _entries(archive, verified)
    for account in sorted(balance.keys() | moved.keys()):
        if not is_whole and account[0] in SHARED:
            continue
        debit, credit = moved.get(account, (0, 0))
        own = balance.get(account)
        if own is None and not is_whole and account[2] not in told.get("programmes", ()):
            continue  # another funder's, in an entry that both have part in
        name = " ".join(filter(None, account))
        verified.hold(f"débits de {name}", own.debit if own else 0, debit)
        verified.hold(f"crédits de {name}", own.credit if own else 0, credit)
    if is_whole:
        for side in ("opening", "closing"):
            verified.hold(f"sum of all accounts ({side})", 0, sum(getattr(b, side) for b in balance.values()))
    _hold_cash(archive, verified, balance, is_whole)
    _hold_suspense(archive, verified, balance)
    _hold_operators(archive, verified, balance)
    _hold_unpaid(archive, verified, balance)
    _hold_remittances(archive, verified)
    verified.hold("entries", told.get("entries"), verified.entries)
    return verified


def _rows(archive: ArchiveReader, name: str, titles: Sequence[str]) -> Iterator[Row]:
    if name not in {file.name for file in archive.files}:
        raise NotAnArchive(f"there is no {name} in it")
    csv.field_size_limit(FIELD_CHARS_MAX)
    with _told_in(name), archive.open(name) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        rows = csv.reader(text, delimiter=";")
        if tuple(next(rows, ())) != tuple(titles):
            raise NotAnArchive(f"{name}: its first row is not {';'.join(titles)}")
        for place, row in enumerate(rows, start=2):
            if len(row) != len(titles):
                raise NotAnArchive(f"{name}, row {place}: {len(row)} cells of {len(titles)}")
            yield dict(zip(titles, row, strict=True))


@contextmanager
def _told_in(name: str) -> Iterator[None]:
    try:
        yield
    except (csv.Error, UnicodeDecodeError) as error:
        raise NotAnArchive(f"{name}: {error}") from None


def _cents(row: Row, column: str) -> int:
    if not CENTS.fullmatch(row[column]):
        raise NotAnArchive(f"{column}: « {row[column][:40]} » is not whole cents")
    return int(row[column])


def _account(row: Row) -> Account:
    return tuple(row[column] for column in columns.ACCOUNT)


def _balances(archive: ArchiveReader, verified: Verified) -> dict[Account, Balance]:
    balances = {}
    for row in _rows(archive, "balance.csv", columns.BALANCE):
        amounts = [_cents(row, column) for column in columns.BALANCE[len(columns.ACCOUNT) :]]
        one = balances[_account(row)] = Balance(*amounts)
        name = " ".join(filter(None, _account(row)))
        verified.hold(f"clôture de {name}", one.closing, one.opening + one.debit - one.credit)
    return balances


def _entries(archive: ArchiveReader, verified: Verified) -> dict[Account, tuple[int, int]]:
    """Debits and credits by account; each entry sums to zero."""
    moved: dict[Account, tuple[int, int]] = {}
    number, cents = "", 0
    for row in _rows(archive, "ecritures.csv", CSV_COLUMNS):
        if row["ecriture"] != number:
            verified.hold(f"écriture {number}", 0, cents)
            number, cents = row["ecriture"], 0
            verified.entries += 1
        debit, credit = _cents(row, "debit_centimes"), _cents(row, "credit_centimes")
        cents += debit - credit
        before = moved.get(_account(row), (0, 0))
        moved[_account(row)] = (before[0] + debit, before[1] + credit)
    verified.hold(f"écriture {number}", 0, cents)
    return moved


def _hold_cash(
    archive: ArchiveReader, verified: Verified, balance: dict[Account, Balance], is_whole: bool
) -> None:
    def held(amount: Callable[[Balance], int]) -> int:
        if is_whole:
            return sum(amount(one) for account, one in balance.items() if account[0] == BANK)
        return -sum(amount(one) for one in balance.values())

    manifest: dict[str, Any] = archive.manifest
    left = held(lambda one: one.opening)
    verified.hold("trésorerie à l’ouverture", manifest.get("opening_cents"), left)
    for row in _rows(archive, "tresorerie.csv", columns.CASH):
        left += _cents(row, "entree_centimes") - _cents(row, "sortie_centimes")
        verified.hold(f"trésorerie après l’écriture {row['ecriture']}", _cents(row, "solde_centimes"), left)
    verified.hold("trésorerie à la clôture", left, held(lambda one: one.closing))
    verified.hold("trésorerie à la clôture", manifest.get("closing_cents"), left)


def _hold_suspense(archive: ArchiveReader, verified: Verified, balance: dict[Account, Balance]) -> None:
    """Line by line what the suspense account holds; empty where only some programmes are told."""
    rows = _rows(archive, "attente.csv", columns.SUSPENSE)
    listed = sum(_cents(row, "inexplique_centimes") for row in rows)
    held = -sum(own.closing for account, own in balance.items() if account[0] == SUSPENSE)
    verified.hold("lignes en attente", listed, held)


def _hold_operators(archive: ArchiveReader, verified: Verified, balance: dict[Account, Balance]) -> None:
    told = set()
    for row in _rows(archive, "structures.csv", columns.OPERATORS):
        account = _account(row)
        told.add(account)
        opening, *moved, closing = (_cents(row, column) for column in columns.OPERATORS[5:])
        own = balance.get(account, Balance(0, 0, 0, 0))
        name = f"{row['siret']} {row['programme']}"
        verified.hold(f"relevé de {name}, ouverture", opening, -own.opening)
        verified.hold(f"relevé de {name}, mouvements", sum(moved), own.credit - own.debit)
        verified.hold(f"relevé de {name}, clôture", closing, -own.closing)
    verified.hold("structures", len(told), sum(account[0] == OPERATOR for account in balance))


def _hold_unpaid(archive: ArchiveReader, verified: Verified, balance: dict[Account, Balance]) -> None:
    """Made from remittances and payments, and held against the books, which were made apart."""
    left: dict[tuple[str, str], int] = {}
    for row in _rows(archive, "restes-a-payer.csv", columns.UNPAID):
        parts = ("remis_centimes", "corrections_centimes", "paye_centimes", "reste_centimes")
        remitted, corrected, paid, rest = (_cents(row, column) for column in parts)
        verified.hold(
            f"reste du bordereau {row['bordereau']} de {row['siret']}", rest, remitted + corrected - paid
        )
        key = row["siret"], row["programme"]
        left[key] = left.get(key, 0) + rest
    for account, own in balance.items():
        if account[0] == OPERATOR:
            key = account[3], account[2]
            verified.hold(f"restes à payer à {' '.join(key)}", left.pop(key, 0), -own.closing)
    verified.hold("restes à payer sans compte", sorted(left), [])
    owed = -sum(own.closing for account, own in balance.items() if account[0] == OPERATOR)
    verified.hold("restes à payer", archive.manifest.get("unpaid_cents"), owed)


def _hold_remittances(archive: ArchiveReader, verified: Verified) -> None:
    count = 0
    sizes = {file.name: file.size for file in archive.files}
    for row in _rows(archive, "bordereaux.csv", columns.REMITTANCES):
        count += 1
        name = row["fichier"]
        if sizes.get(name, REMITTANCE_BYTES_MAX + 1) > REMITTANCE_BYTES_MAX:
            raise NotAnArchive(f"{name}: not there, or over {REMITTANCE_BYTES_MAX} bytes")
        try:
            read = read_remittance_csv(b"".join(archive.pieces(name)).decode("utf-8-sig"))
        except (NotARemittance, UnicodeDecodeError) as error:
            raise NotAnArchive(f"{name}: {error}") from None
        told = row["siret"], row["bordereau"], int(row["pass"]), _cents(row, "total_centimes")
        verified.hold(name, told, (read.siret, str(read.number), read.line_count, read.total_cents))
        verified.hold(f"empreinte de {name}", row["empreinte_des_lignes"], read.lines_sha256.hex())
    verified.hold("bordereaux", archive.manifest.get("remittances"), count)
