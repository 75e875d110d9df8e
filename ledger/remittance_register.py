"""Remittances of all operators, as the trustee leafs through them. Closing, reading one: remittances.py."""

from dataclasses import dataclass
from datetime import datetime

from ledger.connect import Connection, Record
from ledger.remittance_rows import Payment

REGISTER_MAX = 200
OPERATORS_MAX = 2_000

REGISTER = """
SELECT r.operator_id, r.names->>'operator', o.siret, r.number, r.closed_at, r.line_count, r.total_cents,
       (SELECT max(p.payment_delay_days) FROM remittance_parts p
        WHERE (p.operator_id, p.number) = (r.operator_id, r.number)),
       m.owed_cents, EXISTS (
           SELECT FROM disputes d
           WHERE (d.operator_id, d.number) = (r.operator_id, r.number) AND d.outcome IS NULL),
       m.moving_cents, m.paid_cents, m.paid_at, m.came_back, m.bank_reference
FROM remittances r JOIN operators o ON o.id = r.operator_id
JOIN remittance_payments m ON (m.operator_id, m.number) = (r.operator_id, r.number)
WHERE $1::integer IS NULL OR r.operator_id = $1
ORDER BY r.closed_at DESC, r.operator_id, r.number DESC LIMIT $2 OFFSET $3"""
TOTALS = """
SELECT count(*), coalesce(sum(line_count), 0)::bigint, coalesce(sum(total_cents), 0)::bigint
FROM remittances WHERE $1::integer IS NULL OR operator_id = $1"""
OPERATORS = """
SELECT o.id, o.name FROM operators o WHERE EXISTS (SELECT FROM remittances r WHERE r.operator_id = o.id)
ORDER BY o.name, o.id LIMIT $1"""


@dataclass(frozen=True, slots=True)
class RegisteredRemittance:
    operator_id: int
    operator: str  # as it was called then
    siret: str
    number: int
    closed_at: datetime
    line_count: int
    total_cents: int
    payment_delay_days: int  # the slowest part's
    payment: Payment


@dataclass(frozen=True, slots=True)
class RegisterPage:
    remittances: tuple[RegisteredRemittance, ...]
    count: int  # of all pages, as the sums
    pass_count: int
    total_cents: int


async def read_register(
    connection: Connection, *, operator_id: int | None, limit: int, offset: int
) -> RegisterPage:
    """Newest first; operator_id: of this operator only."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(REGISTER, operator_id, min(limit, REGISTER_MAX), offset)
        count, pass_count, total_cents = await connection.fetchrow(TOTALS, operator_id)
    return RegisterPage(tuple(_registered(row) for row in rows), count, pass_count, total_cents)


def _registered(row: Record) -> RegisteredRemittance:
    operator_id, operator, siret, number, closed_at, line_count, total_cents, delay_days, *payment = row
    facts = (operator_id, operator, siret, number, closed_at, line_count, total_cents, delay_days)
    return RegisteredRemittance(*facts, Payment(*payment))


async def operators_with_remittances(connection: Connection) -> list[tuple[int, str]]:
    return [(row[0], row[1]) for row in await connection.fetch(OPERATORS, OPERATORS_MAX)]
