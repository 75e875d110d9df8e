"""Guessing short codes: one answer for all that is wrong, and few guesses."""

import asyncio

import pytest

from keys.passes import CodeFault, PassId
from keys.short_code import programme_secret, read_short_code, short_code
from ledger.rows import Device
from validator import limits
from validator.guard import Guard
from validator.limits import WRONG_MAX, WrongCodes
from validator.trouble import TooManyAttempts


@pytest.fixture(autouse=True)
def _one_window(monkeypatch):
    """The hour must not end in the middle of a test."""
    monkeypatch.setattr(limits, "WINDOW_SECONDS", 10**9)


def a_guess(number: int, booklet: int = 1) -> str:
    return short_code(PassId(booklet, number % 10 + 1), bytes([number % 256]) * 32)


async def test_a_booklet_never_issued_and_a_wrong_mac_get_one_answer(house, new_attempt_id):
    [one] = await house.passes(1)
    device, attempt_id = await house.operator(), new_attempt_id()
    secret = programme_secret(house.master_secret, house.programme_id)
    unused = programme_secret(house.master_secret, 0)
    answers = [
        await house.scan(code, attempt_id=attempt_id, device=device)
        for code in (
            short_code(one.pass_id, bytes(32)),
            short_code(PassId(10**9, 1), secret),
            short_code(PassId(10**9, 1), unused),
            short_code(PassId(one.pass_id.booklet, 11), bytes(32)),
        )
    ]
    assert {answer.verdict for answer in answers} == {"forged"}
    assert len({str(answer.body) for answer in answers}) == 1


@pytest.mark.parametrize("call", ["scan", "check"])
async def test_after_twenty_wrong_codes_a_device_waits_and_its_qr_codes_still_work(house, call):
    one, other = await house.passes(2)
    device = await house.operator()
    ask = getattr(house, call)
    for number in range(WRONG_MAX["device"]):
        assert (await ask(a_guess(number, one.pass_id.booklet), device=device)).verdict == "forged"
    refused = await ask(one.short, device=device)
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert (await house.scan(other.qr, device=device)).verdict == "accepted"
    assert (await house.scan(one.short)).verdict == "accepted"  # another device's


async def test_a_mistyped_character_is_not_a_guess(house):
    [one] = await house.passes(1)
    device = await house.operator()
    # Of the check characters three pairs read alike, so that now and then one mistake is not seen.
    variants = (f"{first}{one.short[1:]}" for first in "123456789")
    mistyped = next(code for code in variants if read_short_code(code) is CodeFault.UNREADABLE)
    for _ in range(WRONG_MAX["device"] + 5):
        assert (await house.scan(mistyped, device=device)).verdict == "unreadable"
    assert (await house.scan(one.short, device=device)).verdict == "accepted"


async def test_guesses_are_counted_across_validators(house, twin):
    [one] = await house.passes(1)
    device = await house.operator()
    for number in range(WRONG_MAX["device"]):
        await house.scan(a_guess(number), device=device)
    for number in range(5):  # a slow machine may have lost a count or two
        if (await house.scan(a_guess(number), device=device, client=twin)).status == 429:
            break
    assert (await house.scan(one.short, device=device, client=twin)).status == 429


async def test_without_valkey_each_validator_still_counts(house, blind):
    [one] = await house.passes(1)
    device = await house.operator()
    for number in range(WRONG_MAX["device"]):
        answer = await house.scan(a_guess(number), device=device, client=blind)
        assert answer.verdict == "forged"
    assert (await house.scan(one.short, device=device, client=blind)).status == 429


@pytest.mark.parametrize("through", ["house", "blind"])
async def test_guesses_sent_all_at_once_are_no_more_than_one_after_the_other(house, blind, through):
    device = await house.operator()
    client = blind if through == "blind" else house.client
    answers = await asyncio.gather(
        *(house.scan(a_guess(number), device=device, client=client) for number in range(60))
    )
    judged = [answer for answer in answers if answer.status == 200]
    assert len(judged) == WRONG_MAX["device"]


async def test_a_batch_is_no_way_around_the_limit(house, new_attempt_id):
    [one] = await house.passes(1)
    device = await house.operator()
    guesses = [{"attempt_id": new_attempt_id(), "code": a_guess(number)} for number in range(100)]
    await house.batch(guesses, device=device)
    assert (await house.scan(one.short, device=device)).status == 429
    async with house.database() as connection:
        assert await connection.fetchval(
            "SELECT count(*) FROM acceptances WHERE device_id = $1", device.id
        ) == 0  # fmt: skip


async def test_in_a_batch_a_typed_code_past_the_limit_does_not_hold_back_the_others(house, new_attempt_id):
    typed, signed = await house.passes(2)
    device = await house.operator()
    for number in range(WRONG_MAX["device"]):
        await house.scan(a_guess(number), device=device)
    scans = [{"attempt_id": new_attempt_id(), "code": code} for code in (typed.short, signed.qr)]
    answer = await house.batch(scans, device=device)
    assert answer.status == 200
    [waiting, taken] = answer.body["verdicts"]
    assert (waiting["verdict"], waiting["attempt_id"]) == ("not_judged", scans[0]["attempt_id"])
    assert waiting["retry_after_seconds"] > 0
    assert taken["verdict"] == "accepted"
    assert (await house.batch(scans[:1], device=device)).status == 429


async def test_an_operator_and_everybody_together_are_limited_too(house):
    def a_device(number: int, operator_id: int) -> Device:
        return Device(number, operator_id, 1, 1, "", None, None)

    wrong_codes = WrongCodes(Guard(None))
    for number in range(WRONG_MAX["operator"]):
        await wrong_codes.count_wrong(a_device(number, 1))
    with pytest.raises(TooManyAttempts):
        await wrong_codes.check(a_device(5_000, 1))
    await wrong_codes.check(a_device(5_000, 2))
    for number in range(WRONG_MAX["everybody"] - WRONG_MAX["operator"]):
        await wrong_codes.count_wrong(a_device(10_000 + number, 10_000 + number))
    with pytest.raises(TooManyAttempts):
        await wrong_codes.check(a_device(5_000, 2))
