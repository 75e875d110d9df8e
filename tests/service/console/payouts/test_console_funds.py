"""Funds, corrections and disputes at the console, and what operators read of their own money."""

import re
from datetime import date

import pytest

from console.funds_chart import bar, columns
from console.funds_page import ratio_words
from ledger.account_rows import Role
from ledger.funds_months import MonthOfFunds
from ledger.payout_register import ProgrammeFunds
from ledger.programmes import add_programme
from loadtests.model_bank import Style

FUNDS, CORRECTIONS = "/console/fonds", "/console/corrections"
FAULT = {"sens": "moins", "montant": "12,50", "cause": "overpaid", "motif": "payé deux fois en mars"}


def plain(page) -> str:
    return page.words.replace("\u00a0", " ").replace("\u202f", " ")


def forms_of(page) -> list[str]:
    return re.findall(r'method="post" action="([^"]+)"', page.text)


@pytest.fixture
async def manager(enter, owed):
    return await enter(Role.OPERATOR, operator_id=owed[0])


@pytest.fixture
async def other_programme(connection) -> int:
    return await add_programme(
        connection,
        name="Programme d’un autre commanditaire",
        funder="Un autre commanditaire",
        contact="",
        face_value_cents=1_000,
        booklet_size=10,
        last_day=date(2027, 12, 31),
        territory_ids=[1],
        service_ids=[1],
        actor="tests",
    )


async def test_a_programme_s_money_is_told_with_its_cover_and_by_month(preparer, owed, other_programme):
    page = plain(await preparer.open(FUNDS))
    for told in ("Reçus 1 000 000,00 €", "Dus 60,00 €", "En circulation 240,00 €", "Payés 0,00 €"):
        assert told in page, told
    assert "couvert" in page
    assert page.count("Remis et payés, mois par mois") == 1  # nothing ever moved for the other one


async def test_a_funder_reads_its_own_programme_and_changes_nothing(enter, owed, other_programme):
    funder = await enter(Role.FUNDER)
    page = await funder.open(FUNDS)
    assert "Pass numérique des Trois-Rivières" in page.words
    assert "autre commanditaire" not in page.words
    assert "Corrections et litiges" not in page.words
    assert forms_of(page) == ["/console/deconnexion"]
    other = await enter(Role.FUNDER, programme_id=other_programme)
    assert "Trois-Rivières" not in (await other.open(FUNDS)).words
    for path in (
        "/virements",
        "/releves",
        "/rapprochement",
        "/corrections",
        "/structures/1/compte",
        "/compte",
    ):
        assert (await funder.open(f"/console{path}")).status == 403, path


async def test_a_correction_is_decided_waits_and_is_read_by_its_operator_with_the_reason(
    preparer, manager, owed, instance, enter
):
    fields = FAULT | {"structure": str(owed[0]), "programme": str(instance.programme_id)}
    assert (await preparer.send(CORRECTIONS, **fields)).goes_to == f"{CORRECTIONS}?decide"
    page = plain(await preparer.open(f"{CORRECTIONS}?decide"))
    assert "La correction est décidée." in page
    assert "−12,50 €" in page
    told = "12,50 € seront retenus (trop-perçu) dans un prochain bordereau : « payé deux fois en mars »"
    assert told in plain(await manager.open("/console"))
    other = await enter(Role.OPERATOR, operator_id=owed[1])
    assert "payé deux fois" not in (await other.open("/console")).words


async def test_a_form_sent_twice_decides_one_correction(preparer, owed, instance, connection):
    fields = FAULT | {"structure": str(owed[0]), "programme": str(instance.programme_id)}
    answers = [await preparer.send(CORRECTIONS, **fields) for _ in range(2)]
    assert [answer.status for answer in answers] == [303, 422]
    assert "le bouton a pu être pressé deux fois" in answers[1].words
    other = fields | {"motif": "payé deux fois en avril"}
    assert (await preparer.send(CORRECTIONS, **other)).status == 303
    assert await connection.fetchval("SELECT count(*) FROM corrections") == 2


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("structure", "", "Choisissez la structure"),
        ("structure", "999999", "Choisissez la structure"),
        ("programme", "x", "Choisissez le programme"),
        ("sens", "", "Dites si la structure reçoit ou rend"),
        ("montant", "douze", "Écrivez un montant en euros"),
        ("montant", "0", "plus grand que zéro"),
        ("montant", "-5", "Écrivez un montant en euros"),
        ("montant", "12,345", "Écrivez un montant en euros"),
        ("montant", "99 999 999", "ne dépasse pas dix millions"),
        ("cause", "", "Choisissez la cause"),
        ("motif", " ", "Écrivez le motif"),
    ],
)
async def test_each_mistake_of_a_correction_is_told_and_nothing_is_decided(
    preparer, owed, instance, connection, field, value, told
):
    fields = FAULT | {"structure": str(owed[0]), "programme": str(instance.programme_id)}
    page = await preparer.send(CORRECTIONS, **fields | {field: value})
    assert (page.status, told in plain(page)) == (422, True)
    assert await connection.fetchval("SELECT count(*) FROM corrections") == 0


