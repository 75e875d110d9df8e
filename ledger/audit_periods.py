"""The audit's look at what was told of months, years and ends: whether the record still says it."""

from collections.abc import AsyncIterator

from ledger.connect import Connection
from ledger.month_figures import FiguresDisagree, month_figures, month_of
from ledger.monthly_returns import list_returns
from ledger.period_rows import MonthFigures, MonthlyReturn

PROGRAMMES = "SELECT id, name FROM programmes ORDER BY id"

PERIOD_CHECKS: dict[str, str] = {
    "papers_of_returns_are_whole": """
        SELECT format('return of %s, programme %s', month, programme_id), 'its CSV or PDF has another SHA-256'
        FROM monthly_returns WHERE sha256(csv) <> csv_sha256 OR sha256(pdf) <> pdf_sha256""",
    "papers_of_statements_are_whole": """
        SELECT format('joint statement %s', s.id), 'its papers have another SHA-256, or another statement'
        FROM joint_statement_papers p JOIN joint_statements s ON s.id = p.statement_id
        WHERE sha256(p.csv) <> p.csv_sha256 OR sha256(p.pdf) <> p.pdf_sha256
           OR position(encode(s.facts_sha256, 'hex') IN convert_from(p.csv, 'UTF8')) = 0""",
    "declarations_are_their_returns": """
        SELECT format('declaration of %s, programme %s', d.year, d.programme_id),
               format('told %s passes and %s c, its returns %s and %s c',
                      d.passes, d.face_cents, r.passes, r.cents)
        FROM declarations d CROSS JOIN LATERAL (
            SELECT coalesce(sum((facts->'sums'->>'consumed_passes')::bigint), 0) AS passes,
                   coalesce(sum((facts->'sums'->>'consumed_cents')::bigint), 0) AS cents
            FROM monthly_returns m WHERE m.programme_id = d.programme_id
              AND extract(year FROM m.month) = d.year) AS r
        WHERE (d.passes, d.face_cents) <> (r.passes, r.cents)""",
    "refunds_are_booked": """
        SELECT format('bank line %s', l.reference),
               format('gave back %s c, decided %s c, booked %s c', -l.amount_cents, d.amount_cents, p.cents)
        FROM refunds r JOIN bank_lines l ON l.id = r.bank_line_id
        JOIN unused_decisions d ON d.id = r.decision_id
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(x.amount_cents), 0) AS cents FROM book_postings x
            JOIN book_accounts a ON a.id = x.account_id WHERE x.entry = r.entry AND a.kind = 'funds') AS p
        WHERE -l.amount_cents <> d.amount_cents OR p.cents <> d.amount_cents
        UNION ALL
        SELECT format('entry %s', e.number), 'a refund in the books that nobody decided'
        FROM book_entries e WHERE e.kind = 'refund'
          AND NOT EXISTS (SELECT FROM refunds r WHERE r.entry = e.number)
          AND NOT EXISTS (SELECT FROM unused_decisions d WHERE d.entry = e.number)""",
    "unused_value_is_decided_once_it_is_signed": """
        SELECT format('joint statement %s', s.id),
               format('%s c unused, %s c decided, %s signatures', s.unused_cents, d.cents, g.count)
        FROM joint_statements s
        CROSS JOIN LATERAL (SELECT coalesce(sum(amount_cents), 0) AS cents FROM unused_decisions
                            WHERE statement_id = s.id) AS d
        CROSS JOIN LATERAL (SELECT count(*) FROM joint_signatures WHERE statement_id = s.id
                            AND facts_sha256 = s.facts_sha256) AS g
        WHERE d.cents > s.unused_cents OR (d.cents > 0 AND g.count < 2)""",
}


async def differing_returns(connection: Connection) -> AsyncIterator[tuple[str, str]]:
    """Subject and detail per return that the books no longer say. Needs a transaction."""
    for programme_id, name in await connection.fetch(PROGRAMMES):
        before: MonthlyReturn | None = None
        for told in await list_returns(connection, programme_id):
            subject = f"return of {told.month:%Y-%m} for {name}"
            try:
                found = await month_figures(
                    connection,
                    programme_id,
                    month_of(told.month),
                    told_before=before.last_entry if before else None,
                    last_entry=told.last_entry,
                )
            except FiguresDisagree as error:
                yield subject, str(error)
            else:
                if detail := _apart(told, found):
                    yield subject, detail
            before = told


def _apart(told: MonthlyReturn, found: MonthFigures) -> str:
    sums = told.facts["sums"]
    return "; ".join(
        f"{name} told {sums[name]}, derived {value}: {sums[name] - value} apart"
        for name, value in found.sums().items()
        if sums[name] != value
    )
