"""An accepted attempt stays accepted: the same acceptance and receipt, whatever has changed since."""

import asyncio
from datetime import UTC, date, datetime

import pytest
import redis.asyncio

from keys.keyring import KeyPurpose, KeyState
from ledger.booklets import cancel_booklets
from ledger.parties import end_qualification
from ledger.programmes import amend_last_day
from ledger.rows import CancelCause
from ledger.signing_keys import add_key, change_key

ACCEPTED = "SELECT count(*) FROM acceptances WHERE attempt_id = $1"


async def _cancel(house, one, device, programme_id):
    async with house.database() as connection:
        await cancel_booklets(
            connection,
            [one.pass_id.booklet],
            cause=CancelCause.STOLEN,
            at=datetime.now(UTC),
            actor="tests",
            reason=None,
        )


async def _expire(house, one, device, programme_id):
    async with house.database() as connection:
        await amend_last_day(connection, programme_id, date(2026, 1, 1), reason="avenant", actor="tests")


async def _disqualify(house, one, device, programme_id):
    async with house.database() as connection:
        await end_qualification(
            connection,
            operator_id=device.operator_id,
            programme_id=programme_id,
            ends_on=date(2020, 1, 2),
            actor="tests",
            reason="end",
        )


async def _prescribe(house, one, device, programme_id):
    async with house.as_owner() as connection:
        await connection.execute(
            "UPDATE booklets SET prescribed_by = $2 WHERE number = $1",
            one.pass_id.booklet,
            device.mediator_id,
        )


async def _rotate_receipt_key(house, one, device, programme_id):
    async with house.database() as connection:
        key = house.key_folder.create_pair(KeyPurpose.RECEIPT, datetime.now(UTC))
        await add_key(connection, kid=key.kid, purpose=key.purpose, raw=key.raw, actor="tests")
        now = datetime.now(UTC)
        await change_key(connection, key.kid, KeyState.ACTIVE, at=now, actor="tests", reason=None)


async def _revoke_receipt_key(house, one, device, programme_id):
    async with house.database() as connection:
        old = await connection.fetchval(
            "SELECT kid FROM signing_keys WHERE purpose = 'receipt' AND state = 'active'"
        )
    await _rotate_receipt_key(house, one, device, programme_id)
    async with house.database() as connection:
        now = datetime.now(UTC)
        await change_key(connection, old, KeyState.REVOKED, at=now, actor="tests", reason="lost")


async def _flush_guard(house, one, device, programme_id):
    client = redis.asyncio.Redis.from_url(house.settings.valkey_url)
    await client.flushdb()
    await client.aclose()


@pytest.mark.parametrize(
    ("change", "carrier"),
    [
        (_cancel, "qr"),
        (_cancel, "short"),
        (_expire, "qr"),
        (_expire, "short"),
        (_disqualify, "qr"),
        (_prescribe, "short"),
        (_rotate_receipt_key, "qr"),
        (_revoke_receipt_key, "short"),
        (_flush_guard, "qr"),
    ],
    ids=lambda value: getattr(value, "__name__", value).strip("_"),
)
async def test_a_repeat_tells_the_same_acceptance_whatever_changed(
    house, twin, new_attempt_id, change, carrier
):
    programme_id = await house.programme()
    device = await house.operator(qualified=False)
    await house.qualify(programme_id, device)
    [one] = await house.passes(1, programme_id=programme_id)
    code, attempt_id = getattr(one, carrier), new_attempt_id()
    first = await house.scan(code, attempt_id=attempt_id, device=device, service="premiers-pas")

    await change(house, one, device, programme_id)
    await house.refreshed()
    again = await house.scan(code, attempt_id=attempt_id, device=device, service="premiers-pas")
    elsewhere = await house.scan(code, attempt_id=attempt_id, device=device, client=twin)

    assert first.verdict == again.verdict == elsewhere.verdict == "accepted"
    for repeated in (again.body, elsewhere.body):
        repeated["pass"].pop("expires_on")  # follows the record
        assert repeated == {**first.body, "pass": repeated["pass"]}


async def test_a_repeat_by_another_carrier_or_with_another_service_is_the_same_attempt(house, new_attempt_id):
    [one] = await house.passes(1)
    attempt_id = new_attempt_id()
    first = await house.scan(one.qr, attempt_id=attempt_id, service="premiers-pas")
    second = await house.scan(one.short, attempt_id=attempt_id, service="emploi")
    upper = await house.scan(one.short.lower(), attempt_id=attempt_id.upper())
    assert first.body == second.body == upper.body


async def test_the_same_attempt_sent_fifty_times_at_once_is_one_acceptance(house, twin, new_attempt_id):
    [one] = await house.passes(1)
    attempt_id = new_attempt_id()
    answers = await asyncio.gather(
        *(house.scan(one.qr, attempt_id=attempt_id, client=(house.client, twin)[n % 2]) for n in range(50))
    )
    assert {answer.verdict for answer in answers} == {"accepted"}
    assert len({str(answer.body) for answer in answers}) == 1
    async with house.database() as connection:
        count = await connection.fetchval(
            "SELECT count(*) FROM acceptances WHERE attempt_id = $1", attempt_id
        )
    assert count == 1


async def test_a_repeat_writes_before_it_is_told_accepted(house, new_attempt_id):
    """No "accepted" without a commit of our own after the read: a failover must not lose what was told."""
    [one] = await house.passes(1)
    attempt_id = new_attempt_id()
    await house.scan(one.qr, attempt_id=attempt_id)
    await house.scan(one.qr, attempt_id=attempt_id)
    async with house.database() as connection:
        outcomes = await connection.fetch("SELECT outcome FROM attempts WHERE attempt_id = $1", attempt_id)
    assert [row["outcome"] for row in outcomes] == ["repeated"]


