"""The month's payment in a real Chromium, as the mandataire does it.

Prepared, refused to its preparer, released by another person, read by an independent program, answered by the
bank, and explained to the last line.
"""

import asyncio
import hashlib
import re

from mockbank import messages, validate
from playwright.async_api import Page, expect

from ledger.account_rows import Role
from ledger.book_rows import SUSPENSE
from ledger.books import balance_of
from loadtests.model_bank import ModelBank, Style

PAYOUTS = "/console/virements"
BATCH = re.compile(r"/console/virements/\d+(\?approuve)?$")
LIGHT = ("light",)
INSTALMENT_CENTS = 400_000


async def place(page: Page, name: str) -> None:
    await page.get_by_role("navigation", name="Console").get_by_role("link", name=name, exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)


async def prepare(page: Page, check) -> str:
    """As preparer: the draft, and no way to release it."""
    await place(page, "Virements")
    await expect(page.get_by_text("Un lot contiendrait")).to_be_visible()
    await check(page, "mois-1-virements", schemes=LIGHT)
    await page.get_by_role("button", name="Préparer le lot").click()
    await page.wait_for_url(BATCH)
    await expect(page.get_by_text("Vous avez préparé ce lot")).to_be_visible()
    await expect(page.get_by_role("button", name=re.compile("^Approuver"))).to_have_count(0)
    await check(page, "mois-2-lot-prepare", schemes=LIGHT)
    return page.url


async def refuse(page: Page, address: str, check) -> None:
    """What the page does not offer, its preparer sends all the same: the server says no."""
    form = """([action, csrf]) => {
        const form = document.createElement("form")
        Object.assign(form, { method: "post", action })
        for (const [name, value] of Object.entries({ csrf, nombre: 3, total: 6000, jour: "2026-11-23" }))
            form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }))
        document.body.append(form)
        form.submit()
    }"""
    csrf = await page.locator("input[name=csrf]").first.input_value()
    await page.evaluate(form, [f"{address}/approbation", csrf])
    await expect(page.get_by_role("heading", level=1)).to_have_text("Ce n’est pas dans votre rôle")
    await check(page, "mois-3-refus", schemes=LIGHT)


async def approve(page: Page, address: str, check) -> None:
    """As the second person: each check is right, then the button that names the total."""
    await place(page, "Aujourd’hui")
    await check(page, "mois-4-aujourdhui", schemes=LIGHT)
    await page.get_by_role("link", name=re.compile("^Lot n°")).click()
    await page.wait_for_url(BATCH)
    assert page.url == address
    await expect(page.locator(".checks .state.on")).to_have_count(5)
    await check(page, "mois-5-a-approuver", schemes=LIGHT)
    await page.get_by_role("button", name="Approuver 3 virements, 60,00 €").click()
    await expect(page.get_by_role("status")).to_contain_text("Le lot est approuvé")
    await check(page, "mois-6-approuve", schemes=LIGHT)


async def download(page: Page, address: str, check) -> bytes:
    """Each time the same bytes, with the fingerprint that the page tells."""
    await page.goto(address)
    contents = []
    for _ in range(2):
        async with page.expect_download() as started:
            await page.get_by_role("link", name=re.compile("^Télécharger le fichier")).click()
        path = await (await started.value).path()
        contents.append(await asyncio.to_thread(path.read_bytes))
    assert contents[0] == contents[1]
    await expect(page.get_by_text(hashlib.sha256(contents[0]).hexdigest())).to_be_visible()
    await page.get_by_role("button", name="Je l’ai remis à la banque").click()
    await expect(page.get_by_text("attendez sa réponse ou le relevé").first).to_be_visible()
    await check(page, "mois-7-a-la-banque", schemes=LIGHT)
    return contents[0]


def answers_of(bank: ModelBank, file: bytes) -> dict[str, bytes]:
    """One transfer rejected, the others debited in a lump, one of these returned without its reference.

    And the funder pays its next instalment.
    """
    bank.receive(file)
    [first, second, _] = [order for orders in bank.orders.values() for order in orders]
    report = bank.reject([first])
    bank.debit(first.message_id, Style.LUMP)
    debited = bank.close_day()
    bank.give_back([second], Style.BARE)
    bank.credit(INSTALMENT_CENTS, "METROPOLE DES TROIS-RIVIERES")
    return {"compte-rendu.xml": report, "releve-1.xml": debited, "releve-2.xml": bank.close_day()}


async def bring_in(page: Page, files: dict[str, bytes], check) -> None:
    await place(page, "Relevés")
    chosen = [
        {"name": name, "mimeType": "application/xml", "buffer": content} for name, content in files.items()
    ]
    await page.set_input_files("#fichiers", chosen)
    await page.get_by_role("button", name="Importer").click()
    await expect(page.get_by_text("1 virement rejeté par la banque")).to_be_visible()
    await expect(page.get_by_text("2 écritures à rapprocher").last).to_be_visible()
    await check(page, "mois-8-import", schemes=LIGHT)


async def explain(page: Page, check) -> None:
    """With one key; taken back by its reversal; with one key again. Then the funder's money."""
    await place(page, "Rapprochement")
    await expect(page.locator("button[accesskey='1']")).to_be_focused()
    await check(page, "mois-9-rapprochement", schemes=LIGHT)
    await place(page, "Rapprochement")
    await page.locator("button[accesskey='1']:focus").wait_for()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Retour de 30,00 €")

    await page.locator("summary", has_text="Défaire").first.press("Enter")
    await page.keyboard.press("Tab")
    await page.keyboard.type("confirmé trop vite")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("défait par une écriture contraire")
    await check(page, "mois-10-defait", schemes=LIGHT)

    await page.locator("button[accesskey='1']:focus").wait_for()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("Retour de 30,00 €")

    await page.get_by_label("Ce crédit finance le programme").select_option(index=1)
    await page.get_by_role("button", name=re.compile("^Affecter")).click()
    await expect(page.get_by_text("Tout est expliqué")).to_be_visible()
    await check(page, "mois-11-explique", schemes=LIGHT)


async def test_a_month_is_prepared_refused_released_paid_and_explained_to_the_last_line(
    desk, sign_in, add_second_factor, owed, bank, connection, check
):
    async with desk() as preparer, desk() as approver:
        for page, role in ((preparer, Role.PREPARER), (approver, Role.APPROVER)):
            await sign_in(page, role)
            secret = await add_second_factor(page)
            await page.get_by_role("button", name="Se déconnecter").click()
            await sign_in(page, role, secret=secret)

        address = await prepare(preparer, check)
        await refuse(preparer, address, check)
        await approve(approver, address, check)
        file = await download(preparer, address, check)

        assert validate.errors(validate.validate(file)) == []
        read = messages.read_pain001(file)
        assert (read.nb_of_txs, read.ctrl_sum * 100) == (3, 6_000)

        await bring_in(preparer, answers_of(bank, file), check)
        await explain(preparer, check)
        assert await balance_of(connection, SUSPENSE) == 0

        await preparer.goto(address)
        for told in ("Rejeté par la banque", "Revenu au relevé du 24/11/2026", "Payé"):
            await expect(preparer.get_by_text(told).first).to_be_visible()
        await check(preparer, "mois-12-lot-rapproche", schemes=LIGHT)
        for number, name in enumerate(("Aujourd’hui", "Fonds"), start=13):
            await place(preparer, name)
            await check(preparer, f"mois-{number}-{name[0].lower()}", schemes=LIGHT)
