"""Programmes in the console: rules amended, conditions checked, grants decided, deliveries followed."""

import itertools
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from ledger.account_rows import Role
from ledger.booklets import issue_batch
from ledger.parties import add_territory
from ledger.programme_rules import newest_rules
from ledger.programmes import add_programme
from ledger.rule_rows import Figures
from loadtests.funding import fund
from programmes.ordering import draw_proof

_names = itertools.count(1)
LAST_DAY = date(2031, 1, 31)
CONDITIONS = ("convention_signed", "project_lead", "network_opinion", "training_opinion")
RULES = {
    "convention": "2020-CP-12",
    "mandat-debut": "2026-01-01",
    "mandat-fin": "",
    "dernier-jour": LAST_DAY.isoformat(),
    "tolerance": "0",
    "remise": "30",
    "plafond": "60",
    "amorcage": "50",
    "abondement": "20",
    "seuil": "50",
    "limite": "2030-10-01",
    "livraison": "20",
    "pic": "50",
    "publics": "pic, qpv",
    "paiement": "30",
    "cloture": "none",
    "services": "demarches",
    "motif": "avenant 1",
}


@dataclass
class Place:
    programme_id: int
    here: int
    there: int

    @property
    def programme(self):
        return f"/console/programmes/{self.programme_id}"

    @property
    def territory(self):
        return f"{self.programme}/territoires/{self.here}"


@pytest.fixture
async def place(house):
    number = next(_names)
    async with house.database() as connection:
        here, there = [await add_territory(connection, f"Ville {number}.{n}") for n in (1, 2)]
        programme_id = await add_programme(
            connection,
            name=f"Métropole {number}",
            funder="Métropole",
            contact="01 02 03 04 05",
            face_value_cents=1_000,
            booklet_size=10,
            last_day=LAST_DAY,
            territory_ids=[here, there],
            service_ids=[1],
            actor="tests",
            figures=Figures(LAST_DAY, stock_cap_passes=60, first_grant_passes=50, top_up_passes=20),
        )
    return Place(programme_id, here, there)


@pytest.fixture
async def preparer(enter):
    return await enter(Role.PREPARER)


@pytest.fixture
async def approver(enter):
    return await enter(Role.APPROVER)


async def _check_all(preparer, address):
    for condition in CONDITIONS:
        answer = await preparer.send(
            f"{address}/condition", condition=condition, jour="2026-02-01", note="vu"
        )
        assert answer.goes_to == address


async def test_an_amendment_shows_both_versions_and_moves_the_validity(approver, place, house):
    page = await approver.open(place.programme)
    fields = _rules_of(page) | {"effet": "2026-01-01", "dernier-jour": "2031-06-30"}
    answer = await approver.send(f"{place.programme}/avenant", **fields)
    assert answer.status == 422
    assert "ne peut pas précéder" in answer.words
    fields["effet"] = _today(page)
    fields |= {"cloture": "weekly", "territoires": f"{_names_shown(page)[0]}\n\n", "services": "demarches"}
    assert (await approver.send(f"{place.programme}/avenant", **fields)).goes_to.endswith("?avenant")
    page = await approver.open(place.programme)
    assert "30 juin 2031" in page.words
    assert "avenant 1" in page.words
    async with house.database() as connection:
        last_day = await connection.fetchval(
            "SELECT last_day FROM programmes WHERE id = $1", place.programme_id
        )
        rules = await newest_rules(connection, place.programme_id)
    assert last_day == date(2031, 6, 30)
    assert rules.figures.closing_calendar == "weekly"
    assert rules.figures.territory_ids == (place.here,)
    assert page.words.count("1 territoire, 1 service") == 1
    again = await approver.send(f"{place.programme}/avenant", **fields)
    assert "un avenant a été enregistré entre-temps" in again.words.lower()


def _rules_of(page):
    return RULES | {"version": page.field("version"), "territoires": "\n".join(_names_shown(page))}


