"""Corrections that were claimed by letter, and what each letter says: as things stood when it was claimed."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ledger.connect import Connection
from ledger.correction_rows import Correction, CorrectionCause
from ledger.corrections import COLUMNS, read_correction
from ledger.remittance_rows import PARIS

DAYS_TO_PAY = 30
LIST_MAX = 500
CAUSE = 7  # its place in LETTER

CLAIMED = f"""
SELECT {COLUMNS} FROM corrections WHERE claimed_at IS NOT NULL AND ($1::integer IS NULL OR operator_id = $1)
ORDER BY claimed_at DESC, id DESC LIMIT $2"""
# The account is the one that was the trustee's when the money was claimed.
LETTER = """
SELECT c.id, c.operator_id, o.siret, o.name, p.name, p.funder, -c.amount_cents, c.cause, c.reason,
       c.decided_at, c.claimed_at, r.number, r.line, t.holder, t.iban, t.bic
FROM corrections c JOIN operators o ON o.id = c.operator_id JOIN programmes p ON p.id = c.programme_id
LEFT JOIN LATERAL (
    SELECT l.number, l.line FROM remittance_lines l
    WHERE (l.operator_id, l.attempt_id) = (c.operator_id, c.attempt_id)) AS r ON true
LEFT JOIN LATERAL (
    SELECT holder, iban, bic FROM trustee_accounts WHERE approved_at <= c.claimed_at
    ORDER BY approved_at DESC, id DESC LIMIT 1) AS t ON true
WHERE c.id = $1 AND c.claimed_at IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class ClaimLetter:
    correction_id: int
    operator_id: int
    siret: str
    operator: str
    programme: str
    funder: str
    amount_cents: int  # what is asked for, positive
    cause: CorrectionCause
    reason: str
    decided_at: datetime
    claimed_at: datetime
    remittance: int | None  # and its line, if the correction is about a pass that was remitted
    line: int | None
    holder: str | None  # of the account to pay to, once the trustee has one
    iban: str | None
    bic: str | None

    @property
    def reference(self) -> str:
        """What the operator writes on its transfer, so that the worklist shows whose it is."""
        return reference_of(self.correction_id)

    @property
    def pay_by(self) -> date:
        return pay_by(self.claimed_at)


def reference_of(correction_id: int) -> str:
    return f"RC-{correction_id}"


def pay_by(claimed_at: datetime) -> date:
    return claimed_at.astimezone(PARIS).date() + timedelta(days=DAYS_TO_PAY)


async def claimed_corrections(connection: Connection, operator_id: int | None = None) -> list[Correction]:
    """Newest first. None: of every operator."""
    return [read_correction(row) for row in await connection.fetch(CLAIMED, operator_id, LIST_MAX)]


async def read_claim(connection: Connection, correction_id: int) -> ClaimLetter | None:
    row = await connection.fetchrow(LETTER, correction_id)
    if row is None:
        return None
    facts = list(row)
    facts[CAUSE] = CorrectionCause(facts[CAUSE])
    return ClaimLetter(*facts)
