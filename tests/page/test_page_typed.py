"""A code typed by hand: grouped, checked before it is sent, taken once, or tested without taking."""

import re
from datetime import UTC, datetime

from playwright.async_api import expect

NBSP = "\u00a0"
# Between two keys; whatever types faster is a scanner.
HAND_MS = 50


def as_shown(short: str) -> str:
    """The page shows what is meant: a check character printed O, I or L stands there as 0 or 1."""
    return short.translate(str.maketrans("OIL", "011"))


async def test_a_typed_code_is_taken_and_the_second_time_refused_with_when_and_where(desk, instance):
    await desk.fill("#code", instance.short(0))
    await desk.press("#code", "Enter")
    await expect(desk.locator("#latest .verdict")).to_have_text(f"Encaissé{NBSP}: 10{NBSP}€")
    await expect(desk.locator("#total")).to_have_text(f"1{NBSP}pass, 10{NBSP}€")

    await desk.fill("#code", instance.short(0))
    await desk.press("#code", "Enter")
    refusal = desk.locator("#verdicts li").first
    await expect(refusal.locator(".verdict")).to_have_text(f"Refusé{NBSP}: déjà encaissé")
    await expect(refusal.locator(".symbol")).to_have_text("✗")
    await expect(refusal.locator(".why")).to_have_text(
        re.compile(rf"le \d+(er)?{NBSP}\w+{NBSP}20\d\d à \d+{NBSP}h{NBSP}\d\d, {instance.sites[0]}\.$")
    )
    await expect(desk.locator("#total")).to_have_text(f"1{NBSP}pass, 10{NBSP}€")


async def test_the_server_is_told_the_service_and_an_attempt_id_that_sorts_by_time(desk, instance):
    async with desk.expect_request("**/v1/scans/batch") as first:
        await desk.fill("#code", instance.short(0))
        await desk.press("#code", "Enter")
    (scan,) = (await first.value).post_data_json["scans"]

    assert scan["service"] == "premiers-pas"
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", scan["attempt_id"]
    )
    scanned_ms = int(scan["attempt_id"].replace("-", "")[:12], 16)
    assert scan["scanned_at"].startswith(_instant(scanned_ms)[:19])


async def test_a_wrong_check_character_is_caught_before_anything_is_sent(desk, instance):
    sent = []
    desk.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    good = instance.short(0)
    wrong = good[:-1] + ("2" if good[-1] != "2" else "3")

    await desk.locator("#code").press_sequentially(wrong, delay=HAND_MS)
    await expect(desk.locator("#code-problem")).to_contain_text("Un caractère est faux")
    await expect(desk.locator("#code")).to_have_attribute("aria-invalid", "true")
    await desk.press("#code", "Enter")

    await expect(desk.locator("#code")).to_have_value(wrong)
    assert sent == []


async def test_a_code_too_short_says_how_many_characters_it_has(desk):
    await desk.locator("#code").press_sequentially("0000-0001-0736-Q7H", delay=HAND_MS)
    await desk.press("#code", "Enter")
    await expect(desk.locator("#code-problem")).to_contain_text(f"Code incomplet{NBSP}: 15 sur 16")


async def test_small_letters_confusions_and_spaces_are_read_as_meant(desk, instance):
    await desk.locator("#code").press_sequentially(
        instance.short(0).lower().replace("-", " ").replace("0", "o").replace("1", "l"),
        delay=HAND_MS,
    )
    await expect(desk.locator("#code")).to_have_value(as_shown(instance.short(0)))
    await desk.press("#code", "Enter")
    await expect(desk.locator("#latest .verdict")).to_contain_text("Encaissé")


async def test_a_correction_in_the_middle_keeps_the_caret_in_its_place(desk):
    code = desk.locator("#code")
    await code.press_sequentially("0000000123", delay=HAND_MS)
    await code.evaluate("input => input.setSelectionRange(6, 6)")
    await code.press_sequentially("ZX", delay=HAND_MS)
    await expect(code).to_have_value("0000-0ZX0-0123")
    assert await code.evaluate("input => input.selectionStart") == 8


async def test_a_whole_code_is_said_to_be_complete_before_it_is_sent(desk, instance):
    await desk.fill("#code", instance.short(0))
    await expect(desk.locator("#code-good")).to_have_text("Code complet.")
    await expect(desk.locator("#code-problem")).to_be_hidden()


async def test_test_mode_tells_and_takes_nothing(desk, instance, client):
    await desk.get_by_text("Tester sans encaisser").click()
    await desk.fill("#code", instance.short(0))
    await desk.press("#code", "Enter")

    told = desk.locator("#verdicts li").first
    await expect(told.locator(".verdict")).to_have_text(f"Peut être encaissé{NBSP}: 10{NBSP}€")
    await expect(told.locator(".why")).to_have_text("Rien n’a été encaissé.")
    await expect(desk.locator("#test-reminder")).to_be_visible()
    await expect(desk.locator("#total")).to_have_text(f"0{NBSP}pass, 0{NBSP}€")
    async with client.get("/v1/scans", headers=instance.headers()) as response:
        assert (await response.json())["count"] == 0


async def test_without_a_service_chosen_nothing_is_taken(open_page, instance, client):
    page = await open_page(0)
    await page.fill("#code", instance.short(0))
    await page.press("#code", "Enter")

    await expect(page.locator("#service-problem")).to_have_text("Choisissez d’abord le service rendu.")
    await expect(page.locator("#service")).to_be_focused()
    await expect(page.locator("#code")).to_have_value(as_shown(instance.short(0)))
    async with client.get("/v1/scans", headers=instance.headers()) as response:
        assert (await response.json())["count"] == 0


async def test_the_service_is_remembered(desk):
    await desk.reload()
    await expect(desk.locator("#service")).to_have_value("premiers-pas")


async def test_the_whole_way_is_open_to_a_keyboard(open_page, instance):
    page = await open_page(0)
    for late in ("#menu-open", "#scan-start", "#camera"):
        await expect(page.locator(late)).to_be_enabled()
    await page.keyboard.press("Tab")
    await expect(page.locator("#menu-open")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("radio", name="Encaisser", exact=True)).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.locator("#service")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    for reached in ("#scan-start", "#camera", "#album", "#code"):
        await page.keyboard.press("Tab")
        await expect(page.locator(reached)).to_be_focused()
    await page.keyboard.type(instance.short(0), delay=HAND_MS)
    await page.keyboard.press("Enter")
    await expect(page.locator("#latest .verdict")).to_contain_text("Encaissé")

    for reached in ("#send-code", "#new-session", "#verdicts .undo"):
        await page.keyboard.press("Tab")
        await expect(page.locator(reached)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#undo")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#undo")).to_be_hidden()
    await expect(page.locator("#verdicts .undo")).to_be_focused()


def _instant(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()
