"""A workshop on the whole page: prints before the camera, what the person sees, and what is on record."""

import asyncio
import subprocess
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from playwright.async_api import Page, Route, expect

from keys.keyring import KeyPurpose
from ledger.signing_keys import active_kid
from loadtests import camera_films
from programmes.practice import practice_pdf

NBSP = "\u00a0"
BATCH = "**/v1/scans/batch"
# A file of ours that runs nothing.
BENCH = "/page/files.json"
# At 15 frames a second.
FRAMES_EACH = 30
ROWS = "#verdicts li"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1"
)
SEEM_AN_IPHONE = f"Object.defineProperty(navigator, 'userAgent', {{ get: () => {IPHONE!r} }})"
ACCEPTED_GREEN, WAITING_BLUE, REFUSED_RED = [21, 128, 61], [29, 78, 216], [185, 28, 28]
IS_DRAWN = """(colour) => {
  if (!outlines.width) return false
  const { data } = outlines.getContext("2d").getImageData(0, 0, outlines.width, outlines.height)
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 255 && colour.every((part, place) => data[at + place] === part)) return true
  }
  return false
}"""
# As if so many scans of this phone waited.
FILL_QUEUE = """async (length) => {
  const [{ openStore }, { Facts }, { Journal }, { newAttempt }] = await Promise.all(
    ["store", "facts", "journal", "attempt"].map((name) => import(`/page/${name}.js`)),
  )
  const store = await openStore()
  const journal = await Journal.open(store, (await Facts.open(store)).device)
  await journal.add(Array.from({ length }, () => newAttempt({ code: crypto.randomUUID(), skewMs: 0 })))
}"""


async def scan(page: Page) -> None:
    await page.select_option("#service", "premiers-pas")
    await page.click("#scan-start")


async def shows(page: Page, count: int, kind: str, *, seconds: float = 20) -> None:
    rows = page.locator(f"{ROWS}[data-kind={kind}]")
    await expect(rows).to_have_count(count, timeout=seconds * 1_000)


async def take_by_hand(page: Page, code: str) -> None:
    await page.fill("#code", code)
    await page.press("#code", "Enter")


def held(*pictures, frames: int = FRAMES_EACH):
    return [picture for picture in pictures for _ in range(frames)]


@pytest.fixture
async def practice_print(connection, key_folder, tmp_path):
    """The first pass of a practice booklet, as the command prints it."""
    kid = await active_kid(connection, KeyPurpose.PRACTICE)
    pdf, picture = tmp_path / "practice.pdf", tmp_path / "practice.png"
    pdf.write_bytes(practice_pdf(1, kid, key_folder))
    # Its cover comes first.
    command = [
        "pdftoppm",
        "-r",
        "150",
        "-png",
        "-f",
        "2",
        "-l",
        "2",
        "-singlefile",
        pdf,
        picture.with_suffix(""),
    ]
    await asyncio.to_thread(subprocess.run, command, check=True)
    return Image.open(picture).convert("RGB")


async def test_thirty_passes_in_a_row_are_accepted_once_each(camera_page, film_in_a_row, taken_by):
    page = await camera_page(film_in_a_row(range(30)))
    await scan(page)
    # The film lasts 18 s; a machine that is busy with other tests may need its second showing.
    await shows(page, 30, "accepted", seconds=45)
    await expect(page.locator("#total")).to_have_text(f"30{NBSP}pass, 300{NBSP}€")
    await expect(page.locator(ROWS)).to_have_count(30)
    assert await taken_by() == 30


async def test_blurred_dark_and_glaring_passes_are_accepted(camera_page, film, detached):
    stills = [camera_films.still(detached(place), turn=turn) for place, turn in ((0, 2), (1, 5), (2, -4))]
    lights = [camera_films.blurred, camera_films.dark, camera_films.glaring]
    page = await camera_page(film(held(*(light(still) for light, still in zip(lights, stills, strict=True)))))
    await scan(page)
    await shows(page, 3, "accepted")