async def test_a_disputed_line_holds_its_amount_alone_until_it_is_released(preparer, manager, owed, enter):
    line = {"structure": str(owed[0]), "bordereau": "1", "ligne": "1", "motif": "feuille d’émargement"}
    opened = await preparer.send(f"{CORRECTIONS}/litiges", **line)
    assert opened.goes_to == f"{CORRECTIONS}?conteste"
    assert "Un lot contiendrait 50,00 €" in plain(await preparer.open("/console/virements"))
    shown = plain(await manager.open(f"/console/bordereaux/{owed[0]}/1"))
    assert "Ligne 1, 10,00 € retenus depuis le" in shown
    assert "« feuille d’émargement »" in shown
    assert "Litiges et corrections en attente 1" in plain(await preparer.open("/console/aujourdhui"))
    again = await preparer.send(f"{CORRECTIONS}/litiges", **line)
    assert (again.status, "a déjà été contestée" in plain(again)) == (422, True)
    for wrong in ({"bordereau": "9"}, {"ligne": "99"}, {"ligne": "0"}, {"bordereau": "x"}):
        assert (await preparer.send(f"{CORRECTIONS}/litiges", **line | wrong)).status == 422

    lift = re.search(
        r'action="(/console/corrections/litiges/\d+/levee)"', (await preparer.open(CORRECTIONS)).text
    )[1]
    assert (await preparer.send(lift, motif="")).status == 422
    assert (await preparer.send(lift, motif="feuille reçue")).goes_to == f"{CORRECTIONS}?leve"
    assert (await preparer.send(lift, motif="encore")).status == 404
    assert "le litige est levé" in plain(await manager.open(f"/console/bordereaux/{owed[0]}/1"))
    assert "Un lot contiendrait 60,00 €" in plain(await preparer.open("/console/virements"))
    auditor = await enter(Role.AUDITOR)
    assert forms_of(await auditor.open(CORRECTIONS)) == ["/console/deconnexion"]


async def test_an_operator_follows_its_transfer_from_the_file_to_its_return_and_sees_no_other_s(
    manager, owed, release, bank, upload, preparer, enter
):
    own = f"/console/bordereaux/{owed[0]}/1"
    assert "Virements" not in (await manager.open(own)).words
    _, file = await release()
    moving = plain(await manager.open(own))
    assert "20,00 € à la banque, demandés pour le" in moving
    assert "sur le compte qui finit par 2606." in moving

    bank.receive(file)
    orders = next(iter(bank.orders.values()))
    bank.debit(orders[0].message_id, Style.EACH)
    await upload(preparer, ("un.xml", bank.close_day()))
    paid = plain(await manager.open(own))
    assert "20,00 € payés le 23 novembre 2026, sur le compte qui finit par 2606." in paid
    assert f"Référence BR-{owed[0]}-1-1" in paid
    assert f"le 23 novembre 2026, référence BR-{owed[0]}-1-1" in plain(
        await manager.open("/console/bordereaux")
    )

    bank.give_back([orders[0]], Style.EACH)
    await upload(preparer, ("deux.xml", bank.close_day()))
    back = plain(await manager.open(own))
    assert "20,00 € revenus le 24 novembre 2026 (compte clos (AC04)) : ils restent dus" in back
    assert "Votre compte bancaire est bloqué" in plain(await manager.open("/console"))
    other = await enter(Role.OPERATOR, operator_id=owed[1])
    assert (await other.open(own)).status == 404


async def test_what_is_late_on_the_published_delay_is_told_first_of_all_that_is_owed(
    preparer, owed, superuser
):
    await superuser.execute("SET session_replication_role = replica")
    # By the days of Paris: sixty days of hours may lie on the other side of a change of clocks.
    await superuser.execute(
        "UPDATE remittances SET closed_at = (closed_at AT TIME ZONE 'Europe/Paris' - interval '60 days')"
        " AT TIME ZONE 'Europe/Paris'"
    )
    page = plain(await preparer.open("/console/aujourdhui"))
    assert "Paiements en retard sur le délai publié 3" in page
    assert "30 jours de retard" in page


async def test_a_console_with_nothing_to_do_says_so(preparer):
    assert "Rien n’attend" in (await preparer.open("/console/aujourdhui")).words
    assert "Aucune ligne contestée." in (await preparer.open(CORRECTIONS)).words
    assert "Aucun lot pour l’instant." in (await preparer.open("/console/virements")).words
    assert "Aucune pour l’instant." not in (await preparer.open("/console/fonds")).words


def test_the_bar_of_a_programme_is_what_was_received_and_its_ratio_is_never_rounded_up():
    funds = ProgrammeFunds(1, "P", "F", 100_000, 20_000, 30_000, 50_001, 0)
    assert [piece.kind for piece in bar(funds)] == ["consumed", "owed", "accepted", "outstanding"]
    assert sum(piece.width for piece in bar(funds)) == pytest.approx(1_000, abs=0.1)
    assert ratio_words(funds) == ("0,99", False)
    assert ratio_words(ProgrammeFunds(1, "P", "F", 0, 0, 0, 0, 0)) == ("—", True)
    assert {piece.width for piece in bar(ProgrammeFunds(1, "P", "F", 0, 0, 0, 0, 0))} == {0}


def test_columns_stand_on_their_base_and_a_year_is_named_once():
    months = [MonthOfFunds(date(2026, 12, 1), 0, 500, 250), MonthOfFunds(date(2027, 1, 1), 0, 0, -100)]
    chart = columns(months)
    assert chart
    first, second = chart.months
    assert [(one.name, one.year) for one in chart.months] == [("déc.", "2026"), ("janv.", "2027")]
    assert [one.height for one in first.columns] == [chart.base - 10, (chart.base - 10) / 2]
    assert [one.height for one in second.columns] == [0, 0]
    assert all(one.top + one.height == chart.base for month in chart.months for one in month.columns)
    assert columns([]) is None
