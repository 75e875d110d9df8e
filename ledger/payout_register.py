"""Payouts as the trustee leafs through them: names, what is late, how transfers ended, a programme's money.

Only reads; batches are in payouts.py, what explains lines in matches.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from ledger.bank_accounts import TRUSTEE_COLUMNS
from ledger.connect import Connection
from ledger.match_rows import MatchKind
from ledger.payout_rows import TrusteeAccount

LIST_MAX = 500

PERSONS = "SELECT id, name FROM persons WHERE id = ANY($1)"
OPERATORS = "SELECT id, name FROM operators WHERE id = ANY($1)"
PROGRAMMES = "SELECT id, name FROM programmes ORDER BY name, id"
# Due by the slowest of its parts; what is disputed is not late, what is at the bank still is.
LATE = """
SELECT * FROM (
    SELECT r.operator_id, r.names->>'operator' AS operator, r.number,
           (r.closed_at AT TIME ZONE 'Europe/Paris')::date + (
               SELECT max(p.payment_delay_days) FROM remittance_parts p
               WHERE (p.operator_id, p.number) = (r.operator_id, r.number)) AS expected_on,
           p.owed_cents - p.paid_cents AS due_cents, p.moving_cents > 0 AS is_moving
    FROM remittances r JOIN remittance_payments p ON (p.operator_id, p.number) = (r.operator_id, r.number)
    WHERE p.owed_cents > p.paid_cents) AS due
WHERE expected_on < $1 ORDER BY expected_on, operator_id, number LIMIT $2"""
ENDINGS = """
SELECT m.attempt_id, m.kind, l.booked_on, l.reference
FROM matches m JOIN payout_attempts a ON a.id = m.attempt_id JOIN bank_lines l ON l.id = m.bank_line_id
WHERE a.batch_id = $1 AND m.undone_at IS NULL AND m.kind IN ('payout', 'return') ORDER BY m.id"""
# What a file said to be the bank's answered of an earlier one: nothing else shows that it never left.
PAID_AGAIN = """
SELECT a.end_to_end_id FROM payout_attempts a
WHERE a.batch_id = $1 AND EXISTS (
    SELECT FROM payout_attempts e
    WHERE (e.operator_id, e.number, e.portion) = (a.operator_id, a.number, a.portion) AND e.id < a.id
      AND e.state IN ('rejected', 'returned')) ORDER BY a.id"""
PARTS = """
SELECT g.name, sum(p.amount_cents)::bigint
FROM payout_attempt_parts p JOIN payout_attempts a ON a.id = p.attempt_id
JOIN programmes g ON g.id = p.programme_id
WHERE a.batch_id = $1 GROUP BY g.id, g.name ORDER BY g.name, g.id"""
FUNDINGS = """
SELECT l.id, l.booked_on, l.amount_cents, l.label, p.name, f.confirmed_at, f.confirmed_by
FROM fundings f JOIN bank_lines l ON l.id = f.bank_line_id JOIN programmes p ON p.id = f.programme_id
ORDER BY f.confirmed_at DESC, l.id DESC LIMIT $1"""
PROPOSED_TRUSTEE = f"""
SELECT {TRUSTEE_COLUMNS} FROM trustee_accounts t WHERE approved_at IS NULL AND NOT EXISTS (
    SELECT FROM trustee_accounts n WHERE n.id > t.id AND n.approved_at IS NOT NULL)
ORDER BY id DESC LIMIT 1"""
# Debits are positive in the books, hence the signs.
FUNDS = """
SELECT p.id, p.name, p.funder,
       coalesce(-sum(x.amount_cents) FILTER (WHERE a.kind = 'funds' AND e.kind IN ('funding', 'refund')),
                0)::bigint,
       coalesce(sum(x.amount_cents) FILTER (WHERE a.kind = 'operator'
                                            AND e.kind IN ('payout', 'return', 'reversal')), 0)::bigint,
       coalesce(-sum(x.amount_cents) FILTER (WHERE a.kind = 'operator'), 0)::bigint,
       coalesce(-sum(x.amount_cents) FILTER (WHERE a.kind = 'circulation'), 0)::bigint,
       coalesce(-sum(x.amount_cents) FILTER (WHERE a.kind = 'funds'), 0)::bigint