async def test_a_practice_pass_filmed_in_training_is_good_and_nothing_leaves_the_phone(
    camera_page, film, practice_print, detached
):
    frames = held(camera_films.still(practice_print), camera_films.still(detached(0)))
    page = await camera_page(film(frames))
    await page.get_by_text("S’entraîner").click()
    sent = []
    page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    await page.click("#scan-start")

    await shows(page, 1, "practice")
    await expect(page.locator(f"{ROWS} .why")).to_have_text("Rien n’a été encaissé.")
    # The film goes on with a pass that is money.
    await expect(page.locator("#latest .verdict")).to_have_text(f"Vrai pass{NBSP}: rien n’est encaissé")
    await expect(page.locator("#total")).to_have_text(f"0{NBSP}pass, 0{NBSP}€")
    await expect(page.locator(ROWS)).to_have_count(1)
    assert sent == []


async def test_a_practice_pass_filmed_while_passes_are_taken_is_refused(
    camera_page, film, practice_print, taken_by
):
    page = await camera_page(film(camera_films.shaken(camera_films.still(practice_print))))
    await scan(page)
    await expect(page.locator("#latest .verdict")).to_have_text(f"Refusé{NBSP}: pass d’entraînement")
    await expect(page.locator(ROWS)).to_have_count(0)
    assert await taken_by() == 0


async def test_forged_expired_and_foreign_codes_are_told_apart(
    camera_page, film, foreign_codes, past_its_last_day, taken_by
):
    await past_its_last_day()
    names = ("forged", "expired", "other")
    page = await camera_page(
        film(
            held(*(camera_films.still(camera_films.symbol(foreign_codes[name]), width=400) for name in names))
        )
    )
    await scan(page)
    await shows(page, 2, "refused")
    for verdict in ("code non authentique", "date passée"):
        await expect(page.locator(f"{ROWS} .verdict", has_text=verdict)).to_have_count(1)
    await expect(page.locator("#latest .verdict")).to_have_text("Ce n’est pas un pass")
    await expect(page.locator("#total")).to_have_text(f"0{NBSP}pass, 0{NBSP}€")
    assert await taken_by() == 0


async def test_a_pass_already_taken_elsewhere_is_refused_with_when_and_where(
    camera_page, film, detached, instance, client, until
):
    body = {"attempt_id": str(uuid.uuid4()), "code": instance.qr(0), "service": "premiers-pas"}
    async with client.post("/v1/scans", json=body, headers=instance.headers(3)) as response:
        assert (await response.json())["verdict"] == "accepted"
    page = await camera_page(film(camera_films.shaken(camera_films.still(detached(0)))))
    await scan(page)
    await shows(page, 1, "refused")
    await expect(page.locator(f"{ROWS} .symbol")).to_have_text("✗")
    await expect(page.locator(f"{ROWS} .verdict")).to_have_text(f"Refusé{NBSP}: déjà encaissé")
    why = page.locator(f"{ROWS} .why")
    await expect(why).to_contain_text(f"Premier encaissement{NBSP}: le ")
    await expect(why).to_contain_text(instance.sites[3])
    await until(lambda: page.evaluate(IS_DRAWN, REFUSED_RED))


async def test_the_outline_is_marked_as_accepted_only_once_the_service_said_so(
    camera_page, film, detached, until
):
    page = await camera_page(film(camera_films.shaken(camera_films.still(detached(0)))))
    await page.route(BATCH, lambda route: route.abort())
    await scan(page)
    await until(lambda: page.evaluate(IS_DRAWN, WAITING_BLUE))
    assert not await page.evaluate(IS_DRAWN, ACCEPTED_GREEN)
    await page.route(BATCH, lambda route: route.continue_())
    await until(lambda: page.evaluate(IS_DRAWN, ACCEPTED_GREEN))
    await shows(page, 1, "accepted")


