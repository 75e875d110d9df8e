"""What a programme did in a month of Paris, from the books and the closed remittances. Only reads.

Entries are numbered in the order of their commits. A return tells those before its month's end, but for those
that the one before it told; so every entry is in one return, also one that is dated back.
"""

from collections.abc import AsyncIterator
from datetime import date, timedelta

from ledger.book_rows import AccountKind, EntryKind
from ledger.connect import Connection
from ledger.period_rows import ConsumedPass, MonthFigures, MonthMoved, Slice
from ledger.programmes import UnknownProgramme
from ledger.rendering_rows import Period

PASSES_PER_READ = 1_000

LAST_ENTRY = "SELECT coalesce(max(number), 0) FROM book_entries"
PROGRAMME = "SELECT name, funder FROM programmes WHERE id = $1"
# $1 programme, $2 the month's first instant, $3 the one after it, $4 the last entry that the return before
# knew of (null: there is none, and everything before is told by this one), $5 the last that this one knows.
TOLD = """
e.at < $3 AND e.number <= $5 AND ($4::bigint IS NULL OR e.number > $4 OR e.at >= $2)"""
MOVED = f"""
SELECT a.kind, e.kind, sum(p.amount_cents)::bigint,
       coalesce(sum(p.amount_cents) FILTER (WHERE e.at < $2), 0)::bigint
FROM book_entries e JOIN book_postings p ON p.entry = e.number JOIN book_accounts a ON a.id = p.account_id
WHERE a.programme_id = $1 AND {TOLD}
GROUP BY a.kind, e.kind ORDER BY a.kind, e.kind"""
BALANCES = """
SELECT a.kind, -sum(p.amount_cents)::bigint
FROM book_entries e JOIN book_postings p ON p.entry = e.number JOIN book_accounts a ON a.id = p.account_id
WHERE a.programme_id = $1 AND e.at < $2 AND e.number <= $3 GROUP BY a.kind"""
# The territory that the booklet was delivered to; the publics of who got it, of several at once together, so
# that every pass is counted once. What replaces a booklet counts as the one that it replaces.
LINES = f"""
WITH told AS (
    SELECT r.operator_id, r.number
    FROM book_entries e JOIN remittances r ON e.subject = 'remittance:' || r.operator_id || '/' || r.number
    WHERE e.kind = 'remittance' AND {TOLD}),
lines AS (
    SELECT c.root, l.amount_cents, o.name AS operator, s.name AS site, v.label AS service,
           coalesce(w.name, '') AS territory, coalesce(h.public, '') AS public
    FROM told JOIN remittance_lines l USING (operator_id, number)
    JOIN counted_booklets c ON c.number = l.booklet
    JOIN acceptances a ON (a.booklet, a.pass_number, a.attempt_id) = (l.booklet, l.pass_number, l.attempt_id)
    JOIN operators o ON o.id = l.operator_id JOIN sites s ON s.id = a.site_id
    JOIN services v ON v.id = a.service_id
    LEFT JOIN territories w ON w.id = c.territory_id
    LEFT JOIN LATERAL (
        SELECT coalesce(nullif(array_to_string(ARRAY(SELECT unnest(publics) ORDER BY 1), ' + '), ''), 'autre')
                   AS public
        FROM handouts WHERE undone_at IS NULL AND NOT is_replacement AND booklet IN (c.root, l.booklet)
          AND (booklet <> l.booklet OR l.pass_number BETWEEN first_pass AND last_pass)
        ORDER BY booklet = l.booklet DESC, id LIMIT 1) AS h ON true
    WHERE c.programme_id = $1)"""
SLICES = f"""
{LINES}
SELECT CASE WHEN grouping(site) = 0 THEN 'site' WHEN grouping(operator) = 0 THEN 'operator'
            WHEN grouping(service) = 0 THEN 'service' WHEN grouping(public) = 0 THEN 'public'
            ELSE 'territory' END,
       territory, coalesce(operator, service, public, ''), coalesce(site, ''),
       count(*), count(DISTINCT root)
FROM lines GROUP BY GROUPING SETS ((territory), (territory, operator), (territory, operator, site),
                                   (territory, service), (territory, public))
ORDER BY 1, 2, 3, 4"""
CONSUMED = f"{LINES} SELECT count(*), coalesce(sum(amount_cents), 0)::bigint FROM lines"


