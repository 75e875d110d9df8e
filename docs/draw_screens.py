"""Draws docs/screens/: each state of the médiateur's page, phone and desk, before a real demo.

Run by hand: `.venv/bin/python docs/draw_screens.py`. Needs Chromium and poppler-utils.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, ViewportSize, sync_playwright

from keys.passes import PassId
from keys.short_code import short_code
from loadtests import camera_films
from validator.badge import COOKIE

ROOT: Final = Path(__file__).parent.parent
SCREENS: Final = ROOT / "docs" / "screens"
SIZES: Final[dict[str, ViewportSize]] = {
    "360": {"width": 360, "height": 640},
    "1280": {"width": 1280, "height": 800},
}
SERVICE: Final = "premiers-pas"
DPI: Final = 150
STUB_PIXELS: Final = 290  # of a printed page at that resolution, where the pass is torn off
READY_SECONDS_MAX: Final = 120
# No such booklet is ever worth money: see mobile_web/static/judge.js.
PRACTICE: Final = short_code(PassId(2**40 - 2**20, 1), bytes(32))
CAMERA: Final = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
NO_CAMERA: Final = ["--use-fake-device-for-media-stream=device-count=1", "--deny-permission-prompts"]


class Story:
    """One phone or screen that goes through all states, and the passes it may use up."""

    def __init__(self, browser: Browser, demo: dict[str, Any], size: str, codes: Iterator[str]) -> None:
        self.browser, self.demo, self.size, self.codes = browser, demo, size, codes
        self.faults: list[str] = []

    @contextmanager
    def page(self, *, device: int | None = 0, dark: bool = False, prepared: Any = None) -> Iterator[Page]:
        context = self.browser.new_context(
            viewport=SIZES[self.size],
            locale="fr-FR",
            timezone_id="Europe/Paris",
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            device_scale_factor=2 if self.size == "360" else 1,
        )
        if device is not None:
            token = self.demo["devices"][device]["token"]
            context.add_cookies([{"name": COOKIE, "value": token, "url": self.demo["url"], "httpOnly": True}])
        if prepared:
            prepared(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.goto(self.demo["url"])
        page.locator("#stranger:visible, #scan-start:visible:enabled").wait_for()
        yield page
        context.close()
        assert self.faults == []

    def draw(self, page: Page, state: str) -> None:
        page.wait_for_timeout(400)
        page.screenshot(path=SCREENS / f"page-{self.size}-{state}.png")


def choose(page: Page) -> None:
    page.select_option("#service", SERVICE)


def typed(page: Page, code: str, kind: str) -> None:
    page.fill("#code", code)
    page.press("#code", "Enter")
    page.locator(f"#latest[data-kind={kind}]").wait_for()


def draw_ways(story: Story, photo: Path) -> None:
    with story.page() as page:
        story.draw(page, "empty")
        page.click("#scan-start")
        story.draw(page, "no-service")
        choose(page)
        page.click("#scan-start")
        page.locator("#latest[data-kind=accepted]").wait_for(timeout=60_000)
        page.evaluate("scrollTo(0, 0)")
        story.draw(page, "scanning")
        page.click("#scan-stop")
        code = next(story.codes)
        typed(page, code, "accepted")
        story.draw(page, "accepted")
        typed(page, code, "refused")
        page.evaluate("document.querySelector('.session').scrollIntoView()")
        story.draw(page, "refused")
        page.evaluate("scrollTo(0, 0)")
        page.fill("#code", code[:-1] + ("2" if code[-1] != "2" else "3"))
        page.press("#code", "Enter")
        story.draw(page, "wrong-character")
        page.set_input_files("#camera", photo)
        page.locator("#photo-passes li").first.wait_for()
        page.evaluate("document.querySelector('#photo').scrollIntoView()")
        story.draw(page, "photo")
        page.click("#photo-close")
        page.locator("#verdicts .undo:visible").first.click()
        story.draw(page, "undo")


def draw_modes(story: Story) -> None:
    with story.page() as page:
        choose(page)
        page.locator("label", has_text="Tester sans encaisser").click()
        typed(page, next(story.codes), "acceptable")
        page.evaluate("scrollTo(0, 0)")
        story.draw(page, "test")
        page.locator("label", has_text="S’entraîner").click()
        typed(page, PRACTICE, "practice")
        page.evaluate("scrollTo(0, 0)")
        story.draw(page, "training")
        typed(page, next(story.codes), "refused")
        story.draw(page, "training-real-pass")


def draw_troubles(story: Story) -> None:
    with story.page() as page:
        choose(page)
        typed(page, next(story.codes), "accepted")
        page.route("**/v1/**", lambda route: route.abort())
        typed(page, next(story.codes), "waiting")
        page.locator("#trouble").wait_for()
        story.draw(page, "offline")
        page.evaluate(
            "import('/page/updates.js')"
            ".then(({ updates }) => updates.dispatchEvent(new Event('update-ready')))"
        )
        page.evaluate("scrollTo(0, 0)")
        story.draw(page, "update-ready")
    with story.page(prepared=two_hours_off) as page:
        page.locator("#notice p").wait_for()
        story.draw(page, "clock-wrong")
    with story.page() as page:
        choose(page)
        page.evaluate(
            "() => { IDBObjectStore.prototype.put = () => "
            "{ throw new DOMException('full', 'QuotaExceededError') } }"
        )
        page.fill("#code", next(story.codes))
        page.press("#code", "Enter")
        page.locator("#notice p").wait_for()
        page.evaluate("scrollTo(0, 0)")
        story.draw(page, "storage-full")


def two_hours_off(context: BrowserContext) -> None:
    def later(route: Route) -> None:
        response = route.fetch()
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() - 7200))
        route.fulfill(response=response, headers={**response.headers, "date": date})

    context.route("**/v1/*", later)


def draw_menu_and_money(story: Story) -> None:
    with story.page() as page:
        choose(page)
        page.click("#menu-open")
        story.draw(page, "menu")
        page.locator("#menu summary", has_text="Aide").click()
        story.draw(page, "help")
        page.locator("#menu .head button").click()
        typed(page, next(story.codes), "accepted")
        page.click("#money-open")
        page.locator("#remit").wait_for()
        story.draw(page, "money")
        page.click("#remit")
        story.draw(page, "remit")
        page.check("#certified")
        page.locator("#certify button").click()
        page.locator("#bordereau").wait_for()
        story.draw(page, "remittance")


def draw_others(story: Story) -> None:
    with story.page(device=None) as page:
        story.draw(page, "not-enrolled")
    with story.page(dark=True) as page:
        choose(page)
        typed(page, next(story.codes), "accepted")
        story.draw(page, "dark")
    with story.page() as page:
        page.click("#menu-open")
        page.select_option("#language", "en")
        page.locator("html[lang=en] #desk:visible").wait_for()
        choose(page)
        typed(page, next(story.codes), "accepted")
        page.evaluate("scrollTo(0, 0)")
        story.draw(page, "english")


def draw_no_camera(story: Story) -> None:
    with story.page() as page:
        choose(page)
        page.click("#scan-start")
        page.locator("#camera-problem:visible").wait_for()
        story.draw(page, "camera-denied")


def printed(pdf: Path, pages: range, folder: Path) -> list[Image.Image]:
    name = folder / "pass"
    span = ["-f", str(pages.start), "-l", str(pages.stop - 1)]
    pdftoppm = shutil.which("pdftoppm")
    assert pdftoppm, "pdftoppm is missing: apt-get install poppler-utils"
    subprocess.run([pdftoppm, "-r", str(DPI), "-png", *span, pdf, name], check=True)  # noqa: S603
    sheets = [Image.open(file).convert("RGB") for file in sorted(folder.glob("pass-*.png"))]
    return [sheet.crop((STUB_PIXELS, 0, sheet.width, sheet.height)) for sheet in sheets]


@contextmanager
def demo(folder: Path) -> Iterator[dict[str, Any]]:
    ready = folder / "ready.json"
    command = ["-m", "command.main", "demo", "--data", str(folder / "demo"), "--port", "0"]
    running = subprocess.Popen(  # noqa: S603
        [sys.executable, *command, "--booklets", "6", "--ready-file", str(ready)],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + READY_SECONDS_MAX
        while not ready.exists():
            assert running.poll() is None, "the demo ended"
            assert time.monotonic() < deadline, "the demo did not start"
            time.sleep(0.2)
        yield json.loads(ready.read_text())
    finally:
        running.terminate()
        running.wait()


def main() -> None:
    SCREENS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, demo(Path(name)) as running, sync_playwright() as playwright:
        folder = Path(name)
        lines = Path(running["codes"]).read_text().splitlines()
        passes = printed(Path(running["booklets_pdf"]), range(2, 8), folder)
        photo = folder / "table.jpg"
        camera_films.overlapping(passes[2:]).save(photo)
        codes = (json.loads(line)["short"] for line in lines[10:])

        def launch(arguments: list[str]) -> Browser:
            path = shutil.which("chromium")
            return playwright.chromium.launch(
                executable_path=path, args=["--headless", "--no-sandbox", *arguments]
            )

        for place, size in enumerate(SIZES):
            frame = camera_films.still(passes[place])
            film = camera_films.write_film(camera_films.shaken(frame), folder / f"{size}.mjpeg")
            browser = launch([*CAMERA, f"--use-file-for-fake-video-capture={film}"])
            story = Story(browser, running, size, codes)
            draw_ways(story, photo)
            draws: list[Callable[[Story], None]] = [
                draw_modes,
                draw_troubles,
                draw_menu_and_money,
                draw_others,
            ]
            for draw in draws:
                draw(story)
            browser.close()
            browser = launch(NO_CAMERA)
            draw_no_camera(Story(browser, running, size, codes))
            browser.close()


if __name__ == "__main__":
    main()
