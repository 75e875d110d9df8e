"""Accounts that were rendered and frozen, once per period and scope. Making them is payouts'."""

from datetime import datetime

import asyncpg

from ledger.books import account_of
from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.rendering_rows import Frozen, Period, RenderedFacts

LIST_MAX = 500

COLUMNS = """id, first_day, last_day, funder, programme_ids, entries, entries_sha256, archive_sha256,
       held_cents, unpaid_cents, frozen_at, frozen_by"""
ADD = """
INSERT INTO renderings (first_day, last_day, funder, programme_ids, entries, entries_sha256, archive_sha256,
                        held_cents, unpaid_cents, frozen_at, frozen_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id"""
ADD_BALANCES = """
INSERT INTO rendered_balances (rendering_id, account_id, opening_cents, debit_cents, credit_cents)
SELECT $1, * FROM unnest($2::integer[], $3::bigint[], $4::bigint[], $5::bigint[])"""
SAME = f"""
SELECT {COLUMNS} FROM renderings WHERE (first_day, last_day) = ($1, $2)
AND funder IS NOT DISTINCT FROM $3 AND programme_ids IS NOT DISTINCT FROM $4"""
LIST = f"""
SELECT {COLUMNS} FROM renderings
WHERE $1::integer IS NULL OR programme_ids = ARRAY[$1::integer]
ORDER BY last_day DESC, first_day DESC, id DESC LIMIT $2"""


class FrozenOtherwise(Exception):
    """The same accounts were frozen before and said something else; the text says what, and what to do."""


async def freeze_rendering(
    connection: Connection, facts: RenderedFacts, *, actor: str, at: datetime
) -> Frozen:
    """Keep what these accounts say. Again: what was kept before, or FrozenOtherwise."""
    period = facts.period
    assert period.is_over(at)
    try:
        async with connection.transaction():
            row = await connection.fetchrow(SAME, *_scope(facts))
            if row is None:
                await _add(connection, facts, actor=actor, at=at)
                row = await connection.fetchrow(SAME, *_scope(facts))
    except asyncpg.UniqueViolationError:  # another one froze them meanwhile
        row = await connection.fetchrow(SAME, *_scope(facts))
    frozen = _read(row)
    if (frozen.entries_sha256, frozen.unpaid_cents) != (facts.entries_sha256, facts.unpaid_cents):
        raise FrozenOtherwise(
            f"the accounts of {period.first} to {period.last} were frozen on {frozen.frozen_at:%Y-%m-%d} with"
            f" {frozen.entries} entries and {frozen.unpaid_cents} c unpaid; the record now says"
            f" {facts.entries} entries and {facts.unpaid_cents} c: run `poincon audit`"
        )
    return frozen


async def frozen_renderings(
    connection: Connection, *, programme_id: int | None = None, count_max: int | None = LIST_MAX
) -> list[Frozen]:
    """Newest period first. programme_id: those of this programme alone; count_max None: all."""
    return [_read(row) for row in await connection.fetch(LIST, programme_id, count_max)]


def _scope(facts: RenderedFacts) -> tuple[object, ...]:
    return facts.period.first, facts.period.last, facts.funder, facts.programme_ids


async def _add(connection: Connection, facts: RenderedFacts, *, actor: str, at: datetime) -> None:
    rendering_id = await connection.fetchval(
        ADD,
        *_scope(facts),
        facts.entries,
        facts.entries_sha256,
        facts.archive_sha256,
        facts.held_cents,
        facts.unpaid_cents,
        at,
        actor,
    )
    rows = [(await account_of(connection, account), *cents) for account, cents in facts.balances.items()]
    if rows:
        columns = map(list, zip(*rows, strict=True))
        await connection.execute(ADD_BALANCES, rendering_id, *columns)
    await record_event(
        connection,
        actor=actor,
        action="accounts.freeze",
        subject=f"rendering:{rendering_id}",
        sha256=facts.archive_sha256.hex(),
    )


def _read(row: Record) -> Frozen:
    id_, first, last, *rest = row
    return Frozen(id_, Period(first, last), *rest)
