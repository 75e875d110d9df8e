"""The queue of the médiateur's page: durable before it is shown, sent exactly once, whatever fails."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
from playwright.async_api import BrowserContext, Page, Route, async_playwright, expect

from ledger.devices import revoke_device
from ledger.facts import load_facts
from validator.badge import COOKIE

BATCH: Final = "**/v1/scans/batch"
ENGINE: Final = (Path(__file__).parent / "engine.js").read_text(encoding="utf-8")
# Under the page's own policy, and without its looks.
BENCH: Final = "/page/files.json"
TAKE: Final = "([text, source]) => engine.intake.take(text, source)"

Start: TypeAlias = Callable[..., Awaitable[Page]]


@pytest.fixture
def start(open_page) -> Start:
    """A phone with the engine running, enrolled as one of the instance's devices."""

    async def started(device: int = 0, **wish: Any) -> Page:
        page: Page = await open_page(device, path=BENCH)
        await page.evaluate(ENGINE, wish)
        return page

    return started


async def take(page: Page, code: str, source: str = "camera") -> dict[str, Any]:
    told: dict[str, Any] = await page.evaluate(TAKE, [code, source])
    return told


async def taken_by(client, instance, device: int = 0) -> int:
    async with client.get("/v1/scans", headers=instance.headers(device)) as response:
        return int((await response.json())["count"])


async def count(page: Page, **states: int) -> None:
    for state, number in states.items():
        await expect(page.locator("html")).to_have_attribute(f"data-{state}", str(number))


async def cut(route: Route) -> None:
    await route.abort()