async def test_ten_filmed_while_a_reply_is_lost_and_the_service_falls_are_accepted_once_each(
    camera_page, film, detached, taken_by
):
    page = await camera_page(
        film(camera_films.shaken(camera_films.overlapping([detached(n) for n in range(10)])))
    )
    asked = 0

    async def fail(route: Route) -> None:
        nonlocal asked
        asked += 1
        if asked == 1:
            await route.fetch()
            await route.abort()
        elif asked <= 3:
            await shows(page, 0, "accepted")
            await route.fulfill(status=503, body="{}")
        else:
            await route.continue_()

    await page.route(BATCH, fail)
    await scan(page)
    await shows(page, 10, "accepted")
    await expect(page.locator(ROWS)).to_have_count(10)
    assert await taken_by() == 10


async def test_filmed_in_flight_mode_then_reloaded_then_killed_all_are_accepted_once_when_back(
    own_browser, film, detached, taken_by
):
    frame = camera_films.overlapping([detached(place) for place in range(3)])
    page = await own_browser.open(film=film(camera_films.shaken(frame)))
    await page.select_option("#service", "premiers-pas")
    await page.evaluate("async () => { await navigator.serviceWorker.ready }")
    await page.context.set_offline(True)
    await page.click("#scan-start")
    await shows(page, 3, "waiting")
    await page.reload()
    await shows(page, 3, "waiting")
    await expect(page.locator("#trouble-words")).to_contain_text(f"Hors ligne. 3{NBSP}pass en file.")
    own_browser.kill()
    assert await taken_by() == 0

    page = await own_browser.open()
    await shows(page, 3, "accepted")
    await expect(page.locator(ROWS)).to_have_count(3)
    assert await taken_by() == 3


@pytest.fixture
async def enrolled(camera_page, enrolment_link, film, detached) -> Page:
    """A phone that became a device by the link, before two passes."""
    frame = camera_films.overlapping([detached(0), detached(1)])
    return await camera_page(film(camera_films.shaken(frame)), device=None, path=await enrolment_link())


async def test_a_phone_enrolled_by_link_signs_its_scans_an_undo_and_a_remittance(
    enrolled, instance, client, superuser
):
    await scan(enrolled)
    await shows(enrolled, 2, "accepted")
    await enrolled.click("#scan-stop")
    await enrolled.get_by_role("button", name="Annuler", exact=True).first.click()
    await enrolled.get_by_label("Pass encaissé par erreur").check()
    await enrolled.get_by_role("button", name="Annuler l’encaissement").click()
    await shows(enrolled, 1, "undone")

    await enrolled.click("#money-open")
    await enrolled.click("#remit")
    await enrolled.check("#certified")
    await enrolled.get_by_role("button", name="Clore le bordereau").click()
    await expect(enrolled.locator("#bordereau")).to_contain_text(f"1{NBSP}pass, 10{NBSP}€")

    (cookie,) = await enrolled.context.cookies()
    badge = {"Cookie": f"{cookie['name']}={cookie['value']}", "Sec-Fetch-Site": "same-origin"}
    href = await enrolled.locator("#bordereau a").first.get_attribute("href")
    async with client.get(href, headers=badge) as response:
        assert response.status == 200
        assert (await response.read()).startswith(b"%PDF")
    # The badge alone, as somebody who stole it has it, reads and changes nothing.
    assert await superuser.fetchval("SELECT public_key FROM devices ORDER BY id DESC LIMIT 1")
    body = {"attempt_id": str(uuid.uuid4()), "code": instance.qr(2), "service": "premiers-pas"}
    async with client.post("/v1/scans", json=body, headers=badge) as response:
        assert response.status == 401
        assert (await response.json())["type"] == "urn:poincon:problem:device-signature"


async def test_a_phone_enrolled_by_link_signs_tests_and_photos_too(
    open_page, enrolment_link, instance, table_photo
):
    page = await open_page(None, path=await enrolment_link())
    await page.select_option("#service", "premiers-pas")
    await page.get_by_text("Tester sans encaisser").click()
    await take_by_hand(page, instance.short(0))
    await shows(page, 1, "acceptable")

    await page.get_by_text("Encaisser", exact=True).first.click()
    await page.set_input_files("#album", table_photo(2))
    await page.get_by_role("button", name=f"Encaisser les 2{NBSP}pass").click()
    await shows(page, 2, "accepted")


