"""Reconciliation at the console: proposals confirmed, undone by reversal, and what only a person can say."""

import re

import pytest

from ledger.account_rows import Role
from ledger.book_rows import SUSPENSE
from ledger.books import balance_of
from loadtests.model_bank import Style

MATCHING = "/console/rapprochement"


def plain(page) -> str:
    return page.words.replace("\u00a0", " ").replace("\u202f", " ")


@pytest.fixture
async def proposed(owed, release, bank, upload, preparer) -> int:
    """A debit that tells a name and an amount only; the number of its line."""
    _, file = await release()
    bank.receive(file)
    bank.debit(next(iter(bank.orders)), Style.BARE)
    await upload(preparer, ("releve.xml", bank.close_day()))
    page = await preparer.open(MATCHING)
    assert page.text.count('class="choice"') >= 3
    return lines_of(page)[0]


def lines_of(page) -> list[int]:
    return [int(number) for number in re.findall(r'id="ligne-(\d+)" ', page.text)]


def choice_of(page, line: int) -> str:
    form = page.text.partition(f'action="{MATCHING}/{line}/confirmation"')[2]
    return re.search(r'name="choix" value="([0-9a-f]{32})"', form)[1]


async def test_a_proposal_is_confirmed_undone_by_reversal_and_confirmed_again(preparer, proposed, connection):
    before = await balance_of(connection, SUSPENSE)
    page = await preparer.open(MATCHING)
    answer = await preparer.send(f"{MATCHING}/{proposed}/confirmation", choix=choice_of(page, proposed))
    shown = await preparer.open(answer.goes_to)
    assert "confirmé à la main" in plain(shown)
    assert proposed not in lines_of(shown)
    settled = await balance_of(connection, SUSPENSE)
    assert settled != before

    undo = f"{MATCHING}/{proposed}/annulation"
    assert (await preparer.send(undo, motif="  ")).status == 422
    shown = await preparer.open((await preparer.send(undo, motif="trop vite")).goes_to)
    assert "défait par une écriture contraire" in plain(shown)
    assert "annulé : trop vite" in plain(shown)
    assert await balance_of(connection, SUSPENSE) == before
    assert (await preparer.send(undo, motif="encore")).status == 422

    answer = await preparer.send(f"{MATCHING}/{proposed}/confirmation", choix=choice_of(shown, proposed))
    assert answer.status == 303
    assert await balance_of(connection, SUSPENSE) == settled


async def test_a_button_pressed_twice_or_a_choice_that_is_gone_changes_nothing(preparer, proposed):
    page = await preparer.open(MATCHING)
    mark = choice_of(page, proposed)
    wrong = await preparer.send(f"{MATCHING}/{proposed}/confirmation", choix="0" * 32)
    assert (wrong.status, "n’est plus valable" in wrong.words) == (422, True)
    assert (await preparer.send(f"{MATCHING}/{proposed}/confirmation", choix=mark)).status == 303
    again = await preparer.send(f"{MATCHING}/{proposed}/confirmation", choix=mark)
    assert (again.status, "Écriture introuvable" in again.words) == (404, True)


async def test_a_credit_is_a_programme_s_money_or_the_bank_s_own_once_a_person_says_so(
    preparer, trustee_account, bank, upload, connection, instance
):
    bank.credit(400_000, "METROPOLE")
    bank.credit(1_234, "BANQUE")
    await upload(preparer, ("releve.xml", bank.close_day()))
    first, second = sorted(lines_of(await preparer.open(MATCHING)))
    for programme in ("", "x", "999999"):
        answer = await preparer.send(f"{MATCHING}/{first}/programme", programme=programme)
        assert (answer.status, "Choisissez le programme" in answer.words) == (422, True), programme
    answer = await preparer.send(f"{MATCHING}/{first}/programme", programme=str(instance.programme_id))
    assert answer.status == 303
    assert (await preparer.send(f"{MATCHING}/{second}/frais", vu="1234")).status == 303
    assert await balance_of(connection, SUSPENSE) == 0
    page = plain(await preparer.open(MATCHING))
    assert "Tout est expliqué" in page
    assert "Crédit de 4 000,00 €" in page
    assert "Frais bancaires de 12,34 €" in page


async def test_only_what_was_seen_and_can_be_a_bank_s_fee_is_taken_as_one(
    preparer, trustee_account, upload, bank, connection
):
    for cents in (-500_001, -1_234, 500_002):
        bank.credit(cents, "BANQUE")
    await upload(preparer, ("releve.xml", bank.close_day()))
    lines = await connection.fetch("SELECT id, abs(amount_cents) AS seen FROM bank_lines WHERE label = ''")
    for line, seen in lines:
        for wrong in ({}, {"vu": "x"}, {"vu": str(seen + 1)}):
            answer = await preparer.send(f"{MATCHING}/{line}/frais", **wrong)
            assert (answer.status, "n’est pas passée en frais" in answer.words) == (422, True)
    taken = [
        (seen, (await preparer.send(f"{MATCHING}/{line}/frais", vu=str(seen))).status) for line, seen in lines
    ]
    assert taken == [(500_001, 422), (1_234, 303), (500_002, 422)]


async def test_the_first_proposals_have_a_key_and_the_first_is_under_enter(preparer, proposed):
    page = await preparer.open(MATCHING)
    assert re.findall(r'accesskey="(\d)"', page.text)[:2] == ["1", "2"]
    assert page.text.count(" autofocus") == 1
    assert 'accesskey="1" autofocus' in page.text


async def test_who_only_reads_sees_the_lines_and_no_button(enter, preparer, proposed):
    auditor = await enter(Role.AUDITOR)
    page = await auditor.open(MATCHING)
    assert "même montant que" in page.words
    assert re.findall(r'method="post" action="([^"]+)"', page.text) == ["/console/deconnexion"]
    for action in ("confirmation", "frais", "programme", "annulation"):
        assert (await auditor.send(f"{MATCHING}/{proposed}/{action}")).status == 403


async def test_a_line_that_is_not_there_is_told_so(preparer, trustee_account):
    for number in ("0", "999999", "9" * 40):
        for action in ("confirmation", "frais", "programme"):
            assert (await preparer.send(f"{MATCHING}/{number}/{action}")).status == 404
    assert (await preparer.send(f"{MATCHING}/999999/annulation", motif="x")).status == 422
    assert (await preparer.open(f"{MATCHING}?fait=x&defait=" + "9" * 50)).status == 200
