"""A browser becomes a device by a link that works once; without it the page says what to do."""

from datetime import UTC, datetime

from playwright.async_api import Route, expect

from ledger.devices import revoke_device
from ledger.facts import load_facts


async def test_a_link_enrols_the_browser_and_the_page_says_whose_device_it_is(
    open_page, enrolment_link, instance
):
    page = await open_page(None, path=await enrolment_link())

    await expect(page.locator("#mediator")).to_have_text("Amina Benali")
    await expect(page.locator("#operator")).to_have_text("La Fabrique à clics")
    await expect(page.locator("#site")).to_have_text(instance.sites[0])
    assert "enrol" not in page.url


async def test_the_badge_is_out_of_reach_of_scripts(open_page, enrolment_link):
    page = await open_page(None, path=await enrolment_link())
    await expect(page.locator("#desk")).to_be_visible()

    (cookie,) = await page.context.cookies()
    assert cookie["name"] == "poincon_device"
    assert cookie["httpOnly"] is True
    assert cookie["sameSite"] == "Strict"
    kept = await page.evaluate("JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}])")
    assert cookie["value"] not in kept


async def test_a_link_is_refused_the_second_time(open_page, enrolment_link):
    link = await enrolment_link()
    first = await open_page(None, path=link)
    await expect(first.locator("#desk")).to_be_visible()

    second = await open_page(None, path=link)

    await expect(second.locator("#notice")).to_contain_text("a déjà servi")
    await expect(second.locator("#stranger")).to_be_visible()
    await expect(second.locator("#desk")).to_be_hidden()


async def test_an_answer_cut_off_after_the_badge_came_leaves_a_device_with_its_key(
    open_page, enrolment_link, instance
):
    async def cut_off(route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(status=answer.status, headers=answer.headers, body="{")

    page = await open_page(None, path="/page/files.json")
    await page.route("**/v1/enrolments", cut_off)
    await page.goto(page.url.removesuffix("/page/files.json") + await enrolment_link())
    await expect(page.locator("#mediator")).to_have_text("Amina Benali")
    await expect(page.locator("#notice")).to_be_empty()

    # Whatever it changes it must sign, with the key that it enrolled with.
    await page.select_option("#service", "premiers-pas")
    await page.fill("#code", instance.short(0))
    await page.press("#code", "Enter")
    await expect(page.locator("#verdicts li[data-kind=accepted]")).to_have_count(1)


async def test_an_enrolled_browser_changes_hands_only_if_the_person_agrees(open_page, enrolment_link):
    page = await open_page(3)
    await expect(page.locator("#mediator")).to_have_text("Thomas Girard")
    link = await enrolment_link()

    await page.evaluate("hash => { location.hash = hash }", link.removeprefix("/"))
    await page.get_by_role("button", name="Ne rien changer").click()
    await expect(page.locator("#mediator")).to_have_text("Thomas Girard")

    await page.evaluate("hash => { location.hash = hash }", link.removeprefix("/"))
    await page.get_by_role("button", name="Utiliser le lien").click()
    await expect(page.locator("#mediator")).to_have_text("Amina Benali")


async def test_a_browser_that_is_no_device_is_told_how_to_enrol(open_page):
    page = await open_page(None)

    await expect(page.get_by_role("heading", name="n’est pas encore enregistré")).to_be_visible()
    await expect(page.locator("#stranger")).to_contain_text("Demandez un lien d’enregistrement")
    await expect(page.locator("#desk")).to_be_hidden()
    await expect(page.locator("#bar")).to_be_hidden()


async def test_a_device_revoked_meanwhile_is_told_so_and_what_still_waits(
    desk, instance, connection, refreshed
):
    facts = await load_facts(connection)
    device = min(facts.devices.values(), key=lambda one: one.id)
    await revoke_device(connection, device.id, at=datetime.now(UTC), actor="tests", reason="perdu")
    await refreshed()

    await desk.fill("#code", instance.short(0))
    await desk.press("#code", "Enter")

    await expect(desk.locator("#notice")).to_contain_text("n’est plus reconnu")
    await expect(desk.locator("#notice")).to_contain_text("1\u00a0pass en file, pas encaissé")
    await expect(desk.locator("#stranger")).to_be_visible()
    await expect(desk.locator("#desk")).to_be_hidden()
