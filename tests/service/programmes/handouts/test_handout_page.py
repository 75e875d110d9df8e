"""The prescriber's desk and the trustee's pages of it, over HTTP: each with its own session."""

import re
import uuid
from datetime import UTC, datetime
from html import unescape
from io import BytesIO
from typing import Any

import pytest
from aiohttp.test_utils import TestClient
from pypdf import PdfReader

from console.passwords import hash_password
from ledger.account_rows import Role
from ledger.accounts import add_account
from ledger.handouts import handouts_of_booklet
from ledger.prescribers import end_prescriber_person

PASSWORD = "une phrase assez longue"
ANSWERS = {"situation": "rsa", "qpv": "oui", "age": "26_59"}


class Browser:
    """Follows no redirection; keeps its cookie and the token of its forms."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self._cookies: dict[str, str] = {}
        self.csrf = ""

    async def ask(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[int, str, Any]:
        headers = {
            "Sec-Fetch-Site": "same-origin",
            "Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items()),
        }
        async with self._client.request(
            method, path, data=fields, headers=headers, allow_redirects=False
        ) as response:
            self._cookies |= {name: one.value for name, one in response.cookies.items()}
            body = await response.read()
            if found := re.search(rb'name="csrf" value="([^"]*)"', body):
                self.csrf = found[1].decode()
            place = response.headers.get("Location", "")
            return response.status, place or body.decode(errors="replace"), body

    async def open(self, path: str) -> tuple[int, str]:
        status, text, _ = await self.ask("GET", path)
        return status, " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())

    async def send(self, path: str, **fields: str) -> tuple[int, str]:
        status, text, _ = await self.ask("POST", path, {"csrf": self.csrf, **fields})
        return status, text


@pytest.fixture
def sign_in(house):
    async def signed_in(role: Role, **scope: Any) -> Browser:
        email = f"{uuid.uuid4()}@remise.example"
        async with house.database() as connection:
            await add_account(
                connection,
                email=email,
                name=f"Personne {email}",
                password_hash=hash_password(PASSWORD),
                actor="tests",
                role=role,
                **scope,
            )
        browser = Browser(house.client)
        status, _, _ = await browser.ask("POST", "/console/connexion", {"email": email, "password": PASSWORD})
        assert status == 303
        await browser.open("/console/securite")
        return browser

    return signed_in


async def at_desk(sign_in, desk) -> Browser:
    return await sign_in(Role.PRESCRIBER, prescriber_id=desk.prescriber_id, person_id=desk.person_id)


def form_of(desk, **changed: str) -> dict[str, str]:
    kept = {"carnet": str(desk.booklets[0]), "demande": str(uuid.uuid4())}
    return kept | {"questionnaire": str(desk.questionnaire_id)} | ANSWERS | changed


async def test_a_booklet_is_handed_out_in_two_steps_and_its_sheet_is_printed(house, open_desk, sign_in):
    desk = await open_desk()
    browser = await at_desk(sign_in, desk)
    status, words = await browser.open(f"/console/remise?carnet={desk.booklets[0]}")
    assert status == 200
    assert "Habite un quartier prioritaire (QPV)" in words
    form = form_of(desk)
    status, place = await browser.send("/console/remise", **form)
    assert (status, await browser.send("/console/remise", **form)) == (303, (303, place))
    status, words = await browser.open(place)
    assert "10 pass du carnet n° " in words.replace("\u00a0", " ")
    _, _, pdf = await browser.ask("GET", f"/console/remise/fiche.pdf?carnet={desk.booklets[0]}")
    assert pdf.startswith(b"%PDF")
    async with house.database() as connection:
        [kept] = await connection.fetch("SELECT * FROM handouts WHERE booklet = $1", desk.booklets[0])
    assert kept["answers"] == ANSWERS
    assert kept["publics"] == ["pic", "qpv"]
    assert kept["person_id"] == desk.person_id


async def test_no_field_of_the_desk_takes_words_and_what_is_sent_is_kept_nowhere(house, open_desk, sign_in):
    desk = await open_desk()
    browser = await at_desk(sign_in, desk)
    _, text, _ = await browser.ask("GET", f"/console/remise?carnet={desk.booklets[0]}")
    assert "<textarea" not in text
    typed = [one for one in re.findall(r"<input[^>]*>", text) if 'type="' not in one]
    assert typed
    assert all('inputmode="numeric"' in one for one in typed)
    for field in ("situation", "qpv", "age", "nom"):
        await browser.send("/console/remise", **form_of(desk, **{field: "Mme Durand", "demande": "x"}))
    await browser.send("/console/remise", **form_of(desk, nom="Mme Durand", motif="Mme Durand"))
    async with house.as_superuser() as connection:
        for table in ("handouts", "events"):
            found = await connection.fetchval(
                f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE '%Durand%'"
            )
            assert found == 0, table


async def test_a_part_is_handed_out_and_the_next_person_gets_the_rest(house, open_desk, sign_in):
    desk = await open_desk()
    browser = await at_desk(sign_in, desk)
    assert (await browser.send("/console/remise", **form_of(desk, **{"pass": "4"})))[0] == 303
    status, text = await browser.send("/console/remise", **form_of(desk, **{"pass": "7"}))
    assert status == 422
    assert "De 1 à 6 pass peuvent être remis." in text
    assert (await browser.send("/console/remise", **form_of(desk)))[0] == 303
    async with house.database() as connection:
        told = [
            (one.first_pass, one.last_pass) for one in await handouts_of_booklet(connection, desk.booklets[0])
        ]
    assert told == [(1, 4), (5, 10)]


async def test_a_booklet_of_somebody_else_tells_nothing_and_an_answer_left_out_is_asked_for(
    open_desk, sign_in
):
    desk, other = await open_desk(), await open_desk()
    browser = await at_desk(sign_in, desk)
    status, words = await browser.open(f"/console/remise?carnet={other.booklets[0]}")
    assert status == 422
    assert "pas dans le stock de votre structure" in words
    status, text = await browser.send("/console/remise", **form_of(desk, qpv=""))
    assert status == 422
    assert "Choisissez une réponse." in text


async def test_a_loss_told_at_the_desk_blocks_the_booklet_at_once(house, open_desk, sign_in, codes_of):
    desk = await open_desk()
    browser = await at_desk(sign_in, desk)
    await browser.open("/console/remise")
    fields = {"carnet": str(desk.booklets[0]), "cause": "stolen", "motif": "ignored"}
    assert (await browser.send("/console/remise/perte", **fields))[0] == 303
    await house.refreshed()
    assert (await house.scan((await codes_of(desk.booklets[0]))[0].qr)).verdict == "cancelled"
    async with house.database() as connection:
        reason = await connection.fetchval(
            "SELECT reason FROM events WHERE action = 'booklet.cancel' AND subject = $1",
            f"booklet:{desk.booklets[0]}",
        )
    assert reason == "déclaré par le prescripteur"


async def test_who_left_the_prescriber_hands_nothing_out(house, open_desk, sign_in):
    desk = await open_desk()
    browser = await at_desk(sign_in, desk)
    async with house.database() as connection:
        await end_prescriber_person(
            connection,
            desk.prescriber_id,
            desk.person_id,
            at=datetime.now(UTC),
            actor="tests",
            reason="mutée",
        )
    assert (await browser.send("/console/remise", **form_of(desk))) == (303, "/console/connexion")


async def test_a_hand_out_is_undone_by_its_prescriber_and_by_no_other(house, open_desk, sign_in, give):
    desk, other = await open_desk(), await open_desk()
    done = await give(desk)
    stranger, own = await at_desk(sign_in, other), await at_desk(sign_in, desk)
    path = f"/console/remise/{done.id}/annulation"
    assert (await stranger.send(path, cause="not_taken"))[0] == 404
    assert (await own.send(path, cause="because"))[0] == 422
    assert (await own.send(path, cause="not_taken"))[0] == 303
    assert (await own.send("/console/remise", **form_of(desk)))[0] == 303


async def test_the_trustee_adds_a_prescriber_moves_booklets_and_replaces_a_lost_one(
    house, open_desk, sign_in, give
):
    desk = await open_desk(booklets=2)
    trustee = await sign_in(Role.PREPARER)
    status, place = await trustee.send("/console/prescripteurs", nom=f"CCAS {uuid.uuid4()}", territoire="1")
    assert status == 303
    name = f"Camille {uuid.uuid4()}"
    assert (await trustee.send(f"{place}/personnes", nom=name))[0] == 303
    status, text = await trustee.send(f"{place}/personnes", nom=name)
    assert status == 422
    assert "homonyme" in text
    moved = {"sens": "venue", "autre": str(desk.prescriber_id), "motif": "prêt"}
    assert (await trustee.send(f"{place}/transfert", carnets=str(desk.booklets[1]), **moved))[0] == 303
    status, text = await trustee.send(f"{place}/transfert", carnets=str(desk.booklets[1]), **moved)
    assert status == 422
    assert "pas dans le stock de départ" in unescape(text)
    await give(desk)
    lost = f"/console/carnets/{desk.booklets[0]}"
    status, place = await trustee.send(f"{lost}/remplacement", cause="lost", motif="perdu")
    assert status == 303
    assert place != lost
    for path in (lost, place):
        status, words = await trustee.open(path)
        assert status == 200
    assert "Remplace" in words
    async with house.database() as connection:
        actions = [
            row["action"]
            for row in await connection.fetch(
                "SELECT action FROM events WHERE subject = $1 ORDER BY id", f"booklet:{desk.booklets[0]}"
            )
        ]
    assert actions == ["booklet.hand_out", "booklet.cancel", "booklet.replace"]


async def test_a_prescriber_counts_its_safe_and_sees_the_difference(open_desk, sign_in):
    desk = await open_desk(booklets=3)
    browser = await at_desk(sign_in, desk)
    assert (await browser.send("/console/stock/comptage", compte="trois"))[0] == 422
    status, place = await browser.send("/console/stock/comptage", compte="2")
    assert status == 303
    status, words = await browser.open(place)
    assert "Écart de -1 carnet" in words


async def test_counters_are_read_by_trustee_funder_and_auditor_and_by_no_prescriber(
    house, open_desk, sign_in, give
):
    desk = await open_desk()
    await give(desk)
    for role, scope in (
        (Role.PREPARER, {}),
        (Role.AUDITOR, {}),
        (Role.FUNDER, {"programme_id": house.programme_id}),
    ):
        status, words = await (await sign_in(role, **scope)).open("/console/compteurs")
        assert status == 200
        for name in ("Émis", "Remis", "Entamés", "Scannés", "Consommés", "Payés", "Expirés", "Restants"):
            assert name in words
        assert "ne s’additionnent pas" not in words
    assert (await (await at_desk(sign_in, desk)).open("/console/compteurs"))[0] == 403


async def test_the_sheet_tells_the_places_of_the_territory_in_large_type(open_desk, sign_in):
    desk = await open_desk()
    browser = await at_desk(sign_in, desk)
    _, _, pdf = await browser.ask("GET", f"/console/remise/fiche.pdf?carnet={desk.booklets[0]}")
    [page] = PdfReader(BytesIO(pdf)).pages
    text = page.extract_text()
    assert "Vos pass numériques" in text
    assert "Où aller près de chez vous" in text


async def test_the_camera_of_the_desk_may_run_its_decoder_and_nothing_else(house):
    async with house.client.get("/console/connexion") as response:
        policy = response.headers["Content-Security-Policy"]
    assert "worker-src 'self'" in policy
    assert "unsafe" not in policy
