"""The bank's files at the console: each with a readable result; rubbish refused with its reason."""

import io
import random

import pytest
from aiohttp import FormData

from ledger.account_rows import Role
from loadtests.model_bank import Style

STATEMENTS = "/console/releves"
RUBBISH_SEED = 5
BOMB = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>
<Document>&c;</Document>"""
CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def plain(page) -> str:
    return page.words.replace("\u00a0", " ").replace("\u202f", " ")


async def test_a_statement_tells_what_it_brought_and_a_second_time_changes_nothing(
    preparer, trustee_account, upload, bank, connection
):
    bank.credit(123_400, "METROPOLE")
    statement = bank.close_day()
    page = plain(await upload(preparer, ("releve.xml", statement)))
    assert "Importé (camt.053.001.08) : 1 relevé, 1 écriture, dont 1 nouvelle." in page
    assert "1 écriture à rapprocher" in page
    assert "Crédit de 1 234,00 € que rien n’explique" in page
    assert "1 001 234,00 €" in page
    again = plain(await upload(preparer, ("autre-nom.xml", statement)))
    assert "était déjà importé, à l’octet près : rien n’a changé" in again
    assert await connection.fetchval("SELECT count(*) FROM bank_lines WHERE amount_cents = 123400") == 1


async def test_a_gap_between_statements__on_the_list_and_on_the_first_page(
    preparer, trustee_account, upload, bank
):
    days = []
    for cents in (1_000, 2_000, 3_000):
        bank.credit(cents, "METROPOLE")
        days.append(bank.close_day())
    page = plain(await upload(preparer, ("un.xml", days[0]), ("trois.xml", days[2])))
    assert "il manque 20,00 € de mouvements" in page
    assert "Relevés qui manquent 1" in plain(await preparer.open("/console/aujourdhui"))
    page = plain(await upload(preparer, ("deux.xml", days[1])))
    assert "La chaîne est entière" in page


async def test_files_that_are_no_statements_are_refused_each_with_its_reason_and_nothing_is_kept(
    preparer, trustee_account, upload, connection
):
    drawn = random.Random(RUBBISH_SEED)
    rubbish = {
        "vide.xml": b"",
        "bruit.bin": drawn.randbytes(5_000),
        "image.png": b"\x89PNG\r\n\x1a\n" + drawn.randbytes(500),
        "bombe.xml": BOMB,
        "page.xml": b"<html><body>Session expir\xc3\xa9e</body></html>",
        "coupe.xml": f'<?xml version="1.0"?><Document xmlns="{CAMT}">'.encode(),
        "cfonb.txt": b"01" + b" " * 118 + b"\n",
    }
    page = await upload(preparer, *rubbish.items())
    assert page.status == 422
    words = plain(page)
    for name in rubbish:
        assert name in words
    assert words.count("Rien n’en est gardé.") == len(rubbish)
    assert await connection.fetchval("SELECT count(*) FROM bank_files") == 0


@pytest.mark.parametrize(
    "body",
    [
        b"no boundary",
        b"--x\r\nno header\r\n\r\n--x--",
        b"--x\r\n" + b"A: b\r\n" * 5_000,
        b"--x\r\n" + b"A" * 100_000,
    ],
    ids=["no boundary", "no header", "too many headers", "a header without end"],
)
async def test_what_is_no_form_is_refused_and_is_no_mistake_of_ours(preparer, body):
    headers = {
        "Sec-Fetch-Site": "same-origin",
        "Cookie": "; ".join(f"{name}={value}" for name, value in preparer.cookies.items()),
        "Content-Type": "multipart/form-data; boundary=x",
    }
    async with preparer.client.post(STATEMENTS, data=body, headers=headers) as response:
        assert response.status == 400


async def test_a_good_file_among_bad_ones_is_imported(preparer, trustee_account, upload, bank):
    bank.credit(1_000, "METROPOLE")
    page = await upload(preparer, ("bruit.bin", b"\x00" * 100), ("releve.xml", bank.close_day()))
    assert page.status == 200
    assert "Rien n’en est gardé." in page.words
    assert "1 nouvelle" in plain(page)


async def test_the_statement_of_another_account_is_refused_and_named(preparer, trustee_account, upload, bank):
    bank.iban = "FR7610107001011234567890129"
    bank.credit(1_000, "METROPOLE")
    page = await upload(preparer, ("releve.xml", bank.close_day()))
    assert page.status == 422
    assert "C’est le relevé d’un autre compte (FR7610107001011234567890129)" in plain(page)


async def test_no_file_or_no_account_that_pays_is_told_as_such(preparer, upload, bank):
    empty = await upload(preparer)
    assert (empty.status, "Choisissez au moins un fichier" in empty.words) == (422, True)
    bank.credit(1_000, "METROPOLE")
    page = await upload(preparer, ("releve.xml", bank.close_day()))
    assert (page.status, "n’est pas encore approuvé" in page.words) == (422, True)
    assert "Aucun relevé pour l’instant." in (await preparer.open(STATEMENTS)).words


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.FUNDER, Role.OPERATOR])
async def test_who_only_reads_imports_nothing(enter, upload, bank, role, instance):
    person = await enter(role, **({"operator_id": 1} if role is Role.OPERATOR else {}))
    bank.credit(1_000, "METROPOLE")
    page = await upload(person, ("releve.xml", bank.close_day()))
    assert (page.status, "Ce n’est pas dans votre rôle" in page.words) == (403, True)


async def test_an_upload_with_the_token_of_another_session_is_refused(
    preparer, trustee_account, upload, bank
):
    bank.credit(1_000, "METROPOLE")
    page = await upload(preparer, ("releve.xml", bank.close_day()), csrf="0" * 64)
    assert (page.status, "Formulaire périmé" in page.words) == (403, True)
    assert "Aucun relevé pour l’instant." in (await preparer.open(STATEMENTS)).words


async def test_a_form_that_is_no_upload_or_holds_too_many_files_is_refused(preparer, trustee_account, upload):
    assert (await preparer.send(STATEMENTS)).status == 400
    many = [(f"{number}.xml", b"x") for number in range(21)]
    assert (await upload(preparer, *many)).status == 413
    form = FormData()
    form.add_field("csrf", preparer.csrf)
    form.add_field("fichiers", io.BytesIO(b"x" * 40_000_000), filename="long.xml", content_type="text/xml")
    assert (await preparer.send_form(STATEMENTS, form)).status == 413


async def test_a_body_that_is_no_multipart_is_refused(preparer, trustee_account):
    drawn = random.Random(RUBBISH_SEED)
    for boundary in ("b", "", "b" * 5_000):
        for body in (b"", b"--b", b"--b\r\n\r\n", b"--b--", drawn.randbytes(2_000)):
            async with preparer.client.post(
                STATEMENTS,
                data=body,
                headers={
                    "Content-Type": f"multipart/form-data; boundary={boundary}",
                    "Sec-Fetch-Site": "same-origin",
                    "Cookie": "; ".join(f"{name}={value}" for name, value in preparer.cookies.items()),
                },
            ) as response:
                assert response.status in {400, 403}, (boundary, body)


async def test_a_file_name_that_is_markup_or_a_path__as_text(preparer, trustee_account, upload):
    page = await upload(preparer, ("../../etc/<script>alert(1)</script>\u202e.xml", b"rien"))
    assert "<script>alert" not in page.text
    assert "\u202e" not in page.text


async def test_a_rejection_blocks_the_account_and_its_transfer_is_due_again(
    preparer, approver, owed, upload, bank, release
):
    _, file = await release()
    bank.receive(file)
    [first, *_] = next(iter(bank.orders.values()))
    report = bank.reject([first])
    bank.debit(first.message_id, Style.LUMP)
    page = plain(await upload(preparer, ("pain002.xml", report), ("releve.xml", bank.close_day())))
    assert "1 virement rejeté par la banque : le bordereau redevient dû, le compte est bloqué." in page
    today = plain(await preparer.open("/console/aujourdhui"))
    assert "Comptes bloqués 1" in today
    assert "a été rejeté : compte clos (AC04). Proposez un compte corrigé." in today