async def attempts(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await page.evaluate("engine.journal.attempts()")
    return found


async def test_a_scanned_pass_is_told_as_waiting_then_accepted_and_its_code_is_forgotten(
    start, instance, client
):
    page = await start()
    told = await take(page, instance.qr(0))
    assert told["kind"] == "waiting"
    assert told["attempt"]["pass"]["number"] == instance.passes[0][1].number
    await count(page, accepted=1, waiting=0)
    (attempt,) = await attempts(page)
    assert "code" not in attempt
    assert attempt["source"] == "camera"
    kept = await page.evaluate("engine.store.read('attempts', (all) => all.getAll())")
    assert [one["state"] for one in kept] == ["accepted"]
    assert instance.qr(0) not in str(kept)
    assert await taken_by(client, instance) == 1


async def test_an_attempt_is_on_the_disk_before_anything_is_told_or_sent(start, instance):
    page = await start()
    await page.route(BATCH, cut)
    kept = await page.evaluate(
        """async (code) => {
          const told = await engine.intake.take(code, "camera")
          const kept = await engine.store.read("attempts", (all) => all.get(told.attempt.attemptId))
          return [told, kept]
        }""",
        instance.qr(0),
    )
    assert kept[0]["kind"] == "waiting"
    assert kept[1]["state"] == "waiting"
    assert kept[1]["code"] == instance.qr(0)


async def test_a_reload_keeps_what_waits_and_its_attempt_id(start, instance, client):
    page = await start()
    await page.route(BATCH, cut)
    told = await take(page, instance.qr(0))
    await page.unroute(BATCH)
    await page.reload()
    async with page.expect_request(BATCH) as resent:
        await page.evaluate(ENGINE)
    (scan,) = (await resent.value).post_data_json["scans"]
    assert scan["attempt_id"] == told["attempt"]["attemptId"]
    await count(page, accepted=1)
    assert await taken_by(client, instance) == 1


async def test_a_lost_reply_changes_nothing(start, instance, client):
    page = await start()
    sent = []

    async def lose_the_first(route: Route) -> None:
        sent.append([scan["attempt_id"] for scan in route.request.post_data_json["scans"]])
        if len(sent) == 1:
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await page.route(BATCH, lose_the_first)
    for place in range(3):
        await take(page, instance.qr(place))
    await count(page, accepted=3, refused=0)
    assert set(sent[0]) <= set(sent[1])
    assert await taken_by(client, instance) == 3


async def test_a_service_that_falls_between_two_batches_loses_and_repeats_nothing(start, instance, client):
    page = await start()
    answered = 0

    async def fail_the_second(route: Route) -> None:
        nonlocal answered
        answered += 1
        await (route.fulfill(status=503, body="{}") if answered == 2 else route.continue_())

    # A typed code travels apart: two batches for one queue.
    await page.route(BATCH, cut)
    await take(page, instance.qr(0))
    await take(page, instance.short(1), "typed")
    await page.unroute(BATCH)
    await page.route(BATCH, fail_the_second)
    await page.evaluate("engine.queue.send()")
    await count(page, accepted=2, waiting=0)
    assert answered == 3
    assert await taken_by(client, instance) == 2


async def test_a_scan_that_the_server_finds_malformed_does_not_take_the_others_with_it(start, instance):
    page = await start()

    async def refuse_one(route: Route) -> None:
        scans = route.request.post_data_json["scans"]
        if any(scan["code"] == instance.qr(0) for scan in scans):
            await route.fulfill(status=422, body='{"detail": "one is malformed"}')
        else:
            await route.continue_()

    await page.context.set_offline(True)
    for place in range(3):
        await take(page, instance.qr(place))
    await page.route(BATCH, refuse_one)
    await page.context.set_offline(False)
    await count(page, accepted=2, unclear=1, waiting=0)


@pytest.mark.parametrize("body", ["null", "{}", '{"verdicts": [null]}', '{"verdicts": [{}]}', "<html>"])
async def test_an_answer_that_tells_no_verdict_is_no_answer(start, instance, body):
    page = await start()
    await page.route(BATCH, lambda route: route.fulfill(status=200, body=body))
    await take(page, instance.qr(0))
    await expect(page.locator("html")).to_have_attribute("data-trouble", "no-answer")
    await count(page, waiting=1, accepted=0, unclear=0)
    await page.unroute(BATCH)
    await count(page, accepted=1)


async def test_a_verdict_in_a_word_that_the_page_does_not_know_is_no_verdict(start, instance):
    async def answer_oddly(route: Route) -> None:
        scans = route.request.post_data_json["scans"]
        verdicts = [{"attempt_id": scan["attempt_id"], "verdict": "probably"} for scan in scans]
        await route.fulfill(json={"verdicts": verdicts})

    page = await start()
    await page.route(BATCH, answer_oddly)
    await take(page, instance.qr(0))
    await expect(page.locator("html")).to_have_attribute("data-trouble", "no-answer")
    await count(page, waiting=1, accepted=0, unclear=0)
    await page.unroute(BATCH)
    await count(page, accepted=1)


@pytest.mark.parametrize("status", [403, 404, 502])
async def test_an_answer_that_is_not_the_services_never_drops_what_waits(start, instance, status):
    page = await start()
    await page.route(BATCH, lambda route: route.fulfill(status=status, body="<html>portal</html>"))
    await take(page, instance.qr(0))
    await expect(page.locator("html")).to_have_attribute("data-trouble", "unavailable")
    await count(page, waiting=1, unclear=0)
    await page.unroute(BATCH)
    await count(page, accepted=1)


async def test_the_same_pass_is_counted_once_by_its_qr_its_code_128_and_a_second_look(start, instance):
    page = await start()
    told = await page.evaluate(
        "(codes) => engine.intake.takeAll(codes.map((code) => ({ code })), 'camera')",
        [instance.qr(0), instance.short(0), instance.qr(1)],
    )
    assert [one["kind"] for one in told] == ["waiting", "again", "waiting"]
    await count(page, accepted=2)
    assert (await take(page, instance.qr(0)))["kind"] == "again"
    assert (await take(page, instance.short(1)))["kind"] == "again"
    # Typed anew, it is asked anew: the answer says when and where.
    assert (await take(page, instance.short(0), "typed"))["kind"] == "waiting"
    await count(page, accepted=2, refused=1)


async def test_codes_read_in_the_same_instant_are_taken_once(start, instance, client):
    page = await start()
    kinds = await page.evaluate(
        """async (code) => {
          const told = await Promise.all([1, 2, 3].map(() => engine.intake.take(code, "camera")))
          return told.map(({ kind }) => kind)
        }""",
        instance.qr(0),
    )
    assert sorted(kinds) == ["again", "again", "waiting"]
    await count(page, accepted=1)
    assert await taken_by(client, instance) == 1


async def test_two_tabs_send_one_queue_once_and_show_the_same(start, instance, client):
    page = await start()
    sent: list[str] = []

    def note(request: Any) -> None:
        if request.url.endswith("/v1/scans/batch"):
            sent.extend(scan["attempt_id"] for scan in request.post_data_json["scans"])

    page.context.on("request", note)
    await page.context.set_offline(True)
    for place in range(4):
        await take(page, instance.qr(place))
    other = await page.context.new_page()
    await page.context.set_offline(False)
    await other.goto(page.url)
    await other.evaluate(ENGINE)
    await take(other, instance.qr(4))
    await asyncio.gather(*(tab.evaluate("engine.queue.send()") for tab in (page, other)))
    for tab in (page, other):
        await count(tab, accepted=5, waiting=0, refused=0)
    assert await taken_by(client, instance) == 5
    answered = [one["attemptId"] for one in await attempts(other)]
    assert set(answered) <= set(sent)


async def test_a_full_browser_keeps_nothing_says_so_and_sends_nothing(start, instance, client):
    page = await start()
    full = """() => {
      IDBObjectStore.prototype.put = () => { throw new DOMException("full", "QuotaExceededError") }
    }"""
    await page.evaluate(full)
    told = await take(page, instance.qr(0))
    assert told == {"kind": "cannot-keep", "why": "full"}
    await count(page, waiting=0, accepted=0)
    assert await attempts(page) == []
    assert await taken_by(client, instance) == 0


async def test_the_browsers_own_quota_is_told_as_full(start, instance):
    page = await start()
    session = await page.context.new_cdp_session(page)
    origin = page.url.removesuffix(BENCH)
    await session.send("Storage.overrideQuotaForOrigin", {"origin": origin, "quotaSize": 1_000_000})
    await page.evaluate(
        """async () => {
          const { newAttempt } = await import("/page/attempt.js")
          const filling = () => crypto.getRandomValues(new Uint8Array(60_000))
          const fill = (kept) => { kept.put({ ...newAttempt({}), filling: filling() }) }
          for (;;) {
            try { await engine.store.write("attempts", fill) } catch { return }
          }
        }"""
    )
    assert await take(page, instance.qr(0)) == {"kind": "cannot-keep", "why": "full"}
    await count(page, waiting=0, accepted=0)


async def test_a_verdict_that_cannot_be_written_down_still_stands(start, instance, client):
    page = await start()
    await page.route(BATCH, cut)
    await take(page, instance.qr(0))
    await page.evaluate(
        "() => { IDBObjectStore.prototype.put = () => { throw new DOMException('', 'QuotaExceededError') } }"
    )
    await page.unroute(BATCH)
    await page.evaluate("engine.queue.send()")
    await count(page, accepted=1)
    await page.evaluate("engine.journal.reload()")
    await count(page, accepted=1)
    # After a reload it waits again, is sent again with its id, and is told the same.
    await page.reload()
    await page.evaluate(ENGINE)
    await count(page, accepted=1, refused=0)
    assert await taken_by(client, instance) == 1


async def test_a_connection_that_the_browser_dropped_is_opened_again(start, instance):
    page = await start()
    drop = """() => {
      const { transaction } = IDBDatabase.prototype
      IDBDatabase.prototype.transaction = function () {
        IDBDatabase.prototype.transaction = transaction
        throw new DOMException("dropped", "InvalidStateError")
      }
    }"""
    await page.evaluate(drop)
    assert (await take(page, instance.qr(0)))["kind"] == "waiting"
    await count(page, accepted=1)


async def test_another_pages_wish_for_a_newer_layout_closes_ours_and_nothing_is_lost(start, instance):
    page = await start()
    await take(page, instance.qr(0))
    await count(page, accepted=1)
    await page.evaluate(
        """() => new Promise((resolve, reject) => {
          const deleting = indexedDB.deleteDatabase("poincon")
          deleting.onsuccess = resolve
          deleting.onerror = deleting.onblocked = reject
        })"""
    )
    assert (await take(page, instance.qr(1)))["kind"] == "waiting"


async def test_only_so_many_may_wait_and_it_is_said_before(start, instance):
    page = await start()
    await page.route(BATCH, cut)
    said = await page.evaluate(
        """async () => {
          const { newAttempt } = await import("/page/attempt.js")
          const one = () => newAttempt({ code: crypto.randomUUID() })
          const many = (length) => Array.from({ length }, one)
          const said = [engine.warningOf(engine.journal)]
          await engine.journal.add(many(400))
          said.push(engine.warningOf(engine.journal))
          await engine.journal.add(many(100))
          said.push(engine.warningOf(engine.journal))
          return said
        }"""
    )
    assert said == [None, "many", "full"]
    assert await take(page, instance.qr(0)) == {"kind": "cannot-keep", "why": "too-many"}
    await count(page, waiting=500)


async def test_a_scan_older_than_three_days_is_warned_of_and_still_sent_for_the_trustee(
    start, instance, superuser, refreshed
):
    await superuser.execute("UPDATE booklets SET activated_at = '2026-01-01'")
    await refreshed()
    page = await start()
    await page.context.set_offline(True)
    told = await take(page, instance.qr(0))
    said = [
        await page.evaluate(
            "(hours) => engine.warningOf(engine.journal, Date.now() + hours * 3600_000)", hours
        )
        for hours in (47, 49, 73)
    ]
    assert said == [None, "old", "too-old"]
    await page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=73))
    # Online, the phone is told its clock runs ahead; the scan's age is by its own clock all the same.
    await page.context.set_offline(False)
    await page.evaluate("engine.queue.send()")
    await count(page, refused=1)
    (attempt,) = await attempts(page)
    assert attempt["attemptId"] == told["attempt"]["attemptId"]
    assert attempt["refusal"] == "too_late"


