"""The live camera of the médiateur's page, before films of real prints: what is read, told once, shown."""

from pathlib import Path
from typing import Any, Final

import pytest
import zxingcpp
from playwright.async_api import Page, expect

from loadtests import camera_films

ACCEPTED: Final = "#verdicts li[data-kind=accepted]"
BENCH: Final = "/page/files.json"
VIEWFINDER: Final = (Path(__file__).parent / "viewfinder.js").read_text(encoding="utf-8")
START: Final = "() => { window.startedAt = performance.now(); return viewfinder.start() }"
HIDE: Final = """(isHidden) => {
  Object.defineProperty(document, "hidden", { get: () => isHidden, configurable: true })
  document.dispatchEvent(new Event("visibilitychange"))
}"""
# As a phone tells that its camera was taken away; `stop()` alone tells nothing.
END_CAMERA: Final = """() => {
  const [track] = preview.srcObject.getTracks()
  track.stop()
  track.dispatchEvent(new Event("ended"))
}"""
TAKE_CAMERA_AWAY: Final = """() => {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("", "NotFoundError"))
}"""
# Where something is drawn on the outlines' canvas, in parts of the video's picture.
DRAWN: Final = """() => {
  const { width, height } = outlines
  const { data } = outlines.getContext("2d").getImageData(0, 0, width, height)
  const [rows, columns] = [[], []]
  for (let at = 3; at < data.length; at += 4) {
    if (data[at] > 128) {
      columns.push(((at - 3) / 4) % width)
      rows.push(Math.floor(at / 4 / width))
    }
  }
  const scale = Math.min(width / preview.videoWidth, height / preview.videoHeight)
  const [left, top] = [(width - preview.videoWidth * scale) / 2, (height - preview.videoHeight * scale) / 2]
  const ends = (places, start) => [Math.min(...places), Math.max(...places)].map((at) => (at - start) / scale)
  return [...ends(columns, left), ...ends(rows, top)]
}"""
# Half the width of an outline, and some, in the camera's pixels: the test's screen shows four as one.
OUTLINE_PIXELS_MAX: Final = 24


@pytest.fixture
def scan(camera_page):
    """A viewfinder, opened unless it is not wished, upon a film."""

    async def scanned(film: Path | None, *, is_started: bool = True, **wish: Any) -> Page:
        page = await camera_page(film, path=BENCH, **wish)
        await page.evaluate(VIEWFINDER)
        if is_started:
            await page.evaluate(START)
        return page

    return scanned


async def told(page: Page, count: int, *, seconds: float = 10) -> list[dict[str, Any]]:
    await expect(page.locator("html")).to_have_attribute("data-told", str(count), timeout=seconds * 1_000)
    found: list[dict[str, Any]] = await page.evaluate("told")
    return found


async def pictures(page: Page) -> int:
    count: int = await page.evaluate("pictures")
    return count


async def more_pictures(page: Page, until: Any, count: int) -> None:
    before = await pictures(page)

    async def enough() -> bool:
        return await pictures(page) >= before + count

    await until(enough)


async def in_state(page: Page, state: str) -> None:
    await expect(page.locator("#viewfinder")).to_have_attribute("data-state", state)


async def test_a_pass_that_stays_before_the_camera_is_told_once_by_its_qr(
    scan, film, detached, instance, until
):
    page = await scan(film(camera_films.shaken(camera_films.still(detached(0)))))
    assert [one["text"] for one in await told(page, 1)] == [instance.qr(0)]
    await more_pictures(page, until, 20)
    assert len(await told(page, 1)) == 1


async def test_ten_passes_in_one_frame_are_each_told_once(scan, film, detached, instance, until):
    frame = camera_films.overlapping([detached(place) for place in range(10)])
    page = await scan(film(camera_films.shaken(frame)))
    found = await told(page, 10)
    assert {one["text"] for one in found} == {instance.qr(place) for place in range(10)}
    await more_pictures(page, until, 10)
    assert len(await told(page, 10)) == 10


async def test_a_code_128_alone_is_told_as_it_is_printed(scan, film, detached, instance):
    page = await scan(film(camera_films.shaken(camera_films.still(detached(3, without="qr")))))
    (one,) = await told(page, 1)
    # A check character printed O, I or L is read as 0 or 1, as everywhere in the page.
    printed = instance.short(3).translate(str.maketrans("OIL", "011"))
    assert (one["text"], one["format"]) == (printed, "Code128")


@pytest.mark.parametrize("light", ["blurred", "dark", "glaring"])
async def test_a_pass_is_read_in_bad_light(scan, film, detached, instance, light):
    frames = [getattr(camera_films, light)(camera_films.still(detached(0), turn=turn)) for turn in (2, 7, -4)]
    page = await scan(film(frames))
    assert (await told(page, 1))[0]["text"] == instance.qr(0)