async def test_a_phone_that_lost_its_key_says_so_keeps_what_it_scanned_and_sends_it_once_enrolled_anew(
    enrolled, enrolment_link, until
):
    await expect(enrolled.locator("#desk")).to_be_visible()
    forget = """() => new Promise((resolve) => {
      const opening = indexedDB.open("poincon")
      opening.onsuccess = () => {
        const writing = opening.result.transaction("facts", "readwrite")
        writing.objectStore("facts").delete("key")
        writing.oncomplete = () => { opening.result.close(); resolve() }
      }
    })"""
    await enrolled.evaluate(forget)
    await enrolled.reload()
    await scan(enrolled)
    await expect(enrolled.locator("#notice")).to_contain_text("Demandez un nouveau lien d’enregistrement")
    await expect(enrolled.locator("#notice")).to_contain_text("en file, pas encaissé")

    await enrolled.evaluate("hash => { location.hash = hash }", (await enrolment_link()).removeprefix("/"))
    await enrolled.get_by_role("button", name="Utiliser le lien").click()
    await shows(enrolled, 2, "accepted")


async def test_an_iphone_is_told_of_the_seven_days_and_is_bound_to_no_key(
    open_page, enrolment_link, instance, superuser
):
    page = await open_page(None, path=BENCH)
    await page.add_init_script(SEEM_AN_IPHONE)
    await page.goto(page.url.removesuffix(BENCH) + await enrolment_link())
    await expect(page.locator("#desk")).to_be_visible()
    assert await superuser.fetchval("SELECT public_key FROM devices ORDER BY id DESC LIMIT 1") is None

    await page.select_option("#service", "premiers-pas")
    await expect(page.locator("#notice")).to_be_empty()
    await page.route("**/v1/**", lambda route: route.abort())
    await take_by_hand(page, instance.short(0))
    await expect(page.locator("#notice")).to_contain_text("après 7 jours sans visite")
    await page.route("**/v1/**", lambda route: route.continue_())
    await shows(page, 1, "accepted")
    await expect(page.locator("#notice")).to_be_empty()


@pytest.mark.parametrize(
    ("hours", "said"), [(49, f"depuis plus de 48{NBSP}h"), (73, f"depuis plus de 72{NBSP}h")]
)
async def test_passes_that_wait_for_days_are_warned_of(desk, instance, hours, said):
    await desk.route("**/v1/**", lambda route: route.abort())
    await take_by_hand(desk, instance.short(0))
    await shows(desk, 1, "waiting")
    await expect(desk.locator("#notice")).to_be_empty()
    await desk.clock.set_system_time(datetime.now(UTC) + timedelta(hours=hours))
    await desk.reload()
    await expect(desk.locator("#notice")).to_contain_text(said)


async def test_a_queue_that_fills_is_warned_of_and_a_full_one_takes_no_more(desk, instance):
    await desk.route("**/v1/**", lambda route: route.abort())
    await desk.evaluate(FILL_QUEUE, 400)
    await expect(desk.locator("#notice")).to_contain_text(f"400{NBSP}pass en file, 500 au plus")
    await desk.evaluate(FILL_QUEUE, 100)
    await expect(desk.locator("#notice")).to_contain_text(f"500{NBSP}pass en file, c’est le plus")

    await take_by_hand(desk, instance.short(0))
    await expect(desk.locator("#notice")).to_contain_text("celui-ci n’a pas été gardé")
    await expect(desk.locator(ROWS)).to_have_count(500)


async def test_a_clock_two_hours_ahead_is_told_and_the_pass_accepted(desk, instance):
    await desk.clock.set_system_time(datetime.now(UTC) + timedelta(hours=2))
    await desk.reload()
    await take_by_hand(desk, instance.short(0))
    await shows(desk, 1, "accepted")
    await expect(desk.locator("#notice")).to_contain_text(f"L’horloge de ce téléphone avance de 2{NBSP}h")
