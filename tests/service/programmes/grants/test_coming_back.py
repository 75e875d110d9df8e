"""Booklets that come back from a territory: out of every safe, no longer handed out there, and never those
that circulate under another number."""

import uuid
from datetime import timedelta

import asyncpg
import pytest

from ledger.booklets import cancel_booklets
from ledger.custody import read_stock, transfer_booklets
from ledger.deliveries import restitute
from ledger.grant_rows import GrantRefused
from ledger.grants import programme_granted
from ledger.handout_rows import HandoutRefusal, NewHandout
from ledger.handouts import HandoutRefused, hand_out
from ledger.prescribers import add_prescriber, add_prescriber_person
from ledger.questionnaires import load_questionnaire
from ledger.replacements import ReplacementRefused, replace_booklet
from ledger.rows import CancelCause
from programmes.questionnaire import content_of, default_questionnaire

WHO = {"actor": "tests", "reason": "rappel"}


@pytest.fixture
async def safe(office):
    """Of a prescriber of the first territory: five booklets, and who hands them out."""
    here, at = office.territories[0], office.now
    await office.stock(10)
    await office.deliver(await office.first_grant(here), 5)
    how = {"at": at, "actor": "tests"}
    prescriber = await add_prescriber(
        office.connection, territory_id=here, name="CCAS", operator_id=None, **how
    )
    person = await add_prescriber_person(office.connection, prescriber, name="Prescriptrice", **how)
    numbers = list(office.batch.booklets)[:5]
    await transfer_booklets(office.connection, numbers, from_id=None, to_id=prescriber, at=at, **WHO)
    content = content_of(default_questionnaire())
    kept = await load_questionnaire(office.connection, office.programme_id, content, **how)
    return numbers, prescriber, person, kept.id


async def _give(office, safe, number):
    _, prescriber, person, questionnaire = safe
    answers = {"situation": "rsa", "qpv": "oui", "age": "26_59"}
    new = NewHandout(uuid.uuid4(), number, 1, 10, prescriber, person, questionnaire, answers, ("pic",))
    return await hand_out(office.connection, new, at=office.now, actor="tests")


async def _take_back_by_hand(office, number):
    async with office.connection.transaction():
        row = await office.connection.fetchval(
            "INSERT INTO restitutions (programme_id, territory_id, booklet_count, passes, at, by, reason)"
            " VALUES ($1, $2, 1, 10, $3, 'tests', 'essai') RETURNING id",
            office.programme_id, office.territories[0], office.now,
        )  # fmt: skip
        await office.connection.execute(
            "UPDATE delivered_booklets SET restitution_id = $1 WHERE booklet = $2", row, number
        )


async def test_what_came_back_is_in_no_safe_and_handed_out_by_nobody_wherever_it_goes_next(office, safe):
    numbers, prescriber, *_ = safe
    here, there = office.territories[:2]
    await restitute(office.connection, office.programme_id, here, numbers[:2], at=office.now, **WHO)
    assert (await read_stock(office.connection, prescriber, now=office.now)).whole == 3
    with pytest.raises(HandoutRefused) as refused:
        await _give(office, safe, numbers[0])
    assert refused.value.why is HandoutRefusal.NOT_IN_STOCK
    office.now += timedelta(days=1)
    await office.deliver(await office.first_grant(there), 2)
    with pytest.raises(HandoutRefused):
        await _give(office, safe, numbers[0])
    assert await _give(office, safe, numbers[2])


async def test_a_booklet_whose_record_of_the_safe_is_wrong_is_handed_out_in_its_territory_only(
    office, safe, superuser
):
    """As before transfers were told with what came back."""
    numbers, *_ = safe
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute(
        "UPDATE deliveries SET territory_id = $1 WHERE programme_id = $2",
        office.territories[1],
        office.programme_id,
    )
    with pytest.raises(HandoutRefused) as refused:
        await _give(office, safe, numbers[0])
    assert refused.value.why is HandoutRefusal.NOT_IN_STOCK


async def test_what_was_replaced_does_not_come_back_and_frees_nothing_of_the_stock(office, safe):
    numbers, *_ = safe
    here = office.territories[0]
    await replace_booklet(office.connection, numbers[0], cause=CancelCause.LOST, at=office.now, **WHO)
    granted = await programme_granted(office.connection, office.programme_id)
    back = {"at": office.now, **WHO}
    with pytest.raises(GrantRefused, match="replaced by others"):
        await restitute(office.connection, office.programme_id, here, numbers[:2], **back)
    with pytest.raises(asyncpg.CheckViolationError, match="can't come back"):
        await _take_back_by_hand(office, numbers[0])
    assert await programme_granted(office.connection, office.programme_id) == granted
    assert await restitute(office.connection, office.programme_id, here, numbers[1:2], **back) == 10


async def test_what_came_back_is_not_replaced_not_even_when_it_had_been_told_lost(office, safe):
    """Its passes are free for others: they would be live twice over."""
    numbers, *_ = safe
    here, at = office.territories[0], office.now
    await cancel_booklets(office.connection, numbers[:1], cause=CancelCause.LOST, at=at, **WHO)
    await restitute(office.connection, office.programme_id, here, numbers[:2], at=at, **WHO)
    for number in numbers[:2]:
        with pytest.raises(ReplacementRefused, match="came back"):
            await replace_booklet(office.connection, number, cause=CancelCause.LOST, at=at, **WHO)
    done = await replace_booklet(office.connection, numbers[2], cause=CancelCause.LOST, at=at, **WHO)
    assert done.passes == 10
