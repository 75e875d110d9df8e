"""The books: nothing is activated without its money, entries sum to zero, and nothing posted ever changes."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from ledger.book_rows import BANK, SUSPENSE, BalanceRefused, EntryKind, circulation_of, funds_of, transfer
from ledger.booklets import FundsMissing, activate_batch, issue_batch
from ledger.books import balance_of, balances, entries, post

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


async def _activate(house, batch):
    async with house.database() as connection:
        return await activate_batch(
            connection, batch.id, at=datetime.now(UTC), actor="tests", reason="payment"
        )


async def test_activation_moves_the_face_value_from_funds_to_circulation(house):
    programme_id = await house.programme(funds_cents=30_000)
    batch = await house.issue(booklets=2, programme_id=programme_id, activated=False)
    assert await _activate(house, batch) == 2
    async with house.database() as connection:
        assert await balance_of(connection, funds_of(programme_id)) == -10_000
        assert await balance_of(connection, circulation_of(programme_id)) == -20_000
    assert await _activate(house, batch) == 0


async def test_without_its_money_nothing_is_activated_and_the_missing_cents_are_told(house):
    programme_id = await house.programme(funds_cents=19_999)
    batch = await house.issue(booklets=2, programme_id=programme_id, activated=False)
    with pytest.raises(FundsMissing, match=r"short of 0\.01 €") as refused:
        await _activate(house, batch)
    assert refused.value.missing_cents == 1
    async with house.database() as connection:
        active = await connection.fetchval(
            "SELECT count(*) FROM booklets WHERE batch_id = $1 AND state <> 'issued'", batch.id
        )
        told = await connection.fetchval(
            "SELECT count(*) FROM events WHERE subject = $1", f"batch:{batch.id}"
        )
        assert await balance_of(connection, funds_of(programme_id)) == -19_999
    assert (active, told) == (0, 1)


async def test_eight_activations_at_once_never_spend_more_than_there_is(house):
    programme_id = await house.programme(funds_cents=55_000)
    async with house.database() as connection:
        batches = [await issue_batch(connection, programme_id, 1, actor="tests") for _ in range(8)]
    answers = await asyncio.gather(*(_activate(house, batch) for batch in batches), return_exceptions=True)
    assert answers.count(1) == 5
    assert sum(isinstance(answer, FundsMissing) for answer in answers) == 3
    async with house.database() as connection:
        assert await balance_of(connection, funds_of(programme_id)) == -5_000


@pytest.fixture
async def programme_id(house):
    return await house.programme(funds_cents=1_000)


async def test_a_refused_posting_leaves_nothing_and_takes_no_number(house, programme_id):
    async with house.database() as connection:
        too_much = transfer(1_001, debit=funds_of(programme_id), credit=circulation_of(programme_id))
        with pytest.raises(BalanceRefused) as refused:
            await _post(connection, too_much)
        assert refused.value.missing_cents == 1
        just_enough = transfer(1_000, debit=funds_of(programme_id), credit=circulation_of(programme_id))
        number = await _post(connection, just_enough)
        last = [entry async for entry in entries(connection, programme_id=programme_id)][-1]
        assert (last.number, last.postings) == (number, just_enough)
        assert sum((await balances(connection)).values()) == 0


async def _post(connection, postings):
    return await post(
        connection, kind=EntryKind.ACTIVATION, postings=postings, actor="tests", subject="tests", at=NOW
    )


FORGED = {
    "an entry that does not sum to zero": "INSERT INTO book_postings VALUES ({new}, 1, 5), ({new}, 2, -4)",
    "an entry without postings": "SELECT 1",
    "a posting added to an old entry": """INSERT INTO book_postings
        SELECT 1, id, CASE id WHEN {a} THEN 5 ELSE -5 END FROM book_accounts WHERE id IN ({a}, {b})""",
    "funds below nothing": """INSERT INTO book_postings
        VALUES ({new}, {a}, 100000000), ({new}, {b}, -100000000)""",
}


@pytest.mark.parametrize("what", FORGED)
async def test_the_record_refuses_what_the_code_never_does(house, programme_id, what):
    accounts = "SELECT id FROM book_accounts WHERE programme_id = $1 ORDER BY kind DESC"
    async with house.database() as connection:
        await _post(
            connection, transfer(1, debit=funds_of(programme_id), credit=circulation_of(programme_id))
        )
        a, b = (row["id"] for row in await connection.fetch(accounts, programme_id))
        forging = _forge(connection, FORGED[what], a, b, is_whole=what == "a posting added to an old entry")
        with pytest.raises((asyncpg.CheckViolationError, asyncpg.RestrictViolationError)):
            await forging


async def _forge(connection, statement, a, b, *, is_whole):
    async with connection.transaction():
        new = await connection.fetchval(
            "UPDATE book_counter SET next_entry = next_entry + 1 RETURNING next_entry - 1"
        )
        await connection.execute(
            "INSERT INTO book_entries (number, at, kind, actor, subject)"
            " VALUES ($1, now(), 'reversal', 'tests', 'tests')",
            new,
        )
        if is_whole:
            await connection.execute("INSERT INTO book_postings VALUES ($1, $2, 1), ($1, $3, -1)", new, a, b)
        await connection.execute(statement.format(new=new, a=a, b=b))


@pytest.mark.parametrize(
    "table", ["book_accounts", "book_entries", "book_postings", "bank_lines", "fundings"]
)
async def test_what_is_posted_never_changes_even_for_its_owner(house, programme_id, table):
    async with house.as_owner() as connection:
        for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await connection.execute(statement)


async def test_the_application_writes_no_balance(house):
    async with house.database() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE book_balances SET balance_cents = 0")


async def test_entries_are_numbered_without_gap_however_many_post_at_once(house):
    programme_id = await house.programme(funds_cents=1_000_000)

    async def one():
        async with house.database() as connection:
            return await _post(
                connection, transfer(1, debit=funds_of(programme_id), credit=circulation_of(programme_id))
            )

    await asyncio.gather(*(one() for _ in range(8)))
    async with house.database() as connection:
        count, last = await connection.fetchrow("SELECT count(*), max(number) FROM book_entries")
        total = [entry async for entry in entries(connection, since=NOW, until=NOW + timedelta(seconds=1))]
    assert count == last
    assert {entry.at for entry in total} == {NOW}


async def test_a_closing_books_what_is_owed_and_eight_at_once_book_it_once(house, twin):
    device = await house.operator()
    programme_id = await house.programme(funds_cents=10_000)
    await house.qualify(programme_id, device)
    for one in await house.passes(4, programme_id=programme_id):
        assert (await house.scan(one.qr, device=device)).verdict == "accepted"
    answers = await asyncio.gather(
        *(
            house.call("POST", "/v1/remittances", json={}, device=device, client=(house.client, twin)[n % 2])
            for n in range(8)
        )
    )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7
    async with house.database() as connection:
        held = {
            account.kind.value: cents
            for account, cents in (await balances(connection)).items()
            if account.programme_id == programme_id
        }
    assert held == {"funds": 0, "circulation": -6_000, "operator": -4_000}


async def test_the_bank_and_suspense_are_there_for_lines_that_nobody_explained(house):
    async with house.database() as connection:
        held = await balances(connection)
    assert held[BANK] > 0
    assert SUSPENSE in held