def _names_shown(page):
    """Of the territories that the form shows as covered."""
    return page.text.partition('name="territoires"')[2].partition(">")[2].partition("<")[0].split("\n")


def _today(page):
    return page.text.partition('name="jour" type="date" value="')[2][:10]


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("seuil", "0", "de 1 à 100"),
        ("amorcage", "beaucoup", "de 1 à 10000000"),
        ("mandat-fin", "2025-01-01", "finir avant de commencer"),
        ("motif", "", "motif"),
        ("publics", "pic; drop", "séparés par des virgules"),
        ("plafond", "moins", "ou rien"),
        # A month after it, and a month before: no calendar has them, and no page of any programme would open.
        ("dernier-jour", "9999-12-31", "Vérifiez l’année"),
        ("dernier-jour", "0001-01-01", "Vérifiez l’année"),
        ("cloture", "demain", "se ferment"),
        ("territoires", " ", "au moins un nom"),
        ("territoires", "Atlantide", "Personne ne connaît : Atlantide."),
    ],
)
async def test_a_figure_that_cannot_be_is_told_at_its_field(approver, place, field, value, told):
    page = await approver.open(place.programme)
    fields = _rules_of(page) | {"effet": _today(page), field: value}
    answer = await approver.send(f"{place.programme}/avenant", **fields)
    assert answer.status == 422
    assert told in answer.words


async def test_conditions_then_a_grant_that_an_approver_decides(preparer, approver, place):
    address = place.territory
    early = await preparer.send(f"{address}/dotations")
    assert "conditions ne sont pas encore cochées" in early.words
    await _check_all(preparer, address)
    assert (await preparer.send(f"{address}/dotations")).goes_to == address
    page = await approver.open(address)
    grant = page.text.partition(f"{address}/dotations/")[2].partition("/")[0]
    assert (await preparer.send(f"{address}/dotations/{grant}/approbation")).status == 403
    assert (await approver.send(f"{address}/dotations/{grant}/approbation")).goes_to == address
    assert "accordé" in (await approver.open(address)).words
    overview = await approver.open(f"{place.programme}/territoires")
    assert "plus de 80 % du stock" in overview.words
    again = await approver.send(f"{address}/dotations/{grant}/approbation")
    assert again.status == 422


async def test_the_common_stock_hinders_a_second_territory(preparer, approver, place):
    for territory in (place.here, place.there):
        await _check_all(preparer, f"{place.programme}/territoires/{territory}")
    grants = []
    for territory in (place.here, place.there):
        address = f"{place.programme}/territoires/{territory}"
        await preparer.send(f"{address}/dotations")
        text = (await approver.open(address)).text
        grants.append((address, text.partition(f"{address}/dotations/")[2].partition("/")[0]))
    (first, one), (second, other) = grants
    assert (await approver.send(f"{first}/dotations/{one}/approbation")).status == 303
    refused = await approver.send(f"{second}/dotations/{other}/approbation")
    assert "Le plafond du stock, commun à tous les territoires" in refused.words
    missing_reason = await approver.send(f"{second}/dotations/{other}/refus")
    assert missing_reason.status == 422
    done = await approver.send(f"{second}/dotations/{other}/refus", motif="stock épuisé")
    assert done.goes_to == second


async def test_a_suspension_needs_the_record_of_a_hearing(approver, place):
    measure = {"mesure": "suspension", "motif": "comptes non rendus"}
    unheard = await approver.send(f"{place.territory}/mesure", **measure)
    assert unheard.status == 422
    future = await approver.send(
        f"{place.territory}/mesure", **measure, audition="2099-01-01", **{"compte-rendu": "x"}
    )
    assert "ce jour est à venir" in future.words
    heard = await approver.send(
        f"{place.territory}/mesure", **measure, audition="2026-02-01", **{"compte-rendu": "Mme Roy entendue"}
    )
    assert heard.goes_to == place.territory
    assert "suspendu" in (await approver.open(place.territory)).words
    assert (await approver.send(f"{place.territory}/reprise", motif="réglé")).goes_to == place.territory
    assert "suspension levée" in (await approver.open(place.territory)).words


