"""What a person may choose: language, sound, training. And what is said where the camera is not to be had."""

import pytest
from playwright.async_api import Page, expect

from keys.passes import PassId
from keys.short_code import short_code

NBSP = "\u00a0"
PRACTICE = short_code(PassId(2**40 - 2**20, 1), bytes(32))
COUNT_NOTES = """() => {
    window.notes = 0
    const start = OscillatorNode.prototype.start
    OscillatorNode.prototype.start = function (at) { window.notes += 1; start.call(this, at) }
}"""


async def typed(page: Page, code: str, kind: str) -> None:
    await page.fill("#code", code)
    await page.press("#code", "Enter")
    await expect(page.locator("#latest")).to_have_attribute("data-kind", kind)


async def test_french_is_the_default_and_english_is_fetched_only_once_chosen(open_page):
    page = await open_page(0)
    await expect(page.locator("#desk")).to_be_visible()
    fetched = await page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert not any("words_en" in name for name in fetched)
    assert await page.get_attribute("html", "lang") == "fr"

    await page.click("#menu-open")
    await page.select_option("#language", "en")

    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(page.locator("#send-code")).to_have_text("Take")
    await expect(page.get_by_role("heading", name="This session")).to_be_visible()
    assert await page.title() == "Poinçon — take a pass"


async def test_the_language_is_remembered_and_can_be_changed_back(desk, instance):
    await desk.click("#menu-open")
    await desk.select_option("#language", "en")
    await expect(desk.locator("html")).to_have_attribute("lang", "en")
    await desk.reload()
    await typed(desk, instance.short(0), "accepted")
    await expect(desk.locator("#latest .verdict")).to_have_text("Taken: €10")

    await desk.click("#menu-open")
    await desk.select_option("#language", "fr")
    await expect(desk.locator("html")).to_have_attribute("lang", "fr")
    await expect(desk.locator("#owed")).to_have_text("1 encaissé")


async def test_a_mute_page_says_it_without_a_sound_and_remembers_it(desk, instance):
    await desk.evaluate(COUNT_NOTES)
    await typed(desk, instance.short(0), "accepted")
    assert await desk.evaluate("window.notes") > 0

    await desk.click("#menu-open")
    await desk.uncheck("#sound")
    await desk.reload()
    await desk.evaluate(COUNT_NOTES)
    await typed(desk, instance.short(1), "accepted")
    assert await desk.evaluate("window.notes") == 0


async def test_good_and_refused_do_not_sound_the_same(desk, instance):
    heard = """() => {
        window.heard = []
        const set = Object.getOwnPropertyDescriptor(AudioParam.prototype, "value")
        Object.defineProperty(AudioParam.prototype, "value", {
            ...set, set(hertz) { window.heard.push(hertz); set.set.call(this, hertz) },
        })
    }"""
    await desk.evaluate(heard)
    await typed(desk, instance.short(0), "accepted")
    good = await desk.evaluate("window.heard.splice(0)")
    await typed(desk, instance.short(0), "refused")
    assert good[-1] != (await desk.evaluate("window.heard"))[-1]


async def test_training_takes_practice_passes_only_and_nothing_leaves_the_phone(desk, instance):
    await desk.get_by_text("S’entraîner").click()
    await expect(desk.locator("#training-reminder")).to_have_text("ENTRAÎNEMENT – rien n’est encaissé")
    await expect(desk.locator("#camera")).to_be_hidden()
    sent = []
    desk.on("request", lambda request: request.method == "POST" and sent.append(request.url))

    await typed(desk, PRACTICE, "practice")
    await expect(desk.locator("#verdicts li .why")).to_have_text("Rien n’a été encaissé.")
    await typed(desk, instance.short(0), "refused")

    await expect(desk.locator("#latest .verdict")).to_contain_text(f"Vrai pass{NBSP}: rien n’est encaissé")
    await expect(desk.locator("#total")).to_have_text(f"0{NBSP}pass, 0{NBSP}€")
    assert sent == []


async def test_a_practice_pass_is_refused_where_passes_are_taken(desk, client, instance):
    await typed(desk, PRACTICE, "refused")
    await expect(desk.locator("#latest .verdict")).to_have_text(f"Refusé{NBSP}: pass d’entraînement")
    await expect(desk.locator("#verdicts li")).to_have_count(0)


async def test_the_camera_is_not_opened_before_a_service_is_chosen(open_page):
    page = await open_page(0)
    await page.click("#scan-start")
    await expect(page.locator("#service-problem")).to_have_text("Choisissez d’abord le service rendu.")
    await expect(page.locator("#service")).to_be_focused()


@pytest.mark.parametrize(
    ("denied", "lenses", "said"),
    [(True, 1, "L’appareil photo est refusé"), (False, 0, "Aucun appareil photo trouvé")],
)
async def test_without_a_camera_the_next_best_way_is_told_and_has_the_focus(
    camera_page, denied, lenses, said
):
    page = await camera_page(None, denied=denied, lenses=lenses)
    await page.select_option("#service", "premiers-pas")
    await page.click("#scan-start")
    await expect(page.locator("#camera-problem")).to_contain_text(said)
    await expect(page.locator("#camera-problem")).to_contain_text("photographiez les pass ou tapez leur code")
    await expect(page.locator("#code")).to_be_focused()


async def test_a_wrong_clock_is_told_with_how_much(desk):
    async def two_hours_behind(route) -> None:
        response = await route.fetch()
        headers = {**response.headers, "date": "Thu, 01 Jan 2026 00:00:00 GMT"}
        await route.fulfill(response=response, headers=headers)

    # Whichever answer comes last is believed.
    await desk.route("**/v1/**", two_hours_behind)
    await desk.clock.install(time="2026-01-01T02:00:00Z")
    await desk.reload()
    await expect(desk.locator("#notice")).to_contain_text(f"L’horloge de ce téléphone avance de 2{NBSP}h")
