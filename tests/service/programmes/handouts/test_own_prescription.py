"""Who handed a booklet out may not accept its passes: persons, whatever the phone, site or account."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from ledger.devices import enrol_device
from ledger.handout_rows import HandoutRefusal
from ledger.handouts import HandoutRefused, hand_out
from ledger.prescribers import add_prescriber_person
from ledger.rows import Outcome

SOON_SECONDS = 0.3  # long enough for what is not held up to have ended


async def another_phone(house, person_id: int, of):
    """The same person's, at the site of another device."""
    async with house.database() as connection:
        device_id, token = await enrol_device(
            connection, site_id=of.site_id, mediator_id=person_id, label="autre", actor="tests"
        )
    await house.refreshed()
    return type(of)(device_id, token, of.site, of.site_id, of.operator_id, person_id)


async def test_the_same_person_is_refused_with_any_phone_at_any_site(open_desk, give, house, codes_of):
    device = await house.operator()
    desk = await open_desk(operator_id=device.operator_id, person_id=device.mediator_id)
    await give(desk)
    await house.refreshed()
    codes = await codes_of(desk.booklets[0])
    second = await another_phone(house, device.mediator_id, device)
    elsewhere = await another_phone(house, device.mediator_id, await house.operator())
    for place, phone in enumerate((device, second, elsewhere)):
        for code in (codes[place].qr, codes[place].short):
            assert (await house.scan(code, device=phone)).verdict == "own_prescription"
            assert (await house.check(code, device=phone)).verdict == "own_prescription"


async def test_another_person_of_the_same_organisation_accepts(open_desk, give, house, codes_of):
    device = await house.operator()
    desk = await open_desk(operator_id=device.operator_id, person_id=device.mediator_id)
    await give(desk)
    await house.refreshed()
    colleague = await house.enrol(device.site_id, operator_id=device.operator_id, site=device.site)
    codes = await codes_of(desk.booklets[0])
    assert (await house.scan(codes[0].qr, device=device)).verdict == "own_prescription"
    assert (await house.scan(codes[0].qr, device=colleague)).verdict == "accepted"


async def test_each_of_two_persons_who_handed_out_parts_is_refused_the_whole_booklet(
    open_desk, give, house, codes_of
):
    first, second, third = [await house.operator() for _ in range(3)]
    desk = await open_desk(person_id=first.mediator_id)
    now = datetime.now(UTC)
    async with house.database() as connection:
        await add_prescriber_person(
            connection, desk.prescriber_id, name="", person_id=second.mediator_id, at=now, actor="tests"
        )
    await give(desk, last_pass=5)
    await give(desk, first_pass=6, person_id=second.mediator_id)
    await house.refreshed()
    codes = await codes_of(desk.booklets[0])
    for device in (first, second):
        for code in (codes[0], codes[9]):
            assert (await house.scan(code.qr, device=device)).verdict == "own_prescription"
    assert (await house.scan(codes[0].qr, device=third)).verdict == "accepted"


async def test_a_scan_made_offline_before_the_hand_out_is_refused_too(open_desk, give, house, codes_of):
    device = await house.operator()
    desk = await open_desk(person_id=device.mediator_id)
    await give(desk)
    await house.refreshed()
    now = datetime.now(UTC)
    scan = {
        "attempt_id": "0190c2a5-7b1e-7c3d-9a4f-1234567890ab",
        "code": (await codes_of(desk.booklets[0]))[0].qr,
        "scanned_at": (now - timedelta(microseconds=1)).isoformat(),
    }
    answer = await house.batch([scan], device=device, sent_at=now.isoformat())
    assert answer.body["verdicts"][0]["refusal"] in {"own_prescription", "not_active"}


async def test_the_record_refuses_by_itself_whatever_a_validator_has_heard_of(
    open_desk, give, house, codes_of
):
    device = await house.operator()
    desk = await open_desk(person_id=device.mediator_id)
    async with house.without_news() as deaf:
        await give(desk)
        code = (await codes_of(desk.booklets[0]))[0].qr
        answer = await house.scan(code, device=device, client=deaf)
        assert answer.verdict == "own_prescription"


@pytest.mark.parametrize("role", ["console", "prescriber"])
async def test_a_second_account_of_the_same_person_changes_nothing(open_desk, give, house, codes_of, role):
    """Accounts are logins: the booklet keeps the person, and so does the phone."""
    from console.passwords import hash_password
    from ledger.account_rows import Role
    from ledger.accounts import add_account

    device = await house.operator()
    desk = await open_desk(person_id=device.mediator_id)
    scope = {"role": Role.PRESCRIBER, "prescriber_id": desk.prescriber_id} if role == "prescriber" else {}
    async with house.database() as connection:
        await add_account(
            connection,
            email=f"deuxieme-{desk.person_id}-{role}@console.example",
            name="Deuxième compte",
            password_hash=hash_password("une phrase assez longue"),
            actor="tests",
            person_id=desk.person_id,
            **scope,
        )
    await give(desk)
    await house.refreshed()
    code = (await codes_of(desk.booklets[0]))[0].qr
    assert (await house.scan(code, device=device)).verdict == "own_prescription"


async def test_who_is_taking_a_pass_at_this_very_moment_hands_its_booklet_out_to_nobody(
    open_desk, give, house, claim
):
    device = await house.operator()
    desk = await open_desk(person_id=device.mediator_id)
    async with house.database() as scanning:
        under_way = scanning.transaction()
        await under_way.start()
        assert await claim(scanning, desk.booklets[0], device) is Outcome.TAKEN
        giving = asyncio.create_task(give(desk, first_pass=2))
        done, _ = await asyncio.wait({giving}, timeout=SOON_SECONDS)
        assert not done, "it looks only when the scan has committed"
        await under_way.commit()
    with pytest.raises(HandoutRefused) as refused:
        await giving
    assert refused.value.why is HandoutRefusal.OWN_ACCEPTANCE


async def test_who_is_handing_a_booklet_out_at_this_very_moment_takes_none_of_its_passes(
    open_desk, new_handout, house, claim
):
    device = await house.operator()
    desk = await open_desk(person_id=device.mediator_id)
    async with house.database() as giving, house.database() as scanning:
        under_way = giving.transaction()
        await under_way.start()
        await hand_out(giving, new_handout(desk), at=datetime.now(UTC), actor="tests")
        taking = asyncio.create_task(claim(scanning, desk.booklets[0], device))
        done, _ = await asyncio.wait({taking}, timeout=SOON_SECONDS)
        assert not done, "it looks only when the hand-out has committed"
        await under_way.commit()
        assert await taking is Outcome.UNTAKEN


async def test_of_hand_outs_and_scans_by_the_same_person_at_once_one_or_the_other_is_refused(
    open_desk, give, house, claim
):
    device = await house.operator()
    desk = await open_desk(person_id=device.mediator_id, booklets=20)

    async def take(number):
        async with house.database() as connection:
            return await claim(connection, number, device)

    async def hand(number):
        try:
            await give(desk, booklet=number, first_pass=2)
        except HandoutRefused as refused:
            return refused.why
        return None

    taken = await asyncio.gather(*(one(number) for number in desk.booklets for one in (take, hand)))
    for scanned, given in zip(taken[::2], taken[1::2], strict=True):
        assert (scanned, given) in {
            (Outcome.TAKEN, HandoutRefusal.OWN_ACCEPTANCE), (Outcome.UNTAKEN, None)
        }  # fmt: skip
