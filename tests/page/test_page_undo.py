"""Undo from the list, with a reason that stays on record."""

import pytest
from playwright.async_api import Page, expect

NBSP = "\u00a0"


@pytest.fixture
async def taken(desk: Page, instance) -> Page:
    await desk.fill("#code", instance.short(0))
    await desk.press("#code", "Enter")
    await expect(desk.locator("#verdicts li[data-kind=accepted]")).to_have_count(1)
    await desk.get_by_role("button", name="Annuler", exact=True).click()
    return desk


async def test_an_undone_pass_leaves_the_total_and_can_be_taken_again(taken, instance, superuser):
    await taken.get_by_label("Atelier non rendu").check()
    await taken.get_by_label("Précision").fill("panne de courant")
    await taken.get_by_role("button", name="Annuler l’encaissement").click()

    row = taken.locator("#verdicts li")
    await expect(row.locator(".verdict")).to_have_text(f"Annulé{NBSP}: 10{NBSP}€ en moins")
    await expect(row.locator(".why")).to_have_text(f"Atelier non rendu{NBSP}: panne de courant")
    await expect(taken.locator("#total")).to_have_text(f"0{NBSP}pass, 0{NBSP}€")
    await expect(row.locator(".undo")).to_be_hidden()
    reasons = await superuser.fetch("SELECT reason FROM events WHERE action = 'scan.undo'")
    assert [row["reason"] for row in reasons] == [f"Atelier non rendu{NBSP}: panne de courant"]

    await taken.fill("#code", instance.short(0))
    await taken.press("#code", "Enter")
    await expect(taken.locator("#total")).to_have_text(f"1{NBSP}pass, 10{NBSP}€")


async def test_no_reason_no_undo(taken, client, instance):
    await taken.get_by_role("button", name="Annuler l’encaissement").click()
    await expect(taken.locator("#undo-problem")).to_contain_text("Choisissez un motif")
    await taken.get_by_label("Autre motif").check()
    await taken.get_by_role("button", name="Annuler l’encaissement").click()
    await expect(taken.locator("#undo-problem")).to_contain_text("Précisez le motif")
    await taken.get_by_role("button", name="Ne rien changer").click()

    await expect(taken.locator("#undo")).to_be_hidden()
    async with client.get("/v1/scans", headers=instance.headers()) as response:
        assert (await response.json())["count"] == 1


async def test_an_undo_whose_answer_is_lost_is_not_shown_as_done_and_can_be_repeated(taken):
    async def lose(route) -> None:
        await route.fetch()
        await route.abort()

    await taken.route("**/undo", lose)
    await taken.get_by_label("Pass encaissé par erreur").check()
    await taken.get_by_role("button", name="Annuler l’encaissement").click()
    await expect(taken.locator("#undo-problem")).to_contain_text("n’est pas confirmée")
    await expect(taken.locator("#verdicts li[data-kind=accepted]")).to_have_count(1)

    await taken.unroute("**/undo")
    await taken.get_by_role("button", name="Annuler l’encaissement").click()
    await expect(taken.locator("#verdicts li[data-kind=undone]")).to_have_count(1)


async def test_a_new_session_empties_the_list_and_keeps_the_passes_taken(taken, client, instance):
    await taken.get_by_role("button", name="Ne rien changer").click()
    await taken.get_by_role("button", name="Nouvelle séance").click()

    await expect(taken.locator("#verdicts li")).to_have_count(0)
    await expect(taken.locator("#total")).to_have_text(f"0{NBSP}pass, 0{NBSP}€")
    async with client.get("/v1/scans", headers=instance.headers()) as response:
        assert (await response.json())["count"] == 1