async def test_a_clock_two_hours_wrong_is_measured_told_and_changes_no_verdict(open_page, instance, client):
    page = await open_page(0, path=BENCH)
    for hours in (2, -2):
        await page.clock.set_system_time(datetime.now(UTC) + timedelta(hours=hours))
        await page.evaluate(ENGINE)
        await page.evaluate("engine.facts.whose()")
        skew_ms, is_wrong, now_ms = await page.evaluate(
            "[engine.clock.skewMs, engine.clock.isWrong, engine.clock.now()]"
        )
        assert abs(skew_ms + hours * 3_600_000) < 10_000
        assert is_wrong
        assert abs(now_ms / 1000 - datetime.now(UTC).timestamp()) < 10
        place = 0 if hours > 0 else 1
        assert (await take(page, instance.qr(place)))["kind"] == "waiting"
    await count(page, accepted=2)
    async with client.get("/v1/scans", headers=instance.headers()) as response:
        for scan in (await response.json())["scans"]:
            told = datetime.fromisoformat(scan["accepted_at"])
            assert abs(datetime.now(UTC) - told) < timedelta(minutes=1)


async def test_a_clock_that_somebody_set_between_the_scan_and_its_sending_does_not_age_it(start, instance):
    page = await start()
    await page.clock.set_system_time(datetime.now(UTC) - timedelta(days=4))
    await page.evaluate("engine.facts.whose()")
    await page.route(BATCH, cut)
    await take(page, instance.qr(0))
    await page.clock.set_system_time(datetime.now(UTC))
    await page.evaluate("engine.facts.whose()")
    await page.unroute(BATCH)
    await page.evaluate("engine.queue.send()")
    await count(page, accepted=1, refused=0)


