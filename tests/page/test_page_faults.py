"""Network or service fail: nothing is shown as taken before the server said so, nothing is taken twice."""

import json

from playwright.async_api import Page, Route, expect

from validator.badge import COOKIE

NBSP = "\u00a0"
BATCH = "**/v1/scans/batch"
# All that the browser holds of the attempts.
KEPT = """() => new Promise(resolve => {
    const opening = indexedDB.open("poincon")
    opening.onsuccess = () => {
        const all = opening.result.transaction("attempts").objectStore("attempts").getAll()
        all.onsuccess = () => { opening.result.close(); resolve(JSON.stringify(all.result)) }
    }
})"""


def as_shown(short: str) -> str:
    """The page shows what is meant: a check character printed O, I or L stands there as 0 or 1."""
    return short.translate(str.maketrans("OIL", "011"))


async def take(page: Page, code: str) -> None:
    await page.fill("#code", code)
    await page.press("#code", "Enter")


async def count_of(client, instance) -> int:
    async with client.get("/v1/scans", headers=instance.headers()) as response:
        return (await response.json())["count"]


async def test_an_answer_lost_on_the_way_is_asked_again_and_the_pass_is_taken_and_shown_once(
    desk, instance, client
):
    sent = []

    async def lose_the_first(route: Route) -> None:
        sent.append(route.request.post_data_json["scans"][0]["attempt_id"])
        if len(sent) == 1:
            await route.fetch()
            await route.abort()
        else:
            await route.continue_()

    await desk.route(BATCH, lose_the_first)
    await take(desk, instance.short(0))

    await expect(desk.locator("#verdicts li[data-kind=accepted]")).to_have_count(1)
    await expect(desk.locator("#verdicts li")).to_have_count(1)
    assert len(sent) == 2
    assert len(set(sent)) == 1
    assert await count_of(client, instance) == 1


async def test_a_503_is_shown_as_not_yet_taken_then_mends_itself(desk, instance):
    refusals = 0

    async def refuse_twice(route: Route) -> None:
        nonlocal refusals
        refusals += 1
        if refusals > 2:
            await route.continue_()
        else:
            await route.fulfill(status=503, headers={"Retry-After": "1"}, body="{}")

    await desk.route(BATCH, refuse_twice)
    await take(desk, instance.short(0))

    row = desk.locator("#verdicts li")
    await expect(row.locator(".verdict")).to_have_text("En file")
    await expect(row.locator(".symbol")).to_have_text("↻")
    await expect(desk.locator("#trouble-words")).to_contain_text("Service interrompu")
    await expect(desk.locator("#trouble-words")).to_contain_text(f"1{NBSP}pass en file")
    await expect(desk.locator("#owed")).to_have_text("1 en file")
    # What a typed code is worth, only the service knows.
    await expect(desk.locator("#total")).to_have_text(f"1{NBSP}pass, au moins 0{NBSP}€")
    await expect(row.locator(".verdict")).to_have_text(f"Encaissé{NBSP}: 10{NBSP}€")
    await expect(desk.locator("#trouble")).to_be_hidden()
    await expect(desk.locator("#owed")).to_have_text("1 encaissé")


async def test_what_waits_survives_a_reload_and_keeps_its_attempt_id(desk, instance, client):
    sent = []

    async def cut(route: Route) -> None:
        sent.append(route.request.post_data_json["scans"][0]["attempt_id"])
        await route.abort()

    await desk.route(BATCH, cut)
    await take(desk, instance.short(0))
    await expect(desk.locator("#trouble")).to_be_visible()
    await desk.route(BATCH, lambda route: route.continue_())

    async with desk.expect_request(BATCH) as resent:
        await desk.reload()
    sent.append((await resent.value).post_data_json["scans"][0]["attempt_id"])

    await expect(desk.locator("#verdicts li[data-kind=accepted]")).to_have_count(1)
    assert len(set(sent)) == 1
    assert await count_of(client, instance) == 1


