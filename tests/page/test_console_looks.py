"""The console in a real browser: works with its own policy, without a mouse, on a phone and at night."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient
from playwright.async_api import Browser, Page

from console.passwords import hash_password
from ledger.accounts import add_account

EMAIL = "camille@mandataire.example"
PASSWORD = "une phrase assez longue"
PATHS = ("", "/telephones", "/telephones/nouveau", "/telephones/1", "/carnets?numero=1", "/journal", "/rien")
PHONE, DESK = (360, 740), (1280, 900)

# What a person who can't see, or can't use a mouse, would stumble on.
BARRIERS = """() => {
  const found = []
  if (document.documentElement.lang !== 'fr') found.push('no language')
  if (document.querySelectorAll('h1').length !== 1) found.push('not one h1')
  let level = 0
  for (const heading of document.querySelectorAll('h1, h2, h3')) {
    const next = Number(heading.tagName[1])
    if (next > level + 1) found.push('heading skipped: ' + heading.textContent)
    level = next
  }
  for (const field of document.querySelectorAll('input:not([type=hidden]), select'))
    if (!field.labels.length) found.push('no label: ' + field.name)
  for (const image of document.querySelectorAll('img')) if (!image.alt) found.push('no alt')
  for (const id of document.querySelectorAll('[aria-labelledby], [aria-describedby]'))
    for (const name of ['aria-labelledby', 'aria-describedby'])
      if (id.hasAttribute(name) && !document.getElementById(id.getAttribute(name))) found.push('no ' + name)
  const ids = [...document.querySelectorAll('[id]')].map(one => one.id)
  if (new Set(ids).size !== ids.length) found.push('one id twice')
  for (const target of document.querySelectorAll('button, .button, nav a, select')) {
    const box = target.getBoundingClientRect()
    if (box.width && Math.min(box.width, box.height) < 24) found.push('small: ' + target.textContent)
  }
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth
  if (wide > 0) found.push(wide + ' px too wide')
  return found
}"""


@pytest.fixture
async def client(client: TestClient, connection) -> TestClient:
    password_hash = await asyncio.to_thread(hash_password, PASSWORD)
    await add_account(
        connection, email=EMAIL, name="Camille Perrin", password_hash=password_hash, actor="tests"
    )
    return client


@pytest.fixture
async def page(browser: Browser, client) -> AsyncIterator[Page]:
    """Signed in, by keyboard alone; a complaint of the browser (a policy broken, say) fails."""
    context = await browser.new_context(base_url=str(client.make_url("/")), locale="fr-FR")
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto("/console")
    await page.locator("input:focus").wait_for()  # the browser puts the focus there a little after the load
    await page.keyboard.type(EMAIL)
    await page.keyboard.press("Tab")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/console")
    yield page
    await context.close()
    assert [one for one in complaints if "404" not in one and "422" not in one] == []


async def look(page: Page, name: str) -> None:
    """With SHOTS=folder, keep what is seen."""
    if folder := os.environ.get("SHOTS"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


async def test_no_page_has_a_barrier_on_a_phone_or_at_a_desk_by_day_or_night(page, instance, scan_some):
    await scan_some()
    for width, height in (PHONE, DESK):
        await page.set_viewport_size({"width": width, "height": height})
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            for path in PATHS:
                await page.goto(f"/console{path}")
                await look(page, f"{path.split('?')[0].replace('/', '-') or '-vue'}-{width}-{scheme}")
                assert await page.evaluate(BARRIERS) == [], (path, width)


async def test_a_phone_is_enrolled_and_declared_lost_by_keyboard(page):
    await page.goto("/console/telephones/nouveau")
    await page.locator("#lieu").focus()
    await page.locator("#lieu").select_option(index=1)
    await page.keyboard.press("Tab")
    await page.keyboard.type("Nadia Roux")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".qr")
    assert await page.locator(".qr").evaluate("image => image.complete && image.naturalWidth > 0")
    await look(page, "invitation")
    assert await page.evaluate(BARRIERS) == []

    await page.goto("/console/telephones/1")
    await page.locator("#motif").focus()
    await page.keyboard.type("oublié dans un tram")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=Il ne peut plus encaisser")
    await look(page, "revoked")


async def test_a_booklet_is_cancelled_and_a_mistake_is_shown_at_its_field(page):
    await page.goto("/console/carnets")
    await page.fill("#numero", "000 00x")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("#numero[aria-invalid=true]")
    assert await page.locator("#numero").evaluate("field => field === document.activeElement")
    await look(page, "mistake")

    await page.fill("#numero", "000 002")
    await page.keyboard.press("Enter")
    await page.get_by_label("volé").check()
    await page.fill("#motif", "plainte du 3 mars")
    await look(page, "booklet")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=Ses pass sont refusés")
    assert await page.locator("input[name=cause]").count() == 0


@pytest.fixture
def scan_some(client, instance, new_attempt):
    async def scan() -> None:
        for place in (0, 1, 2, 3, 10, 11, 12):
            body = {"attempt_id": new_attempt(), "code": instance.qr(place)}
            async with client.post("/v1/scans", json=body, headers=instance.headers(place % 5)) as response:
                assert (await response.json())["verdict"] == "accepted"

    return scan
