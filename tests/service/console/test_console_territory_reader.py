"""A territory's reader: its own follow-up, grants, deliveries and stocks, and nothing of its neighbour."""

import itertools
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from console.routes import ROUTES
from console.visit import HOME
from ledger.account_rows import Role
from ledger.booklets import issue_batch
from ledger.custody import transfer_booklets
from ledger.deliveries import activate_delivery, dispatch, receive
from ledger.grant_rows import Condition
from ledger.parties import add_person, add_territory
from ledger.prescribers import add_prescriber
from ledger.rule_rows import Figures
from ledger.territory_measures import note_condition
from loadtests.funding import add_funded
from programmes.grants import approve, propose

LAST_DAY = date(2031, 1, 31)
BY = {"actor": "tests"}
EVENTS = "SELECT count(*) FROM events WHERE actor = $1"
_names = itertools.count(1)


@dataclass
class Served:
    """A territory with a grant, a delivery and two prescribers, and every text by which it would be known."""

    territory_id: int
    grant_id: int
    delivery_id: int
    marks: list[str]


@dataclass
class Neighbours:
    programme_id: int
    here: Served
    there: Served


@pytest.fixture(scope="module")
async def neighbours(house):
    async with house.database() as connection:
        territories = [await add_territory(connection, f"Bourg {uuid.uuid4().hex[:8]}") for _ in range(2)]
        programme_id = await add_funded(
            connection,
            name=f"Programme voisinage {next(_names)}",
            funder="Métropole",
            contact="",
            face_value_cents=1_000,
            booklet_size=10,
            funds_cents=1_000_000,
            last_day=LAST_DAY,
            territory_ids=territories,
            service_ids=[1],
            figures=Figures(LAST_DAY, first_grant_passes=50, top_up_passes=20),
            **BY,
        )
        batch = await issue_batch(connection, programme_id, 10, **BY)
        person_id = await add_person(connection, "Approbation des essais")
        served = [
            await serve(connection, programme_id, one, batch_id=batch.id, person_id=person_id)
            for one in territories
        ]
    return Neighbours(programme_id, *served)


async def serve(connection, programme_id, territory_id, *, batch_id, person_id) -> Served:
    at = datetime.now(UTC)
    how = {"at": at, **BY}
    for condition in Condition:
        day = (at - timedelta(days=9)).date()
        await note_condition(
            connection, programme_id, territory_id, condition, met_on=day, note=f"Note {territory_id}", **how
        )
    grant = await propose(connection, programme_id, territory_id, **how)
    await approve(connection, grant.id, person_id=person_id, **how)
    sent = await dispatch(connection, grant.id, batch_id=batch_id, booklet_count=5, **how)
    await activate_delivery(connection, sent.id, reason="virement", **how)
    await receive(connection, sent.id, received_by=f"Accueil {territory_id}", **how)
    names = [f"CCAS {uuid.uuid4().hex[:8]}" for _ in range(2)]
    ids = [
        await add_prescriber(connection, territory_id=territory_id, name=name, operator_id=None, **how)
        for name in names
    ]
    rows = await connection.fetch("SELECT booklet FROM delivered_booklets WHERE delivery_id = $1", sent.id)
    numbers = sorted(row["booklet"] for row in rows)
    await transfer_booklets(connection, numbers[:3], from_id=None, to_id=ids[0], reason="essai", **how)
    territory = await connection.fetchval("SELECT name FROM territories WHERE id = $1", territory_id)
    return Served(territory_id, grant.id, sent.id, [territory, *names, f"Accueil {territory_id}"])


@pytest.fixture
async def reader(enter, neighbours):
    return await enter(Role.TERRITORY, territory_id=neighbours.here.territory_id)


async def test_a_territory_reads_its_follow_up_its_grants_its_delivery_and_its_stocks(reader, neighbours):
    here, programme = neighbours.here, neighbours.programme_id
    home = await reader.open("/console")
    territory, *prescribers, _ = here.marks
    assert all(name in home.words for name in (territory, *prescribers))
    assert "2 carnets en réserve" in home.words.replace("\u00a0", " ")
    assert f"{prescribers[0]} 3 0 jamais 0" in home.words
    follow = await reader.open(f"/console/suivi?programme={programme}")
    assert "Tous les territoires" not in follow.words
    assert "Détenus 50" in follow.words
    page = await reader.open(f"/console/programmes/{programme}/territoires/{here.territory_id}")
    assert "accordé" in page.words
    assert f'href="/console/livraisons/{here.delivery_id}"' in page.text
    assert re.findall(r'<form[^>]*method="post"[^>]*action="([^"]+)"', page.text) == ["/console/deconnexion"]
    delivery = await reader.open(f"/console/livraisons/{here.delivery_id}")
    assert "actifs" in delivery.words
    note = await reader.open(f"/console/livraisons/{here.delivery_id}/bon.pdf")
    assert note.body.startswith(b"%PDF")
    assert "Émis" in (await reader.open("/console/compteurs")).words


async def test_a_territory_reads_and_changes_nothing_of_its_neighbour(reader, neighbours, house):
    there = neighbours.there
    ids = {
        "programme": neighbours.programme_id,
        "territory": there.territory_id,
        "grant": there.grant_id,
        "delivery": there.delivery_id,
    }
    async with house.database() as connection:
        events = await connection.fetchval(EVENTS, reader.account.actor)
    for route in ROUTES:
        if route.method == "POST" and route.path.startswith(("/deconnexion", "/securite")):
            continue
        path = HOME + re.sub(r"\{(\w+)(:\\d\+)?\}", lambda found: str(ids.get(found[1], 1)), route.path)
        fields = {"motif": "à nous", "condition": "project_lead", "jour": "2026-01-05"}
        asked = f"{path}?programme={neighbours.programme_id}&territoire={there.territory_id}"
        answer = await (reader.open(asked) if route.method == "GET" else reader.send(path, **fields))
        assert answer.status in {200, 303, 403, 404}, (route.method, path, answer.status)
        assert not [mark for mark in there.marks if mark in answer.text], (route.method, path)
    for path in (
        f"/console/livraisons/{there.delivery_id}",
        f"/console/livraisons/{there.delivery_id}/bon.pdf",
        f"/console/programmes/{neighbours.programme_id}/territoires/{there.territory_id}",
        f"/console/suivi?programme={house.programme_id}",
    ):
        assert (await reader.open(path)).status == 404, path
    async with house.database() as connection:
        assert await connection.fetchval(EVENTS, reader.account.actor) == events