async def test_an_attempt_is_written_down_before_it_is_sent(desk, instance):
    kept = []

    async def look(route: Route) -> None:
        kept.append(await desk.evaluate(KEPT))
        await route.continue_()

    await desk.route(BATCH, look)
    async with desk.expect_request(BATCH) as first:
        await take(desk, instance.short(0))
    attempt_id = (await first.value).post_data_json["scans"][0]["attempt_id"]
    await expect(desk.locator("#verdicts li[data-kind=accepted]")).to_have_count(1)

    assert attempt_id in kept[0]
    # A code is money until it is taken; afterwards nobody needs it here.
    assert instance.short(0) not in await desk.evaluate(KEPT)


async def test_what_one_person_scanned_is_never_sent_in_the_name_of_another(desk, instance, client, origin):
    await desk.route(BATCH, lambda route: route.abort())
    await take(desk, instance.short(0))
    await expect(desk.locator("#trouble")).to_be_visible()
    await desk.route(BATCH, lambda route: route.continue_())

    badge = {"name": COOKIE, "value": instance.tokens[3], "url": origin}
    await desk.context.add_cookies([{**badge, "httpOnly": True, "sameSite": "Strict"}])
    await desk.reload()

    await expect(desk.locator("#mediator")).to_have_text("Thomas Girard")
    await expect(desk.locator("#notice")).to_contain_text("1\u00a0pass en file au nom de Amina Benali")
    await expect(desk.locator("#verdicts li")).to_have_count(0)
    async with client.get("/v1/scans", headers=instance.headers(3)) as response:
        assert (await response.json())["count"] == 0


async def test_the_same_paper_shown_twice_while_it_waits_is_one_attempt(desk, instance):
    await desk.route(BATCH, lambda route: route.abort())
    await take(desk, instance.short(0))
    await expect(desk.locator("#trouble")).to_be_visible()
    await take(desk, instance.short(0))
    await expect(desk.locator("#verdicts li")).to_have_count(1)


async def test_an_answer_that_is_not_a_verdict_takes_nothing(desk, instance):
    """A hotel's sign-in page, a proxy's 200."""
    answers = ["<html>Bienvenue</html>", json.dumps({"verdicts": []}), json.dumps({})]

    async def pretend(route: Route) -> None:
        if answers:
            await route.fulfill(status=200, body=answers.pop(0))
        else:
            await route.continue_()

    await desk.route(BATCH, pretend)
    await take(desk, instance.short(0))
    for _ in range(2):
        await expect(desk.locator("#trouble")).to_be_visible()
        await expect(desk.locator("#verdicts li[data-kind=waiting]")).to_have_count(1)
        await desk.get_by_role("button", name="Réessayer").click()
    # The third failure is tried again by itself, after a few seconds.
    await expect(desk.locator("#verdicts li[data-kind=accepted]")).to_have_count(1, timeout=15_000)


async def test_when_nothing_can_be_kept_nothing_is_sent(desk, instance):
    sent = []
    desk.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    full = "IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError') }"
    await desk.evaluate(f"() => {{ {full} }}")
    await take(desk, instance.short(0))

    await expect(desk.locator("#notice")).to_contain_text("n’a pas été envoyé")
    await expect(desk.locator("#code")).to_have_value(as_shown(instance.short(0)))
    assert sent == []


async def test_a_test_without_an_answer_says_that_nothing_was_taken(desk, instance):
    await desk.route("**/v1/checks", lambda route: route.abort())
    await desk.get_by_text("Tester sans encaisser").click()
    await take(desk, instance.short(0))
    await expect(desk.locator("#verdicts li .verdict")).to_have_text("Test impossible")
    await expect(desk.locator("#verdicts li .why")).to_contain_text("Rien n’a été encaissé.")


async def test_a_page_that_opens_while_the_service_is_silent_waits_for_it(open_page, browser):
    page = await open_page(None, path="/openapi.json")
    asked = 0

    async def silent_once(route: Route) -> None:
        nonlocal asked
        asked += 1
        await (route.abort() if asked == 1 else route.continue_())

    await page.route("**/v1/device", silent_once)
    await page.goto(page.url.replace("/openapi.json", "/"))
    await expect(page.locator("#opening-words")).to_contain_text("ne répond pas encore")
    await expect(page.locator("#stranger")).to_be_visible()
