"""The audit's look at accounts that were rendered and frozen: whether the record still says what they said."""

from collections.abc import AsyncIterator

from ledger.books import entries
from ledger.connect import Connection
from ledger.frozen_renderings import frozen_renderings
from ledger.rendering_rows import EntrySeal, Frozen
from ledger.renderings import unpaid

# ruff: noqa: E501 - as in audit_queries.py, a query reads better on its own lines

RENDERING_CHECKS: dict[str, str] = {
    "rendered_balances_are_still_the_books": """
        SELECT format('accounts of %s to %s%s, %s', r.first_day, r.last_day, ' for ' || r.funder, concat_ws(':', a.kind, a.programme_id, a.operator_id)),
               concat_ws('; ',
                   CASE WHEN t.opening <> f.opening THEN format('opening told %s c, derived %s c: %s c apart', t.opening, f.opening, t.opening - f.opening) END,
                   CASE WHEN t.debit <> f.debit THEN format('debits told %s c, derived %s c: %s c apart', t.debit, f.debit, t.debit - f.debit) END,
                   CASE WHEN t.credit <> f.credit THEN format('credits told %s c, derived %s c: %s c apart', t.credit, f.credit, t.credit - f.credit) END)
        FROM renderings r CROSS JOIN book_accounts a
        LEFT JOIN rendered_balances b ON (b.rendering_id, b.account_id) = (r.id, a.id)
        CROSS JOIN LATERAL (
            SELECT coalesce(b.opening_cents, 0) AS opening, coalesce(b.debit_cents, 0) AS debit, coalesce(b.credit_cents, 0) AS credit) AS t
        CROSS JOIN LATERAL (
            SELECT coalesce(sum(p.amount_cents) FILTER (WHERE e.at < since), 0) AS opening,
                   coalesce(sum(p.amount_cents) FILTER (WHERE e.at >= since AND p.amount_cents > 0), 0) AS debit,
                   coalesce(-sum(p.amount_cents) FILTER (WHERE e.at >= since AND p.amount_cents < 0), 0) AS credit
            FROM book_postings p JOIN book_entries e ON e.number = p.entry,
                 LATERAL (SELECT r.first_day::timestamp AT TIME ZONE 'Europe/Paris' AS since) AS begins
            WHERE p.account_id = a.id AND e.at < (r.last_day + 1)::timestamp AT TIME ZONE 'Europe/Paris') AS f
        WHERE (r.programme_ids IS NULL OR a.programme_id = ANY(r.programme_ids))
          AND (t.opening, t.debit, t.credit) <> (f.opening, f.debit, f.credit)""",
}


async def differing_renderings(connection: Connection) -> AsyncIterator[tuple[str, str]]:
    """Subject and detail per frozen rendering whose entries or unpaid list differ. Needs a transaction."""
    for frozen in await frozen_renderings(connection, count_max=None):
        told = frozen.period
        subject = f"accounts of {told.first} to {told.last}" + (
            f" for {frozen.funder}" if frozen.funder else ""
        )
        count, digest = await _sealed(connection, frozen)
        if (count, digest) != (frozen.entries, frozen.entries_sha256):
            hashes = f"hash to {digest.hex()}, frozen as {frozen.entries_sha256.hex()}"
            yield subject, f"{count} entries that {hashes} with {frozen.entries}"
        left = sum(one.left_cents for one in await unpaid(connection, told, frozen.programme_ids))
        if left != frozen.unpaid_cents:
            apart = frozen.unpaid_cents - left
            yield subject, f"unpaid told {frozen.unpaid_cents} c, derived {left} c: {apart} c apart"


async def _sealed(connection: Connection, frozen: Frozen) -> tuple[int, bytes]:
    seal = EntrySeal()
    async for entry in entries(connection, since=frozen.period.since, until=frozen.period.until):
        if frozen.programme_ids is None or entry.touches(frozen.programme_ids):
            seal.add(entry)
    return seal.count, seal.digest()