CONSUMED_PASSES = f"""
SELECT l.booklet, l.pass_number, o.siret, l.number, l.line, r.closed_at, l.amount_cents
FROM book_entries e JOIN remittances r ON e.subject = 'remittance:' || r.operator_id || '/' || r.number
JOIN remittance_lines l ON (l.operator_id, l.number) = (r.operator_id, r.number)
JOIN operators o ON o.id = l.operator_id
JOIN booklets b ON b.number = l.booklet JOIN batches t ON t.id = b.batch_id
WHERE e.kind = 'remittance' AND t.programme_id = $1 AND {TOLD}
ORDER BY o.siret, l.number, l.line"""
REMITTANCES = f"""
SELECT r.operator_id, r.number, p.line_count, p.total_cents
FROM book_entries e JOIN remittances r ON e.subject = 'remittance:' || r.operator_id || '/' || r.number
JOIN remittance_parts p ON (p.operator_id, p.number) = (r.operator_id, r.number)
WHERE e.kind = 'remittance' AND p.programme_id = $1 AND {TOLD}
ORDER BY r.operator_id, r.number"""


class FiguresDisagree(Exception):
    """The books and the remittances do not say the same; the text says what, and what to do."""


def month_of(day: date) -> Period:
    """The legal month of Paris that holds the day."""
    first = day.replace(day=1)
    return Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


async def month_figures(
    connection: Connection,
    programme_id: int,
    period: Period,
    *,
    told_before: int | None,
    last_entry: int | None = None,
) -> MonthFigures:
    """told_before: the last entry that the return before knew of; None: there is no return before.

    A period of several months tells what their returns told, given what the last of them knew. Whatever is
    committed while it reads is an entry with a later number: it belongs to the next return.
    """
    if last_entry is None:
        last_entry = await connection.fetchval(LAST_ENTRY)
    row = await connection.fetchrow(PROGRAMME, programme_id)
    if row is None:
        raise UnknownProgramme(f"no programme {programme_id}")
    where = (programme_id, period.since, period.until, told_before, last_entry)
    passes, cents = await connection.fetchrow(CONSUMED, *where)
    figures = MonthFigures(
        programme_id=programme_id,
        programme=row["name"],
        funder=row["funder"],
        period=period,
        last_entry=last_entry,
        moved=tuple(
            MonthMoved(AccountKind(account), EntryKind(kind), *amounts)
            for account, kind, *amounts in await connection.fetch(MOVED, *where)
        ),
        balances={
            AccountKind(kind): held
            for kind, held in await connection.fetch(BALANCES, programme_id, period.until, last_entry)
        },
        consumed_passes=passes,
        consumed_cents=cents,
        slices=tuple(Slice(*one) for one in await connection.fetch(SLICES, *where)),
    )
    _hold(figures)
    return figures


async def consumed_passes(
    connection: Connection, programme_id: int, period: Period, *, told_before: int | None, last_entry: int
) -> AsyncIterator[ConsumedPass]:
    """By operator, remittance and line, without holding them in memory. Needs a transaction."""
    where = (programme_id, period.since, period.until, told_before, last_entry)
    async for row in connection.cursor(CONSUMED_PASSES, *where, prefetch=PASSES_PER_READ):
        yield ConsumedPass(*row)


async def consumed_remittances(
    connection: Connection, programme_id: int, period: Period, *, told_before: int | None, last_entry: int
) -> list[tuple[int, int, int, int]]:
    """Operator, number, and the passes and cents that are the programme's."""
    where = (programme_id, period.since, period.until, told_before, last_entry)
    return [(row[0], row[1], row[2], row[3]) for row in await connection.fetch(REMITTANCES, *where)]


def _hold(figures: MonthFigures) -> None:
    owed = figures.moved_cents(AccountKind.OPERATOR, EntryKind.REMITTANCE)
    if owed != figures.consumed_cents:
        raise FiguresDisagree(
            f"{figures.period.first:%Y-%m}: remittances make {figures.consumed_cents} c and the books"
            f" {owed} c; run `poincon audit`"
        )
