"""The console's pages: what they count, what they change in the record, what they show of it."""

import asyncio
import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from uuid import UUID

import pytest
from aiohttp.test_utils import TestClient

from console.events_page import EVENTS_PER_PAGE
from console.passwords import hash_password
from keys.device_key import fingerprint
from ledger.acceptances import acceptance_of_attempt
from ledger.accounts import add_account
from ledger.booklets import issue_batch
from ledger.counters import read_counters
from ledger.events import record_event
from ledger.overview import COUNTED, read_overview
from ledger.parties import add_operator, add_site
from ledger.programmes import amend_last_day
from ledger.registers import find_booklet
from ledger.remittances import close_remittance

EMAIL = "camille@mandataire.example"
PASSWORD = "une phrase assez longue"
OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="session")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
async def client(client: TestClient, connection, password_hash: str) -> TestClient:
    """The whole service, with one account."""
    await add_account(
        connection, email=EMAIL, name="Camille Perrin", password_hash=password_hash, actor="tests"
    )
    return client


class Console:
    """A person at the console: opens pages, sends their forms."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self._csrf = ""

    async def sign_in(self) -> None:
        await self._post("/console/connexion", email=EMAIL, password=PASSWORD)
        self._csrf = re.search(r'name="csrf" value="(\w+)"', await self.open("/console"))[1]

    async def open(self, path: str, status: int = 200) -> str:
        async with self._client.get(path) as response:
            assert response.status == status
            assert response.content_type == "text/html"
            return await response.text()

    async def download(self, path: str) -> bytes:
        async with self._client.post(path, data={"csrf": self._csrf}, headers=OURS) as response:
            assert (response.status, response.content_type) == (200, "application/pdf")
            return await response.read()

    async def send(self, path: str, status: int = 200, **fields: str) -> str:
        return await self._post(path, status, csrf=self._csrf, **fields)

    async def _post(self, path: str, status: int = 200, **fields: str) -> str:
        async with self._client.post(path, data=fields, headers=OURS) as response:
            assert response.status == status
            return await response.text()


@pytest.fixture
async def console(client: TestClient) -> Console:
    person = Console(client)
    await person.sign_in()
    return person


@pytest.fixture
def scan(client, instance, new_attempt):
    async def send(place: int, device: int = 0) -> dict:
        body = {"attempt_id": new_attempt(), "code": instance.qr(place)}
        async with client.post("/v1/scans", json=body, headers=instance.headers(device)) as response:
            return await response.json()

    return send


async def refused_soon(scan) -> dict:
    """The first refusal of one pass after another: validators hear of a change in milliseconds."""
    for place in range(1, 10):
        answer = await scan(place)
        if answer.get("verdict") != "accepted":
            return answer
        await asyncio.sleep(0.05)
    raise AssertionError("still accepted")


def words(page: str) -> str:
    """A page as one reads it: without tags, each run of white space one space."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())


