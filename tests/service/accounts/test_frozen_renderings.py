"""Accounts that were frozen: kept once, and the audit says to the cent what the record no longer says."""

import io
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest

from keys.keyring import Keyring
from ledger.audit import audit
from ledger.frozen_renderings import FrozenOtherwise, freeze_rendering, frozen_renderings
from ledger.rendering_rows import Period
from payouts.rendering import render_accounts

DECEMBER = Period(date(2026, 12, 1), date(2026, 12, 31))
NOW = datetime(2027, 1, 2, 9, tzinfo=UTC)
CLEAN = {"rendered_balances_are_still_the_books": 0, "rendered_accounts_still_hold": 0}


@pytest.fixture
async def drill(fresh):
    """A remittance of five passes, closed at 23:59 in Paris on the last day of the year."""
    async with fresh() as drill:
        drill.now = datetime(2026, 12, 31, 22, 59, tzinfo=UTC)
        await drill.close(drill.operators[0], 5)
        yield drill


async def _frozen(drill, **scope):
    rendered = await render_accounts(drill.connection, io.BytesIO(), DECEMBER, **scope)
    return await freeze_rendering(drill.connection, rendered.facts, actor="tests", at=NOW)


async def _audited(drill):
    found = await audit(drill.connection, keyring=Keyring.from_keys([]), opened_keys=None)
    return {name: count for name, count in found.checked.items() if count or name in CLEAN}, [
        f"{one.subject}: {one.detail}" for one in found.disagreements if one.check in CLEAN
    ]


async def test_what_comes_later_changes_nothing_of_what_was_frozen(drill):
    first = await _frozen(drill)
    assert (first.unpaid_cents, first.frozen_by) == (5_000, "tests")
    drill.now = datetime(2027, 1, 1, tzinfo=UTC)
    await drill.close(drill.operators[0], 3)
    assert await _frozen(drill) == first
    of_programme = await _frozen(drill, programme_id=drill.programme_id)
    assert await frozen_renderings(drill.connection) == [of_programme, first]
    assert await frozen_renderings(drill.connection, programme_id=drill.programme_id) == [of_programme]
    assert await _audited(drill) == (CLEAN, [])


async def test_a_cent_moved_in_the_books_is_told_to_the_cent(drill, tamper):
    await _frozen(drill)
    operator = drill.operators[0]
    await tamper(
        drill,
        "UPDATE book_postings p SET amount_cents = amount_cents + sign(amount_cents)::bigint"
        " FROM book_entries e WHERE e.number = p.entry AND e.kind = 'remittance'",
    )
    checked, told = await _audited(drill)
    account = f"accounts of 2026-12-01 to 2026-12-31, operator:{drill.programme_id}:{operator}"
    assert f"{account}: credits told 5000 c, derived 5001 c: -1 c apart" in told
    assert checked["rendered_balances_are_still_the_books"] == 2
    assert checked["rendered_accounts_still_hold"] == 1
    with pytest.raises(FrozenOtherwise, match="poincon audit"):
        await _frozen(drill)


async def test_words_changed_unseen_are_told_by_the_hash(drill, tamper):
    await _frozen(drill)
    await tamper(drill, "UPDATE book_entries SET reason = 'autre chose' WHERE kind = 'remittance'")
    checked, [told] = await _audited(drill)
    assert checked == CLEAN | {"rendered_accounts_still_hold": 1}
    assert "entries that hash to" in told


async def test_a_part_that_shrank_is_told_as_unpaid_cents_apart(drill, tamper):
    await _frozen(drill)
    await tamper(drill, "UPDATE remittance_parts SET total_cents = total_cents - 1000")
    _, told = await _audited(drill)
    assert "accounts of 2026-12-01 to 2026-12-31: unpaid told 5000 c, derived 4000 c: 1000 c apart" in told


async def test_what_is_frozen_is_never_edited(drill):
    await _frozen(drill)
    for statement in ("UPDATE renderings SET held_cents = 0", "DELETE FROM rendered_balances"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await drill.connection.execute(statement)


def test_a_period_is_over_an_hour_after_its_last_midnight_in_paris():
    midnight = datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert not DECEMBER.is_over(midnight)
    assert not DECEMBER.is_over(midnight + timedelta(minutes=59))
    assert DECEMBER.is_over(midnight + timedelta(hours=1))
    assert Period(date(2027, 3, 28), date(2027, 3, 28)).is_over(datetime(2027, 3, 28, 23, tzinfo=UTC))
    assert not Period(date(2026, 10, 25), date(2026, 10, 25)).is_over(datetime(2026, 10, 25, 23, tzinfo=UTC))
