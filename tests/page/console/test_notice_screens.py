"""Avis, candidatures and lieux in a real Chromium: nothing for axe-core to find, walked by keyboard."""

from datetime import UTC, date, datetime

import pytest
from playwright.async_api import expect

from ledger.account_rows import Role
from ledger.application_rows import AppliedSite, NewApplication
from ledger.applications import publish_criteria, receive_application
from ledger.contacts import add_address
from ledger.notice_facts import paid
from ledger.notices import begin_sending, give_up_unclear, recent_notices, tell, tell_all
from ledger.site_details import SiteDetails, own_sites, save_details
from ledger.webhooks import add_webhook

PLACES = (
    SiteDetails(
        "12 bis rue Leclercq",
        "51100",
        "Reims",
        latitude=49.2583,
        longitude=4.0317,
        phone="+33326000000",
        email="accueil@mediatheque.example",
        opening_hours="Mo-Fr 09:00-12:00,14:00-18:30; Sa 10:00-17:00",
        summary="Un atelier chaque matin, sans rendez-vous.",
    ),
    SiteDetails("3 place des Tilleuls", "51100", "Reims", latitude=49.2411, longitude=4.0602),
    SiteDetails("8 quai du Val", "51200", "Épernay", latitude=49.0404, longitude=3.9594),
)
CRITERIA = ("Accueillir tous les publics, sans condition d’âge", "Avoir des médiateurs formés")


@pytest.fixture
async def told(connection, instance):
    """Notices in several states, an application, a webhook, and places that were described."""
    now = datetime.now(UTC)
    await add_address(connection, "compta@fabrique.example", operator_id=1, actor="tests", at=now)
    facts = [
        paid(
            operator_id=1 + number % 2,
            end_to_end_id=f"BR-{1 + number % 2}-{number}-1",
            holder="La Fabrique à clics",
            amount_cents=123_450,
            booked_on=date(2026, 11, 20),
        )
        for number in range(1, 5)
    ]
    await tell_all(connection, facts, at=now)
    unclear = next(one for one in await recent_notices(connection) if one.address)
    assert await begin_sending(connection, unclear.id, at=now)
    await give_up_unclear(connection, at=now)
    await add_webhook(
        connection,
        url="https://agenda.metropole.example/avis",
        kinds=[facts[0].kind],
        seal_name=bytes(16),
        sealed_secret=bytes(60),
        actor="tests",
        at=now,
    )
    await tell(
        connection,
        paid(
            operator_id=1,
            end_to_end_id="BR-1-9-1",
            holder="La Fabrique",
            amount_cents=1_000,
            booked_on=date(2026, 11, 20),
        ),
        at=now,
    )
    version = await publish_criteria(connection, CRITERIA, actor="tests", at=now)
    application = NewApplication(
        version,
        instance.programme_id,
        "99900004500016",
        "Les Ateliers du Pont",
        "Léa Martin",
        "contact@pont.example",
        (1, 2),
        (AppliedSite("Atelier du Pont", "3 rue du Pont", "51100", "Reims"),),
        ("Oui, du lundi au samedi", "Deux médiatrices certifiées"),
    )
    await receive_application(connection, application, at=now)
    sites = [site for operator_id in (1, 2) for site in await own_sites(connection, operator_id)]
    for site, details in zip(sites, PLACES, strict=True):
        await save_details(connection, site.id, details, actor="tests", at=now)
    return unclear.id


async def test_every_screen_of_notices_and_applications_is_clean_at_a_desk_and_on_a_phone(
    told, desk, sign_in, check
):
    screens = {
        "avis": "/avis",
        "avis-incertain": f"/avis/{told}",
        "adresses": "/avis/adresses",
        "appels": "/avis/appels",
        "appel": "/avis/appels/1",
        "candidatures": "/candidatures",
        "candidature": "/candidatures/1",
        "lieu": "/structures/1/lieux/1",
    }
    async with desk() as page:
        await sign_in(page, Role.APPROVER)
        for name, path in screens.items():
            response = await page.goto(f"/console{path}")
            assert response is not None
            assert response.status == 200, path
            await check(page, f"p3-{name}")


async def test_the_public_finds_a_place_list_first_without_a_request_to_anybody_else(told, desk, check):
    async with desk() as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto("/lieux")
        await expect(page.locator(".places > li")).to_have_count(4)
        await check(page, "p3-lieux")
        await page.select_option("#commune", "Épernay")
        await page.get_by_role("button", name="Chercher").press("Enter")
        await expect(page.locator(".places > li")).to_have_count(1)
        await expect(page.locator(".places h3")).to_have_text("Espace public numérique du Val")
        home = page.url.partition("/lieux")[0]
        assert {url for url in asked if not url.startswith(home)} == set()


async def test_an_organisation_applies_by_keyboard_and_keeps_its_number(told, desk, check):
    async with desk() as page:
        await page.goto("/candidature")
        await check(page, "p3-candidater")
        await page.fill("#organisation", "Espace du Lac")
        await page.fill("#siret", "123")
        await page.get_by_role("button", name="Envoyer").press("Enter")
        await expect(page.locator("#siret-wrong")).to_be_visible()
        await check(page, "p3-candidater-faute", schemes=("light",))
        await page.fill("#siret", "999 000 037 00013")
        await page.fill("#contact", "Inès Petit")
        await page.fill("#courriel", "ines@lac.example")
        await page.check("input[name=service-1]")
        for part, text in (
            ("nom", "Espace"),
            ("adresse", "1 rue du Lac"),
            ("code-postal", "51100"),
            ("commune", "Reims"),
        ):
            await page.fill(f"#lieu-0-{part}", text)
        await page.fill("#critere-0", "Oui")
        await page.fill("#critere-1", "Trois")
        await page.get_by_role("button", name="Envoyer").press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_contain_text("reçue")
        await check(page, "p3-recue", schemes=("light",))
