"""axe-core finds nothing in any state of the page, light, dark or English; a picture can still look wrong."""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any, TypeAlias

import pytest
from playwright.async_api import Page, expect

from keys.passes import PassId
from keys.short_code import short_code

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
PRACTICE = short_code(PassId(2**40 - 2**20, 1), bytes(32))

State: TypeAlias = Callable[[Page, Any], Awaitable[None]]


async def violations(page: Page) -> list[str]:
    """Through the debugger, which the page's own policy does not bind."""
    session = await page.context.new_cdp_session(page)
    await session.send("Runtime.evaluate", {"expression": AXE})
    run = {"expression": "axe.run()", "awaitPromise": True, "returnByValue": True}
    found = (await session.send("Runtime.evaluate", run))["result"]["value"]["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


async def typed(page: Page, code: str, kind: str) -> None:
    await page.fill("#code", code)
    await page.press("#code", "Enter")
    await expect(page.locator("#latest")).to_have_attribute("data-kind", kind)


async def empty(page: Page, instance: Any) -> None:
    await expect(page.locator("#nothing-yet")).to_be_visible()


async def verdicts(page: Page, instance: Any) -> None:
    await typed(page, instance.short(0), "accepted")
    await typed(page, instance.short(0), "refused")


async def offline(page: Page, instance: Any) -> None:
    await page.route("**/v1/**", lambda route: route.abort())
    await typed(page, instance.short(0), "waiting")
    await expect(page.locator("#trouble")).to_be_visible()


async def wrong_code(page: Page, instance: Any) -> None:
    await page.fill("#code", "0000")
    await page.press("#code", "Enter")
    await expect(page.locator("#code-problem")).to_be_visible()


async def in_test_mode(page: Page, instance: Any) -> None:
    await page.get_by_text("Tester sans encaisser").click()
    await typed(page, instance.short(0), "acceptable")


async def in_training(page: Page, instance: Any) -> None:
    await page.get_by_text("S’entraîner").click()
    await typed(page, PRACTICE, "practice")


async def menu(page: Page, instance: Any) -> None:
    await page.click("#menu-open")
    for summary in await page.locator("#menu summary").all():
        await summary.click()


async def money(page: Page, instance: Any) -> None:
    await page.route("**/v1/money", lambda route: route.abort())
    await page.click("#money-open")
    await expect(page.locator("#money-problem")).to_be_visible()


async def undoing(page: Page, instance: Any) -> None:
    await typed(page, instance.short(0), "accepted")
    await page.get_by_role("button", name="Annuler", exact=True).click()
    await page.get_by_role("button", name="Annuler l’encaissement").click()


async def no_camera(page: Page, instance: Any) -> None:
    await page.click("#scan-start")
    await expect(page.locator("#camera-problem")).to_be_visible()


STATES = [
    empty,
    verdicts,
    offline,
    wrong_code,
    in_test_mode,
    in_training,
    menu,
    money,
    undoing,
    no_camera,
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
async def test_no_violation_in_any_state_by_day_or_by_night(desk, instance, state):
    await desk.emulate_media(color_scheme="light", reduced_motion="reduce")
    await state(desk, instance)
    assert await violations(desk) == []
    await desk.emulate_media(color_scheme="dark", reduced_motion="reduce")
    assert await violations(desk) == []


async def test_no_violation_where_the_device_is_not_enrolled(open_page):
    page = await open_page(None)
    await expect(page.locator("#stranger")).to_be_visible()
    assert await violations(page) == []


async def test_no_violation_in_english(desk, instance):
    await desk.evaluate("localStorage.setItem('poincon.language', 'en')")
    await desk.reload()
    await expect(desk.locator("html")).to_have_attribute("lang", "en")
    await typed(desk, instance.short(0), "accepted")
    assert await violations(desk) == []


async def test_a_phone_s_whole_width_is_enough_in_every_state(desk, instance):
    for state in (empty, verdicts, wrong_code, in_training, menu):
        await state(desk, instance)
        wide = await desk.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, state.__name__
