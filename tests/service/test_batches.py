"""POST /v1/scans/batch: verdicts in order, each scan judged for itself."""

import asyncio

import pytest

from validator.bodies import SCANS_PER_BATCH_MAX


def _verdicts(answer):
    assert answer.status == 200, answer.body
    return [one.get("refusal", one["verdict"]) for one in answer.body["verdicts"]]


async def test_verdicts_come_in_the_order_of_the_scans(house, new_attempt_id):
    passes = await house.passes(20)
    scans = [{"attempt_id": new_attempt_id(), "code": one.qr} for one in reversed(passes)]
    answer = await house.batch(scans)
    assert _verdicts(answer) == ["accepted"] * 20
    assert [one["attempt_id"] for one in answer.body["verdicts"]] == [scan["attempt_id"] for scan in scans]
    assert [(v["pass"]["booklet"], v["pass"]["number"]) for v in answer.body["verdicts"]] == [
        tuple(one.pass_id) for one in reversed(passes)
    ]


async def test_one_bad_scan_does_not_spoil_the_others(house, new_attempt_id):
    one, other, third = await house.passes(3)
    codes = [one.qr, "bonjour", other.short, "PN9:X", one.qr, third.qr.lower()]
    answer = await house.batch([{"attempt_id": new_attempt_id(), "code": code} for code in codes])
    assert _verdicts(answer) == [
        "accepted",
        "unreadable",
        "accepted",
        "unknown_format",
        "already_accepted",
        "unreadable",
    ]


@pytest.mark.parametrize("carriers", [("qr", "qr"), ("qr", "short"), ("short", "qr"), ("short", "short")])
async def test_of_two_scans_of_one_pass_the_first_given_takes_it(house, new_attempt_id, carriers):
    [one] = await house.passes(1)
    scans = [{"attempt_id": new_attempt_id(), "code": getattr(one, carrier)} for carrier in carriers]
    assert _verdicts(await house.batch(scans)) == ["accepted", "already_accepted"]


async def test_a_scan_sent_twice_in_a_batch_is_accepted_twice_and_taken_once(house, new_attempt_id):
    [one] = await house.passes(1)
    scan = {"attempt_id": new_attempt_id(), "code": one.qr}
    answer = await house.batch([scan] * 10)
    assert _verdicts(answer) == ["accepted"] * 10
    assert len({verdict["receipt"] for verdict in answer.body["verdicts"]}) == 1


async def test_an_attempt_id_for_two_passes_in_a_batch_takes_the_first(house, new_attempt_id):
    one, other, third = await house.passes(3)
    attempt_id = new_attempt_id()
    scans = [{"attempt_id": attempt_id, "code": code.qr} for code in (one, other)]
    answer = await house.batch([*scans, {"attempt_id": new_attempt_id(), "code": third.qr}])
    assert _verdicts(answer) == ["accepted", "attempt_reused", "accepted"]
    assert (await house.check(other.qr)).verdict == "acceptable"


async def test_500_scans_are_taken_at_once(house, new_attempt_id):
    passes = await house.passes(500)
    scans = [{"attempt_id": new_attempt_id(), "code": one.qr} for one in passes]
    assert _verdicts(await house.batch(scans)) == ["accepted"] * 500
    assert _verdicts(await house.batch(scans)) == ["accepted"] * 500


async def test_501_scans_and_none_at_all_are_malformed(house, new_attempt_id):
    [one] = await house.passes(1)
    assert SCANS_PER_BATCH_MAX == 500
    too_many = [{"attempt_id": new_attempt_id(), "code": one.qr} for _ in range(501)]
    assert (await house.batch(too_many)).status == 400
    assert (await house.batch([])).status == 400
    assert (await house.check(one.qr)).verdict == "acceptable"


async def test_batches_that_overlap_in_opposite_order_take_each_pass_once(house, twin, new_attempt_id):
    passes = await house.passes(60)

    async def send(order, device, client):
        body = {"scans": [{"attempt_id": new_attempt_id(), "code": one.qr} for one in order]}
        return await house.call("POST", "/v1/scans/batch", json=body, device=device, client=client)

    answers = await asyncio.gather(
        *(
            send(passes[:: -1 if n % 2 else 1], house.devices[n % 5], (house.client, twin)[n % 2])
            for n in range(6)
        )
    )
    verdicts = [verdict for answer in answers for verdict in _verdicts(answer)]
    assert verdicts.count("accepted") == 60
    assert verdicts.count("already_accepted") == 300


async def test_the_clock_may_be_said_once_for_the_whole_batch(house, new_attempt_id):
    one, other = await house.passes(2)
    scans = [{"attempt_id": new_attempt_id(), "code": p.qr, "scanned_at": "2020-01-01T00:00:00Z"}
             for p in (one, other)]  # fmt: skip
    scans[1]["sent_at"] = "2020-01-01T00:00:00Z"  # its own word goes before the batch's
    answer = await house.batch(scans, sent_at="2020-02-01T00:00:00Z")
    assert _verdicts(answer) == ["not_active", "accepted"]
