"""Which candidates go to the record together: no pass or attempt twice, bounded, in order, no circles."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from keys.passes import PassId
from ledger.claims import CANDIDATES_MAX
from ledger.rows import Candidate
from validator.group_commit import WAITING_MAX, GroupCommit
from validator.trouble import Overloaded

NOON = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)


def a_candidate(booklet: int = 1, number: int = 1, attempt: int = 1) -> Candidate:
    return Candidate(PassId(booklet, number), UUID(int=attempt), 1, 1, 1, 0, 1_000, NOON)


def a_group_commit() -> GroupCommit:
    """One that never runs: its flushes are taken by hand."""
    return GroupCommit("", lambda candidates, at: ([], 0))


async def all_flushes(candidates: list[Candidate]) -> list[list[Candidate]]:
    group_commit = a_group_commit()
    for candidate in candidates:
        group_commit.submit([candidate])
    flushes = []
    while group_commit.waiting_count:
        flushes.append([one.candidate for one in group_commit._next_flush()])
    return flushes


some_candidates = st.lists(
    st.builds(a_candidate, st.integers(1, 4), st.integers(1, 3), st.integers(1, 6)), max_size=60
)


@given(some_candidates)
async def test_a_flush_holds_no_pass_and_no_attempt_twice_and_is_sorted(candidates):
    for flush in await all_flushes(candidates):
        assert flush
        passes = [candidate.pass_id for candidate in flush]
        assert passes == sorted(set(passes))
        assert len({candidate.attempt_id for candidate in flush}) == len(flush)


@given(some_candidates)
async def test_nothing_is_lost_and_candidates_of_one_pass_keep_their_order(candidates):
    numbered = [replace(one, device_id=place) for place, one in enumerate(candidates)]
    flushed = [candidate for flush in await all_flushes(numbered) for candidate in flush]
    assert sorted(one.device_id for one in flushed) == list(range(len(candidates)))
    for pass_id in {one.pass_id for one in candidates}:
        places = [one.device_id for one in flushed if one.pass_id == pass_id]
        assert places == sorted(places)


async def test_a_flush_is_bounded_and_the_rest_comes_next():
    count = CANDIDATES_MAX + 10
    flushes = await all_flushes([a_candidate(booklet=n, attempt=n) for n in range(1, count + 1)])
    assert [len(flush) for flush in flushes] == [CANDIDATES_MAX, 10]


async def test_a_thousand_rivals_for_one_pass_wait_and_do_not_hold_up_the_others():
    rivals = [a_candidate(attempt=n) for n in range(1, 1_001)]
    [first, second, *_] = await all_flushes([*rivals, a_candidate(booklet=2, attempt=5_000)])
    assert [candidate.attempt_id.int for candidate in first] == [1, 5_000]
    assert [candidate.attempt_id.int for candidate in second] == [2]


async def test_more_than_it_takes_is_turned_away_at_once():
    group_commit = a_group_commit()
    for attempt in range(WAITING_MAX):
        group_commit.submit([a_candidate(attempt=attempt)])
    with pytest.raises(Overloaded):
        group_commit.submit([a_candidate(attempt=WAITING_MAX)])


async def test_after_closing_nothing_is_taken():
    group_commit = a_group_commit()
    await group_commit.start()
    await group_commit.close()
    with pytest.raises(Overloaded):
        group_commit.submit([a_candidate()])
