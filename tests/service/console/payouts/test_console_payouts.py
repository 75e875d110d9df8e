"""The month's payment through the console: prepared, released by another, answered by the bank, even."""

import re
from datetime import date

from mockbank import messages, validate

from console.batch_page import next_weekday
from ledger.book_rows import SUSPENSE
from ledger.books import balance_of
from loadtests.model_bank import Style

PAYOUTS = "/console/virements"
STATEMENTS = "/console/releves"
MATCHING = "/console/rapprochement"


def plain(page) -> str:
    return page.words.replace("\u00a0", " ").replace("\u202f", " ")


def batch_form(page) -> dict[str, str]:
    """What the page's own form would send."""
    return {
        "nombre": page.field("nombre"),
        "total": page.field("total"),
        "jour": re.search(r'name="jour"[^>]* value="([^"]*)"', page.text)[1],
    }


def answers(bank, file, message_id):
    """The bank's: one rejection, one lump debit, one return."""
    assert bank.receive(file)
    orders = bank.orders[message_id]
    report = bank.reject([orders[0]])
    bank.debit(message_id, Style.LUMP)
    debited = bank.close_day()
    bank.give_back([orders[1]], Style.EACH)
    return ("pain002.xml", report), ("releve-1.xml", debited), ("releve-2.xml", bank.close_day())


async def test_a_month_is_prepared_released_by_another_person_paid_and_explained_to_the_cent(
    preparer, approver, owed, upload, bank, connection, sha256
):
    # As preparer: what a batch would hold, then the draft.
    page = await preparer.open(PAYOUTS)
    assert "60,00 € 3 virements" in plain(page)
    address = (await preparer.send(f"{PAYOUTS}/preparation")).goes_to
    draft = await preparer.open(address)
    assert "Total 60,00 € , 3 virements" in plain(draft)
    assert "Vous avez préparé ce lot" in plain(draft)
    assert plain(draft).count("juste") == 5
    assert "Point d’accueil de la Gare, FR14 2004 1010 0505 0001 3M02 606 , approuvé le" in plain(draft)
    assert (await preparer.open(f"{address}/fichier")).status == 404

    # Refused its approval, by the server whatever the page shows.
    refused = await preparer.send(f"{address}/approbation", nombre="3", total="6000", jour="2026-11-23")
    assert (refused.status, "la personne du mandataire qui approuve" in refused.words) == (403, True)

    # As second person: the totals that were seen, and no others.
    page = await approver.open(address)
    seen = batch_form(page)
    wrong = await approver.send(f"{address}/approbation", **seen | {"total": "6001"})
    assert (wrong.status, "n’est plus tel que vous l’avez vu" in wrong.words) == (422, True)
    assert (await approver.send(f"{address}/approbation", **seen)).goes_to == f"{address}?approuve"

    # The file: the same bytes each time, valid for a program that we did not write.
    first, second = [(await person.open(f"{address}/fichier")).body for person in (preparer, approver)]
    assert first == second
    told = plain(await preparer.open(address))
    assert sha256(first) in told
    assert validate.errors(validate.validate(first)) == []
    read = messages.read_pain001(first)
    assert (read.nb_of_txs, read.ctrl_sum * 100) == (3, 6_000)
    assert (await preparer.send(f"{address}/remise")).goes_to == address
    assert "remis à la banque : attendez sa réponse" in plain(await preparer.open(address)).lower()

    page = await upload(preparer, *answers(bank, first, read.msg_id))
    assert page.status == 200
    assert "1 virement rejeté par la banque" in plain(page)
    assert plain(page).count("Il ne reste aucune écriture à rapprocher.") == 3

    # Suspense is zero, and every line and every transfer is explained.
    assert await balance_of(connection, SUSPENSE) == 0
    worklist = plain(await preparer.open(MATCHING))
    assert "0,00 € 0 écriture" in worklist
    assert "Retour de 30,00 €" in worklist
    assert "reconnu par son lot" in worklist
    final = plain(await preparer.open(address))
    assert "Rejeté par la banque : compte clos (AC04)" in final
    assert "Revenu au relevé du 24/11/2026" in final
    assert "Payé : débité au relevé du 23/11/2026" in final
    assert "rapproché" in final

    # What failed is due again, on an account that is blocked until it is corrected.
    today = plain(await preparer.open("/console/aujourdhui"))
    assert "Comptes bloqués 2" in today
    left = plain(await preparer.open(PAYOUTS))
    assert left.count("a un compte bloqué après un rejet ou un retour") == 2


