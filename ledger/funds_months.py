"""What came in, what was remitted and what was paid, month by month of Paris, from the books. Only reads.

Cents are positive: received from the funder, remitted by operators, paid to them.
"""

from dataclasses import dataclass
from datetime import date

from ledger.connect import Connection

# Money that the bank moved belongs to the bank's day, which the entry's own instant follows by days.
MONTHS = """
WITH months AS (
    SELECT generate_series(date_trunc('month', $2::date) - make_interval(months => $3 - 1),
                           date_trunc('month', $2::date), interval '1 month')::date AS month),
bank_days AS (
    SELECT entry, min(booked_on) AS booked_on FROM (
        SELECT m.entry, l.booked_on FROM matches m JOIN bank_lines l ON l.id = m.bank_line_id
        UNION ALL SELECT m.undo_entry, l.booked_on FROM matches m JOIN bank_lines l ON l.id = m.bank_line_id
        UNION ALL SELECT f.entry, l.booked_on FROM fundings f JOIN bank_lines l ON l.id = f.bank_line_id
        UNION ALL SELECT r.entry, l.booked_on FROM refunds r JOIN bank_lines l ON l.id = r.bank_line_id
    ) AS told GROUP BY entry),
moved AS (
    SELECT date_trunc('month', coalesce(d.booked_on, (e.at AT TIME ZONE 'Europe/Paris')::date))::date
               AS month,
           CASE WHEN e.kind IN ('funding', 'refund') THEN -x.amount_cents END AS received,
           CASE WHEN e.kind = 'remittance' THEN -x.amount_cents END AS remitted,
           CASE WHEN e.kind IN ('payout', 'return', 'reversal') THEN x.amount_cents END AS paid
    FROM book_accounts a JOIN book_postings x ON x.account_id = a.id JOIN book_entries e ON e.number = x.entry
    LEFT JOIN bank_days d ON d.entry = e.number
    WHERE a.programme_id = $1 AND (
        a.kind = 'operator' AND e.kind IN ('remittance', 'payout', 'return', 'reversal')
        OR a.kind = 'funds' AND e.kind IN ('funding', 'refund')))
SELECT m.month, coalesce(sum(received), 0)::bigint, coalesce(sum(remitted), 0)::bigint,
       coalesce(sum(paid), 0)::bigint
FROM months m LEFT JOIN moved USING (month) GROUP BY m.month ORDER BY m.month"""


@dataclass(frozen=True, slots=True)
class MonthOfFunds:
    month: date  # its first day
    received_cents: int
    remitted_cents: int
    paid_cents: int  # less what came back


async def months_of_funds(
    connection: Connection, programme_id: int, *, today: date, count: int
) -> list[MonthOfFunds]:
    """The last months, oldest first, with those in which nothing moved."""
    return [MonthOfFunds(*row) for row in await connection.fetch(MONTHS, programme_id, today, count)]
