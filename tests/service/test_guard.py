"""The guard and the snapshot: they may refuse early or be away, and never tell another pass's fact."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest

from keys.passes import PassId
from ledger.booklets import cancel_booklets
from ledger.generation import raise_generation
from ledger.rows import CancelCause
from validator.guard import Guard, Mark, booklet_key, mark_value, open_client
from validator.guard_line import BREAKER_SECONDS, Silence
from validator.guard_rebuild import rebuild_guard

GENERATION = 77  # nobody else's
NOON = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)


@pytest.fixture
async def guard(house):
    guard = Guard(open_client(house.settings.valkey_url))
    await guard.start()
    yield guard
    await guard.close()


def an_attempt(number: int) -> UUID:
    return UUID(int=number)


@pytest.fixture
def found(guard, until):
    """What the guard tells once it can be asked."""

    async def ask(pass_id, *, generation=GENERATION):
        async def told():
            [answer] = await guard.find(generation, [pass_id])
            return answer if answer is not Silence.UNAVAILABLE else None

        return await until(told)

    return ask


async def _remember(guard, valkey, pass_id, attempt_id, site_id=3):
    async with asyncio.timeout(5):
        while not await valkey.hexists(booklet_key(GENERATION, pass_id.booklet), str(pass_id.number)):
            guard.remember(GENERATION, pass_id, attempt_id=attempt_id, accepted_at=NOON, site_id=site_id)
            await asyncio.sleep(0.02)


async def test_a_mark_tells_the_attempt_the_instant_and_the_site(guard, valkey, found):
    pass_id = PassId(1, 1)
    await _remember(guard, valkey, pass_id, an_attempt(5), site_id=2**32 - 1)
    mark = await found(pass_id)
    assert isinstance(mark, Mark)
    assert mark.is_of(an_attempt(5))
    assert not mark.is_of(an_attempt(6))
    assert (mark.accepted_at, mark.site_id) == (NOON, 2**32 - 1)
    assert await found(PassId(1, 2)) is Silence.NO_MARK
    assert await found(pass_id, generation=GENERATION + 1) is Silence.NO_MARK


async def test_a_mark_delayed_on_its_way_does_not_hide_an_undo(guard, valkey, found):
    pass_id = PassId(2, 1)
    assert await guard.forget(GENERATION, pass_id)
    guard.remember(GENERATION, pass_id, attempt_id=an_attempt(5), accepted_at=NOON, site_id=3)
    await asyncio.sleep(0.05)
    assert await found(pass_id) is Silence.NO_MARK


async def test_what_another_version_wrote_is_no_mark(guard, valkey, found):
    await valkey.hset(booklet_key(GENERATION, 3), mapping={"1": b"something else", "2": b"\xff" * 17})
    assert await found(PassId(3, 1)) is Silence.NO_MARK
    assert await found(PassId(3, 2)) is Silence.NO_MARK
    await valkey.set(booklet_key(GENERATION, 4), "not a hash")
    assert await guard.find(GENERATION, [PassId(4, 1)]) == [Silence.UNAVAILABLE]
    assert await found(PassId(3, 1)) is Silence.NO_MARK


@pytest.mark.parametrize("round_", range(3))
async def test_an_answer_that_comes_too_late_is_never_taken_for_the_next_ones(guard, valkey, round_, found):
    """A slow Valkey: the reply to a question given up must not answer the question after it."""
    marked, free = PassId(10 + round_, 1), PassId(10 + round_, 2)
    await _remember(guard, valkey, marked, an_attempt(5))
    await valkey.client_pause(120, all=True)
    assert await guard.find(GENERATION, [marked]) == [Silence.UNAVAILABLE]
    await asyncio.sleep(BREAKER_SECONDS)
    told = await asyncio.gather(*(found(one) for one in (free, marked, free)))
    assert [isinstance(one, Mark) for one in told] == [False, True, False]


async def test_a_server_that_is_slow_costs_its_budget_once_and_then_nothing(guard, valkey, found):
    await found(PassId(20, 1))
    await valkey.client_pause(1_000, all=True)
    loop = asyncio.get_running_loop()
    started = loop.time()
    for _ in range(50):
        assert await guard.find(GENERATION, [PassId(20, 1)]) == [Silence.UNAVAILABLE]
    assert loop.time() - started < BREAKER_SECONDS
    await valkey.client_unpause()


async def test_a_guard_cut_off_in_the_middle_is_back_by_itself(guard, valkey, found):
    await _remember(guard, valkey, PassId(30, 1), an_attempt(5))
    await valkey.client_kill_filter(_type="normal", skipme=True)
    assert isinstance(await found(PassId(30, 1)), Mark)


async def test_without_a_server_everything_is_unavailable_at_once():
    for client in (None, open_client("unix:///nonexistent/valkey.sock")):
        guard = Guard(client)
        await guard.start()
        assert await guard.find(1, [PassId(1, 1)]) == [Silence.UNAVAILABLE]
        assert not await guard.forget(1, PassId(1, 1))
        assert await guard.count("key", 60) is None
        assert await guard.counted("key") is None
        await guard.close()


async def test_a_rebuild_writes_every_mark_drops_old_generations_and_hides_no_undone_pass(
    house, valkey, new_attempt_id
):
    one, other = await house.passes(2)
    attempt_id, undone = new_attempt_id(), new_attempt_id()
    await house.scan(one.qr, attempt_id=attempt_id)
    await house.scan(other.qr, attempt_id=undone)
    await house.undo(undone)
    async with house.database() as connection:
        await raise_generation(connection, actor="tests", reason="restored")
        await valkey.hset(booklet_key(1, 999_999), "1", b"old")
        marks, dropped = await rebuild_guard(connection, house.settings.valkey_url)
        passes = await connection.fetchval("SELECT count(DISTINCT (booklet, pass_number)) FROM acceptances")
    await house.refreshed()
    assert marks == passes
    assert dropped > 0
    assert not await valkey.exists(booklet_key(1, 999_999))
    assert (await house.scan(one.qr)).verdict == "already_accepted"
    assert (await house.scan(other.qr)).verdict == "accepted"


async def test_all_of_valkey_lost_changes_no_answer(house, valkey, new_attempt_id):
    one, other = await house.passes(2)
    attempt_id = new_attempt_id()
    first = await house.scan(one.qr, attempt_id=attempt_id)
    await valkey.flushdb()
    assert (await house.scan(one.qr, attempt_id=attempt_id)).body == first.body
    assert (await house.scan(one.qr)).verdict == "already_accepted"
    assert (await house.scan(other.qr)).verdict == "accepted"


async def test_a_mark_that_lies_never_accepts(house, valkey, new_attempt_id):
    """Its own mark makes a scan go to the record, which had not taken the pass and does so now."""
    [one] = await house.passes(1)
    key = booklet_key(await house.generation(), one.pass_id.booklet)
    attempt_id = new_attempt_id()
    await valkey.hset(key, str(one.pass_id.number), mark_value(UUID(attempt_id), NOON, 1))
    answer = await house.scan(one.qr, attempt_id=attempt_id)
    assert answer.verdict == "accepted"
    assert datetime.fromisoformat(answer.body["accepted_at"]) != NOON
    assert (await house.check(one.qr)).body["earlier"]["accepted_at"] == answer.body["accepted_at"]


async def test_what_changed_in_a_database_whose_transactions_count_anew_is_not_missed(house, until):
    """A restored or promoted database reuses numbers of transactions that a validator has already seen."""
    [one, other] = await house.passes(2)
    assert (await house.scan(one.qr)).verdict == "accepted"
    async with house.as_superuser() as connection:
        async with house.database() as application:
            await cancel_booklets(
                application,
                [one.pass_id.booklet],
                cause=CancelCause.LOST,
                at=datetime.now(UTC),
                actor="tests",
                reason=None,
            )
        await house.refreshed()
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(
            "UPDATE booklets SET state = 'active', cancelled_at = NULL, cancel_cause = NULL, changed_by = '3'"
            " WHERE number = $1",
            one.pass_id.booklet,
        )
        await house.refreshed()
        assert (await house.scan(other.qr)).verdict == "cancelled"  # not heard of: an old number
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'poincon snapshot' AND datname = current_database()"
        )

    async def is_told():
        return (await house.scan(other.qr)).verdict != "cancelled"

    await until(is_told)
    assert (await house.check(other.qr)).verdict == "already_accepted"