async def test_a_code_that_is_no_pass_is_told_once_and_others_code_128_never(
    scan, film, foreign_codes, until
):
    page = await scan(film(camera_films.still(camera_films.symbol(foreign_codes["other"]), width=300)))
    assert (await told(page, 1))[0]["text"] == foreign_codes["other"]
    seen = """async (text) => {
      const { Sightings } = await import("/page/sightings.js")
      const sightings = new Sightings()
      const poster = [{ text, format: "QRCode", corners: [] }]
      const parcel = [{ text: "JD014600006228974620", format: "Code128", corners: [] }]
      const late = [0, 100, 900, 60_000].map((at) => sightings.see([...poster, ...parcel], at))
      return late.map(({ fresh }) => fresh.length)
    }"""
    assert await page.evaluate(seen, foreign_codes["other"]) == [1, 0, 0, 0]


SIGHTINGS: Final = """async ([qr, short, pictures]) => {
  const { Sightings } = await import("/page/sightings.js")
  const sightings = new Sightings()
  const codes = {
    qr: { text: qr, format: "QRCode", corners: [] },
    bars: { text: short.replaceAll("-", ""), format: "Code128", corners: [] },
    misread: { text: short.replaceAll("-", "").replace(/.$/, "*"), format: "Code128", corners: [] },
  }
  return pictures.flatMap(([at, ...names]) =>
    sightings.see(names.map((name) => codes[name]), at).fresh.map(({ format }) => `${format} ${at}`),
  )
}"""


@pytest.mark.parametrize(
    ("seen", "fresh"),
    [
        pytest.param([[0, "qr"], [100, "qr"], [2_900, "qr"]], ["QRCode 0"], id="staying"),
        pytest.param([[0, "qr"], [2_900], [5_000, "qr"]], ["QRCode 0", "QRCode 5000"], id="coming back"),
        pytest.param([[0, "bars"], [600]], [], id="one read of bars is not believed"),
        pytest.param([[0, "bars", "bars"], [600]], [], id="nor are two in one picture"),
        pytest.param([[0, "bars"], [100, "bars"], [600]], ["Code128 600"], id="two equal reads are"),
        pytest.param([[0, "bars"], [100, "bars", "qr"], [600, "bars"]], ["QRCode 100"], id="the QR wins"),
        pytest.param(
            [[0, "bars"], [600, "bars"], [700, "qr", "bars"]], ["Code128 600"], id="one pass, one sighting"
        ),
        pytest.param([[0, "misread"], [600, "misread"], [700, "misread"]], [], id="a wrong check character"),
    ],
)
async def test_a_pass_is_told_when_it_is_new(open_page, instance, seen, fresh):
    page = await open_page(path=BENCH)
    assert await page.evaluate(SIGHTINGS, [instance.qr(0), instance.short(0), seen]) == fresh


async def test_what_is_in_view_is_told_anew_when_the_service_has_changed(scan, film, detached):
    page = await scan(film(camera_films.still(detached(0))))
    await told(page, 1)
    await page.evaluate("viewfinder.forget()")
    await told(page, 2)


async def test_the_outline_lies_where_the_code_is_shown(scan, film, detached, until):
    frame = camera_films.still(detached(0))
    page = await scan(film(frame))
    await told(page, 1)
    (code,) = [one for one in zxingcpp.read_barcodes(frame) if one.text.startswith("PN1:")]
    place = code.position
    corners = [place.top_left, place.top_right, place.bottom_right, place.bottom_left]
    across, down = [one.x for one in corners], [one.y for one in corners]
    expected = [min(across), max(across), min(down), max(down)]
    assert await page.evaluate(DRAWN) == pytest.approx(expected, abs=OUTLINE_PIXELS_MAX)


async def test_a_denied_camera_is_told(scan, film, detached):
    page = await scan(film(camera_films.still(detached(0))), denied=True)
    await expect(page.locator("html")).to_have_attribute("data-trouble", "denied")
    await in_state(page, "closed")
    await expect(page.locator("#scan-start")).to_be_visible()


async def test_a_missing_camera_is_told(scan):
    page = await scan(None)
    await expect(page.locator("html")).to_have_attribute("data-trouble", "missing")


async def test_a_hidden_page_decodes_nothing_and_gives_the_camera_back(scan, film, detached, until):
    page = await scan(film(camera_films.still(detached(0))))
    await told(page, 1)
    await page.evaluate(HIDE, True)
    await in_state(page, "waiting")
    assert await page.evaluate("preview.srcObject") is None
    before = await pictures(page)
    await page.wait_for_timeout(500)
    assert await pictures(page) == before

    await page.evaluate(HIDE, False)
    await in_state(page, "open")
    await more_pictures(page, until, 3)


