"""« Avis » in the console: what was told, what a person decides about it, addresses and signed calls."""

from datetime import UTC, date, datetime

import pytest

from ledger.account_rows import Role
from ledger.notice_facts import paid
from ledger.notice_rows import NoticeState
from ledger.notices import find_notice, recent_notices, tell
from ledger.webhooks import list_webhooks


@pytest.fixture
async def trustee(enter):
    return await enter(Role.PREPARER)


@pytest.fixture
def told(house):
    """A notice to a fresh operator that gave no address."""

    async def made(name="La Fabrique") -> int:
        device = await house.operator()
        async with house.database() as connection:
            fact = paid(
                operator_id=device.operator_id,
                end_to_end_id=f"BR-{device.operator_id}-7-1",
                holder=name,
                amount_cents=4_200,
                booked_on=date(2026, 11, 20),
            )
            await tell(connection, fact, at=datetime.now(UTC))
            return (await recent_notices(connection))[0].id

    return made


@pytest.fixture
def state(house):
    async def read(number: int) -> NoticeState:
        async with house.database() as connection:
            return (await find_notice(connection, number)).state

    return read


async def test_what_waits_for_a_person_is_first_and_says_what_to_do(trustee, told):
    number = await told()
    page = await trustee.open("/console/avis")
    assert f'href="/console/avis/{number}"' in page.text
    assert "Ajoutez une adresse à ce destinataire" in page.words
    assert "Aucun serveur de messagerie n’est réglé" in page.words


async def test_a_notice_is_read_as_its_recipient_reads_it(trustee, told):
    page = await trustee.open(f"/console/avis/{await told('<b>La Fabrique</b>')}")
    assert "Virement de 42,00\u00a0€ pour le bordereau n°\u00a07" in page.text
    assert "au nom de &lt;b&gt;La Fabrique&lt;/b&gt;" in page.text


async def test_an_address_is_added_and_the_notice_leaves_for_it(trustee, told, state, house):
    number = await told()
    async with house.database() as connection:
        operator_id = (await find_notice(connection, number)).operator_id
    refused = await trustee.send(f"/console/avis/{number}/decision", choix="renvoyer", motif="adresse reçue")
    assert (refused.status, "n’est pas possible" in refused.words) == (422, True)
    added = await trustee.send(
        "/console/avis/adresses", destinataire=f"structure-{operator_id}", adresse="compta@fabrique.example"
    )
    assert added.goes_to == "/console/avis/adresses"
    done = await trustee.send(f"/console/avis/{number}/decision", choix="renvoyer", motif="adresse reçue")
    assert done.goes_to == "/console/avis"
    assert await state(number) is NoticeState.DROPPED
    async with house.database() as connection:
        latest = (await recent_notices(connection))[0]
    assert (latest.state, latest.address) == (NoticeState.WAITING, "compta@fabrique.example")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"choix": "renvoyer", "motif": ""}, "Écrivez le motif"),
        ({"choix": "", "motif": "x"}, "Choisissez ce qu’il faut faire"),
        ({"choix": "recu", "motif": "x"}, "n’est pas possible"),
    ],
)
async def test_a_decision_says_what_is_missing(trustee, told, fields, words):
    answer = await trustee.send(f"/console/avis/{await told()}/decision", **fields)
    assert (answer.status, words in answer.words) == (422, True)


async def test_a_stuck_notice_is_closed_with_its_reason_in_the_log(trustee, told, state, events_of):
    number = await told()
    await trustee.send(f"/console/avis/{number}/decision", choix="classer", motif="prévenue au téléphone")
    assert await state(number) is NoticeState.DROPPED
    assert "notice.drop" in await events_of(trustee.account)
    assert "Avis classé" in (await trustee.open("/console/journal")).words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"destinataire": "", "adresse": "a@b.example"}, "Choisissez à qui"),
        ({"destinataire": "structure-x", "adresse": "a@b.example"}, "Choisissez à qui"),
        ({"destinataire": "mandataire", "adresse": "é@b.example"}, "sans accent"),
        ({"destinataire": "mandataire", "adresse": ""}, "sans accent"),
        ({"destinataire": "structure-999999", "adresse": "a@b.example"}, "déjà"),
    ],
)
async def test_an_address_says_what_is_wrong_with_it(trustee, fields, words):
    answer = await trustee.send("/console/avis/adresses", **fields)
    assert (answer.status, words in answer.words) == (422, True)


async def test_an_address_is_removed_once(trustee):
    await trustee.send(
        "/console/avis/adresses", destinataire="mandataire", adresse="tresor@mandataire.example"
    )
    page = await trustee.open("/console/avis/adresses")
    row = page.text.partition("tresor@mandataire.example")[2]
    number = row.partition("/console/avis/adresses/")[2].partition("/")[0]
    path = f"/console/avis/adresses/{number}/retrait"
    assert (await trustee.send(path)).goes_to == "/console/avis/adresses"
    assert (await trustee.send(path)).status == 404


async def test_the_secret_of_a_webhook_is_shown_once_to_who_approves(enter, house):
    approver = await enter(Role.APPROVER)
    fields = {"adresse": "https://agenda.example/avis", "portee": "tout", "genre-paid": "oui"}
    page = await approver.send("/console/avis/appels", **fields)
    assert page.status == 200
    secret = page.text.partition('<p class="link">')[2].partition("<")[0]
    assert secret.startswith("pws_")
    assert len(secret) == 68
    async with house.database() as connection:
        webhook = next(one for one in await list_webhooks(connection) if one.url == fields["adresse"])
    assert secret[4:] not in webhook.sealed_secret.hex()
    shown = await approver.open(f"/console/avis/appels/{webhook.id}")
    assert "pws_" not in shown.text
    ended = await approver.send(f"/console/avis/appels/{webhook.id}/fin", motif="fin du contrat")
    assert ended.goes_to == "/console/avis/appels"
    assert "arrêté" in (await approver.open(f"/console/avis/appels/{webhook.id}")).words


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"adresse": "http://agenda.example/"}, "commence par https"),
        ({"adresse": "https://127.0.0.1/"}, "réseau privé"),
        ({"portee": "structure-999999"}, "Choisissez de qui"),
        ({"portee": ""}, "Choisissez de qui"),
        ({"genre-paid": ""}, "Cochez au moins"),
    ],
)
async def test_a_webhook_says_what_is_wrong_with_it(enter, fields, words):
    approver = await enter(Role.APPROVER)
    right = {"adresse": "https://agenda.example/avis", "portee": "tout", "genre-paid": "oui"}
    answer = await approver.send("/console/avis/appels", **right | fields)
    assert (answer.status, words in answer.words) == (422, True)