async def test_a_delivery_waits_for_its_money_then_its_passes_are_active(preparer, approver, place, house):
    await _check_all(preparer, place.territory)
    await preparer.send(f"{place.territory}/dotations")
    text = (await approver.open(place.territory)).text
    grant = text.partition(f"{place.territory}/dotations/")[2].partition("/")[0]
    await approver.send(f"{place.territory}/dotations/{grant}/approbation")
    async with house.database() as connection:
        batch = await issue_batch(connection, place.programme_id, 5, actor="tests")
    too_many = await preparer.send(
        f"{place.territory}/dotations/{grant}/envoi", lot=str(batch.id), carnets="6"
    )
    assert too_many.status == 422
    sent = await preparer.send(f"{place.territory}/dotations/{grant}/envoi", lot=str(batch.id), carnets="5")
    note = await preparer.open(f"{sent.goes_to}/bon.pdf")
    assert note.body.startswith(b"%PDF")
    short = await preparer.send(f"{sent.goes_to}/activation", motif="virement")
    assert "aucun pass ne circule avant son argent" in short.words
    async with house.database() as connection:
        await fund(connection, place.programme_id, 50_000, actor="tests")
    assert (await preparer.send(f"{sent.goes_to}/activation", motif="virement")).status == 303
    assert (await preparer.send(f"{sent.goes_to}/arrivee", nom="Accueil")).status == 303
    page = await preparer.open(sent.goes_to)
    assert "actifs" in page.words
    assert "reçue par Accueil" in page.words
    first = batch.first_booklet
    back = await preparer.send(
        f"{place.territory}/restitution", premier=str(first), dernier=str(first + 1), motif="rappel"
    )
    assert back.goes_to == place.territory
    twice = await preparer.send(
        f"{place.territory}/restitution", premier=str(first), dernier=str(first), motif="rappel"
    )
    assert "n’est pas dans ce territoire" in twice.words


async def test_an_order_is_quoted_and_its_proof_seen_and_decided(
    preparer, approver, place, house, key_folder
):
    wrong = await preparer.send("/console/commandes", programme=str(place.programme_id), carnets="0")
    assert wrong.status == 422
    order = (
        await preparer.send(
            "/console/commandes", programme=str(place.programme_id), carnets="5", reference="BC"
        )
    ).goes_to
    assert (await preparer.send(f"{order}/devis", devis="D-7", montant="99,50")).goes_to == order
    async with house.database() as connection:
        number = int(order.rpartition("/")[2])
        pdf = await draw_proof(connection, number, key_folder, actor="tests", at=datetime.now(UTC))
    page = await approver.open(order)
    proof = page.text.partition(f"{order}/epreuves/")[2].partition(".")[0]
    assert (await approver.open(f"{order}/epreuves/{proof}.pdf")).body == pdf
    assert (await approver.send(f"{order}/epreuves/{proof}/refus")).status == 422
    assert (await approver.send(f"{order}/epreuves/{proof}/approbation")).goes_to == order
    assert "poincon orders produce" in (await approver.open(order)).words
    assert (await preparer.send(f"{order}/annulation", motif="budget")).goes_to == order
    assert "budget" in (await preparer.open(order)).words


async def test_a_funder_reads_its_own_programme_only(enter, place, house):
    funder = await enter(Role.FUNDER)
    own = f"/console/programmes/{funder.account.programme_id}"
    assert f'action="{own}"' in (await funder.open("/console/programmes")).text
    assert f'href="{own}"' in (await funder.open("/console/territoires")).text
    assert (await funder.open(own)).status == 200
    assert (await funder.open(f"{own}/territoires")).status == 200
    assert (await funder.open(place.programme)).status == 404
    assert (await funder.open(place.territory)).status == 404