async def test_a_camera_that_ended_comes_back_by_itself(scan, film, detached, until):
    page = await scan(film(camera_films.still(detached(0))))
    await told(page, 1)
    await page.evaluate(END_CAMERA)
    await more_pictures(page, until, 5)
    assert await page.evaluate("viewfinder.isOpen && troubles.every((why) => why === null)")


async def test_a_camera_that_ended_for_good_is_told(scan, film, detached):
    page = await scan(film(camera_films.still(detached(0))))
    await page.evaluate(TAKE_CAMERA_AWAY)
    await page.evaluate(END_CAMERA)
    await expect(page.locator("html")).to_have_attribute("data-trouble", "ended")
    await in_state(page, "closed")


async def test_a_camera_that_shows_nothing_new_is_opened_again(scan, film, detached, until):
    page = await scan(film(camera_films.still(detached(0))))
    await told(page, 1)
    stream = await page.evaluate("preview.srcObject.id")
    await page.evaluate("preview.pause()")

    async def is_another() -> bool:
        return await page.evaluate("preview.srcObject?.id ?? null") not in {stream, None}

    await until(is_another)
    await more_pictures(page, until, 3)


async def test_a_decoder_that_dies_is_told_and_started_again(scan, film, detached, until):
    page = await scan(film(camera_films.still(detached(0))))
    await told(page, 1)
    await page.workers[0].evaluate("postMessage('broken')")
    await expect(page.locator("html")).to_have_attribute("data-trouble", "decoder")
    await expect(page.locator("html")).to_have_attribute("data-trouble", "")
    await more_pictures(page, until, 3)


async def test_controls_that_the_camera_has_no_use_for_are_hidden(scan, film, detached):
    page = await scan(film(camera_films.still(detached(0))))
    for name in ("torch", "zoom", "lens", "scan-start"):
        await expect(page.locator(f"#{name}")).to_be_hidden()
    await expect(page.locator("#scan-stop")).to_be_visible()


async def test_the_chosen_lens_is_remembered(scan):
    page = await scan(None, lenses=3)
    choice = page.locator("#lens option")
    await expect(choice).to_have_count(3)
    wanted = await choice.nth(2).get_attribute("value")
    await page.select_option("#lens", wanted)
    await in_state(page, "open")
    given = "preview.srcObject?.getTracks()[0].getSettings().deviceId"
    await page.wait_for_function(f"() => {given} === '{wanted}'")

    await page.reload()
    await page.evaluate(VIEWFINDER)
    await in_state(page, "open")  # by itself: it was open before, and allowed
    assert await page.evaluate(given) == wanted


RANK: Final = """async ([labels, given]) => {
  const { betterLens } = await import("/page/lens.js")
  const lenses = labels.map((label) => ({ label, deviceId: label }))
  return betterLens(lenses, given) ?? given
}"""


@pytest.mark.parametrize(
    ("labels", "given", "best"),
    [
        (["camera2 2, facing back", "camera2 1, facing front", "camera2 0, facing back"], 0, 2),
        (["Front Camera", "Back Ultra Wide Camera", "Back Telephoto Camera", "Back Camera"], 1, 3),
        (
            ["Caméra avant", "Caméra arrière", "Ultra grand-angle arrière", "Triple caméra arrière"],
            1,
            3,
        ),
        (["Integrated Webcam", "USB Camera"], 1, 1),
    ],
)
async def test_the_lens_for_reading_close_by_is_preferred(open_page, labels, given, best):
    page = await open_page(path=BENCH)
    assert await page.evaluate(RANK, [labels, labels[given]]) == labels[best]


async def test_at_the_desk_ten_passes_in_one_frame_are_accepted_once_each(camera_page, film, detached):
    frame = camera_films.overlapping([detached(place) for place in range(10)])
    page = await camera_page(film(camera_films.shaken(frame)))
    await page.select_option("#service", "premiers-pas")
    await page.click("#scan-start")
    await expect(page.locator(ACCEPTED)).to_have_count(10)
    await expect(page.locator("#verdicts li")).to_have_count(10)
    await page.click("#scan-stop")
    await in_state(page, "closed")


async def test_at_the_desk_a_code_128_is_accepted_and_its_qr_then_is_the_same_pass(
    camera_page, film, detached
):
    frames = [camera_films.still(detached(4, without="qr"))] * 60 + [camera_films.still(detached(4))] * 60
    page = await camera_page(film(frames))
    await page.select_option("#service", "premiers-pas")
    await page.click("#scan-start")
    await expect(page.locator(ACCEPTED)).to_have_count(1)
    await page.wait_for_timeout(5_000)  # the film has come to the QR
    await expect(page.locator("#verdicts li")).to_have_count(1)
