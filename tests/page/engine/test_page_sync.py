"""The queue of the médiateur's page: sent exactly once, in one person's name, whatever fails."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from playwright.async_api import Page, Route

from ledger.devices import revoke_device
from ledger.facts import load_facts
from validator.badge import COOKIE

BATCH: Final = "**/v1/scans/batch"


async def test_a_scanned_pass_is_told_as_waiting_then_accepted_and_its_code_is_forgotten(
    start, instance, taken_by
):
    phone = await start()
    told = await phone.take(instance.qr(0))
    assert told["kind"] == "waiting"
    assert told["attempt"]["pass"]["number"] == instance.passes[0][1].number
    await phone.counts(accepted=1, waiting=0)
    (attempt,) = await phone.attempts()
    assert "code" not in attempt
    assert attempt["source"] == "camera"
    kept = await phone.page.evaluate("engine.store.read('attempts', (all) => all.getAll())")
    assert [one["state"] for one in kept] == ["accepted"]
    assert instance.qr(0) not in str(kept)
    assert await taken_by() == 1


async def test_a_reload_keeps_what_waits_and_its_attempt_id(start, instance, taken_by):
    phone = await start()
    await phone.lose_every_batch()
    told = await phone.take(instance.qr(0))
    await phone.let_batches_through()
    await phone.page.reload()
    async with phone.page.expect_request(BATCH) as resent:
        await phone.run()
    (scan,) = (await resent.value).post_data_json["scans"]
    assert scan["attempt_id"] == told["attempt"]["attemptId"]
    await phone.counts(accepted=1)
    assert await taken_by() == 1


async def test_a_lost_reply_changes_nothing(start, instance, taken_by):
    phone = await start()
    sent = []

    async def lose_the_first(route: Route) -> None:
        sent.append([scan["attempt_id"] for scan in route.request.post_data_json["scans"]])
        if len(sent) == 1:
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await phone.page.route(BATCH, lose_the_first)
    for place in range(3):
        await phone.take(instance.qr(place))
    await phone.counts(accepted=3, refused=0)
    assert set(sent[0]) <= set(sent[1])
    assert await taken_by() == 3


async def test_a_service_that_falls_between_two_batches_loses_and_repeats_nothing(start, instance, taken_by):
    phone = await start()
    answered = 0

    async def fail_the_second(route: Route) -> None:
        nonlocal answered
        answered += 1
        await (route.fulfill(status=503, body="{}") if answered == 2 else route.continue_())

    # A typed code travels apart: two batches for one queue.
    await phone.lose_every_batch()
    await phone.take(instance.qr(0))
    await phone.take(instance.short(1), "typed")
    await phone.page.route(BATCH, fail_the_second)
    await phone.send()
    await phone.counts(accepted=2, waiting=0)
    assert answered == 3
    assert await taken_by() == 2


async def test_a_scan_that_the_server_finds_malformed_does_not_take_the_others_with_it(start, instance):
    phone = await start()

    async def refuse_one(route: Route) -> None:
        scans = route.request.post_data_json["scans"]
        if any(scan["code"] == instance.qr(0) for scan in scans):
            await route.fulfill(status=422, body='{"detail": "one is malformed"}')
        else:
            await route.continue_()

    await phone.page.context.set_offline(True)
    for place in range(3):
        await phone.take(instance.qr(place))
    await phone.page.route(BATCH, refuse_one)
    await phone.page.context.set_offline(False)
    await phone.counts(accepted=2, unclear=1, waiting=0)


@pytest.mark.parametrize("body", ["null", "{}", '{"verdicts": [null]}', '{"verdicts": [{}]}', "<html>"])
async def test_an_answer_that_tells_no_verdict_is_no_answer(start, instance, body):
    phone = await start()
    await phone.page.route(BATCH, lambda route: route.fulfill(status=200, body=body))
    await phone.take(instance.qr(0))
    await phone.is_in_trouble("no-answer")
    await phone.counts(waiting=1, accepted=0, unclear=0)
    await phone.let_batches_through()
    await phone.counts(accepted=1)


async def test_a_verdict_in_a_word_that_the_page_does_not_know_is_no_verdict(start, instance):
    async def answer_oddly(route: Route) -> None:
        scans = route.request.post_data_json["scans"]
        verdicts = [{"attempt_id": scan["attempt_id"], "verdict": "probably"} for scan in scans]
        await route.fulfill(json={"verdicts": verdicts})

    phone = await start()
    await phone.page.route(BATCH, answer_oddly)
    await phone.take(instance.qr(0))
    await phone.is_in_trouble("no-answer")
    await phone.counts(waiting=1, accepted=0, unclear=0)
    await phone.let_batches_through()
    await phone.counts(accepted=1)


@pytest.mark.parametrize("status", [403, 404, 502])
async def test_an_answer_that_is_not_the_services_never_drops_what_waits(start, instance, status):
    phone = await start()
    await phone.page.route(BATCH, lambda route: route.fulfill(status=status, body="<html>portal</html>"))
    await phone.take(instance.qr(0))
    await phone.is_in_trouble("unavailable")
    await phone.counts(waiting=1, unclear=0)
    await phone.let_batches_through()
    await phone.counts(accepted=1)


async def test_the_same_pass_is_counted_once_by_its_qr_its_code_128_and_a_second_look(start, instance):
    phone = await start()
    told = await phone.take_all([instance.qr(0), instance.short(0), instance.qr(1)])
    assert [one["kind"] for one in told] == ["waiting", "again", "waiting"]
    await phone.counts(accepted=2)
    assert (await phone.take(instance.qr(0)))["kind"] == "again"
    assert (await phone.take(instance.short(1)))["kind"] == "again"
    # Typed anew, it is asked anew: the answer says when and where.
    assert (await phone.take(instance.short(0), "typed"))["kind"] == "waiting"
    await phone.counts(accepted=2, refused=1)


async def test_codes_read_in_the_same_instant_are_taken_once(start, instance, taken_by):
    phone = await start()
    kinds = await phone.page.evaluate(
        """async (code) => {
          const told = await Promise.all([1, 2, 3].map(() => engine.intake.take(code, "camera")))
          return told.map(({ kind }) => kind)
        }""",
        instance.qr(0),
    )
    assert sorted(kinds) == ["again", "again", "waiting"]
    await phone.counts(accepted=1)
    assert await taken_by() == 1


async def test_two_tabs_send_one_queue_once_and_show_the_same(start, instance, taken_by):
    phone = await start()
    sent: list[str] = []

    def note(request: Any) -> None:
        if request.url.endswith("/v1/scans/batch"):
            sent.extend(scan["attempt_id"] for scan in request.post_data_json["scans"])

    phone.page.context.on("request", note)
    await phone.page.context.set_offline(True)
    for place in range(4):
        await phone.take(instance.qr(place))
    await phone.page.context.set_offline(False)
    other = await phone.in_another_tab()
    await other.run()
    await other.take(instance.qr(4))
    await asyncio.gather(phone.send(), other.send())
    for tab in (phone, other):
        await tab.counts(accepted=5, waiting=0, refused=0)
    assert await taken_by() == 5
    answered = [one["attemptId"] for one in await other.attempts()]
    assert set(answered) <= set(sent)


async def test_a_clock_two_hours_wrong_is_measured_told_and_changes_no_verdict(start, instance, client):
    phone = await start()
    for hours in (2, -2):
        await phone.page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=hours))
        await phone.reload()
        await phone.page.evaluate("engine.facts.whose()")
        skew_ms, is_wrong, now_ms = await phone.page.evaluate(
            "[engine.clock.skewMs, engine.clock.isWrong, engine.clock.now()]"
        )
        assert abs(skew_ms + hours * 3_600_000) < 10_000
        assert is_wrong
        assert abs(now_ms / 1000 - datetime.now(UTC).timestamp()) < 10
        place = 0 if hours > 0 else 1
        assert (await phone.take(instance.qr(place)))["kind"] == "waiting"
    await phone.counts(accepted=2)
    async with client.get("/v1/scans", headers=instance.headers()) as response:
        for scan in (await response.json())["scans"]:
            told = datetime.fromisoformat(scan["accepted_at"])
            assert abs(datetime.now(UTC) - told) < timedelta(minutes=1)


async def test_a_clock_that_somebody_set_between_the_scan_and_its_sending_does_not_age_it(start, instance):
    phone = await start()
    await phone.page.clock.set_system_time(datetime.now(UTC) - timedelta(days=4))
    await phone.page.evaluate("engine.facts.whose()")
    await phone.lose_every_batch()
    await phone.take(instance.qr(0))
    await phone.page.clock.set_system_time(datetime.now(UTC))
    await phone.page.evaluate("engine.facts.whose()")
    await phone.let_batches_through()
    await phone.send()
    await phone.counts(accepted=1, refused=0)


async def test_a_revoked_device_keeps_what_waits_and_says_so(start, instance, connection, refreshed, until):
    phone = await start()
    await phone.page.context.set_offline(True)
    await phone.take(instance.qr(0))
    first = min((await load_facts(connection)).devices.values(), key=lambda one: one.id)
    await revoke_device(connection, first.id, at=datetime.now(UTC), actor="tests", reason="lost")
    await refreshed()
    await phone.page.context.set_offline(False)
    await until(lambda: phone.page.evaluate("engine.events.includes('unknown-device')"))
    await phone.counts(waiting=1)
    assert await phone.page.evaluate("engine.facts.whose()") is None
    assert await phone.page.evaluate("engine.facts.isRevoked && engine.facts.device.mediator !== undefined")


async def test_what_one_person_scanned_is_never_sent_in_anothers_name(start, instance, taken_by, origin):
    phone = await start(0)
    await phone.lose_every_batch()
    await phone.take(instance.qr(0))
    other = await phone.in_another_tab()
    await change_hands(other.page, origin, instance.tokens[1])
    await phone.let_batches_through()
    sent: list[str] = []
    phone.page.on("request", lambda request: sent.append(request.url))
    await phone.send()
    assert [url for url in sent if url.endswith("/batch")] == []
    assert "device" in await phone.page.evaluate("engine.events")
    await phone.counts(waiting=1)
    assert [await taken_by(device) for device in (0, 1)] == [0, 0]
    # The other person is told of it, and it leaves once the phone is the first one's again.
    await other.run()
    assert await other.page.evaluate("engine.journal.waitingOfOthers()") == [
        [await phone.page.evaluate("engine.facts.device.mediator"), 1]
    ]
    await change_hands(other.page, origin, instance.tokens[0])
    await phone.send()
    await phone.counts(accepted=1)


async def change_hands(page: Page, origin: str, token: str) -> None:
    """The phone becomes another person's device, as an enrolment in this tab would do."""
    await page.evaluate(
        """async () => {
          const { openStore } = await import("/page/store.js")
          const { Facts } = await import("/page/facts.js")
          window.facts = await Facts.open(await openStore())
          window.enrolled = undefined
          window.changed = facts.changeDevice(() => new Promise((resolve) => (window.enrolled = resolve)))
          while (!window.enrolled) await new Promise((resolve) => setTimeout(resolve, 10))
        }"""
    )
    await page.context.add_cookies([{"name": COOKIE, "value": token, "url": origin, "httpOnly": True}])
    await page.evaluate("() => { enrolled(); return changed }")
