"""Issuing booklets: all of a batch or none, numbered without gaps, printed again with the same bytes."""

import asyncio
import csv
import json
import signal
import sys
from datetime import UTC, datetime

import pytest

from ledger.booklets import BOOKLETS_PER_BATCH_MAX, IssueRefused, activate_batch, issue_batch

COUNTS = """
SELECT (SELECT count(*) FROM batches), (SELECT count(*) FROM booklets),
       (SELECT coalesce(sum(booklet_count), 0) FROM batches),
       (SELECT next_booklet - 1 FROM booklet_counter)"""


async def _counts(house):
    """Batches; booklets there are; booklets the batches tell of; booklets numbered: the last three agree."""
    async with house.database() as connection:
        batches, there, told, numbered = await connection.fetchrow(COUNTS)
    assert there == told == numbered
    return batches, there


@pytest.fixture
def issue_arguments(house, tmp_path):
    return ("booklets", "issue", "--programme", str(house.programme_id), "--out", str(tmp_path / "out"))


async def test_a_batch_is_printed_and_printed_again_with_the_same_bytes(
    house, issue_arguments, poincon, environment_of, tmp_path
):
    env = environment_of(house.settings)
    first = await poincon(*issue_arguments, "--count", "2", "--json", env=env)
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    again = ("booklets", "print", str(told["batch"]), "--out", str(tmp_path / "again"), "--json")
    second = await poincon(*again, env=env)
    assert second.returncode == 0, second.stderr
    for name in (f"lot-{told['batch']:05d}.pdf", f"lot-{told['batch']:05d}.csv"):
        one, other = tmp_path / "out" / name, tmp_path / "again" / name
        assert one.read_bytes() == other.read_bytes()
        assert one.stat().st_mode & 0o077 == 0  # codes are money

    with (tmp_path / "out" / f"lot-{told['batch']:05d}.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))
    codes = [cell for row in rows for cell in row if cell.startswith("PN1:")]
    assert len(codes) == 20
    await house.refreshed()
    assert {(await house.scan(code)).verdict for code in codes} == {"not_active"}
    async with house.database() as connection:
        now = datetime.now(UTC)
        await activate_batch(connection, told["batch"], at=now, actor="tests", reason="payment")
    await house.refreshed()
    assert {(await house.scan(code)).verdict for code in codes} == {"accepted"}


async def test_numbers_are_given_once_and_without_gaps_however_many_issue_at_once(house):
    _, before = await _counts(house)

    async def issue(count):
        async with house.database() as connection:
            return await issue_batch(connection, house.programme_id, count, actor="tests")

    batches = await asyncio.gather(*(issue(count) for count in (3, 1, 7, 2, 5, 1, 4, 9)))
    numbers = [number for batch in batches for number in batch.booklets]
    assert sorted(numbers) == list(range(before + 1, before + 33))
    await _counts(house)


async def test_issuing_that_fails_at_its_last_step_leaves_nothing_and_takes_no_number(house):
    before = await _counts(house)
    async with house.as_superuser() as connection:
        await connection.execute(
            "ALTER TABLE events ADD CONSTRAINT no_issue CHECK (action <> 'batch.issue') NOT VALID"
        )
        try:
            async with house.database() as issuer:
                with pytest.raises(Exception, match="no_issue"):
                    await issue_batch(issuer, house.programme_id, 5, actor="tests")
        finally:
            await connection.execute("ALTER TABLE events DROP CONSTRAINT no_issue")
    assert await _counts(house) == before


async def test_killed_before_it_commits_it_has_issued_nothing(
    house, issue_arguments, environment_of, tmp_path, until
):
    """Stopped where everything is written and nothing committed, by somebody who holds the last table."""
    before = await _counts(house)
    async with house.as_superuser() as connection, connection.transaction():
        await connection.execute("LOCK TABLE events IN EXCLUSIVE MODE")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "command.main", *issue_arguments, "--count", "30",
            env=environment_of(house.settings), stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        await until(lambda: _commands(house, waiting_for="Lock"))
        process.send_signal(signal.SIGKILL)
        await process.wait()
    await until(lambda: _no_commands(house))
    assert await _counts(house) == before
    assert not (tmp_path / "out").exists()


async def _commands(house, *, waiting_for: str | None = None) -> int:
    """How many commands are at work in the database. Asked outside of transactions, which see one moment."""
    async with house.as_superuser() as connection:
        return await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'poincon command' AND ($1::text IS NULL OR wait_event_type = $1)",
            waiting_for,
        )


async def _no_commands(house) -> bool:
    return await _commands(house) == 0


@pytest.mark.parametrize("seconds", [0.5, 0.8, 1.2])
async def test_killed_at_any_moment_the_batch_is_whole_or_absent_and_can_be_printed(
    house, issue_arguments, environment_of, poincon, tmp_path, until, seconds
):
    batches, _ = await _counts(house)
    env = environment_of(house.settings)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "command.main", *issue_arguments, "--count", "3",
        env=env, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await asyncio.wait_for(process.wait(), seconds)
    except TimeoutError:
        process.kill()
        await process.wait()
    await until(lambda: _no_commands(house))
    after, _ = await _counts(house)
    files = {path.name for path in (tmp_path / "out").glob("lot-*")}
    if after == batches:
        assert not files
        return
    async with house.database() as connection:
        batch = await connection.fetchval("SELECT max(id) FROM batches")
    assert files <= {f"lot-{batch:05d}.pdf", f"lot-{batch:05d}.csv"}
    again = tmp_path / "again"
    run = await poincon("booklets", "print", str(batch), "--out", str(again), env=env)
    assert run.returncode == 0, run.stderr
    for name in files:  # what took its name is whole
        assert (tmp_path / "out" / name).read_bytes() == (again / name).read_bytes()


@pytest.mark.parametrize("count", [0, -1, BOOKLETS_PER_BATCH_MAX + 1])
async def test_a_batch_out_of_bounds_is_refused(house, count):
    before = await _counts(house)
    async with house.database() as connection:
        with pytest.raises(IssueRefused):
            await issue_batch(connection, house.programme_id, count, actor="tests")
    assert await _counts(house) == before


async def test_more_booklets_than_a_validator_can_know_are_not_issued(house):
    """A million is what validators keep in memory: one more would blind them all."""
    async with house.database() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("UPDATE booklet_counter SET next_booklet = 1000000")
        await issue_batch(connection, house.programme_id, 1, actor="tests")
        with pytest.raises(IssueRefused, match="1000000"):
            await issue_batch(connection, house.programme_id, 1, actor="tests")
        await transaction.rollback()


async def test_an_unknown_programme_and_a_missing_key_are_refused_in_words(house):
    async with house.database() as connection:
        with pytest.raises(IssueRefused, match="no programme 999999"):
            await issue_batch(connection, 999_999, 1, actor="tests")
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(
            "UPDATE signing_keys SET state = 'retired', retired_at = now()"
            " WHERE purpose = 'pass' AND state = 'active'"
        )
        with pytest.raises(IssueRefused, match="no active pass key"):
            await issue_batch(connection, house.programme_id, 1, actor="tests")
        await transaction.rollback()
