"""Re-derives every count and balance from the records and tells what disagrees. Changes nothing."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from keys.keyring import Keyring
from keys.receipt import DoubtfulReceipt, open_receipt, sign_receipt
from keys.signer import Signer
from ledger.acceptances import COLUMNS, read_acceptance
from ledger.audit_books import BOOK_CHECKS
from ledger.audit_handouts import HANDOUT_CHECKS
from ledger.audit_payouts import PAYOUT_CHECKS
from ledger.audit_periods import PERIOD_CHECKS, differing_returns
from ledger.audit_programmes import PROGRAMME_CHECKS
from ledger.audit_queries import CHECKS, DISAGREEMENTS_MAX, OPERATOR_TOTALS
from ledger.audit_remittances import differing_hashes
from ledger.audit_renderings import RENDERING_CHECKS, differing_renderings
from ledger.connect import Connection, Record
from ledger.rows import Acceptance
from ledger.seals import receipt_of, seal_row

ROWS_PER_READ = 1_000
ROWS = f"""
SELECT {COLUMNS}, a.device_id, a.service_id, a.scanned_at, a.seal, o.siret
FROM acceptances a LEFT JOIN operators o ON o.id = a.operator_id"""


QUERIES = (
    CHECKS
    | BOOK_CHECKS
    | PAYOUT_CHECKS
    | RENDERING_CHECKS
    | PERIOD_CHECKS
    | HANDOUT_CHECKS
    | PROGRAMME_CHECKS
)


class RecordUnusable(Exception):
    """The record contradicts itself where the audit begins; the text says where."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    check: str
    subject: str
    detail: str


@dataclass(frozen=True, slots=True)
class OperatorTotal:
    siret: str
    name: str
    accepted: int
    accepted_cents: int
    remitted: int
    remitted_cents: int


class OpenedKey(NamedTuple):
    """What is needed to derive again what a receipt key signed and sealed."""

    signer: Signer
    seal_key: bytes


@dataclass
class Audit:
    checked: dict[str, int] = field(default_factory=dict)  # check → how many disagree
    skipped: dict[str, str] = field(default_factory=dict)  # check → why
    disagreements: list[Disagreement] = field(default_factory=list)
    totals: list[OperatorTotal] = field(default_factory=list)
    receipts_verified: int = 0

    @property
    def is_clean(self) -> bool:
        return not any(self.checked.values())

    def tell(self, check: str, subject: str, detail: str) -> None:
        self.checked[check] = self.checked.get(check, 0) + 1
        if self.checked[check] <= DISAGREEMENTS_MAX:
            self.disagreements.append(Disagreement(check, subject, detail))


async def audit(
    connection: Connection, *, keyring: Keyring, opened_keys: Mapping[int, OpenedKey] | None
) -> Audit:
    """opened_keys: by their number in the record; None: receipts and seals are skipped, and it is said.

    One consistent reading: scans may go on meanwhile.
    """
    found = Audit()
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        for check, query in QUERIES.items():
            found.checked[check] = 0
            async for subject, detail in connection.cursor(query, prefetch=DISAGREEMENTS_MAX):
                found.tell(check, subject, detail)
        found.checked["remittance_hashes"] = 0
        async for subject, detail in differing_hashes(connection):
            found.tell("remittance_hashes", subject, detail)
        found.checked["rendered_accounts_still_hold"] = 0
        async for subject, detail in differing_renderings(connection):
            found.tell("rendered_accounts_still_hold", subject, detail)
        found.checked["monthly_returns_still_hold"] = 0
        async for subject, detail in differing_returns(connection):
            found.tell("monthly_returns_still_hold", subject, detail)
        found.totals = [OperatorTotal(*row) for row in await connection.fetch(OPERATOR_TOTALS)]
        if opened_keys is None:
            found.skipped["receipts"] = "no private keys given (POINCON_KEYS)"
        else:
            await _derive_again(connection, found, keyring, opened_keys)
    return found


async def _derive_again(
    connection: Connection, found: Audit, keyring: Keyring, opened_keys: Mapping[int, OpenedKey]
) -> None:
    found.checked["seals"] = found.checked["receipts"] = 0
    async for row in _rows(connection):
        acceptance, siret = read_acceptance(row), row["siret"]
        subject = f"booklet {acceptance.pass_id.booklet} pass {acceptance.pass_id.number}"
        key = opened_keys.get(acceptance.receipt_key_id)
        if siret is None or key is None:
            found.tell("receipts", subject, "its operator or its receipt key is not in the record")
            continue
        if not _is_sealed(row, acceptance, siret, key):
            detail = (
                f"attempt {acceptance.attempt_id}, {acceptance.amount_cents} c: not the row that was written"
            )
            found.tell("seals", subject, detail)
        receipt = receipt_of(acceptance, siret)
        # What a receipt key signed before it was revoked was truly accepted: the record says so.
        if open_receipt(sign_receipt(receipt, key.signer), keyring) not in (
            receipt,
            DoubtfulReceipt(receipt),
        ):
            found.tell("receipts", subject, "its receipt does not verify with the published key")
        else:
            found.receipts_verified += 1


def _is_sealed(row: Record, acceptance: Acceptance, siret: str, key: OpenedKey) -> bool:
    try:
        seal = seal_row(
            receipt_of(acceptance, siret),
            device_id=row["device_id"],
            service_id=row["service_id"],
            scanned_at=row["scanned_at"],
            seal_key=key.seal_key,
        )
    except (AssertionError, ValueError, OverflowError):  # a row edited out of all bounds
        return False
    return bool(seal == row["seal"])


async def _rows(connection: Connection) -> AsyncIterator[Record]:
    async for row in connection.cursor(ROWS, prefetch=ROWS_PER_READ):
        yield row
