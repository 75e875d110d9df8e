"""One running service for the tests of this folder, each with booklets of its own. What breaks it for
everybody (stopped servers, tampered rows) is done to the fresh `instance` instead."""

import asyncio
import functools
import itertools
import json
import os
import re
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import ClientTimeout, DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from jsonschema import Draft202012Validator

from embedded.servers import Servers
from keys.keyring import KeyPurpose, KeyState
from keys.pass_code import issue_code
from keys.passes import PassId
from keys.sealed import KeyFolder
from keys.short_code import programme_secret, short_code
from keys.signer import Ed25519Signer
from ledger.booklets import activate_batch, issue_batch
from ledger.connect import connected
from ledger.devices import enrol_device
from ledger.facts import load_facts, load_generation
from ledger.migrate import migrate
from ledger.parties import add_operator, add_person, add_site, qualify
from ledger.rows import Batch
from ledger.signing_keys import add_key, change_key
from loadtests.funding import add_funded, fund
from programmes.setup import read_instance, set_up
from validator.app import ENDPOINTS, build_app
from validator.openapi import openapi
from validator.settings import Settings
from validator.wiring import KEEPER

PASSPHRASE = "phrase de passe des essais"
INSTANCE = Path(__file__).parents[2] / "demo" / "instance.toml"
LAST_DAY = date(2027, 12, 31)
READ_SECONDS_MAX = 30  # on a machine as busy as can be
PATIENCE, BUFFER = ClientTimeout(total=60), 64 << 20  # its client may stop for good in a long answer
NOWHERE = "unix:///nonexistent/valkey.sock"

_numbers = itertools.count(1)


class Printed(NamedTuple):
    """A pass as its paper shows it."""

    pass_id: PassId
    qr: str
    short: str


class Answer(NamedTuple):
    status: int
    body: Any
    headers: Any

    @property
    def verdict(self) -> str:
        """`accepted`, `acceptable`, or why not."""
        assert self.status == 200, (self.status, self.body)
        return self.body.get("refusal", self.body["verdict"])


