"""A real Chromium before the whole service: pages that fail their test on any error of their own.

Their own: an exception, a violation of the content security policy, a request to another host. A page with a
camera has a Chromium of its own, which plays a film of real prints.
"""

import functools
import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from PIL import Image
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    Request,
    ViewportSize,
    async_playwright,
)

from keys.keyring import KeyPurpose
from keys.pass_code import issue_code
from keys.passes import PassId
from ledger.connect import connected
from ledger.devices import invite_device
from ledger.facts import load_facts
from ledger.programmes import amend_last_day
from loadtests import camera_films
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

# In the picture of a printed page, where the detachable pass begins, and its two codes within the pass.
STUB_PIXELS = 290
QR_BOX = (660, 60, 890, 290)
BARS_BOX = (400, 295, 850, 450)

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
def installed() -> Callable[[str, str], str]:
    return program


@pytest.fixture(scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as started:
        yield started


@pytest.fixture(scope="session")
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    chromium = program("chromium", "chromium")
    running = await playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_ARGUMENTS)
    yield running
    await running.close()


def camera_arguments(film: Path | None, *, denied: bool = False, lenses: int = 0) -> list[str]:
    count = 1 if film else lenses
    arguments = [f"--use-fake-device-for-media-stream=device-count={count}"]
    if film is not None:
        arguments.append(f"--use-file-for-fake-video-capture={film}")
    return [*arguments, "--deny-permission-prompts" if denied else "--use-fake-ui-for-media-stream"]


@pytest.fixture
async def camera_browser(playwright: Playwright) -> AsyncIterator[Callable[..., Awaitable[Browser]]]:
    """A Chromium whose one camera plays a film (its absolute path).

    Without a film it has as many `lenses` as said, none by default, with Chromium's own picture.
    `denied`: the person says no to the camera.
    """
    chromium = program("chromium", "chromium")
    running: list[Browser] = []

    async def launched(film: Path | None, *, denied: bool = False, lenses: int = 0) -> Browser:
        arguments = [*CHROMIUM_ARGUMENTS, *camera_arguments(film, denied=denied, lenses=lenses)]
        browser = await playwright.chromium.launch(executable_path=chromium, args=arguments)
        running.append(browser)
        return browser

    yield launched
    for browser in running:
        await browser.close()


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
async def open_in(
    origin: str, instance: Any, camera_browser: Callable[..., Awaitable[Browser]]
) -> AsyncIterator[OpenPage]:
    """Open the page in a browser, on a phone of its own, enrolled as one of the instance's or as none."""
    phones: list[BrowserContext] = []
    faults: list[str] = []

    def watch(page: Page) -> None:
        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error" and not message.text.startswith(ANSWER_TOLD_BY_CHROMIUM):
                faults.append(message.text)

        def on_request(request: Request) -> None:
            if not request.url.startswith((f"{origin}/", f"blob:{origin}/")):
                faults.append(request.url)

        page.on("console", on_console)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", on_request)

    async def opened(browser: Browser, device: int | None = 0, *, path: str = "/") -> Page:
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
        for page in phone.pages:
            # A test's route may be within its handler: cut off there, it would fail the test that comes next.
            await page.unroute_all(behavior="ignoreErrors")
        await phone.close()
    assert faults == []


@pytest.fixture
def open_page(browser: Browser, open_in: OpenPage) -> OpenPage:
    return functools.partial(open_in, browser)


@pytest.fixture
def camera_page(camera_browser: Callable[..., Awaitable[Browser]], open_in: OpenPage) -> OpenPage:
    """The page in a Chromium with this film for a camera: see `camera_browser`."""

    async def opened(
        film: Path | None, *, device: int | None = 0, denied: bool = False, lenses: int = 0, path: str = "/"
    ) -> Page:
        browser = await camera_browser(film, denied=denied, lenses=lenses)
        return await open_in(browser, device, path=path)

    return opened


@pytest.fixture
def taken_by(client: Client, instance: Any) -> Callable[..., Awaitable[int]]:
    """How many passes the service says that a device took."""

    async def count(device: int = 0) -> int:
        async with client.get("/v1/scans", headers=instance.headers(device)) as response:
            return int((await response.json())["count"])

    return count


