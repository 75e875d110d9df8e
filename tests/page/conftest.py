"""A real Chromium before the whole service: pages that fail their test on any error of their own.

Their own: an exception, a violation of the content security policy, a request to another host.
"""

import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    ViewportSize,
    async_playwright,
)

from ledger.devices import invite_device
from ledger.facts import load_facts
from mobile_web.page import add_page
from programmes.printing import print_batch
from validator.badge import COOKIE

CHROMIUM_ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PHONE: Final[ViewportSize] = {"width": 360, "height": 640}
PRINT_DPI = 150
# An answer that says no is told there too, and is no fault of the page's.
ANSWER_TOLD_BY_CHROMIUM = "Failed to load resource"

OpenPage: TypeAlias = Callable[..., Awaitable[Page]]
Client: TypeAlias = TestClient[web.Request, web.Application]


def program(name: str, package: str) -> str:
    """Where it is; without it tests are skipped, but never in CI."""
    found = shutil.which(name)
    if found is None:
        missing = f"{name} is missing: as root, apt-get install {package}"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return found


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    chromium = program("chromium", "chromium")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
        yield running
        await running.close()


@pytest.fixture
async def files_alone() -> AsyncIterator[Client]:
    """The page's files without the service behind them."""
    app = web.Application()
    add_page(app)
    async with TestClient(TestServer(app)) as running:
        yield running


@pytest.fixture
def origin(client: Client) -> str:
    return str(client.make_url("/")).rstrip("/")


@pytest.fixture
async def open_page(browser: Browser, origin: str, instance: Any) -> AsyncIterator[OpenPage]:
    """Open the page on a phone of its own, enrolled as one of the instance's devices or as none."""
    phones: list[BrowserContext] = []
    faults: list[str] = []

    def watch(page: Page) -> None:
        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error" and not message.text.startswith(ANSWER_TOLD_BY_CHROMIUM):
                faults.append(message.text)

        def on_request(request: Request) -> None:
            if not request.url.startswith(f"{origin}/"):
                faults.append(request.url)

        page.on("console", on_console)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", on_request)

    async def opened(device: int | None = 0, *, path: str = "/") -> Page:
        phone = await browser.new_context(viewport=PHONE, locale="fr-FR", timezone_id="Europe/Paris")
        phones.append(phone)
        if device is not None:
            token = instance.tokens[device]
            await phone.add_cookies([{"name": COOKIE, "value": token, "url": origin, "httpOnly": True}])
        page = await phone.new_page()
        page.set_default_timeout(15_000)
        watch(page)
        await page.goto(f"{origin}{path}")
        return page

    yield opened
    for phone in phones:
        await phone.close()
    assert faults == []


@pytest.fixture
async def desk(open_page: OpenPage) -> Page:
    """The page of the first device, its service chosen."""
    page = await open_page(0)
    await page.select_option("#service", "premiers-pas")
    return page


@pytest.fixture
def enrolment_link(connection: Any) -> Callable[[], Awaitable[str]]:
    """The path of a fresh link, as the demo prints it."""

    async def made() -> str:
        facts = await load_facts(connection)
        device = min(facts.devices.values(), key=lambda one: one.id)
        code = await invite_device(
            connection,
            site_id=device.site_id,
            mediator_id=device.mediator_id,
            label="Téléphone d’essai",
            expires_at=datetime.now(UTC) + timedelta(minutes=10),
            actor="tests",
        )
        return f"/#enrol={code}"

    return made


@pytest.fixture
async def printed(instance: Any, connection: Any, tmp_path: Path) -> Callable[[int], Path]:
    """A picture of the printed page of a pass of the first booklet, by its place from 0."""
    pdftoppm = program("pdftoppm", "poppler-utils")
    programme = (await load_facts(connection)).programmes[instance.programme_id]
    pdf = tmp_path / "booklets.pdf"
    print_batch(instance.batch, programme, instance.key_folder, pdf=pdf, csv=None)

    def picture(place: int) -> Path:
        page, image = place + 2, tmp_path / f"pass-{place}"  # the first page is the cover
        pages = ["-f", str(page), "-l", str(page), "-singlefile"]
        subprocess.run([pdftoppm, "-r", str(PRINT_DPI), "-png", *pages, pdf, image], check=True)
        return image.with_suffix(".png")

    return picture


@pytest.fixture
def table_photo(printed: Callable[[int], Path], tmp_path: Path) -> Callable[[int], Path]:
    """One photo of the first passes laid on a table, one under the other."""

    def taken(count: int) -> Path:
        pictures = [Image.open(printed(place)).convert("RGB") for place in range(count)]
        gap, width, height = 50, pictures[0].width, pictures[0].height
        table = Image.new("RGB", (width + 2 * gap, count * (height + gap) + gap), (125, 105, 90))
        for place, picture in enumerate(pictures):
            table.paste(picture, (gap, gap + place * (height + gap)))
        path = tmp_path / "table.jpg"
        table.save(path, quality=85)
        return path

    return taken