async def test_a_revoked_device_keeps_what_waits_and_says_so(start, instance, connection, refreshed):
    page = await start()
    await page.context.set_offline(True)
    await take(page, instance.qr(0))
    first = min((await load_facts(connection)).devices.values(), key=lambda one: one.id)
    await revoke_device(connection, first.id, at=datetime.now(UTC), actor="tests", reason="lost")
    await refreshed()
    await page.context.set_offline(False)
    await page.evaluate("engine.queue.send()")
    assert "unknown-device" in await page.evaluate("engine.events")
    await count(page, waiting=1)
    assert await page.evaluate("engine.facts.whose()") is None
    assert await page.evaluate("[engine.facts.isRevoked, engine.facts.device.mediator !== undefined]") == [
        True,
        True,
    ]


async def test_what_one_person_scanned_is_never_sent_in_anothers_name(start, instance, client, origin):
    page = await start(0)
    await page.route(BATCH, cut)
    await take(page, instance.qr(0))
    other = await page.context.new_page()
    await other.goto(page.url)
    await change_hands(other, origin, instance.tokens[1])
    await page.unroute(BATCH)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    await page.evaluate("engine.queue.send()")
    assert [url for url in sent if url.endswith("/batch")] == []
    assert "device" in await page.evaluate("engine.events")
    await count(page, waiting=1)
    assert [await taken_by(client, instance, device) for device in (0, 1)] == [0, 0]
    # The other person is told of it, and it leaves once the phone is the first one's again.
    await other.evaluate(ENGINE)
    assert await other.evaluate("engine.journal.waitingOfOthers()") == [
        [await page.evaluate("engine.facts.device.mediator"), 1]
    ]
    await change_hands(other, origin, instance.tokens[0])
    await page.evaluate("engine.queue.send()")
    await count(page, accepted=1)


