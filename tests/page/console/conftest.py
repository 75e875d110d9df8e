"""A real Chromium before the console: an account of each role, operators that are owed money, axe-core.

With SHOTS=folder, what was seen is kept there, for eyes.
"""

import asyncio
import base64
import os
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from playwright.async_api import Browser, Page

from console.passwords import hash_password
from keys.second_factor import code_at, step_of
from ledger.account_rows import Role
from ledger.accounts import add_account, find_account
from ledger.bank_accounts import approve_account, approve_trustee, propose_account, propose_trustee
from ledger.prescribers import add_prescriber, add_prescriber_person
from loadtests.model_bank import ModelBank

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
PASSWORD = "une phrase assez longue"
NAMES = dict(zip(Role, ("Camille", "Dominique", "Claude", "Amina", "Alix", "Sacha", "Nour"), strict=True))
WIDTHS = {1280: 900, 360: 740}
EVERY_RULE = "{}"
COLOUR_RULES = '{ runOnly: ["color-contrast", "link-in-text-block"] }'
TRUSTEE_IBAN = "FR7630006000011234567890189"
IBANS = ("FR1420041010050500013M02606", "FR7630001007941234567890185", "FR7610107001011234567890129")
HOLDERS = ("Point d’accueil de la Gare", "Médiathèque des Trois-Rivières", "Atelier numérique du Parc")
FUNDED_CENTS = 100_000_000  # by the seed of the instance

Client: TypeAlias = TestClient[web.Request, web.Application]


def email_of(role: Role) -> str:
    return f"{role}@console.example"


@pytest.fixture
async def accounts(connection: Any, instance: Any) -> dict[Role, Any]:
    """One of each role; a manager's operator is the first, a funder's programme the instance's."""
    password_hash = await asyncio.to_thread(hash_password, PASSWORD)
    scopes = {
        Role.FUNDER: {"programme_id": instance.programme_id},
        Role.OPERATOR: {"operator_id": 1},
        Role.PRESCRIBER: await _prescribing(connection),
        Role.TERRITORY: {"territory_id": 1},
    }
    for role in Role:
        await add_account(
            connection,
            email=email_of(role),
            name=f"{NAMES[role]} Perrin-Delarue",
            password_hash=password_hash,
            actor="tests",
            role=role,
            **scopes.get(role, {}),
        )
    return {role: await find_account(connection, email_of(role)) for role in Role}


async def _prescribing(connection: Any) -> dict[str, int]:
    """A prescriber, and who hands out for it."""
    how: dict[str, Any] = {"at": datetime.now(UTC), "actor": "tests"}
    prescriber_id = await add_prescriber(
        connection, territory_id=1, name="CCAS des Trois-Rivières", operator_id=None, **how
    )
    name = f"{NAMES[Role.PRESCRIBER]} Perrin-Delarue"
    person_id = await add_prescriber_person(connection, prescriber_id, name=name, **how)
    return {"prescriber_id": prescriber_id, "person_id": person_id}


