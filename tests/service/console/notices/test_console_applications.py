"""Candidatures, lieux and retenues in the console, and what the public sees of them."""

import csv
import io
import json
import re
import uuid

import pytest
from aiohttp.test_utils import TestClient

from ledger.account_rows import Role
from ledger.applications import list_applications
from ledger.holds import find_hold

OURS = {"Sec-Fetch-Site": "same-origin"}
_SIRETS = iter(f"9990000{number:07d}" for number in range(1, 10_000_000))


def a_siret() -> str:
    from stdnum.fr import siret

    return next(one for one in _SIRETS if siret.is_valid(one))


@pytest.fixture
async def people(enter):
    return [await enter(Role.PREPARER), await enter(Role.APPROVER)]


@pytest.fixture
async def public(house):
    """A service that has remembered nothing yet."""
    async with house.another_service() as client:
        yield client


@pytest.fixture
async def criteria(people):
    answer = await people[0].send(
        "/console/candidatures/criteres", criteres="Accueillir tous les publics\nÊtre formé"
    )
    assert answer.status == 303


@pytest.fixture
def form(house):
    def made(**changed):
        return {
            "programme": str(house.programme_id),
            "organisation": f"Ateliers {uuid.uuid4().hex[:8]}",
            "siret": a_siret(),
            "contact": "Léa Martin",
            "courriel": "contact@pont.example",
            "service-1": "oui",
            "lieu-0-nom": "Atelier du Pont",
            "lieu-0-adresse": "3 rue du Pont",
            "lieu-0-code-postal": "51100",
            "lieu-0-commune": "Reims",
            "critere-0": "Oui, sans rendez-vous",
            "critere-1": "Deux médiatrices certifiées",
            "site-internet": "",
        } | changed

    return made


async def sent(client: TestClient, fields, headers=OURS):
    async with client.post("/candidature", data=fields, headers=headers) as response:
        return response.status, await response.text(), response.headers


async def number_of(house, fields) -> int:
    async with house.database() as connection:
        return next(
            one.id for one in await list_applications(connection) if one.told.siret == fields["siret"]
        )


async def test_the_form_shows_the_published_criteria_and_takes_an_application(
    criteria, public, form, people, house
):
    async with public.get("/candidature") as response:
        text = await response.text()
    assert response.status == 200
    assert "Accueillir tous les publics" in text
    assert "Set-Cookie" not in response.headers
    fields = form()
    status, text, _ = await sent(public, fields)
    number = await number_of(house, fields)
    assert (status, f"n°&nbsp;{number}" in text.replace("\u00a0", "")) == (200, True)
    page = await people[0].open(f"/console/candidatures/{number}")
    assert "Deux médiatrices certifiées" in page.words
    assert "à examiner" in (await people[0].open("/console/candidatures")).words


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"siret": "99900000000000"}, "quatorze chiffres"),
        ({"organisation": " "}, "nom de l’organisation"),
        ({"service-1": ""}, "au moins un service"),
        ({"courriel": "a@b"}, "sans accent"),
        ({"lieu-0-code-postal": "511"}, "Cinq chiffres"),
        ({"lieu-0-commune": ""}, "Complétez ce lieu"),
        (
            dict.fromkeys(("lieu-0-nom", "lieu-0-adresse", "lieu-0-code-postal", "lieu-0-commune"), ""),
            "au moins un lieu",
        ),
        ({"critere-1": ""}, "Dites comment"),
        ({"programme": "999999"}, "Choisissez le programme"),
        ({"organisation": "a\u202eb"}, "invisible"),
    ],
)
async def test_the_form_says_what_is_wrong_and_keeps_what_was_typed(criteria, house, form, changed, words):
    fields = form(**changed)
    status, text, _ = await sent(house.client, fields)
    assert (status, words in text) == (422, True)
    assert "Deux médiatrices certifiées" in text or "critere-1" in changed


async def test_a_form_from_elsewhere_and_one_that_a_machine_filled_in_are_refused(criteria, house, form):
    assert (await sent(house.client, form(), {"Sec-Fetch-Site": "cross-site"}))[0] == 403
    assert (await sent(house.client, form(**{"site-internet": "https://spam.example"})))[0] == 400


async def test_one_connection_sends_five_applications_an_hour(criteria, public, form):
    statuses = [(await sent(public, form()))[0] for _ in range(6)]
    assert statuses == [200] * 5 + [429]


