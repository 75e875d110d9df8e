"""Suivi, the end of validity and the reserve in a real Chromium: clean for axe-core, signed by keyboard."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from ledger.account_rows import Role
from ledger.accounts import change_role
from ledger.month_figures import month_of
from ledger.remittance_rows import PARIS
from ledger.validity_ends import ending_programmes, propose_block, record_stage, release_all
from loadtests.funding import add_funded
from payouts.month_freezing import freeze_month
from programmes.end_of_validity import Validity

PHONE = {"width": 360, "height": 640}
UNUSED_CENTS = 50_000


@pytest.fixture
async def told(connection, instance, owed):
    """The month of what is owed, as if it were over."""
    period = month_of(datetime.now(UTC).astimezone(PARIS).date())
    at = period.until + timedelta(hours=1)
    return await freeze_month(connection, instance.programme_id, period, at=at, actor="tests")


@pytest.fixture
async def over(connection, accounts):
    """A programme that ended two months ago, its funder's account, and its money released."""
    programme_id = await add_funded(
        connection,
        funds_cents=UNUSED_CENTS,
        name="Pass numérique, premier appel",
        funder="Métropole",
        contact="",
        face_value_cents=1_000,
        booklet_size=10,
        last_day=datetime.now(UTC).date() - timedelta(days=60),
        territory_ids=[1],
        service_ids=[1],
        actor="tests",
    )
    [ending] = await ending_programmes(connection, programme_id)
    at = Validity(ending.last_day, ending.grace_days).released_from
    await release_all(connection, ending, at=at, actor="tests")
    return ending


@pytest.fixture
async def its_funder(connection, accounts, over) -> None:
    """The funder's account reads the programme that is over."""
    scope = {"programme_id": over.id, "operator_id": None}
    email = accounts[Role.FUNDER].email
    await change_role(connection, email, Role.FUNDER, **scope, actor="tests", reason="essai")


async def test_suivi_and_the_reserve_please_axe_core_for_all_who_read_them(desk, sign_in, check, told):
    async with desk() as page:
        await page.goto("/reserve")
        await check(page, "reserve")
        await sign_in(page, Role.FUNDER)
        await page.goto("/console/suivi")
        for summary in await page.locator("summary").all():
            await summary.click()
        await check(page, "suivi")


async def test_stages_and_signatures_of_the_end_please_axe_core_and_the_keyboard(
    desk, sign_in, check, over, connection, instance, accounts
):
    [ending] = await ending_programmes(connection, instance.programme_id)
    how = {"actor": "tests", "at": datetime.now(UTC), "person_id": accounts[Role.PREPARER].person_id}
    await record_stage(connection, ending, "alert", actor="tests", at=how["at"])
    await propose_block(connection, ending, **how)
    async with desk() as page:
        await sign_in(page, Role.PREPARER)
        await page.goto(f"/console/fin-de-validite?programme={instance.programme_id}")
        await check(page, "fin-de-validite-etapes")


async def test_the_statement_is_signed_by_two_fetched_by_both_and_its_value_decided_on_a_phone(
    browser, client, sign_in, faults_of, its_funder, over, told
):
    """And the trustee fetches a month's return of the programme that goes on."""
    address = f"/console/fin-de-validite?programme={over.id}"
    contexts = [
        await browser.new_context(base_url=str(client.make_url("/")), locale="fr-FR", viewport=PHONE)
        for _ in range(2)
    ]
    trustee, funder = [await one.new_page() for one in contexts]
    await sign_in(trustee, Role.PREPARER)
    await trustee.goto(address)
    await trustee.get_by_role("button", name="Arrêter l’état").press("Enter")
    await sign_in(funder, Role.FUNDER)
    for page in (trustee, funder):
        await page.goto(address)
        await page.get_by_role("button", name="Signer cet état").press("Enter")
        await page.get_by_text("Empreinte SHA-256").wait_for()
    papers = []
    for page in (trustee, funder):
        await page.goto(address)
        assert await faults_of(page) == []
        links = await page.get_by_role("link", name="État signé").evaluate_all(
            "all => all.map((one) => one.getAttribute('href'))"
        )
        papers.append([await (await page.context.request.get(one)).body() for one in links])
    assert papers[0] == papers[1]
    assert [one[:4] for one in papers[0]] == [b"%PDF", b"\xef\xbb\xbfs"]
    await funder.get_by_label("Remboursement").check()
    await funder.get_by_label("Montant, en euros").fill("500,00")
    await funder.get_by_label("Motif").fill("convention terminée")
    await funder.get_by_role("button", name="Décider").press("Enter")
    await funder.get_by_text("Toute la valeur inutilisée a été décidée").wait_for()
    assert await faults_of(funder) == []
    await trustee.goto("/console/suivi")
    month = f"{told.month:%Y%m}.pdf"
    assert await faults_of(trustee) == []
    paper = await trustee.context.request.get(f"/console/suivi/{told.programme_id}/{month}")
    assert hashlib.sha256(await paper.body()).digest() == told.pdf_sha256
    for one in contexts:
        await one.close()