class OwnBrowser:
    """A browser of the first device with a profile on the disk, to be killed and started again."""

    def __init__(self, playwright: Playwright, profile: Path, origin: str, token: str) -> None:
        self._playwright, self._profile, self._origin, self._token = playwright, profile, origin, token
        self._running: BrowserContext | None = None

    async def open(self, path: str = "/", *, film: Path | None = None) -> Page:
        self._running = await self._playwright.chromium.launch_persistent_context(
            self._profile,
            executable_path=program("chromium", "chromium"),
            args=[*CHROMIUM_ARGUMENTS, *camera_arguments(film)],
            viewport=PHONE,
            locale="fr-FR",
        )
        tomorrow = (datetime.now(UTC) + timedelta(days=1)).timestamp()
        await self._running.add_cookies(
            [{"name": COOKIE, "value": self._token, "url": self._origin, "expires": tomorrow}]
        )
        page = await self._running.new_page()
        await page.goto(f"{self._origin}{path}")
        return page

    def kill(self) -> None:
        """As when a battery dies: only the processes that hold this profile."""
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if f"--user-data-dir={self._profile}".encode() in process.read_bytes().split(b"\0"):
                    os.kill(int(process.parent.name), signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                continue

    async def close(self) -> None:
        if self._running is not None:
            await self._running.close()


@pytest.fixture
async def own_browser(
    playwright: Playwright, tmp_path: Path, origin: str, instance: Any
) -> AsyncIterator[OwnBrowser]:
    browser = OwnBrowser(playwright, tmp_path / "profile", origin, instance.tokens[0])
    yield browser
    await browser.close()


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


@pytest.fixture(scope="session")
async def booklets_pdf(seed: Any, servers: Any, key_folder: Any, tmp_path_factory: Any) -> Path:
    """The seed's booklets as the printer gets them; every instance of the session has these."""
    async with connected(servers.postgres.dsn("poincon_app", seed.template), purpose="tests") as connection:
        programme = (await load_facts(connection)).programmes[seed.programme_id]
    pdf: Path = tmp_path_factory.mktemp("booklets") / "booklets.pdf"
    print_batch(seed.batch, programme, key_folder, pdf=pdf, csv=None)
    return pdf


@pytest.fixture(scope="session")
def printed(booklets_pdf: Path, seed: Any) -> Callable[[int], Path]:
    """A picture of the printed page of a pass, by its place from 0 among all of the seed's."""
    pdftoppm = program("pdftoppm", "poppler-utils")

    def picture(place: int) -> Path:
        booklet, number = divmod(place, seed.batch.booklet_size)
        page = booklet * (seed.batch.booklet_size + 1) + number + 2  # each booklet's cover comes first
        image = booklets_pdf.with_name(f"pass-{place}")
        if not image.with_suffix(".png").exists():
            pages = ["-f", str(page), "-l", str(page), "-singlefile"]
            subprocess.run([pdftoppm, "-r", str(PRINT_DPI), "-png", *pages, booklets_pdf, image], check=True)
        return image.with_suffix(".png")

    return picture


@pytest.fixture(scope="session")
def detached(printed: Callable[[int], Path]) -> Callable[..., Image.Image]:
    """A pass as it is handed over, torn from its stub; with one of its codes painted over if wished."""

    def torn(place: int, *, without: str | None = None) -> Image.Image:
        page = Image.open(printed(place)).convert("RGB")
        paper = page.crop((STUB_PIXELS, 0, page.width, page.height))
        box = {"qr": QR_BOX, "bars": BARS_BOX, None: None}[without]
        return camera_films.without(paper, box) if box else paper

    return torn


@pytest.fixture
def past_its_last_day(connection: Any, instance: Any, refreshed: Any) -> Callable[[], Awaitable[None]]:
    """Shorten the instance's programme: yesterday was the last day of all its passes."""

    async def shortened() -> None:
        yesterday = (datetime.now(ZoneInfo("Europe/Paris")) - timedelta(days=1)).date()
        await amend_last_day(connection, instance.programme_id, yesterday, reason="essai", actor="tests")
        await refreshed()

    return shortened


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a film of frames, or of one that the camera rests upon."""
    folder, numbers = tmp_path_factory.mktemp("films"), itertools.count(1)

    def made(frames: Image.Image | Iterable[Image.Image], *, fps: int = 15) -> Path:
        shown = [frames] if isinstance(frames, Image.Image) else frames
        return camera_films.write_film(shown, folder / f"{next(numbers)}.mjpeg", fps=fps)

    return made


@pytest.fixture(scope="session")
def film_in_a_row(
    film: Callable[..., Path], detached: Callable[..., Image.Image]
) -> Callable[[Sequence[int]], Path]:
    """The passes of these places, one after the other through the frame; made once."""
    made: dict[tuple[int, ...], Path] = {}

    def of(places: Sequence[int]) -> Path:
        key = tuple(places)
        if key not in made:
            made[key] = film(camera_films.passing([detached(place) for place in key]))
        return made[key]

    return of


@pytest.fixture(scope="session")
def foreign_codes(seed: Any, key_folder: Any) -> dict[str, str]:
    """Texts of QR codes that are no good: `forged`, `other` (no pass at all), and `expired`.

    `expired` is rightly signed; the record, which has the last word, says so too after `past_its_last_day`.
    """
    signer = key_folder.signer(KeyPurpose.PASS_CODE, seed.batch.kid)
    pass_id = PassId(seed.batch.first_booklet, 1)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    genuine: str = seed.passes[0][1].qr
    # The signature ends the code: one of its letters changed.
    forged = f"{genuine[:-6]}{'A' if genuine[-6] != 'A' else 'B'}{genuine[-5:]}"
    expired = issue_code(pass_id, int(long_ago.timestamp()), signer)
    return {"expired": expired, "forged": forged, "other": "https://example.invalid/menu"}


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