async def test_a_refused_attempt_takes_nothing_and_its_repeat_is_judged_afresh(house, new_attempt_id):
    programme_id = await house.programme()
    device = await house.operator(qualified=False)
    [one] = await house.passes(1, programme_id=programme_id)
    attempt_id = new_attempt_id()
    refused = await house.scan(one.qr, attempt_id=attempt_id, device=device)
    await house.qualify(programme_id, device)
    accepted = await house.scan(one.qr, attempt_id=attempt_id, device=device)
    assert refused.verdict == "operator_not_qualified"
    assert accepted.verdict == "accepted"


async def test_an_attempt_refused_because_of_a_rival_is_accepted_once_the_rival_was_undone(
    house, new_attempt_id
):
    [one] = await house.passes(1)
    rival, attempt_id = new_attempt_id(), new_attempt_id()
    await house.scan(one.qr, attempt_id=rival)
    assert (await house.scan(one.qr, attempt_id=attempt_id)).verdict == "already_accepted"
    await house.undo(rival)
    assert (await house.scan(one.qr, attempt_id=attempt_id)).verdict == "accepted"


# One attempt id, one physical scan -----------------------------------------------------------------------


async def test_an_attempt_id_reused_for_another_pass_is_a_conflict_and_takes_nothing(house, new_attempt_id):
    one, other = await house.passes(2)
    attempt_id = new_attempt_id()
    await house.scan(one.qr, attempt_id=attempt_id)
    reused = await house.scan(other.qr, attempt_id=attempt_id)
    assert reused.status == 409
    assert reused.body["type"] == "urn:poincon:problem:attempt-reused"
    assert (await house.check(other.qr)).verdict == "acceptable"


async def test_an_attempt_id_reused_by_another_device_is_a_conflict(house, twin, new_attempt_id):
    [one] = await house.passes(1)
    attempt_id = new_attempt_id()
    await house.scan(one.qr, attempt_id=attempt_id)
    for device in house.devices[1:]:
        for client in (house.client, twin):
            answer = await house.scan(one.qr, attempt_id=attempt_id, device=device, client=client)
            assert answer.status == 409


async def test_an_undone_attempt_id_is_still_a_conflict_for_another_pass(house, new_attempt_id):
    one, other = await house.passes(2)
    attempt_id = new_attempt_id()
    await house.scan(one.qr, attempt_id=attempt_id)
    await house.undo(attempt_id)
    assert (await house.scan(other.qr, attempt_id=attempt_id)).status == 409


async def test_a_conflict_is_one_even_when_the_other_pass_could_not_be_taken(house, new_attempt_id):
    one, other = await house.passes(2)
    late = await house.issue(activated=False)
    attempt_id = new_attempt_id()
    await house.scan(one.qr, attempt_id=attempt_id)
    assert (await house.scan(next(house.printed(late)).qr, attempt_id=attempt_id)).status == 409
    assert (await house.check(other.qr)).verdict == "acceptable"


@pytest.mark.parametrize("round_", range(3))
async def test_one_attempt_id_for_many_passes_at_once_takes_one_of_them(
    house, twin, blind, new_attempt_id, round_
):
    passes = await house.passes(30)
    attempt_id = new_attempt_id()
    services = [house.client, twin, blind]
    answers = await asyncio.gather(
        *(
            house.scan(one.qr, attempt_id=attempt_id, client=services[place % 3])
            for place, one in enumerate(passes)
        )
    )
    assert sorted(answer.status for answer in answers) == [200] + [409] * 29
    async with house.database() as connection:
        count = await connection.fetchval(
            "SELECT count(*) FROM acceptances WHERE attempt_id = $1", attempt_id
        )
    assert count == 1


async def test_one_attempt_id_from_many_devices_at_once_is_accepted_for_one_of_them(
    house, twin, blind, new_attempt_id
):
    [one] = await house.passes(1)
    attempt_id = new_attempt_id()
    services = [house.client, twin, blind]
    answers = await asyncio.gather(
        *(
            house.scan(one.qr, attempt_id=attempt_id, device=house.devices[n % 5], client=services[n % 3])
            for n in range(30)
        )
    )
    assert sorted(answer.status for answer in answers) == [200] * 6 + [409] * 24


async def test_a_repeat_is_accepted_by_a_validator_that_has_not_heard_of_the_booklet(house, new_attempt_id):
    async with house.without_news() as late:
        [one] = await house.passes(1)
        attempt_id = new_attempt_id()
        first = await house.scan(one.qr, attempt_id=attempt_id)
        again = await house.scan(one.qr, attempt_id=attempt_id, client=late)
    assert first.verdict == "accepted"
    assert again.body == first.body


async def test_a_validator_that_has_not_heard_of_the_first_ones_site_says_503_rather_than_fail(house):
    [one] = await house.passes(1)
    async with house.without_news() as late:
        newcomer = await house.operator()
        assert (await house.scan(one.qr, device=newcomer)).verdict == "accepted"
        told = await house.scan(one.qr, client=late)
        while told.status == 503:
            await asyncio.sleep(0.05)
            told = await house.scan(one.qr, client=late)
    assert told.verdict == "already_accepted"
    assert told.body["earlier"]["site"] == newcomer.site
