"""POST /v1/scans/{attempt_id}/undo: the pass is free again, both facts stay, and no mark hides it."""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import pytest
import redis.asyncio

from ledger.generation import raise_generation
from validator import keeper
from validator.guard import ASK_RECORD, booklet_key, mark_value
from validator.wiring import KEEPER

COUNTS = """
SELECT count(*) FILTER (WHERE undone_at IS NULL) AS live, count(*) AS ever
FROM acceptances WHERE (booklet, pass_number) = ($1, $2)"""

EVENTS = "SELECT reason FROM events WHERE subject = $1"

HIDES_NOTHING = {ASK_RECORD, None}  # none: the machine was slow, and the generation was raised instead


async def _taken(house, new_attempt_id, **how):
    [one] = await house.passes(1)
    attempt_id = new_attempt_id()
    taken = await house.scan(one.qr, attempt_id=attempt_id, **how)
    assert taken.verdict == "accepted"
    return one, attempt_id, taken


async def _mark(house, pass_id):
    client = redis.asyncio.Redis.from_url(house.settings.valkey_url)
    try:
        return await client.hget(booklet_key(await house.generation(), pass_id.booklet), str(pass_id.number))
    finally:
        await client.aclose()


async def _marked(house, one):
    """Marks are written after the answer, and one may get lost: rivals are told, until this one is there."""
    async with asyncio.timeout(5):
        while await _mark(house, one.pass_id) is None:
            await house.scan(one.qr)


async def test_an_undone_pass_can_be_taken_again_by_anybody(house, new_attempt_id):
    one, attempt_id, taken = await _taken(house, new_attempt_id)
    undone = await house.undo(attempt_id)
    assert undone.status == 200
    assert undone.body["accepted_at"] == taken.body["accepted_at"]
    instants = (taken.body["accepted_at"], undone.body["undone_at"])
    assert datetime.fromisoformat(instants[0]) <= datetime.fromisoformat(instants[1])
    assert (await house.scan(one.qr, device=house.devices[3])).verdict == "accepted"


async def test_the_mark_in_the_guard_does_not_hide_an_undone_pass(house, twin, new_attempt_id):
    one, attempt_id, _ = await _taken(house, new_attempt_id)
    await _marked(house, one)
    assert (await house.scan(one.qr)).verdict == "already_accepted"
    await house.undo(attempt_id)
    assert await _mark(house, one.pass_id) in HIDES_NOTHING
    assert (await house.scan(one.qr, client=twin)).verdict == "accepted"
    await asyncio.sleep(0.05)
    assert await _mark(house, one.pass_id) in HIDES_NOTHING


async def test_a_valkey_back_from_an_old_copy_of_itself_hides_no_undone_pass(
    house, twin, valkey, new_attempt_id
):
    """From its disk, or from a replica that was behind when it took over."""
    one, attempt_id, _ = await _taken(house, new_attempt_id)
    await _marked(house, one)
    old = await _mark(house, one.pass_id)
    await house.undo(attempt_id)
    await house.refreshed()
    await valkey.hset(
        booklet_key(await house.generation(), one.pass_id.booklet), str(one.pass_id.number), old
    )
    assert (await house.scan(one.qr, client=twin)).verdict == "accepted"
    assert (await house.scan(one.qr)).verdict == "already_accepted"


async def test_a_validator_that_hears_nothing_of_the_record_believes_no_mark(
    house, valkey, until, new_attempt_id
):
    """An undo that could not reach Valkey would be news: what the mark tells may be over."""
    heard, unheard = await house.passes(2)
    generation = await house.generation()
    mark = mark_value(UUID(new_attempt_id()), datetime.now(UTC), 1)
    for one in (heard, unheard):
        await valkey.hset(booklet_key(generation, one.pass_id.booklet), str(one.pass_id.number), mark)
    assert (await house.scan(heard.qr)).verdict == "already_accepted"
    async with house.without_news() as late:

        async def hears_nothing():
            return not late.app[KEEPER].knows_of_undos

        await until(hears_nothing)
        assert (await house.scan(unheard.qr, client=late)).verdict == "accepted"


async def test_a_mark_is_not_believed_with_facts_of_long_ago(house, valkey, monkeypatch, new_attempt_id):
    """A line that died without a word brings no news either."""
    [one] = await house.passes(1)
    mark = mark_value(UUID(new_attempt_id()), datetime.now(UTC), 1)
    key = booklet_key(await house.generation(), one.pass_id.booklet)
    await valkey.hset(key, str(one.pass_id.number), mark)
    assert (await house.scan(one.qr)).verdict == "already_accepted"
    monkeypatch.setattr(keeper, "MARKS_AGE_SECONDS_MAX", -1.0)
    assert (await house.scan(one.qr)).verdict == "accepted"


async def test_two_undos_in_one_booklet_at_once_do_not_wait_for_each_other_for_ever(house, new_attempt_id):
    """Each marks the booklet, as undone in."""
    passes = await house.passes(6)
    assert len({one.pass_id.booklet for one in passes}) < len(passes)
    attempts = {new_attempt_id(): one for one in passes}
    for place, (attempt_id, one) in enumerate(attempts.items()):
        taken = await house.scan(one.qr, attempt_id=attempt_id, device=house.devices[place % 4])
        assert taken.verdict == "accepted"
    undone = await asyncio.gather(
        *(house.undo(one, device=house.devices[place % 4]) for place, one in enumerate(attempts))
    )
    assert {one.status for one in undone} == {200}
    async with house.database() as connection:
        marked = "SELECT bool_and(ever_undone) FROM booklets WHERE number = ANY($1)"
        assert await connection.fetchval(marked, [one.pass_id.booklet for one in passes])