async def change_hands(page: Page, origin: str, token: str) -> None:
    """The phone becomes another person's device, as an enrolment in this tab would do."""
    await page.evaluate(
        """async () => {
          const { openStore } = await import("/page/store.js")
          const { Facts } = await import("/page/facts.js")
          window.facts = await Facts.open(await openStore())
          window.changed = facts.changeDevice(() => new Promise((resolve) => (window.enrolled = resolve)))
          while (facts.device) await new Promise((resolve) => setTimeout(resolve, 10))
        }"""
    )
    await page.context.add_cookies([{"name": COOKIE, "value": token, "url": origin, "httpOnly": True}])
    await page.evaluate("() => { enrolled(); return changed }")


@pytest.fixture
async def own_browser(tmp_path: Path, origin: str, instance: Any) -> AsyncIterator[Start]:
    """A browser with a profile on the disk, to be killed and started again."""
    opened: list[BrowserContext] = []
    profile = tmp_path / "profile"

    async with async_playwright() as playwright:

        async def started() -> Page:
            context = await playwright.chromium.launch_persistent_context(
                profile, executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
            )
            opened.append(context)
            tomorrow = (datetime.now(UTC) + timedelta(days=1)).timestamp()
            await context.add_cookies(
                [{"name": COOKIE, "value": instance.tokens[0], "url": origin, "expires": tomorrow}]
            )
            page = await context.new_page()
            await page.goto(f"{origin}{BENCH}")
            return page

        yield started
        await opened[-1].close()


def kill_browser_of(profile: Path) -> None:
    """As when a battery dies: only the processes that hold this profile."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if f"--user-data-dir={profile}".encode() in process.read_bytes().split(b"\0"):
                os.kill(int(process.parent.name), signal.SIGKILL)
        except (FileNotFoundError, ProcessLookupError):
            continue


async def test_offline_then_reload_then_a_killed_browser_then_online_takes_each_pass_exactly_once(
    own_browser, instance, client, tmp_path
):
    page = await own_browser()
    await page.evaluate(ENGINE)
    await page.route(BATCH, cut)
    told = [await take(page, instance.qr(place)) for place in range(3)]
    assert [one["kind"] for one in told] == ["waiting"] * 3
    await page.reload()
    await page.evaluate(ENGINE)
    await take(page, instance.qr(3))
    kill_browser_of(tmp_path / "profile")

    page = await own_browser()
    await page.evaluate(ENGINE)
    await count(page, accepted=4, waiting=0, refused=0)
    assert [one["attemptId"] for one in await attempts(page)][:3] == [
        one["attempt"]["attemptId"] for one in told
    ]
    assert await taken_by(client, instance) == 4
