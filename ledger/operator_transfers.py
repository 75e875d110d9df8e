"""Transfers as the operator that they pay is told of them: where to, how far, how they ended. Only reads."""

from dataclasses import dataclass
from datetime import date

from ledger.connect import Connection
from ledger.payout_rows import AttemptState

# What is only prepared may still be cancelled: nobody is told of it.
OF_REMITTANCE = """
SELECT a.end_to_end_id, a.amount_cents, a.state, right(a.iban, 4), b.requested_on, a.reason,
       max(l.booked_on) FILTER (WHERE m.kind = 'payout'), max(l.booked_on) FILTER (WHERE m.kind = 'return')
FROM payout_attempts a JOIN payout_batches b ON b.id = a.batch_id
LEFT JOIN matches m ON m.attempt_id = a.id AND m.undone_at IS NULL
LEFT JOIN bank_lines l ON l.id = m.bank_line_id
WHERE (a.operator_id, a.number) = ($1, $2) AND b.approved_at IS NOT NULL
GROUP BY a.id, b.id ORDER BY a.attempt"""


@dataclass(frozen=True, slots=True)
class OperatorTransfer:
    end_to_end_id: str  # as the operator's own bank shows it
    amount_cents: int
    state: AttemptState
    iban_end: str
    requested_on: date  # of the bank
    reason: str | None  # why it failed, as the bank says
    paid_on: date | None
    returned_on: date | None


async def transfers_of(connection: Connection, operator_id: int, number: int) -> list[OperatorTransfer]:
    """Of one remittance, in the order in which they were tried."""
    rows = await connection.fetch(OF_REMITTANCE, operator_id, number)
    return [
        OperatorTransfer(end_to_end_id, cents, AttemptState(state), *rest)
        for end_to_end_id, cents, state, *rest in rows
    ]
