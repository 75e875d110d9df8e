"""Hand-outs in the record: what is refused, what is kept, and that nothing that names anybody can be."""

import asyncio
import uuid
from datetime import UTC, datetime

import asyncpg
import pytest

from ledger.custody import count_stock, read_stock, stocked_booklets, transfer_booklets
from ledger.handout_rows import HandoutRefusal, UndoCause
from ledger.handouts import HandoutRefused, hand_out, handouts_of_booklet, undo_handout
from ledger.prescribers import PrescriberRefused, add_prescriber_person, list_persons


async def test_a_booklet_is_handed_out_once_and_a_second_tap_is_the_same_hand_out(open_desk, give):
    desk = await open_desk()
    request = uuid.uuid4()
    first = await give(desk, request_id=request)
    assert await give(desk, request_id=request) == first
    assert first.passes == 10
    with pytest.raises(HandoutRefused) as refused:
        await give(desk)
    assert refused.value.why is HandoutRefusal.HANDED_OUT


async def test_a_booklet_may_be_handed_out_in_parts_that_do_not_overlap(open_desk, give, house):
    desk = await open_desk()
    await give(desk, last_pass=4)
    with pytest.raises(HandoutRefused):
        await give(desk, first_pass=4)
    await give(desk, first_pass=5, last_pass=10)
    async with house.database() as connection:
        assert [one.passes for one in await handouts_of_booklet(connection, desk.booklets[0])] == [4, 6]
        assert await stocked_booklets(connection, desk.prescriber_id) == []


async def test_of_many_who_hand_out_the_same_passes_at_once_one_does(open_desk, give):
    desk = await open_desk()
    ended = await asyncio.gather(*(give(desk) for _ in range(8)), return_exceptions=True)
    assert sum(not isinstance(one, Exception) for one in ended) == 1
    assert all(isinstance(one, HandoutRefused) for one in ended if isinstance(one, Exception))


async def test_only_what_a_prescriber_has_is_handed_out_and_only_passes_that_nobody_took(
    open_desk, give, house, codes_of
):
    desk, other = await open_desk(booklets=2), await open_desk()
    for changed, why in (
        ({"booklet": other.booklets[0]}, HandoutRefusal.NOT_IN_STOCK),
        ({"booklet": 2**39}, HandoutRefusal.UNKNOWN_BOOKLET),
        ({"last_pass": 11}, HandoutRefusal.BEYOND_BOOKLET),
    ):
        with pytest.raises(HandoutRefused) as refused:
            await give(desk, **changed)
        assert refused.value.why is why
    codes = await codes_of(desk.booklets[1])
    assert (await house.scan(codes[0].qr)).verdict == "accepted"
    with pytest.raises(HandoutRefused) as refused:
        await give(desk, booklet=desk.booklets[1])
    assert refused.value.why is HandoutRefusal.ALREADY_ACCEPTED
    assert (await give(desk, booklet=desk.booklets[1], first_pass=2)).passes == 9


async def test_whoever_took_a_pass_of_a_booklet_does_not_hand_the_rest_out(open_desk, give, house, codes_of):
    device = house.devices[0]
    desk = await open_desk(person_id=device.mediator_id)
    assert (await house.scan((await codes_of(desk.booklets[0]))[9].qr, device=device)).verdict == "accepted"
    with pytest.raises(HandoutRefused) as refused:
        await give(desk, last_pass=5)
    assert refused.value.why is HandoutRefusal.OWN_ACCEPTANCE


@pytest.mark.parametrize(
    "answers",
    [
        {"situation": "rsa", "qpv": "oui"},
        {"situation": "rsa", "qpv": "oui", "age": "26_59", "nom": "Durand"},
        {"situation": "Mme Durand, 3 rue des Lilas", "qpv": "oui", "age": "26_59"},
        {"situation": ["rsa"], "qpv": "oui", "age": "26_59"},
        {"situation": "rsa", "qpv": None, "age": "26_59"},
    ],
)
async def test_the_record_itself_refuses_every_answer_that_was_not_offered(
    open_desk, new_handout, house, answers
):
    desk = await open_desk()
    async with house.database() as connection:
        with pytest.raises(asyncpg.CheckViolationError):
            await hand_out(
                connection, new_handout(desk, answers=answers), at=datetime.now(UTC), actor="tests"
            )


async def test_a_mistake_is_undone_until_a_pass_was_taken_and_bars_its_person_for_ever(
    open_desk, give, house, codes_of
):
    desk = await open_desk(booklets=2)
    undone, used = await give(desk), await give(desk, booklet=desk.booklets[1])
    assert (await house.scan((await codes_of(desk.booklets[1]))[0].qr)).verdict == "accepted"
    now = datetime.now(UTC)
    async with house.database() as connection:
        for handout, expected in ((undone, True), (undone, False), (used, False)):
            done = await undo_handout(
                connection, handout.id, cause=UndoCause.WRONG_BOOKLET, at=now, actor="tests"
            )
            assert done is expected
        prescribed_by = await connection.fetchval(
            "SELECT prescribed_by FROM booklets WHERE number = $1", desk.booklets[0]
        )
    assert prescribed_by == desk.person_id
    assert (await give(desk)).passes == 10


async def test_transfers_move_what_is_there_within_a_territory_and_counts_tell_what_is_missing(
    open_desk, give, house
):
    desk, other = await open_desk(booklets=4), await open_desk()
    now = datetime.now(UTC)

    async def move(numbers: list[int], **places: int | None) -> int:
        async with house.database() as connection:
            return await transfer_booklets(
                connection, numbers, **places, at=now, actor="tests", reason="prêt d’un mois"
            )

    await move(desk.booklets[:2], from_id=desk.prescriber_id, to_id=other.prescriber_id)
    with pytest.raises(PrescriberRefused, match="not there"):
        await move(desk.booklets[:1], from_id=desk.prescriber_id, to_id=other.prescriber_id)
    await give(desk, booklet=desk.booklets[2], last_pass=3)
    with pytest.raises(PrescriberRefused, match="handed out"):
        await move(desk.booklets[2:], from_id=desk.prescriber_id, to_id=None)
    async with house.database() as connection:
        line = await read_stock(connection, desk.prescriber_id, now=now)
        assert line
        assert (line.whole, line.begun, line.left_passes, line.up_to_30_days) == (1, 1, 17, 2)
        assert await count_stock(connection, desk.prescriber_id, 1, at=now, actor="tests") == -1
        counted = await read_stock(connection, desk.prescriber_id, now=now)
        assert counted
        assert counted.last_difference == -1


async def test_a_namesake_is_told_apart_so_that_nobody_is_two_persons(open_desk, house):
    desk = await open_desk()
    now = datetime.now(UTC)
    async with house.database() as connection:
        name = await connection.fetchval(
            "SELECT name FROM persons WHERE id = $1", house.devices[0].mediator_id
        )
        how = {"name": name, "at": now, "actor": "tests"}
        with pytest.raises(PrescriberRefused, match="--person"):
            await add_prescriber_person(connection, desk.prescriber_id, **how)
        known = house.devices[0].mediator_id
        assert await add_prescriber_person(connection, desk.prescriber_id, **how, person_id=known) == known
        other = await add_prescriber_person(connection, desk.prescriber_id, **how, is_namesake=True)
        told = {one.person_id: one.accepts_too for one in await list_persons(connection, desk.prescriber_id)}
    assert told == {desk.person_id: False, known: True, other: False}
