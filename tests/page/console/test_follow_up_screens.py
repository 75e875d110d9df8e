"""Suivi, the end of validity and the reserve in a real Chromium: clean for axe-core, signed by keyboard."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import expect

from ledger.account_rows import Role
from ledger.month_figures import month_of
from ledger.programmes import add_programme
from ledger.remittance_rows import PARIS
from ledger.validity_ends import ending_programmes, propose_block, record_stage, release_all
from payouts.month_freezing import freeze_month
from programmes.end_of_validity import Validity


@pytest.fixture
async def told(connection, instance, owed):
    """The month of what is owed, as if it were over."""
    period = month_of(datetime.now(UTC).astimezone(PARIS).date())
    at = period.until + timedelta(hours=1)
    return await freeze_month(connection, instance.programme_id, period, at=at, actor="tests")


@pytest.fixture
async def over(connection, accounts):
    """A programme that ended two months ago, its funder's account, and its money released."""
    programme_id = await add_programme(
        connection,
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
        await page.goto(f"/console/fin-de-validite?programme={over.id}")
        await page.get_by_role("button", name="Arrêter l’état").press("Enter")
        await page.get_by_role("button", name="Signer cet état").press("Enter")
        await expect(page.locator("#etat ~ .checks .state.on")).to_have_count(1)
        await check(page, "fin-de-validite-signee")