class Contract:
    """What the OpenAPI document promises; every answer that a test gets is held against it."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._components = document["components"]
        self._calls = [
            (method.upper(), re.compile(re.sub(r"\{\w+\}", "[^/.]+", path)), operation["responses"])
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]

    def hold(self, method: str, path: str, answer: "Answer") -> None:
        for known, pattern, responses in self._calls:
            if known == method and pattern.fullmatch(path.partition("?")[0]) and answer.status != 304:
                assert str(answer.status) in responses, f"{method} {path} never said {answer.status}"
                content = responses[str(answer.status)]["content"]
                media_type = answer.headers["Content-Type"].partition(";")[0]
                assert media_type in content, f"{method} {path} answers {media_type}"
                if media_type.endswith("json"):
                    schema = content[media_type]["schema"] | {"components": self._components}
                    Draft202012Validator(schema).validate(answer.body)


@dataclass(repr=False)
class Device:
    id: int
    token: str
    site: str
    site_id: int
    operator_id: int
    mediator_id: int

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


CONTRACT = Contract(openapi(ENDPOINTS))


@dataclass(repr=False)
class House:
    """A service over a seeded instance, and what its tests need to set up, ask and look up."""

    settings: Settings
    owner_dsn: str
    superuser_dsn: str
    key_folder: KeyFolder
    pass_signer: Ed25519Signer
    master_secret: bytes
    programme_id: int
    devices: list[Device]
    apps: list[web.Application] = field(default_factory=list)
    clients: list[TestClient] = field(default_factory=list)

    @property
    def client(self) -> TestClient:
        return self.clients[0]

    def database(self):
        return connected(self.settings.database_url, purpose="tests")

    def as_owner(self):
        return connected(self.owner_dsn, purpose="tests")

    def as_superuser(self):
        return connected(self.superuser_dsn, purpose="tests")

    async def issue(
        self, *, booklets: int = 1, programme_id: int | None = None, activated: bool = True
    ) -> Batch:
        async with self.database() as connection:
            batch = await issue_batch(connection, programme_id or self.programme_id, booklets, actor="tests")
            if activated:
                now = datetime.now(UTC)
                await activate_batch(connection, batch.id, at=now, actor="tests", reason="payment")
        await self.refreshed()
        return batch

    async def passes(self, count: int = 10, **how: Any) -> list[Printed]:
        """Fresh passes that nobody else in the tests has."""
        batch = await self.issue(booklets=-(-count // 10), **how)
        return list(itertools.islice(self.printed(batch), count))

    def printed(self, batch: Batch):
        secret = programme_secret(self.master_secret, batch.programme_id)
        expires_at = int(batch.expires_at.timestamp())
        for booklet in batch.booklets:
            for number in range(1, batch.booklet_size + 1):
                pass_id = PassId(booklet, number)
                qr = issue_code(pass_id, expires_at, self.pass_signer)
                yield Printed(pass_id, qr, short_code(pass_id, secret))

    async def programme(self, *, last_day: date = LAST_DAY, **other: Any) -> int:
        """A programme of its own, which covers everything and for which nobody is qualified yet."""
        async with self.database() as connection:
            facts = await load_facts(connection)
            known = facts.programmes[self.programme_id]
            wanted = {
                "name": f"Programme {next(_numbers)}",
                "funder": "Commanditaire des essais",
                "contact": "",
                "face_value_cents": 1_000,
                "booklet_size": 10,
                "funds_cents": 100_000_000,
                "territory_ids": known.territory_ids,
                "service_ids": known.service_ids,
            }
            return await add_funded(connection, **(wanted | other), last_day=last_day, actor="tests")

    async def qualify(self, programme_id: int, device: Device, **other: Any) -> None:
        async with self.database() as connection:
            facts = await load_facts(connection)
            covered = facts.programmes[programme_id].service_ids
            wanted = {"starts_on": date(2020, 1, 1), "ends_on": None, "service_ids": covered}
            await qualify(
                connection,
                operator_id=device.operator_id,
                programme_id=programme_id,
                actor="tests",
                **(wanted | other),
            )
        await self.refreshed()

    async def operator(self, *, territory_id: int = 1, qualified: bool = True) -> Device:
        """A device of an operator of its own, with one site."""
        number = next(_numbers)
        async with self.database() as connection:
            siret = f"9{number:013d}"
            name = f"Structure {number}"
            operator_id = await add_operator(connection, siret=siret, name=name, actor="tests")
            site = f"Lieu {number}"
            site_id = await add_site(
                connection, operator_id=operator_id, territory_id=territory_id, name=site
            )
        device = await self.enrol(site_id, operator_id=operator_id, site=site)
        if qualified:
            await self.qualify(self.programme_id, device)
        return device

    async def enrol(self, site_id: int, *, operator_id: int, site: str) -> Device:
        async with self.database() as connection:
            mediator_id = await add_person(connection, "Médiatrice des essais")
            device_id, token = await enrol_device(
                connection, site_id=site_id, mediator_id=mediator_id, label="essai", actor="tests"
            )
        await self.refreshed()
        return Device(device_id, token, site, site_id, operator_id, mediator_id)

    async def refreshed(self) -> None:
        """Wait until every running service has read the record again."""
        assert all(await asyncio.gather(*(app[KEEPER].refresh(READ_SECONDS_MAX) for app in self.apps)))

    async def call(
        self,
        method: str,
        path: str,
        *,
        device: Device | None = None,
        client: TestClient | None = None,
        headers: dict[str, str] | None = None,
        **how: Any,
    ) -> Answer:
        sent = (device.headers if device else {}) | (headers or {})
        try:
            asked = (client or self.client).request(method, path, headers=sent, timeout=PATIENCE, **how)
            async with asked as response:
                text = await response.text()
        except TimeoutError:
            for task in asyncio.all_tasks():
                task.print_stack()
            pytest.fail(f"{method} {path} not answered in {PATIENCE.total} s; what all tasks do is above")
        is_json = text and response.content_type.endswith("json")
        answer = Answer(response.status, json.loads(text) if is_json else text, response.headers)
        CONTRACT.hold(method, path, answer)
        return answer

    async def scan(
        self,
        code: str,
        *,
        attempt_id: str | None = None,
        device: Device | None = None,
        client: TestClient | None = None,
        **more: Any,
    ) -> Answer:
        body = {"attempt_id": attempt_id or str(uuid.uuid4()), "code": code, **more}
        return await self.call(
            "POST", "/v1/scans", json=body, device=device or self.devices[0], client=client
        )

    async def batch(
        self, scans: list[dict[str, Any]], *, device: Device | None = None, **more: Any
    ) -> Answer:
        body = {"scans": scans, **more}
        return await self.call("POST", "/v1/scans/batch", json=body, device=device or self.devices[0])

    async def check(self, code: str, *, device: Device | None = None, **more: Any) -> Answer:
        body = {"code": code, **more}
        return await self.call("POST", "/v1/checks", json=body, device=device or self.devices[0])

    async def undo(
        self,
        attempt_id: str,
        *,
        reason: str = "erreur de saisie",
        device: Device | None = None,
        client: TestClient | None = None,
    ) -> Answer:
        path = f"/v1/scans/{attempt_id}/undo"
        body = {"reason": reason}
        return await self.call("POST", path, json=body, device=device or self.devices[0], client=client)

    async def generation(self) -> int:
        async with self.database() as connection:
            return await load_generation(connection)

    @asynccontextmanager
    async def without_news(self) -> AsyncIterator[TestClient]:
        """A second validator whose listening was just cut: for some tenths of a second it hears nothing."""
        listening = (
            "SELECT pid FROM pg_stat_activity"
            " WHERE application_name = 'poincon snapshot' AND datname = current_database()"
        )
        async with self.as_superuser() as connection:
            others = {row["pid"] for row in await connection.fetch(listening)}
            async with self.another_service() as client:
                self.apps.remove(client.app)
                [own] = {row["pid"] for row in await connection.fetch(listening)} - others
                await connection.execute("SELECT pg_terminate_backend($1)", own)
                yield client
                self.apps.append(client.app)

    @asynccontextmanager
    async def another_service(self, **changed: Any) -> AsyncIterator[TestClient]:
        """A second validator over the same record, as another process would be."""
        app = build_app(replace(self.settings, **changed))
        async with TestClient(TestServer(app), cookie_jar=DummyCookieJar(), read_bufsize=BUFFER) as client:
            await until_ready(client)
            self.apps.append(app)
            try:
                yield client
            finally:
                self.apps.remove(app)


async def until_ready(client: TestClient) -> None:
    async with asyncio.timeout(10):
        while True:
            async with client.get("/readyz") as response:
                if response.status == 200:
                    return
            await asyncio.sleep(0.02)


async def seed_house(servers: Servers, database: str, key_folder: KeyFolder, valkey_url: str) -> House:
    dsn = servers.postgres.dsn("poincon_app", database)
    async with connected(dsn, purpose="tests") as connection:
        for purpose in KeyPurpose:
            key = key_folder.create_pair(purpose, datetime.now(UTC))
            await add_key(connection, kid=key.kid, purpose=key.purpose, raw=key.raw, actor="tests")
            await change_key(
                connection, key.kid, KeyState.ACTIVE, at=datetime.now(UTC), actor="tests", reason=None
            )
            if purpose is KeyPurpose.PASS_CODE:
                signer = key_folder.signer(purpose, key.kid)
        instance = read_instance(INSTANCE.read_text(encoding="utf-8"))
        done = await set_up(connection, instance, actor="tests", today=date(2026, 1, 1))
        await fund(connection, done.programme_id, 100_000_000, actor="tests")
        sites = {site.name: site for site in (await load_facts(connection)).sites.values()}
        devices = []
        for (_, site, mediator), person_id in done.mediators.items():
            device_id, token = await enrol_device(
                connection, site_id=sites[site].id, mediator_id=person_id, label=mediator, actor="tests"
            )
            devices.append(Device(device_id, token, site, sites[site].id, sites[site].operator_id, person_id))
    return House(
        settings=Settings(dsn, valkey_url, key_folder.path, PASSPHRASE, photos_on_demand=True),
        owner_dsn=servers.postgres.dsn("poincon_owner", database),
        superuser_dsn=servers.postgres.superuser_dsn_of(database),
        key_folder=key_folder,
        pass_signer=signer,
        master_secret=key_folder.master_secret(),
        programme_id=done.programme_id,
        devices=devices,
    )


@asynccontextmanager
async def opened_house(servers: Servers, key_folder: KeyFolder, *, valkey: int) -> AsyncIterator[House]:
    """valkey: the number of a database of Valkey that nobody else uses: booklets have the same numbers."""
    name = f"house_{os.getpid()}_{valkey}"
    async with connected(servers.postgres.superuser_dsn, purpose="tests") as connection:
        await connection.execute(f"CREATE DATABASE {name} OWNER poincon_owner")
    async with connected(servers.postgres.dsn("poincon_owner", name), purpose="tests") as connection:
        await migrate(connection)
    house = await seed_house(servers, name, key_folder, f"{servers.valkey.url[:-1]}{valkey}")
    async with house.another_service() as client:
        house.clients.append(client)
        yield house


@pytest.fixture(scope="session")
def open_house(key_folder: KeyFolder) -> Callable[..., AbstractAsyncContextManager[House]]:
    """Another house, for tests that break things: over these servers, under this number of Valkey's."""
    return functools.partial(opened_house, key_folder=key_folder)


@pytest.fixture(scope="session")
async def house(servers: Servers, key_folder: KeyFolder) -> AsyncIterator[House]:
    async with opened_house(servers, key_folder, valkey=1) as house:
        yield house


@pytest.fixture(scope="session")
async def twin(house: House) -> AsyncIterator[TestClient]:
    """Another validator over the record of the house."""
    async with house.another_service() as client:
        yield client


@pytest.fixture(scope="session")
async def blind(house: House) -> AsyncIterator[TestClient]:
    """A validator of the house that can't reach Valkey."""
    async with house.another_service(valkey_url=NOWHERE) as client:
        yield client
