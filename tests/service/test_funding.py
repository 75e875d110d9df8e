"""Money that comes: a bank line is booked once, confirmed once, or typed in; then the books go out."""

import asyncio
import csv
import io
import json
import subprocess
import uuid
from datetime import UTC, date, datetime

import pytest

from ledger.book_rows import SUSPENSE, funds_of
from ledger.books import balance_of
from ledger.funding import FundingRefused, confirm_funding, receive, record_bank_line

DAY = date(2026, 3, 2)


def _line(connection, reference, **other):
    wanted = {"booked_on": DAY, "amount_cents": 12_345, "label": "VIR MÉTROPOLE", "actor": "tests"}
    return record_bank_line(connection, reference=reference, at=datetime.now(UTC), **(wanted | other))


def _confirm(connection, line, programme_id):
    return confirm_funding(connection, line.id, programme_id, actor="tests", at=datetime.now(UTC))


@pytest.fixture
def reference():
    return f"REF-{uuid.uuid4()}"


@pytest.fixture
async def programme_id(house):
    return await house.programme(funds_cents=0)


async def test_a_line_stands_in_suspense_until_somebody_says_whose_money_it_is(
    house, reference, programme_id
):
    async with house.database() as connection:
        before = await balance_of(connection, SUSPENSE)
        line = await _line(connection, reference)
        assert await balance_of(connection, SUSPENSE) == before - 12_345
        await _confirm(connection, line, programme_id)
        assert await balance_of(connection, SUSPENSE) == before
        assert await balance_of(connection, funds_of(programme_id)) == -12_345


async def test_the_same_line_booked_and_confirmed_eight_times_at_once_counts_once(
    house, reference, programme_id
):
    async def one():
        async with house.database() as connection:
            await _confirm(connection, await _line(connection, reference), programme_id)

    await asyncio.gather(*(one() for _ in range(8)))
    async with house.database() as connection:
        assert await balance_of(connection, funds_of(programme_id)) == -12_345


async def test_a_reference_with_another_amount_or_day_is_refused(house, reference):
    async with house.database() as connection:
        await _line(connection, reference)
        for other in ({"amount_cents": 12_346}, {"booked_on": date(2026, 3, 3)}):
            with pytest.raises(FundingRefused, match="booked already"):
                await _line(connection, reference, **other)


async def test_a_debit_an_unknown_programme_and_a_second_programme_are_refused(
    house, reference, programme_id
):
    async with house.database() as connection:
        line = await _line(connection, reference)
        debit = await _line(connection, f"{reference}-D", amount_cents=-1)
        with pytest.raises(FundingRefused, match="debit"):
            await _confirm(connection, debit, programme_id)
        with pytest.raises(FundingRefused, match="no programme 99999"):
            await _confirm(connection, line, 99_999)
        await _confirm(connection, line, programme_id)
        with pytest.raises(FundingRefused, match="already"):
            await _confirm(connection, line, house.programme_id)
        for amount_cents in (0, 10**15):
            with pytest.raises(FundingRefused, match="can't be"):
                await _line(connection, f"{reference}-{amount_cents}", amount_cents=amount_cents)


async def test_a_refused_half_leaves_no_other_half(house, reference):
    async with house.database() as connection:
        with pytest.raises(FundingRefused):
            await receive(
                connection, 99_999, reference=reference, booked_on=DAY, amount_cents=1, label="",
                actor="tests", at=datetime.now(UTC),
            )  # fmt: skip
        known = await connection.fetchval("SELECT count(*) FROM bank_lines WHERE reference = $1", reference)
    assert known == 0


async def test_the_command_refuses_to_activate_without_money_then_takes_it_and_activates(
    house, programme_id, reference, poincon, environment_of
):
    env = environment_of(house.settings)
    batch = await house.issue(programme_id=programme_id, activated=False)
    activate = ("booklets", "activate", str(batch.id), "--reason", "virement")
    refused = await poincon(*activate, env=env)
    assert refused.returncode == 1
    assert "short of 100.00 €" in refused.stderr
    money = ("--amount", "150,00", "--reference", reference, "--on", "2026-03-02", "--json")
    for _ in range(2):
        told = await poincon("funds", "receive", "--programme", str(programme_id), *money, env=env)
        assert json.loads(told.stdout)["free_cents"] == 15_000, told
    assert (await poincon(*activate, env=env)).stdout == f"batch {batch.id}: 1 booklets activated\n"
    shown = json.loads((await poincon("books", "show", "--json", env=env)).stdout)
    assert shown[f"funds:{programme_id}"] == -5_000
    assert shown[f"circulation:{programme_id}"] == -10_000
    assert sum(shown.values()) == 0
    wrong = await poincon("funds", "receive", "--programme", "1", "--amount", "1,5", *money[2:], env=env)
    assert wrong.returncode == 2


async def test_the_command_exports_books_that_hledger_accepts(house, poincon, environment_of, tmp_path):
    await house.programme(funds_cents=5)
    env, journal = environment_of(house.settings), tmp_path / "livre.journal"
    run = await poincon("books", "export", "--format", "hledger", "--out", str(journal), env=env)
    assert run.returncode == 0, run
    checked = await asyncio.to_thread(
        subprocess.run, ["hledger", "-f", str(journal), "check", "--strict"], capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    fec = (await poincon("books", "export", "--format", "fec", env=env)).stdout.splitlines()
    plain = (await poincon("books", "export", "--format", "csv", env=env)).stdout.removeprefix("\ufeff")
    rows = list(csv.DictReader(io.StringIO(plain), delimiter=";"))
    assert len(fec) == len(rows) + 1
    assert {len(row.split("\t")) for row in fec} == {18}
    assert sum(int(row["debit_centimes"]) - int(row["credit_centimes"]) for row in rows) == 0
    none = await poincon("books", "export", "--format", "csv", "--until", "2020-01-01", env=env)
    assert len(none.stdout.splitlines()) == 1
