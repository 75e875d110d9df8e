"""The trustee's two persons before an instance of their own, operators that are owed money, and a bank."""

import hashlib
import itertools
import json
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from aiohttp import DummyCookieJar, FormData
from aiohttp.test_utils import TestClient, TestServer

from ledger.account_rows import Role
from ledger.bank_accounts import approve_account, approve_trustee, propose_account, propose_trustee
from ledger.connect import connected
from loadtests.model_bank import ModelBank

TRUSTEE_IBAN = "FR7630006000011234567890189"
IBANS = ("FR1420041010050500013M02606", "FR7630001007941234567890185", "FR7610107001011234567890129")
HOLDERS = ("Point d’accueil de la Gare", "Médiathèque des Trois-Rivières", "Atelier numérique du Parc")
FUNDED_CENTS = 100_000_000  # by the seed of the instance


@dataclass(repr=False)
class Rooms:
    """What the fixtures of people need of a house; this one is new for each test."""

    client: TestClient
    dsn: str
    programme_id: int

    def database(self):
        return connected(self.dsn, purpose="tests")


@pytest.fixture
async def client(app, until) -> AsyncIterator[TestClient]:
    """Cookies are each person's own: the client keeps none."""
    async with TestClient(TestServer(app), cookie_jar=DummyCookieJar()) as running:

        async def is_ready() -> bool:
            async with running.get("/readyz") as response:
                return response.status == 200

        await until(is_ready)
        yield running


@pytest.fixture
def house(client, instance) -> Rooms:
    return Rooms(client, instance.dsn, instance.programme_id)


@pytest.fixture
async def preparer(enter):
    return await enter(Role.PREPARER)


@pytest.fixture
async def approver(enter):
    return await enter(Role.APPROVER)


@pytest.fixture
async def trustee_account(connection, preparer, approver) -> str:
    """The account that pays, in place."""
    now = datetime.now(UTC)
    proposed = await propose_trustee(
        connection,
        holder="Mandataire des Trois-Rivières",
        iban=TRUSTEE_IBAN,
        bic=None,
        person_id=preparer.account.person_id,
        actor="tests",
        at=now,
    )
    await approve_trustee(
        connection, proposed.id, person_id=approver.account.person_id, actor="tests", at=now
    )
    return TRUSTEE_IBAN


@pytest.fixture
async def operators(connection, instance) -> list[int]:
    """Operators of the instance, each with the device of its number in `instance.tokens`."""
    rows = await connection.fetch(
        "SELECT s.operator_id FROM devices d JOIN sites s ON s.id = d.site_id ORDER BY d.id"
    )
    return [row["operator_id"] for row in rows]


@pytest.fixture
async def give_account(connection, preparer, approver):
    """A bank account of an operator, usable at once unless told."""

    async def given(operator_id: int, *, which: int, cooling_off: timedelta = timedelta(0)) -> None:
        now = datetime.now(UTC)
        proposed = await propose_account(
            connection,
            operator_id,
            holder=HOLDERS[which],
            iban=IBANS[which],
            bic=None,
            proof="RIB reçu par courrier",
            proof_sha256=None,
            person_id=preparer.account.person_id,
            actor="tests",
            at=now,
        )
        await approve_account(
            connection,
            proposed.id,
            person_id=approver.account.person_id,
            actor="tests",
            at=now,
            cooling_off=cooling_off,
        )

    return given


@pytest.fixture
def remit(client, instance):
    """Passes taken by a device and closed into a remittance."""
    places = itertools.count()

    async def remitted(device: int, passes: int) -> None:
        headers = instance.headers(device)
        for place in itertools.islice(places, passes):
            body = {"attempt_id": str(uuid.uuid4()), "code": instance.qr(place)}
            async with client.post("/v1/scans", json=body, headers=headers) as response:
                assert json.loads(await response.text())["verdict"] == "accepted"
        async with client.post("/v1/remittances", json={}, headers=headers) as response:
            assert response.status == 201

    return remitted


@pytest.fixture
async def owed(trustee_account, operators, give_account, remit) -> list[int]:
    """Three operators that are owed 20, 30 and 10 euros and can be paid; their numbers."""
    devices = [operators.index(one) for one in dict.fromkeys(operators)][:3]
    for which, (device, passes) in enumerate(zip(devices, (2, 3, 1), strict=True)):
        await give_account(operators[device], which=which)
        await remit(device, passes)
    return [operators[device] for device in devices]


@pytest.fixture
def release(preparer, approver) -> Callable[[], Awaitable[tuple[str, bytes]]]:
    """All that is owed goes to the bank: the address of the batch, and its file."""

    async def released() -> tuple[str, bytes]:
        address = (await preparer.send("/console/virements/preparation")).goes_to
        page = await approver.open(address)
        seen = {name: page.field(name) for name in ("nombre", "total")}
        day = re.search(r'name="jour"[^>]* value="([^"]*)"', page.text)
        assert day
        answer = await approver.send(f"{address}/approbation", **seen, jour=day[1])
        assert answer.status == 303
        assert (await preparer.send(f"{address}/remise")).status == 303
        return address, (await preparer.open(f"{address}/fichier")).body

    return released


@pytest.fixture
def bank() -> ModelBank:
    return ModelBank(TRUSTEE_IBAN, FUNDED_CENTS, date(2026, 11, 23))


@pytest.fixture
def upload() -> Callable[..., Any]:
    """Bring files to /console/releves as a browser does."""

    async def uploaded(person: Any, *files: tuple[str, bytes], csrf: str | None = None):
        form = FormData()
        form.add_field("csrf", person.csrf if csrf is None else csrf)
        for name, content in files:
            form.add_field("fichiers", content, filename=name, content_type="application/octet-stream")
        form = form if files else _no_choice(form)
        return await person.send_form("/console/releves", form)

    return uploaded


def _no_choice(form: FormData) -> FormData:
    """What browsers send when nothing was chosen."""
    form.add_field("fichiers", b"", filename="", content_type="application/octet-stream")
    return form


@pytest.fixture
def sha256() -> Callable[[bytes], str]:
    return lambda content: hashlib.sha256(content).hexdigest()
