"""Every screen of the console, as each role sees it: nothing for axe-core to find, nothing too wide.

With SHOTS=folder, what was seen is kept there, for eyes.
"""

import asyncio
import base64
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient
from playwright.async_api import Browser, Page, expect

from console.passwords import hash_password
from keys.second_factor import code_at, step_of
from ledger.account_rows import Role
from ledger.accounts import add_account

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
PASSWORD = "une phrase assez longue"
WIDTHS = {1280: 900, 360: 740}
OWN = ("/securite", "/securite/second-facteur", "/securite/confirmation?suite=/console")
SCREENS = {
    Role.PREPARER: (
        "",
        "/bordereaux",
        "/bordereaux/1/1?nouveau",
        "/structures",
        "/structures/1",
        "/telephones",
        "/carnets",
        "/journal",
        *OWN,
    ),
    Role.OPERATOR: ("", "/bordereaux", "/bordereaux/nouveau", "/telephones", "/telephones/1", "/structures"),
    Role.FUNDER: ("", "/journal"),
    Role.AUDITOR: ("", "/structures/1", "/telephones/1", "/carnets?numero=1"),
}


def email_of(role: Role) -> str:
    return f"{role}@console.example"


@pytest.fixture
async def client(client: TestClient, connection, instance, new_attempt) -> TestClient:
    """The whole service, an account of each role, some passes accepted and some remitted."""
    password_hash = await asyncio.to_thread(hash_password, PASSWORD)
    scopes = {Role.FUNDER: {"programme_id": instance.programme_id}, Role.OPERATOR: {"operator_id": 1}}
    for number, role in enumerate(Role):
        await add_account(
            connection,
            email=email_of(role),
            name=f"{('Camille', 'Dominique', 'Claude', 'Amina', 'Alix')[number]} Perrin-Delarue",
            password_hash=password_hash,
            actor="tests",
            role=role,
            **scopes.get(role, {}),
        )
    for place in range(6):
        if place == 4:
            async with client.post("/v1/remittances", json={}, headers=instance.headers()) as response:
                assert response.status == 201
        body = {"attempt_id": new_attempt(), "code": instance.qr(place)}
        async with client.post("/v1/scans", json=body, headers=instance.headers()) as response:
            assert (await response.json())["verdict"] == "accepted"
    return client


@pytest.fixture
def desk(browser: Browser, client: TestClient):
    """A browser before the console; what it complains of itself fails the test."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Page]:
        context = await browser.new_context(base_url=str(client.make_url("/")), locale="fr-FR")
        page = await context.new_page()
        page.set_default_timeout(15_000)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        await context.close()
        assert [one for one in complaints if "40" not in one and "422" not in one] == []

    return opened


async def sign_in(page: Page, role: Role) -> None:
    await page.goto("/console/connexion")
    await page.fill("#email", email_of(role))
    await page.fill("#password", PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile(r"/console(/connexion/code)?$"))


async def faults(page: Page) -> list[str]:
    """Of axe-core, through the debugger, which the page's own policy does not bind; and what is too wide."""
    session = await page.context.new_cdp_session(page)
    await session.send("Runtime.evaluate", {"expression": AXE})
    run = {"expression": "axe.run()", "awaitPromise": True, "returnByValue": True}
    found = (await session.send("Runtime.evaluate", run))["result"]["value"]["violations"]
    await session.detach()
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    told = [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]
    return [*told, f"{wide} px too wide"] if wide > 0 else told


async def check(page: Page, name: str, *, schemes: tuple[str, ...] = ("light", "dark")) -> None:
    for width, height in WIDTHS.items():
        await page.set_viewport_size({"width": width, "height": height})
        for scheme in schemes:
            await page.emulate_media(color_scheme=scheme)
            if folder := os.environ.get("SHOTS"):
                path = Path(folder) / f"{name}-{width}-{scheme}.png"
                await page.screenshot(path=path, full_page=True)
            assert await faults(page) == [], (name, width, scheme)


@pytest.mark.parametrize("role", list(SCREENS), ids=str)
async def test_no_screen_of_a_role_has_a_fault_on_a_phone_or_at_a_desk_by_day_or_night(desk, role):
    async with desk() as page:
        await sign_in(page, role)
        for path in SCREENS[role]:
            await page.goto(f"/console{path}")
            name = path.partition("?")[0].strip("/").replace("/", "-") or "accueil"
            await check(page, f"{role}-{name}")


async def test_a_second_factor_is_added_used_and_confirmed_by_keyboard(desk, superuser):
    async with desk() as page:
        await sign_in(page, Role.PREPARER)
        await page.goto("/console/securite/second-facteur")
        assert await page.locator(".qr").evaluate("image => image.complete && image.naturalWidth > 0")
        await page.fill("#code", "000000")
        await page.keyboard.press("Enter")
        await expect(page.locator("#code[aria-invalid=true]")).to_be_focused()
        await check(page, "second-facteur-faux", schemes=("light",))
        secret = _secret(await page.locator(".steps .link").inner_text())
        await page.keyboard.type(code_at(secret, step_of(datetime.now(UTC))))
        await page.keyboard.press("Enter")
        await expect(page.locator(".codes li")).to_have_count(10)
        await check(page, "codes-de-secours", schemes=("light",))
        await page.goto("/console/securite")
        await check(page, "securite-avec", schemes=("light",))
    async with desk() as page:
        await sign_in(page, Role.PREPARER)
        await expect(page.locator("#code")).to_be_focused()
        await page.keyboard.type("000000")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_be_visible()
        await check(page, "code", schemes=("light",))
        await page.keyboard.type(code_at(secret, step_of(datetime.now(UTC)) + 1))
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console")


async def test_a_manager_closes_a_remittance_by_keyboard(desk):
    async with desk() as page:
        await sign_in(page, Role.OPERATOR)
        await page.get_by_role("link", name="Clore un bordereau").click()
        box = page.get_by_role("checkbox")
        await box.focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("Le bordereau est clos")
        await check(page, "bordereau-clos", schemes=("light",))


async def test_a_refusal_by_role_says_what_to_do(desk):
    async with desk() as page:
        await sign_in(page, Role.FUNDER)
        answer = await page.goto("/console/carnets")
        assert answer.status == 403
        await expect(page.get_by_role("heading", level=1)).to_have_text("Ce n’est pas dans votre rôle")


def _secret(shown: str) -> bytes:
    return base64.b32decode(shown.replace(" ", ""))
