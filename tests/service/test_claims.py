"""claim_passes(): of all rivals one takes the pass, nobody is told nothing, and only indexes are read."""

import asyncio
import random
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from keys.passes import PassId
from ledger.claims import claim_passes
from ledger.connect import connected
from ledger.rows import Candidate, Outcome

NOW = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)  # after every activation of the test
RECEIPT_KEY = (
    2  # the house makes its keys in the order of KeyPurpose; its other tests list what was taken here
)
RIVALS = 30
CONNECTIONS = 6


@pytest.fixture
async def booklets(house):
    """Numbers of forty booklets, so that four hundred passes are free."""
    return list((await house.issue(booklets=40)).booklets)


def a_candidate(pass_id: PassId, chance: random.Random, **changed) -> Candidate:
    candidate = Candidate(pass_id, UUID(int=chance.getrandbits(128)), 1, 1, 1, 0, 1_000, NOW)
    return replace(candidate, **changed)


async def _claim(connection, candidates):
    ordered = sorted(candidates, key=lambda candidate: candidate.pass_id)
    seals = [1] * len(ordered)
    return await claim_passes(connection, ordered, seals, accepted_at=NOW, receipt_key_id=RECEIPT_KEY)


async def test_of_thirty_rivals_for_each_pass_exactly_one_takes_it_and_all_learn_who(house, booklets):
    """Six connections, each with five rivals for each of a hundred passes, in batches that overlap."""
    chance = random.Random(2_026)
    passes = [PassId(booklet, number) for booklet in booklets[:10] for number in range(1, 11)]
    told: dict[PassId, list] = {pass_id: [] for pass_id in passes}

    async def compete(connection, seed):
        order = random.Random(seed)
        for _ in range(RIVALS // CONNECTIONS):
            rivals = [a_candidate(pass_id, chance) for pass_id in passes]
            order.shuffle(rivals)
            while rivals:
                size = order.randint(1, 40)
                batch, rivals = rivals[:size], rivals[size:]
                ordered = sorted(batch, key=lambda candidate: candidate.pass_id)
                for candidate, claimed in zip(ordered, await _claim(connection, batch), strict=True):
                    told[candidate.pass_id].append((candidate.attempt_id, claimed))

    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(house.database()) for _ in range(CONNECTIONS)]
        await asyncio.gather(*(compete(one, seed) for seed, one in enumerate(connections)))

    for answers in told.values():
        outcomes = [claimed.outcome for _, claimed in answers]
        assert outcomes.count(Outcome.TAKEN) == 1
        assert outcomes.count(Outcome.RIVAL) == RIVALS - 1
        [winner] = [attempt_id for attempt_id, claimed in answers if claimed.outcome is Outcome.TAKEN]
        assert {claimed.row.attempt_id for _, claimed in answers} == {winner}


async def test_undos_between_rivals_never_make_a_claim_fail_or_two_win(house, booklets):
    pass_id = PassId(booklets[10], 1)
    chance = random.Random(7)
    undo = "UPDATE acceptances SET undone_at = now() WHERE booklet = $1 AND undone_at IS NULL"
    live = "SELECT count(*) FROM acceptances WHERE booklet = $1 AND undone_at IS NULL"

    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(house.database()) for _ in range(4)]
        undoer = await stack.enter_async_context(house.database())

        async def compete(connection):
            outcomes = []
            for _ in range(40):
                [claimed] = await _claim(connection, [a_candidate(pass_id, chance)])
                outcomes.append(claimed.outcome)
            return outcomes

        async def free():
            for _ in range(60):
                await undoer.execute(undo, pass_id.booklet)
                await asyncio.sleep(0.002)

        *told, _ = await asyncio.gather(*(compete(one) for one in connections), free())
        outcomes = [outcome for outcomes in told for outcome in outcomes]
        # A rival undone between the two statements: the caller looks again.
        assert set(outcomes) <= {Outcome.TAKEN, Outcome.RIVAL, Outcome.UNTAKEN}
        taken = await undoer.fetchval("SELECT count(*) FROM acceptances WHERE booklet = $1", pass_id.booklet)
        assert outcomes.count(Outcome.TAKEN) == taken
        assert await undoer.fetchval(live, pass_id.booklet) <= 1


async def test_only_indexes_are_read_however_few_the_rows(servers, database):
    """A plan made while the tables were empty is kept: it must be the right one when they are not."""
    dsn = servers.postgres.superuser_dsn_of(database)
    scans = """
        SELECT relname, seq_scan, idx_scan FROM pg_stat_user_tables
        WHERE relname IN ('acceptances', 'booklets', 'attempts')"""
    chance = random.Random(3)
    async with connected(dsn, purpose="tests") as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(
            "INSERT INTO booklets (number, batch_id, face_value_cents, pass_count, state, activated_at)"
            " SELECT n, 1, 1000, 10, 'active', '2026-01-01' FROM generate_series(1, 50) AS n"
        )
    async with connected(dsn, purpose="tests") as connection:
        await connection.execute("SELECT pg_stat_force_next_flush()")
        before = {row["relname"]: tuple(row)[1:] for row in await connection.fetch(scans)}
        for _ in range(3):
            candidates = [a_candidate(PassId(n, 1), chance) for n in range(1, 51)]
            repeated = await _claim(connection, candidates)
            assert len({claimed.outcome for claimed in repeated}) == 1
            await _claim(connection, candidates)
        await connection.execute("SELECT pg_stat_force_next_flush()")
        after = {row["relname"]: tuple(row)[1:] for row in await connection.fetch(scans)}
    for table, (sequential, indexed) in after.items():
        assert sequential == before[table][0], f"{table} was read from end to end"
        if table != "attempts":
            assert indexed > before[table][1]


@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ({}, Outcome.TAKEN),
        ({"may_take": False}, Outcome.UNTAKEN),
        ({"amount_cents": 999}, Outcome.UNTAKEN),
        ({"judged_at": NOW - timedelta(days=2)}, Outcome.UNTAKEN),
    ],
    ids=["good", "refused already", "another amount", "before its activation"],
)
async def test_the_record_decides_and_not_what_it_is_told(house, booklets, changed, outcome):
    chance = random.Random(str(changed))
    async with house.database() as connection:
        [claimed] = await _claim(connection, [a_candidate(PassId(booklets[20], 1), chance, **changed)])
    assert claimed.outcome is outcome


@pytest.mark.parametrize("number", [11, 255])
async def test_a_pass_beyond_its_booklet_is_not_taken(house, booklets, number):
    async with house.database() as connection:
        candidate = a_candidate(PassId(booklets[21], number), random.Random(number))
        [claimed] = await _claim(connection, [candidate])
        assert claimed.outcome is Outcome.UNTAKEN


async def test_attempt_ids_crossed_between_two_flushes_neither_deadlock_nor_take_twice(house, booklets):
    """Each attempt id is used for two passes, by two connections, in opposite orders."""
    chance = random.Random(11)
    attempts = [UUID(int=chance.getrandbits(128)) for _ in range(40)]
    first = [PassId(booklet, 1) for booklet in booklets]
    second = [PassId(booklet, 2) for booklet in reversed(booklets)]

    async def claim(passes):
        pairs = zip(passes, attempts, strict=True)
        candidates = [a_candidate(p, chance, attempt_id=attempt_id) for p, attempt_id in pairs]
        async with house.database() as connection:
            return [claimed.outcome for claimed in await _claim(connection, candidates)]

    outcomes = [o for told in await asyncio.gather(claim(first), claim(second)) for o in told]
    assert outcomes.count(Outcome.TAKEN) == 40
    assert outcomes.count(Outcome.CONFLICT) == 40