@pytest.fixture
def desk(browser: Browser, client: Client) -> Callable[[], AbstractAsyncContextManager[Page]]:
    """A browser before the console; what it complains of itself fails the test."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Page]:
        context = await browser.new_context(
            base_url=str(client.make_url("/")), locale="fr-FR", timezone_id="Europe/Paris"
        )
        page = await context.new_page()
        page.set_default_timeout(15_000)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        await context.close()
        assert [one for one in complaints if "40" not in one and "422" not in one] == []

    return opened


@pytest.fixture
def sign_in(accounts: Any) -> Callable[..., Awaitable[None]]:
    """By keyboard. secret: of a second factor, with how many of its codes were used since the last step."""

    async def signed_in(page: Page, role: Role, *, secret: bytes | None = None) -> None:
        await page.goto("/console/connexion")
        await page.fill("#email", email_of(role))
        await page.fill("#password", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url(re.compile(r"/console(/connexion/code)?$"))
        if secret is not None:
            await page.locator("#code:focus").wait_for()
            # The code of enrolment is used up: the next one is taken as well.
            await page.keyboard.type(code_at(secret, step_of(datetime.now(UTC)) + 1))
            await page.keyboard.press("Enter")
            await page.wait_for_url("**/console")

    return signed_in


@pytest.fixture
def add_second_factor() -> Callable[[Page], Awaitable[bytes]]:
    """Of who is signed in on the page; its secret."""

    async def added(page: Page) -> bytes:
        await page.goto("/console/securite/second-facteur")
        shown = await page.locator(".steps .link").inner_text()
        secret = base64.b32decode(shown.replace(" ", ""))
        await page.fill("#code", code_at(secret, step_of(datetime.now(UTC))))
        await page.keyboard.press("Enter")
        await page.locator(".codes li").first.wait_for()
        return secret

    return added


@pytest.fixture
def check() -> Callable[..., Awaitable[None]]:
    """Nothing for axe-core to find and nothing too wide, at a desk and on a phone, by day and by night."""
    folder = os.environ.get("SHOTS")

    async def checked(page: Page, name: str, *, schemes: tuple[str, ...] = ("light", "dark")) -> None:
        for width, height in WIDTHS.items():
            await page.set_viewport_size({"width": width, "height": height})
            for scheme in schemes:
                await page.emulate_media(color_scheme=scheme)
                if folder:
                    path = Path(folder) / f"{name}-{width}-{scheme}.png"
                    await page.screenshot(path=path, full_page=True)
                # Of a scheme hang colours and nothing else, and a whole look at a screen takes its time.
                rules = EVERY_RULE if scheme == schemes[0] else COLOUR_RULES
                assert await faults(page, rules) == [], (name, width, scheme)
        await page.set_viewport_size({"width": 1280, "height": 900})

    return checked


@pytest.fixture
def faults_of() -> Callable[[Page], Awaitable[list[str]]]:
    """Of the page as it stands: nothing is resized."""
    return faults


async def faults(page: Page, rules: str = EVERY_RULE) -> list[str]:
    """Of axe-core, through the debugger, which the page's own policy does not bind; and what is too wide."""
    session = await page.context.new_cdp_session(page)
    await session.send("Runtime.evaluate", {"expression": f"if (!window.axe) {{ {AXE} }}"})
    run = {"expression": f"axe.run({rules})", "awaitPromise": True, "returnByValue": True}
    found = (await session.send("Runtime.evaluate", run))["result"]["value"]["violations"]
    await session.detach()
    wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    told = [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]
    return [*told, f"{wide} px too wide"] if wide > 0 else told


@pytest.fixture
async def trustee_account(connection: Any, accounts: Any) -> str:
    """The account that pays, in place."""
    now = datetime.now(UTC)
    preparer, approver = accounts[Role.PREPARER].person_id, accounts[Role.APPROVER].person_id
    name = "Mandataire des Trois-Rivières"
    proposed = await propose_trustee(
        connection, holder=name, iban=TRUSTEE_IBAN, bic=None, person_id=preparer, actor="tests", at=now
    )
    await approve_trustee(connection, proposed.id, person_id=approver, actor="tests", at=now)
    return TRUSTEE_IBAN


@pytest.fixture
async def owed(connection: Any, client: Client, instance: Any, accounts: Any, trustee_account: str) -> None:
    """Three operators are owed 20, 30 and 10 euros, on accounts that can be paid."""
    rows = await connection.fetch(
        "SELECT s.operator_id FROM devices d JOIN sites s ON s.id = d.site_id ORDER BY d.id"
    )
    of_device = [row["operator_id"] for row in rows]
    place = 0
    for which, operator_id in enumerate(sorted(set(of_device))):
        await _give_account(connection, operator_id, which, accounts)
        headers = instance.headers(of_device.index(operator_id))
        for _ in range((2, 3, 1)[which]):
            body = {"attempt_id": str(uuid.uuid4()), "code": instance.qr(place)}
            place += 1
            async with client.post("/v1/scans", json=body, headers=headers) as response:
                assert (await response.json())["verdict"] == "accepted"
        async with client.post("/v1/remittances", json={}, headers=headers) as response:
            assert response.status == 201


async def _give_account(connection: Any, operator_id: int, which: int, accounts: Any) -> None:
    now = datetime.now(UTC)
    proposed = await propose_account(
        connection,
        operator_id,
        holder=HOLDERS[which],
        iban=IBANS[which],
        bic=None,
        proof="RIB reçu par courrier",
        proof_sha256=None,
        person_id=accounts[Role.PREPARER].person_id,
        actor="tests",
        at=now,
    )
    await approve_account(
        connection,
        proposed.id,
        person_id=accounts[Role.APPROVER].person_id,
        actor="tests",
        at=now,
        cooling_off=timedelta(0),
    )


@pytest.fixture
def bank() -> ModelBank:
    return ModelBank(TRUSTEE_IBAN, FUNDED_CENTS, date(2026, 11, 23))
