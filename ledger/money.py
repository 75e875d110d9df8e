"""What an operator's passes amount to: accepted, remitted, paid. Only reads."""

from datetime import datetime

from ledger.connect import Connection
from ledger.remittance_rows import Money, Sum, payment_day

DELAY_DAYS_UNTOLD = 30  # for an operator that no programme has ever qualified

SUMS = """
SELECT count(*) FILTER (WHERE l.number IS NULL),
       coalesce(sum(a.amount_cents) FILTER (WHERE l.number IS NULL), 0)::bigint,
       count(l.number), coalesce(sum(l.amount_cents), 0)::bigint
FROM acceptances a LEFT JOIN remittance_lines l
  ON l.operator_id = a.operator_id
     AND (l.booklet, l.pass_number, l.attempt_id) = (a.booklet, a.pass_number, a.attempt_id)
WHERE a.operator_id = $1 AND a.undone_at IS NULL"""
DELAY_OF_WAITING = """
SELECT max(p.payment_delay_days) FROM programmes p WHERE p.id IN (
    SELECT t.programme_id FROM acceptances a
    JOIN booklets b ON b.number = a.booklet JOIN batches t ON t.id = b.batch_id
    WHERE a.operator_id = $1 AND a.undone_at IS NULL AND NOT EXISTS (
        SELECT FROM remittance_lines l WHERE l.operator_id = a.operator_id
        AND (l.booklet, l.pass_number, l.attempt_id) = (a.booklet, a.pass_number, a.attempt_id)))"""
DELAY_OF_QUALIFIED = """
SELECT max(p.payment_delay_days) FROM programmes p
WHERE p.id IN (SELECT programme_id FROM qualifications WHERE operator_id = $1)"""


async def operator_money(connection: Connection, operator_id: int, *, now: datetime) -> Money:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        waiting, waiting_cents, remitted, remitted_cents = await connection.fetchrow(SUMS, operator_id)
        delay_days = await connection.fetchval(
            DELAY_OF_WAITING if waiting else DELAY_OF_QUALIFIED, operator_id
        )
    if delay_days is None:
        delay_days = DELAY_DAYS_UNTOLD
    return Money(
        accepted=Sum(waiting, waiting_cents),
        remitted=Sum(remitted, remitted_cents),
        paid=Sum(0, 0),  # nothing is paid out here yet
        payment_delay_days=delay_days,
        expected_payment_on=payment_day(now, delay_days),
    )