async def test_an_approver_does_not_release_what_it_prepared_itself(approver, owed):
    address = (await approver.send(f"{PAYOUTS}/preparation")).goes_to
    page = await approver.open(address)
    assert f"{address}/approbation" not in page.text
    refused = await approver.send(f"{address}/approbation", nombre="3", total="6000", jour="2026-11-23")
    assert (refused.status, "Une seconde personne doit approuver" in refused.words) == (403, True)


async def test_preparing_twice_finds_nothing_left_and_says_so(preparer, owed):
    assert (await preparer.send(f"{PAYOUTS}/preparation")).status == 303
    again = await preparer.send(f"{PAYOUTS}/preparation")
    assert (again.status, "Rien ne peut être payé" in again.words) == (422, True)


async def test_who_is_left_out_is_told_with_the_reason(preparer, trustee_account, operators, remit):
    await remit(0, 2)
    page = plain(await preparer.open(PAYOUTS))
    assert "Rien à payer" in page
    assert "n’a pas de compte bancaire : demandez-lui son RIB" in page


async def test_a_draft_is_cancelled_with_a_reason_and_an_approved_batch_never(preparer, approver, owed):
    address = (await preparer.send(f"{PAYOUTS}/preparation")).goes_to
    assert (await preparer.send(f"{address}/annulation", motif=" ")).status == 422
    assert (await preparer.send(f"{address}/annulation", motif="erreur de mois")).goes_to == address
    assert "annulé avant approbation" in plain(await preparer.open(address)).lower()

    address = (await preparer.send(f"{PAYOUTS}/preparation")).goes_to
    seen = batch_form(await approver.open(address))
    assert (await approver.send(f"{address}/approbation", **seen)).status == 303
    refused = await preparer.send(f"{address}/annulation", motif="trop tard")
    assert (refused.status, "peut-être déjà à la banque" in refused.words) == (422, True)
    assert (await preparer.send(f"{address}/remise")).status == 303
    assert (await preparer.send(f"{address}/remise")).goes_to == address  # said again, nothing changes


async def test_what_changed_since_the_draft_is_shown_before_it_is_approved_and_refused_then(
    preparer, approver, owed, connection, give_account
):
    address = (await preparer.send(f"{PAYOUTS}/preparation")).goes_to
    page = await approver.open(address)
    seen = batch_form(page)
    account = await connection.fetchval(
        "SELECT id FROM operator_bank_accounts WHERE operator_id = $1", owed[0]
    )
    await connection.execute(
        "UPDATE operator_bank_accounts SET blocked_at = now(), blocked_why = 'essai' WHERE id = $1", account
    )
    page = plain(await approver.open(address))
    assert "à voir" in page
    assert "a un compte bloqué" in page
    assert (await approver.send(f"{address}/approbation", **seen)).status == 422
    for day in ("", "hier", "2020-01-01", "2099-01-01"):
        assert (await approver.send(f"{address}/approbation", **seen | {"jour": day})).status == 422, day


async def test_a_batch_that_is_not_there_is_told_so(preparer):
    for number in ("0", "999999", "9" * 40):
        assert (await preparer.open(f"{PAYOUTS}/{number}")).status == 404
        assert (await preparer.open(f"{PAYOUTS}/{number}/fichier")).status == 404


def test_the_day_proposed_to_the_bank_is_one_on_which_it_works():
    friday, saturday, monday = date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 23)
    assert next_weekday(friday) == next_weekday(saturday) == monday
    assert next_weekday(monday) == date(2026, 11, 24)


async def test_who_approves_is_told_what_is_paid_again_and_on_whose_word(
    preparer, approver, owed, release, bank, upload
):
    _, file = await release()
    bank.receive(file)
    [message_id] = bank.orders
    await upload(preparer, ("rejet.xml", bank._report(message_id, "RJCT", "AM04", ())))
    address = (await preparer.send(f"{PAYOUTS}/preparation")).goes_to
    page = plain(await approver.open(address))
    assert "rejeté, ou est revenu, d’après les fichiers importés" in page
    assert f"BR-{owed[0]}-1-2" in page
