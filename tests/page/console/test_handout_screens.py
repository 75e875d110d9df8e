"""Hand-outs, stocks, counters and a booklet in a real Chromium: axe-core, the keyboard, a camera's film."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.account_rows import Role
from ledger.custody import transfer_booklets
from ledger.questionnaires import load_questionnaire
from loadtests import camera_films
from programmes.questionnaire import content_of, default_questionnaire

GRANT = """
INSERT INTO deliveries (grant_id, programme_id, territory_id, booklet_count, passes, dispatched_at,
                        dispatched_by)
VALUES (0, $1, 1, $2, 1000000, now(), 'tests') RETURNING id"""
PHONE = {"width": 360, "height": 640}
DELIVER = "INSERT INTO delivered_booklets (booklet, delivery_id) SELECT unnest($1::bigint[]), $2"


@pytest.fixture
async def stocked(connection, superuser, instance, accounts) -> list[int]:
    """The instance's booklets, in the safe of the prescriber."""
    numbers = list(instance.batch.booklets)
    now = datetime.now(UTC)
    async with superuser.transaction():
        await superuser.execute("SET LOCAL session_replication_role = replica")
        delivery = await superuser.fetchval(GRANT, instance.programme_id, len(numbers))
        await superuser.execute(DELIVER, numbers, delivery)
    content = content_of(default_questionnaire())
    await load_questionnaire(connection, instance.programme_id, content, at=now, actor="tests")
    await transfer_booklets(
        connection,
        numbers,
        from_id=None,
        to_id=accounts[Role.PRESCRIBER].prescriber_id,
        at=now,
        actor="tests",
        reason="livraison",
    )
    return numbers


async def hand_out(page) -> None:
    await page.get_by_label("Allocataire du RSA").check()
    await page.get_by_label("Oui", exact=True).check()
    await page.get_by_label("26 à 59 ans").check()
    await page.get_by_role("button", name="Remettre le carnet").press("Enter")
    await page.get_by_text("C’est fait").wait_for()


async def test_the_prescriber_s_pages_please_axe_core_and_the_keyboard(desk, sign_in, check, stocked):
    async with desk() as page:
        await sign_in(page, Role.PRESCRIBER)
        await check(page, "remise")
        await page.fill("#carnet-numero", str(stocked[0]))
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/console/remise?carnet=*")
        await check(page, "remise-questions")
        await hand_out(page)
        for summary in await page.locator("summary").all():
            await summary.click()
        await check(page, "remise-faite")
        await page.goto("/console/stock")
        await check(page, "stock")


async def test_on_a_phone_part_of_a_booklet_goes_to_one_person_and_the_rest_to_another(
    browser, client, sign_in, faults_of, stocked
):
    context = await browser.new_context(
        base_url=str(client.make_url("/")), locale="fr-FR", viewport=PHONE, has_touch=True, is_mobile=True
    )
    page = await context.new_page()
    await sign_in(page, Role.PRESCRIBER)
    cover = f"{stocked[0]:06d}"
    for passes in ("4", ""):
        await page.get_by_label("Numéro du carnet", exact=True).fill(f"{cover[:3]} {cover[3:]}")
        await page.get_by_role("button", name="Continuer").tap()
        await page.wait_for_url("**/console/remise?carnet=*")
        if passes:
            await page.get_by_text("N’en remettre qu’une partie").tap()
            await page.get_by_label("Nombre de pass à remettre").fill(passes)
            assert await faults_of(page) == []
        else:
            await page.get_by_text("6\u00a0pass à remettre, de").wait_for()
        for answer in ("Allocataire du RSA", "26 à 59 ans"):
            await page.get_by_label(answer).tap()
        await page.get_by_label("Oui", exact=True).tap()
        await page.get_by_role("button", name="Remettre le carnet").tap()
        await page.get_by_text(f"{passes or 6}\u00a0pass du carnet n°").wait_for()
    assert await faults_of(page) == []
    address = await page.get_by_role("link", name="Imprimer la fiche explicative").get_attribute("href")
    sheet = await context.request.get(address)
    assert (sheet.status, sheet.headers["content-type"]) == (200, "application/pdf")
    await context.close()


async def test_the_trustee_s_pages_of_prescribers_booklets_and_counters_please_axe_core(
    desk, sign_in, check, stocked, accounts
):
    async with desk() as page:
        await sign_in(page, Role.PRESCRIBER)
        await page.goto(f"/console/remise?carnet={stocked[0]}")
        await hand_out(page)
    async with desk() as page:
        await sign_in(page, Role.PREPARER)
        await page.goto("/console/prescripteurs")
        await check(page, "prescripteurs")
        await page.goto(f"/console/prescripteurs/{accounts[Role.PRESCRIBER].prescriber_id}")
        await check(page, "prescripteur")
        await page.goto(f"/console/carnets/{stocked[0]}")
        await check(page, "carnet")
        await page.get_by_label("perdu").check()
        await page.fill("#motif", "perdu dans le bus")
        await page.get_by_role("button", name="Bloquer et remplacer").press("Enter")
        await page.get_by_text("Remplace", exact=True).wait_for()
        await check(page, "carnet-de-remplacement")
        await page.goto("/console/compteurs")
        await check(page, "compteurs")


async def test_a_pass_before_the_camera_opens_its_booklet_and_its_code_goes_nowhere(
    camera_browser, client, sign_in, stocked, instance, tmp_path: Path
):
    print_ = camera_films.symbol(instance.qr(0))
    film = camera_films.write_film([camera_films.still(print_, width=500)] * 15, tmp_path / "film.mjpeg")
    browser = await camera_browser(film)
    context = await browser.new_context(base_url=str(client.make_url("/")), locale="fr-FR")
    page = await context.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(f"{request.url} {request.post_data or ''}"))
    await sign_in(page, Role.PRESCRIBER)
    await page.get_by_role("button", name="Scanner un pass du carnet").click()
    await page.wait_for_url(f"**/console/remise?carnet={instance.passes[0][0]}")
    await page.get_by_role("button", name="Remettre le carnet").wait_for()
    assert not [one for one in asked if "PN1" in one]
    await context.close()