async def test_a_repeat_of_the_undone_attempt_tells_both_facts_and_takes_nothing(house, new_attempt_id):
    one, attempt_id, taken = await _taken(house, new_attempt_id)
    undone = await house.undo(attempt_id)
    repeated = await house.scan(one.qr, attempt_id=attempt_id)
    assert repeated.verdict == "accepted"
    assert repeated.body == {**taken.body, "undone_at": undone.body["undone_at"]}
    assert (await house.check(one.qr)).verdict == "acceptable"


async def test_undoing_twice_answers_the_first_undo(house, new_attempt_id):
    _, attempt_id, _ = await _taken(house, new_attempt_id)
    first = await house.undo(attempt_id, reason="premier")
    again = await house.undo(attempt_id, reason="second")
    assert again.body == first.body
    async with house.database() as connection:
        reasons = await connection.fetch("SELECT reason FROM undos WHERE attempt_id = $1", attempt_id)
        events = await connection.fetch(
            "SELECT reason FROM events WHERE subject = $1", f"attempt:{attempt_id}"
        )
    assert [row["reason"] for row in reasons] == [row["reason"] for row in events] == ["premier"]


async def test_twenty_undos_at_once_are_one(house, twin, new_attempt_id):
    one, attempt_id, _ = await _taken(house, new_attempt_id)
    answers = await asyncio.gather(
        *(house.undo(attempt_id, client=(house.client, twin)[n % 2]) for n in range(20))
    )
    assert len({str(answer.body) for answer in answers}) == 1
    async with house.database() as connection:
        assert tuple(await connection.fetchrow(COUNTS, *one.pass_id)) == (0, 1)


async def test_a_colleague_may_undo_and_another_operator_may_not_even_know(house, new_attempt_id):
    one, attempt_id, _ = await _taken(house, new_attempt_id)
    stranger = await house.undo(attempt_id, device=house.devices[3])
    assert stranger.status == 404
    unknown = await house.undo(new_attempt_id(), device=house.devices[3])
    assert stranger.body == unknown.body
    assert (await house.scan(one.qr)).verdict == "already_accepted"
    assert (await house.undo(attempt_id, device=house.devices[2])).status == 200


async def test_what_is_no_attempt_id_is_malformed(house):
    assert (await house.undo("not-a-uuid")).status == 400


async def test_once_remitted_an_acceptance_can_no_more_be_undone(house, new_attempt_id):
    device = await house.operator()
    one, attempt_id, _ = await _taken(house, new_attempt_id, device=device)
    closed = await house.call("POST", "/v1/remittances", json={}, device=device)
    assert closed.status == 201
    answer = await house.undo(attempt_id, device=device)
    assert answer.status == 409
    assert answer.body["type"] == "urn:poincon:problem:remitted"
    assert (await house.scan(one.qr)).verdict == "already_accepted"
    assert (await house.scan(one.qr, attempt_id=attempt_id, device=device)).body.get("undone_at") is None


async def test_an_undo_that_cannot_reach_valkey_makes_every_mark_vanish(house, blind, new_attempt_id):
    one, attempt_id, _ = await _taken(house, new_attempt_id)
    await _marked(house, one)
    before = await house.generation()
    assert (await house.undo(attempt_id, client=blind)).status == 200
    await house.refreshed()
    assert await house.generation() == before + 1
    assert (await house.scan(one.qr)).verdict == "accepted"


async def test_an_undo_repeated_without_valkey_raises_nothing_more(house, blind, new_attempt_id):
    _, attempt_id, _ = await _taken(house, new_attempt_id)
    await house.undo(attempt_id)
    before = await house.generation()
    await house.undo(attempt_id, client=blind)
    assert await house.generation() == before


async def test_an_undo_in_a_generation_that_is_past_frees_the_pass_in_the_new_one(house, new_attempt_id):
    """The validator that undoes has not heard yet that the marks are kept under another generation by now."""
    one, attempt_id, _ = await _taken(house, new_attempt_id)
    async with house.without_news() as late:
        async with house.database() as connection:
            await raise_generation(connection, actor="tests", reason="restored")
        await house.refreshed()
        assert (await house.scan(one.qr)).verdict == "already_accepted"
        await _marked(house, one)
        assert (await house.undo(attempt_id, client=late)).status == 200
    await house.refreshed()
    assert (await house.scan(one.qr)).verdict == "accepted"


@pytest.mark.parametrize("round_", range(3))
async def test_undos_and_rivals_at_once_never_leave_two_live_acceptances(
    house, twin, blind, new_attempt_id, round_
):
    one, attempt_id, _ = await _taken(house, new_attempt_id)
    services = [house.client, twin, blind]
    calls = [house.scan(one.qr, client=services[n % 3], device=house.devices[n % 5]) for n in range(20)]
    calls[10:10] = [house.undo(attempt_id, client=services[n % 3]) for n in range(3)]
    answers = await asyncio.gather(*calls)
    assert {answer.status for answer in answers} == {200}
    accepted = sum(answer.body.get("verdict") == "accepted" for answer in answers)
    async with house.database() as connection:
        live, ever = await connection.fetchrow(COUNTS, *one.pass_id)
    assert live == accepted <= 1
    assert ever == accepted + 1


async def test_a_pass_undone_again_and_again_keeps_all_its_facts(house, new_attempt_id):
    [one] = await house.passes(1)
    for _ in range(4):
        attempt_id = new_attempt_id()
        assert (await house.scan(one.qr, attempt_id=attempt_id)).verdict == "accepted"
        await house.undo(attempt_id)
    async with house.database() as connection:
        assert tuple(await connection.fetchrow(COUNTS, *one.pass_id)) == (0, 4)