FROM programmes p LEFT JOIN book_accounts a ON a.programme_id = p.id
LEFT JOIN book_postings x ON x.account_id = a.id LEFT JOIN book_entries e ON e.number = x.entry
WHERE $1::integer IS NULL OR p.id = $1
GROUP BY p.id, p.name, p.funder ORDER BY p.name, p.id"""


@dataclass(frozen=True, slots=True)
class LateRemittance:
    operator_id: int
    operator: str  # as it was called when it was closed
    number: int
    expected_on: date  # by the delay that was published
    due_cents: int
    is_moving: bool  # in a file that the bank may have


@dataclass(frozen=True, slots=True)
class Ending:
    """What a line of the bank told of a transfer."""

    kind: MatchKind
    booked_on: date
    line_reference: str


@dataclass(frozen=True, slots=True)
class FundedLine:
    line_id: int
    booked_on: date
    amount_cents: int
    label: str
    programme: str
    confirmed_at: datetime
    confirmed_by: str


@dataclass(frozen=True, slots=True)
class ProgrammeFunds:
    """A programme's money, as the books hold it."""

    id: int
    name: str
    funder: str
    received_cents: int
    paid_cents: int  # on statements of the bank, less what came back
    owed_cents: int  # of closed remittances
    circulation_cents: int  # face value of passes that may be taken, or were and are not remitted
    free_cents: int  # received, and not engaged

    @property
    def held_cents(self) -> int:
        return self.received_cents - self.paid_cents

    @property
    def engaged_cents(self) -> int:
        return self.circulation_cents + self.owed_cents

    @property
    def ratio_hundredths(self) -> int | None:
        """Held for each euro engaged, rounded down: 0.999 must not read as 1. None: nothing is engaged."""
        return 100 * self.held_cents // self.engaged_cents if self.engaged_cents > 0 else None


async def person_names(connection: Connection, ids: Iterable[int | None]) -> dict[int, str]:
    wanted = sorted({one for one in ids if one is not None})
    return {row[0]: row[1] for row in await connection.fetch(PERSONS, wanted)}


async def operator_names(connection: Connection, ids: Iterable[int]) -> dict[int, str]:
    return {row[0]: row[1] for row in await connection.fetch(OPERATORS, sorted(set(ids)))}


async def programme_names(connection: Connection) -> dict[int, str]:
    return {row[0]: row[1] for row in await connection.fetch(PROGRAMMES)}


async def late_remittances(connection: Connection, *, today: date) -> list[LateRemittance]:
    """Oldest first."""
    return [LateRemittance(*row) for row in await connection.fetch(LATE, today, LIST_MAX)]


async def endings_of_batch(connection: Connection, batch_id: int) -> dict[int, list[Ending]]:
    """By attempt, in the order in which they were matched."""
    endings: dict[int, list[Ending]] = {}
    for attempt_id, kind, booked_on, reference in await connection.fetch(ENDINGS, batch_id):
        endings.setdefault(attempt_id, []).append(Ending(MatchKind(kind), booked_on, reference))
    return endings


async def paid_again(connection: Connection, batch_id: int) -> list[str]:
    """Transfers of the batch that follow one which was rejected or came back."""
    return [row["end_to_end_id"] for row in await connection.fetch(PAID_AGAIN, batch_id)]


async def batch_by_programme(connection: Connection, batch_id: int) -> list[tuple[str, int]]:
    return [(row[0], row[1]) for row in await connection.fetch(PARTS, batch_id)]


async def funded_lines(connection: Connection) -> list[FundedLine]:
    """Newest first."""
    return [FundedLine(*row) for row in await connection.fetch(FUNDINGS, LIST_MAX)]


async def proposed_trustee(connection: Connection) -> TrusteeAccount | None:
    """The newest proposal that waits for a second person."""
    row = await connection.fetchrow(PROPOSED_TRUSTEE)
    return TrusteeAccount(*row) if row else None


async def programme_funds(connection: Connection, *, programme_id: int | None = None) -> list[ProgrammeFunds]:
    """None: of every programme."""
    return [ProgrammeFunds(*row) for row in await connection.fetch(FUNDS, programme_id)]