async def test_the_counters_are_what_was_scanned(console, scan, connection, instance):
    taken = [await scan(place, device) for place, device in [(0, 0), (1, 0), (2, 3), (10, 4)]]
    assert [one["verdict"] for one in taken] == ["accepted"] * 4
    await scan(0, 3)
    await console.send(
        "/console/carnets/annulation", numero=str(instance.passes[20][0]), cause="void", motif="x"
    )
    await issue_batch(connection, instance.programme_id, 2, actor="tests")
    first = await acceptance_of_attempt(connection, UUID(taken[0]["attempt_id"]), operator_id=1)
    how = {"at": datetime.now(UTC), "actor": "tests", "certified_by": None, "certification": "certifié"}
    await close_remittance(connection, first.operator_id, attempt_ids=[first.attempt_id], **how)

    overview = await read_overview(connection, now=datetime.now(UTC))

    (programme,) = overview.programmes
    [whole] = [one.counters for one in await read_counters(connection, now=datetime.now(UTC))
               if one.territory_id is None]  # fmt: skip
    for name in COUNTED:
        assert getattr(programme.counters, name) == getattr(whole, name), name
    assert whole.issued == (5, 50, 50_000)
    assert whole.scanned[1:] == (4, 4_000)
    assert whole.consumed[1:] == (1, 1_000)
    assert whole.remaining == (2, 16, 16_000)
    assert whole.cancelled == (1, 10, 10_000)
    by_operator = {
        o.name: (o.scanned.cents, o.consumed.cents, o.unremitted.cents) for o in overview.operators
    }
    assert by_operator == {
        "La Fabrique à clics": (2_000, 1_000, 1_000),
        "Association Déclic et Cie": (1_000, 0, 1_000),
        "Régie de quartier Entre-deux-Rives": (1_000, 0, 1_000),
    }
    assert overview.agrees
    shown = words(await console.open("/console"))
    assert "Carnets émis 5 " in shown
    assert "Scannés 4 40 € Pass encaissés par un opérateur" in shown
    assert "Consommés 1 10 € Pass scannés et mis en contre-paiement" in shown
    assert "Restants 16 160 € Pass de carnets actifs" in shown
    assert "La Fabrique à clics SIRET 999 000 011 00018 2 pass 20 € 1 pass 10 € 1 pass 10 €" in shown


async def test_nothing_is_outstanding_once_the_programme_is_over(connection, instance):
    day = date(2026, 3, 31)
    await amend_last_day(connection, instance.programme_id, day, reason="avenant", actor="tests")
    ends_at = datetime(2026, 3, 31, 22, 0, tzinfo=UTC)  # midnight in Paris, summer time

    before = await read_overview(connection, now=ends_at - timedelta(microseconds=1))
    after = await read_overview(connection, now=ends_at)

    assert before.programmes[0].counters.remaining.cents == 30_000
    assert not before.programmes[0].is_over
    assert after.programmes[0].counters.remaining.cents == 0
    assert after.programmes[0].is_over


async def test_counters_that_disagree_say_so(console, scan, superuser):
    await scan(0)
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute("UPDATE acceptances SET booklet = 999")

    assert "poincon audit : il nomme chaque écart" in words(await console.open("/console"))


async def test_a_revoked_phone_is_refused_at_once(console, scan, superuser):
    assert (await scan(0))["verdict"] == "accepted"
    device_id = await superuser.fetchval("SELECT min(id) FROM devices")
    await console.send(f"/console/telephones/{device_id}/revocation", 422, motif="  ")

    page = await console.send(f"/console/telephones/{device_id}/revocation", motif="perdu dans le bus")

    assert "Il ne peut plus encaisser" in page
    answer = await refused_soon(scan)
    assert answer["status"] == 401
    event = await superuser.fetchrow(
        "SELECT actor, subject, reason FROM events WHERE action = 'device.revoke'"
    )
    assert tuple(event) == (f"account:{EMAIL}", f"device:{device_id}", "perdu dans le bus")


async def test_a_phone_shows_its_key_and_what_to_do_when_it_is_lost(console, superuser):
    page = words(await console.open("/console/telephones/1"))
    assert "ne signe pas ses envois" in page
    assert "Téléphone perdu : le révoquer" in page
    assert "Téléphone perdu" in words(await console.open("/console/telephones"))
    await superuser.execute("SET session_replication_role = replica")
    await superuser.execute("UPDATE devices SET public_key = $1", bytes([4]) + bytes(64))
    page = words(await console.open("/console/telephones/1"))
    assert f"{fingerprint(bytes([4]) + bytes(64))} (empreinte)" in page


async def test_a_practice_booklet_is_printed_and_noted_where_its_key_is(console, superuser):
    pdf = await console.download("/console/carnets/entrainement")
    assert pdf.startswith(b"%PDF")
    assert await console.download("/console/carnets/entrainement") == pdf
    await superuser.execute(
        "UPDATE signing_keys SET state='revoked', revoked_at=now() WHERE purpose='practice'"
    )
    assert "issue --practice" in words(await console.send("/console/carnets/entrainement", 503))
    actors = await superuser.fetch("SELECT actor FROM events WHERE action = 'practice.print'")
    assert [row["actor"] for row in actors] == [f"account:{EMAIL}"] * 2
    assert "Carnets d’entraînement imprimés" in words(await console.open("/console/journal"))


