"""The rig itself: films show readable prints, and Chromium plays them as its camera. Our page is not run."""

import pytest
import zxingcpp

from loadtests import camera_films

# A file of ours that runs nothing: only the browser is tried.
QUIET = "/page/files.json"
ASK = """async () => {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 1280, height: 720 } })
    const video = document.createElement("video")
    video.muted = true
    video.srcObject = stream
    await video.play()
    const { width, height } = stream.getVideoTracks()[0].getSettings()
    const devices = await navigator.mediaDevices.enumerateDevices()
    stream.getTracks().forEach((track) => track.stop())
    return `${width}×${height} ${devices.filter((one) => one.kind === "videoinput").length}`
  } catch (error) {
    return error.name
  }
}"""


def texts(picture):
    """Of the formats that we print: between cards upon each other, others of a few digits are made out."""
    printed = [zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.Code128]
    return [found.text for found in zxingcpp.read_barcodes(picture, formats=printed)]


async def test_a_film_is_the_camera_of_its_browser(camera_page, film, detached):
    page = await camera_page(film(camera_films.still(detached(0))), path=QUIET)
    assert await page.evaluate(ASK) == "1280×720 1"


async def test_a_phone_without_a_film_may_have_several_lenses(camera_page):
    page = await camera_page(None, lenses=3, path=QUIET)
    assert await page.evaluate(ASK) == "1280×720 3"


async def test_a_browser_without_a_film_has_no_camera(camera_page):
    page = await camera_page(None, path=QUIET)
    assert await page.evaluate(ASK) == "NotFoundError"


async def test_a_person_may_refuse_the_camera(camera_page, film, detached):
    page = await camera_page(film(camera_films.still(detached(0))), denied=True, path=QUIET)
    assert await page.evaluate(ASK) == "NotAllowedError"


@pytest.mark.parametrize("light", ["plain", "blurred", "dark", "glaring"])
def test_a_pass_is_readable_in_every_light(seed, detached, light):
    frame = camera_films.still(detached(0))
    worsened = frame if light == "plain" else getattr(camera_films, light)(frame)
    assert seed.passes[0][1].qr in texts(worsened)


def test_either_code_may_be_painted_over(seed, detached):
    shown = seed.passes[12][1]
    assert texts(camera_films.still(detached(12, without="qr"))) == [shown.short.replace("-", "")]
    assert texts(camera_films.still(detached(12, without="bars"))) == [shown.qr]


def test_ten_passes_are_readable_in_one_frame(seed, detached):
    frame = camera_films.overlapping([detached(place) for place in range(10)])
    assert sorted(texts(frame)) == sorted(seed.passes[place][1].qr for place in range(10))


def test_every_pass_of_a_row_is_readable_and_thirty_take_less_than_twenty_seconds(seed, detached):
    frames = list(camera_films.passing([detached(place) for place in (0, 10, 29)]))
    read = {text for frame in frames for text in texts(frame)}
    assert {seed.passes[place][1].qr for place in (0, 10, 29)} <= read
    assert len(frames) * 10 / 15 <= 20


async def test_the_foreign_codes_are_refused_for_what_they_are(
    client, instance, foreign_codes, past_its_last_day
):
    await past_its_last_day()
    refusals = {}
    for name, code in foreign_codes.items():
        body = {"code": code, "service": "premiers-pas"}
        async with client.post("/v1/checks", json=body, headers=instance.headers()) as response:
            refusals[name] = (await response.json())["refusal"]
    assert refusals == {"expired": "expired", "forged": "forged", "other": "unreadable"}


def test_any_text_may_be_shown_as_a_bare_symbol(foreign_codes):
    for text in foreign_codes.values():
        assert texts(camera_films.still(camera_films.symbol(text), width=400)) == [text]
