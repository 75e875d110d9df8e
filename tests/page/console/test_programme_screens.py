"""Programmes, territories, orders and deliveries in a real Chromium: no fault, no mouse needed."""

from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.async_api import expect

from keys.sealed import KeyFolder
from ledger.account_rows import Role
from ledger.deliveries import activate_delivery, dispatch, receive
from ledger.grant_rows import Condition, MeasureKind
from ledger.orders import note_quote, place_order
from ledger.programmes import find_programme
from ledger.territory_measures import decide_measure, note_condition
from programmes.grants import approve, propose
from programmes.ordering import draw_proof

BY = "account:approver@console.example"


@pytest.fixture
async def programme(client, connection, instance, accounts, key_folder: KeyFolder):
    """One territory at work, one suspended before its grant is decided; an order with its proof."""
    now = datetime.now(UTC)
    here, there = sorted((await find_programme(connection, instance.programme_id)).territory_ids)[:2]
    person_id = accounts[Role.APPROVER].person_id
    for territory in (here, there):
        for condition in Condition:
            await note_condition(
                connection,
                instance.programme_id,
                territory,
                condition,
                met_on=date(2026, 1, 5),
                note="Convention 2026-12",
                actor=BY,
                at=now,
            )
        await propose(connection, instance.programme_id, territory, actor=BY, at=now)
    first = await connection.fetchval("SELECT min(id) FROM grants WHERE territory_id = $1", here)
    grant = await approve(connection, first, person_id=person_id, actor=BY, at=now - timedelta(days=60))
    sent = await dispatch(connection, grant.id, batch_id=instance.batch.id, booklet_count=2, actor=BY, at=now)
    await activate_delivery(connection, sent.id, actor=BY, reason="virement", at=now)
    await receive(connection, sent.id, received_by="Accueil de la mairie", actor=BY, at=now)
    await decide_measure(
        connection,
        instance.programme_id,
        there,
        MeasureKind.SUSPENSION,
        heard_on=date(2026, 2, 2),
        hearing="Mme Roy, adjointe : les comptes viendront en avril.",
        reason="Comptes non rendus",
        person_id=person_id,
        actor=BY,
        at=now,
    )
    order = await place_order(
        connection, instance.programme_id, 500, reference="BC-2026-07", actor=BY, at=now
    )
    await note_quote(connection, order.id, reference="D-12", amount_cents=99_000, actor=BY, at=now)
    await draw_proof(connection, order.id, key_folder, actor=BY, at=now)
    base = f"/console/programmes/{instance.programme_id}"
    return {
        "programmes": "/console/programmes",
        "programme": base,
        "territoires": f"{base}/territoires",
        "territoire": f"{base}/territoires/{here}",
        "territoire-suspendu": f"{base}/territoires/{there}",
        "commandes": "/console/commandes",
        "commande": f"/console/commandes/{order.id}",
        "livraison": f"/console/livraisons/{sent.id}",
    }


async def test_no_screen_of_a_programme_has_a_fault(desk, sign_in, check, programme):
    async with desk() as page:
        await sign_in(page, Role.APPROVER)
        for name, path in programme.items():
            await page.goto(path)
            for details in await page.locator("main details").all():
                await details.evaluate("one => { one.open = true }")
            await check(page, f"programmes-{name}")
    async with desk() as page:
        await sign_in(page, Role.FUNDER)
        for name in ("programme", "territoires", "territoire"):
            await page.goto(programme[name])
            await check(page, f"commanditaire-{name}", schemes=("light",))
    async with desk() as page:
        await sign_in(page, Role.TERRITORY)
        for name, path in {"accueil": "/console", "suivi": "/console/suivi", **programme}.items():
            if name in {"accueil", "suivi", "territoire", "livraison"}:
                await page.goto(path)
                await check(page, f"territoire-{name}", schemes=("light",))


async def test_a_suspension_is_lifted_and_the_grant_decided_by_keyboard(desk, sign_in, check, programme):
    async with desk() as page:
        await sign_in(page, Role.APPROVER)
        await page.goto(programme["territoire-suspendu"])
        await expect(page.get_by_text("Cette dotation ne peut pas être accordée")).to_be_visible()
        await page.locator("#motif-reprise").focus()
        await page.keyboard.type("Comptes reçus")
        await page.keyboard.press("Enter")
        button = page.get_by_role("button", name="Accorder")
        await button.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("#dotations ~ table")).to_contain_text("accordé")
        await check(page, "programmes-dotation-accordee", schemes=("light",))