async def test_an_accepted_organisation_is_in_the_public_list_with_its_place(
    criteria, public, form, people, house
):
    fields = form(**{"lieu-0-nom": "Atelier accepté"})
    await sent(public, fields)
    path = f"/console/candidatures/{await number_of(house, fields)}"
    missing = await people[0].send(f"{path}/decision", decision="accepted", motif="Tout y est")
    assert (missing.status, "Choisissez le territoire" in missing.words) == (422, True)
    done = await people[0].send(
        f"{path}/decision", decision="accepted", motif="Tout y est", **{"territoire-0": "1"}
    )
    assert done.goes_to == path
    assert "acceptée" in (await people[0].open(path)).words
    async with public.get("/lieux?commune=reims") as response:
        text = await response.text()
    assert "Atelier accepté" in text
    assert "3 rue du Pont" in text
    assert response.headers["Cache-Control"] == "public, max-age=60"
    assert "Set-Cookie" not in response.headers
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text.partition('<ol class="places">')[0])


async def test_an_appeal_is_for_another_person(criteria, house, form, people):
    fields = form()
    await sent(house.client, fields)
    path = f"/console/candidatures/{await number_of(house, fields)}"
    await people[0].send(f"{path}/decision", decision="refused", motif="Aucun médiateur")
    await people[0].send(f"{path}/recours", recours="Nous avons recruté.")
    assert "une autre personne examine" in (await people[0].open(path)).words
    again = await people[0].send(f"{path}/decision", decision="refused", motif="Encore")
    assert again.status == 403
    done = await people[1].send(f"{path}/decision", decision="refused", motif="Toujours personne")
    assert done.goes_to == path
    assert "refusée après recours" in (await people[1].open(path)).words


@pytest.fixture
async def described(house, people):
    """A place whose details were typed."""
    device = await house.operator()
    path = f"/console/structures/{device.operator_id}/lieux/{device.site_id}"
    fields = {
        "adresse": "12 bis rue Leclercq",
        "code-postal": "51100",
        "commune": "Reims",
        "latitude": "49,2583",
        "longitude": "4.0317",
        "telephone": "03 26 00 00 00",
        "horaires": "Mo-Fr 09:00-12:00",
    }
    assert (await people[0].send(path, **fields)).status == 303
    return device, path, fields


async def test_a_place_is_described_and_published_in_the_national_schema(described, public, people):
    device, path, _ = described
    assert 'value="+33326000000"' in (await people[0].open(path)).text
    async with public.get("/lieux.csv") as response:
        rows = list(csv.DictReader(io.StringIO(await response.text())))
        tag = response.headers["ETag"]
    [row] = [row for row in rows if row["id"] == f"lieu-{device.site_id}"]
    assert (row["code_postal"], row["telephone"], row["latitude"]) == ("51100", "+33326000000", "49.25830")
    assert row["services"]
    async with public.get("/lieux.json") as response:
        assert f"lieu-{device.site_id}" in {one["id"] for one in json.loads(await response.text())}
    async with public.get("/lieux.csv", headers={"If-None-Match": tag}) as response:
        assert response.status == 304
    async with public.get("/lieux") as response:
        text = await response.text()
    assert '<svg class="map"' in text
    assert text.index('<ol class="places">') < text.index('<svg class="map"'), "the list comes first"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"adresse": ""}, "numéro et la voie"),
        ({"code-postal": "5110"}, "Cinq chiffres"),
        ({"insee": "511"}, "code officiel"),
        ({"latitude": "91"}, "Des degrés"),
        ({"latitude": "abc"}, "Des degrés"),
        ({"longitude": ""}, "aucune des deux"),
        ({"telephone": "12"}, "dix chiffres"),
        ({"site": "javascript:alert(1)"}, "https://"),
        ({"rdv": "http://rdv.example"}, "https://"),
    ],
)
async def test_a_place_says_what_is_wrong_with_it(described, people, changed, words):
    _, path, fields = described
    answer = await people[0].send(path, **fields | changed)
    assert (answer.status, words in answer.words) == (422, True)


async def test_a_suspended_structure_leaves_the_list_and_what_it_is_owed_waits(
    described, public, people, house
):
    device, _, _ = described
    path = f"/console/structures/{device.operator_id}"
    await people[0].send(f"{path}/suspension", motif="contrôle", retenir="oui")
    async with house.database() as connection:
        assert (await find_hold(connection, device.operator_id)).reason == "contrôle"
    assert "Paiements retenus" in (await people[0].open(path)).words
    async with public.get("/lieux.csv") as response:
        assert f"lieu-{device.site_id}," not in (await response.text()).replace('"', "")
    assert (await people[0].send(f"{path}/reprise", motif="")).status == 422
    assert (await people[0].send(f"{path}/reprise", motif="tout est en ordre")).goes_to == path
    assert (await people[0].send(f"{path}/reprise", motif="encore")).status == 404
    assert "Paiements retenus" not in (await people[0].open(path)).words


async def test_a_place_of_another_structure_is_not_found_under_this_one(described, people, house):
    device, _, _ = described
    other = await house.operator()
    assert (
        await people[0].open(f"/console/structures/{other.operator_id}/lieux/{device.site_id}")
    ).status == 404