async def test_an_enrolment_link_enrols_one_phone_once(console, client, superuser):
    site_id = await superuser.fetchval("SELECT min(id) FROM sites")
    page = await console.send(
        "/console/telephones/nouveau",
        lieu=str(site_id),
        mediateur="Amina Benali",
        reconnaissance="coque bleue",
    )
    link = re.search(r'class="link">(http[^<]+)<', page)[1]
    assert link.startswith(str(client.make_url("/#enrol=")))
    assert 'src="data:image/svg+xml' in page

    enrolled = [await client.post("/v1/enrolments", json={"code": link.partition("=")[2]}) for _ in range(2)]

    assert [one.status for one in enrolled] == [201, 403]
    device = (await enrolled[0].json())["device"]
    row = await superuser.fetchrow(
        "SELECT d.label, d.site_id, p.name, (SELECT count(*) FROM persons WHERE name = p.name) "
        "FROM devices d JOIN persons p ON p.id = d.mediator_id WHERE d.id = $1",
        device,
    )
    assert tuple(row) == ("coque bleue", site_id, "Amina Benali", 1)
    validity = await superuser.fetchval("SELECT expires_at - now() FROM enrolments")
    assert timedelta(minutes=9) < validity <= timedelta(minutes=10)


async def test_an_enrolment_says_what_is_missing_and_keeps_what_was_typed(console, superuser):
    site_id = await superuser.fetchval("SELECT min(id) FROM sites")
    no_site = await console.send("/console/telephones/nouveau", 422, lieu="999", mediateur="Zoé <Martin>")
    no_name = await console.send("/console/telephones/nouveau", 422, lieu=str(site_id), mediateur=" ")
    invisible = await console.send(
        "/console/telephones/nouveau", 422, lieu=str(site_id), mediateur="a\u202eb"
    )
    too_long = await console.send("/console/telephones/nouveau", 422, lieu=str(site_id), mediateur="a" * 101)

    assert "Choisissez le lieu" in no_site
    assert 'value="Zoé &lt;Martin&gt;"' in no_site
    assert "Écrivez le nom du médiateur" in no_name
    assert f'<option value="{site_id}" selected>' in no_name
    assert "caractère invisible" in invisible
    assert "100 caractères au plus, et non 101" in too_long
    assert await superuser.fetchval("SELECT count(*) FROM enrolments") == 0


async def test_a_cancelled_booklet_answers_cancelled(console, scan, superuser, instance):
    assert (await scan(0))["verdict"] == "accepted"
    number = instance.passes[0][0]

    page = words(
        await console.send(
            "/console/carnets/annulation", numero=f"000 {number:03d}", cause="stolen", motif="plainte n° 12"
        )
    )

    assert f"Carnet n° {number} annulé" in page
    assert "(volé). Ses pass sont refusés depuis ; ceux encaissés avant restent dus." in page
    answer = await refused_soon(scan)
    assert answer["refusal"] == "cancelled"
    event = await superuser.fetchrow(
        "SELECT actor, subject, reason FROM events WHERE action = 'booklet.cancel'"
    )
    assert tuple(event) == (f"account:{EMAIL}", f"booklet:{number}", "plainte n° 12")


