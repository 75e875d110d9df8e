"""Every screen of the console, as each role sees it: nothing for axe-core to find, nothing too wide.

With SHOTS=folder, what was seen is kept there, for eyes.
"""

import base64
from datetime import UTC, datetime

import pytest
from aiohttp.test_utils import TestClient
from playwright.async_api import expect

from keys.second_factor import code_at, step_of
from ledger.account_rows import Role

OWN = ("/securite", "/securite/second-facteur", "/securite/confirmation?suite=/console")
SCREENS = {
    Role.PREPARER: (
        "",
        "/aujourdhui",
        "/bordereaux",
        "/bordereaux/1/1?nouveau",
        "/virements",
        "/virements/compte",
        "/releves",
        "/rapprochement",
        "/structures",
        "/structures/1",
        "/structures/1/compte",
        "/telephones",
        "/telephones/nouveau",
        "/carnets",
        "/fonds",
        "/corrections",
        "/reclamations",
        "/journal",
        *OWN,
    ),
    Role.OPERATOR: (
        "",
        "/bordereaux",
        "/bordereaux/nouveau",
        "/bordereaux/1/1",
        "/compte",
        "/reclamations",
        "/telephones",
        "/telephones/1",
        "/structures",
    ),
    Role.FUNDER: ("", "/fonds", "/journal"),
    Role.AUDITOR: (
        "",
        "/aujourdhui",
        "/virements",
        "/releves",
        "/rapprochement",
        "/structures/1",
        "/structures/1/compte",
        "/corrections",
        "/telephones/1",
        "/carnets?numero=1",
    ),
}


@pytest.fixture
async def client(client: TestClient, accounts, instance, new_attempt) -> TestClient:
    """The whole service, some passes accepted and some remitted."""
    for place in range(6):
        if place == 4:
            async with client.post("/v1/remittances", json={}, headers=instance.headers()) as response:
                assert response.status == 201
        body = {"attempt_id": new_attempt(), "code": instance.qr(place)}
        async with client.post("/v1/scans", json=body, headers=instance.headers()) as response:
            assert (await response.json())["verdict"] == "accepted"
    return client


@pytest.mark.parametrize("role", list(SCREENS), ids=str)
async def test_no_screen_of_a_role_has_a_fault_on_a_phone_or_at_a_desk_by_day_or_night(
    desk, sign_in, check, role
):
    async with desk() as page:
        await sign_in(page, role)
        for path in SCREENS[role]:
            await page.goto(f"/console{path}")
            name = path.partition("?")[0].strip("/").replace("/", "-") or "accueil"
            await check(page, f"{role}-{name}")


async def test_a_second_factor_is_added_used_and_confirmed_by_keyboard(desk, sign_in, check):
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


async def test_a_manager_closes_a_remittance_by_keyboard(desk, sign_in, check):
    async with desk() as page:
        await sign_in(page, Role.OPERATOR)
        await page.get_by_role("link", name="Clore un bordereau").click()
        box = page.get_by_role("checkbox")
        await box.focus()
        await page.keyboard.press("Space")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("status")).to_contain_text("Le bordereau est clos")
        await check(page, "bordereau-clos", schemes=("light",))


async def test_a_refusal_by_role_says_what_to_do(desk, sign_in):
    async with desk() as page:
        await sign_in(page, Role.FUNDER)
        answer = await page.goto("/console/carnets")
        assert answer.status == 403
        await expect(page.get_by_role("heading", level=1)).to_have_text("Ce n’est pas dans votre rôle")


def _secret(shown: str) -> bytes:
    return base64.b32decode(shown.replace(" ", ""))