async def test_a_booklet_is_cancelled_once_and_only_with_cause_and_reason(console, connection, instance):
    number = str(instance.passes[0][0])
    fields = {"numero": number, "cause": "lost", "motif": "perdu"}
    for missing, told in [("cause", "Choisissez la cause"), ("motif", "Écrivez le motif")]:
        page = await console.send("/console/carnets/annulation", 422, **fields | {missing: ""})
        assert told in page
    for unknown in ("999999", "0", "-1", "douze", "9" * 30, "١"):
        page = await console.send("/console/carnets/annulation", 422, **fields | {"numero": unknown})
        assert 'aria-invalid="true"' in page
    assert (await find_booklet(connection, int(number))).state == "active"

    for cause in ("lost", "stolen"):
        await console.send("/console/carnets/annulation", **fields | {"cause": cause})

    assert (await find_booklet(connection, int(number))).cancel_cause == "lost"
    assert await connection.fetchval("SELECT count(*) FROM events WHERE action = 'booklet.cancel'") == 1


async def test_the_log_tells_who_did_what_and_why_and_goes_back_page_by_page(console, connection):
    for n in range(EVENTS_PER_PAGE):
        await record_event(
            connection, actor="cli:claire", action="device.revoke", subject=f"device:{n}", reason=f"motif {n}"
        )
    newest = words(await console.open("/console/journal"))
    assert "claire, en ligne de commande Téléphone révoqué téléphone n° 199 motif 199" in newest
    older = re.search(r'href="(/console/journal\?avant=\d+)"', await console.open("/console/journal"))[1]

    oldest = words(await console.open(older))
    assert "motif" not in oldest
    assert "Connexion à la console" in oldest
    assert "Plus ancien" not in oldest
    await console.open("/console/journal?avant=hier", 400)


async def test_what_people_typed_is_text_and_never_markup(console, connection, superuser):
    hostile = "<script>alert('x')</script>"
    operator_id = await add_operator(connection, siret="99900004500016", name=hostile, actor=f"cli:{hostile}")
    await add_site(connection, operator_id=operator_id, territory_id=1, name=hostile)
    await record_event(
        connection, actor=hostile, action="device.revoke", subject=hostile, reason=hostile, cause=hostile
    )
    await superuser.execute("UPDATE devices SET label = $1", hostile)
    await superuser.execute("UPDATE persons SET name = $1", hostile)

    asked = f"/console/carnets?numero={hostile}"
    paths = ["/console", "/console/telephones", "/console/telephones/nouveau", "/console/journal", asked]
    for path in paths:
        page = await console.open(path, 422 if path == asked else 200)
        assert page.count("<script") == page.count('<script src="/console/static/console.js?') == 1
        assert "&lt;script&gt;" in page


async def test_every_answer_forbids_scripts_of_others_frames_and_keeping(client, console):
    for path, status in [("/console", 200), ("/console/rien", 404), ("/console/connexion", 303)]:
        async with client.get(path, allow_redirects=False) as response:
            assert response.status == status
            policy = response.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self'; ")
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert status == 303 or response.headers["Cache-Control"] == "no-store"
    async with client.put("/console/carnets", headers=OURS) as response:
        assert response.status == 405
        assert response.content_type == "text/html"
        assert response.headers["Allow"] == "GET,HEAD"
    for path in ("/console/telephones/99999", "/console/telephones/" + "9" * 500, "/console/static/x.css"):
        await console.open(path, 404)


async def test_styles_script_and_mark_are_served_with_an_address_that_changes_with_them(client, console):
    page = await console.open("/console")
    addresses = re.findall(r'(?:href|src)="(/console/static/[^"]+\?[0-9a-f]{16})"', page)
    assert len(addresses) == 3
    for address in addresses:
        async with client.get(address) as response:
            assert response.status == 200
            assert "immutable" in response.headers["Cache-Control"]


async def test_without_a_session_every_page_asks_to_sign_in(client):
    paths = ["", "/telephones", "/telephones/nouveau", "/telephones/1", "/carnets", "/journal"]
    for path in paths:
        async with client.get(f"/console{path}", allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (303, "/console/connexion")
    for path in ("/deconnexion", "/telephones/nouveau", "/telephones/1/revocation", "/carnets/annulation"):
        async with client.post(
            f"/console{path}", data={"numero": "1"}, headers=OURS, allow_redirects=False
        ) as response:
            assert (response.status, response.headers["Location"]) == (303, "/console/connexion")
