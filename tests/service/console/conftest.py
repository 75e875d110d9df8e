"""People at the console of the house, each with an account, a browser and a session of their own."""

import itertools
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import unescape
from typing import Any, NamedTuple

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient

from console.passwords import hash_password
from ledger.account_rows import Account, Role
from ledger.accounts import add_account, find_account
from ledger.prescribers import add_prescriber, add_prescriber_person

PASSWORD = "une phrase assez longue"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"
COOKIE = "poincon_console"

_numbers = itertools.count(1)


class Shown(NamedTuple):
    """A page as it was answered."""

    status: int
    text: str
    headers: Any
    body: bytes

    @property
    def words(self) -> str:
        """As one reads it: without tags, each run of white space one space."""
        return " ".join(unescape(re.sub(r"<[^>]*>", " ", self.text)).split())

    @property
    def goes_to(self) -> str:
        assert self.status == 303, (self.status, self.words)
        return self.headers["Location"]

    def field(self, name: str) -> str:
        """What a hidden field of the page holds."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        assert found, f"no {name} in: {self.words}"
        return unescape(found[1])


@dataclass(repr=False)
class Person:
    """A browser with its cookie; follows no redirection."""

    client: TestClient
    account: Account
    agent: str = FIREFOX
    cookies: dict[str, str] = field(default_factory=dict)
    csrf: str = ""

    async def open(self, path: str) -> Shown:
        return await self._ask("GET", path)

    async def send(self, path: str, **fields: str) -> Shown:
        return await self._ask("POST", path, {"csrf": self.csrf, **fields})

    async def send_form(self, path: str, form: FormData) -> Shown:
        """A form with files, as it is."""
        return await self._ask("POST", path, form)

    async def sign_in(self, password: str = PASSWORD) -> Shown:
        answer = await self._ask(
            "POST", "/console/connexion", {"email": self.account.email, "password": password}
        )
        if answer.status == 303:
            page = "/console/connexion/code" if answer.goes_to.endswith("/code") else "/console/securite"
            self.csrf = (await self.open(page)).field("csrf")
        return answer

    def elsewhere(self, agent: str = FIREFOX) -> "Person":
        """The same person before another browser."""
        return Person(self.client, self.account, agent)

    async def _ask(self, method: str, path: str, fields: dict[str, str] | FormData | None = None) -> Shown:
        headers = {
            "Sec-Fetch-Site": "same-origin",
            "User-Agent": self.agent,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Referer": str(self.client.make_url("/console/securite")),
        }
        async with self.client.request(
            method, path, data=fields, headers=headers, allow_redirects=False
        ) as response:
            for name, morsel in response.cookies.items():
                self.cookies[name] = morsel.value
            body = await response.read()
            return Shown(response.status, body.decode(errors="replace"), response.headers, body)


@pytest.fixture(scope="session")
def password_hash() -> str:
    return hash_password(PASSWORD)


@pytest.fixture
def open_account(house, password_hash: str) -> Callable[..., Awaitable[Person]]:
    """An account of a role, of a person of its own; not yet signed in."""

    async def opened(role: Role, *, client: TestClient | None = None, **scope: Any) -> Person:
        number = next(_numbers)
        email = f"personne{number}@console.example"
        async with house.database() as connection:
            await add_account(
                connection,
                email=email,
                name=f"Personne {number}",
                password_hash=password_hash,
                actor="tests",
                role=role,
                **scope,
            )
            account = await find_account(connection, email)
        assert account
        return Person(client or house.client, account)

    return opened


@pytest.fixture
def enter(house, open_account) -> Callable[..., Awaitable[Person]]:
    """A person of a role, signed in. Whose role is bound to something gets a scope unless told."""

    async def entered(role: Role, **scope: Any) -> Person:
        if role is Role.FUNDER:
            scope.setdefault("programme_id", house.programme_id)
        if role is Role.OPERATOR and "operator_id" not in scope:
            scope["operator_id"] = house.devices[0].operator_id
        if role is Role.TERRITORY:
            scope.setdefault("territory_id", 1)
        if role is Role.PRESCRIBER and "prescriber_id" not in scope:
            scope |= await prescribing(house)
        person = await open_account(role, **scope)
        assert (await person.sign_in()).status == 303
        return person

    return entered


async def prescribing(house) -> dict[str, int]:
    """A prescriber of its own, and somebody who hands out for it."""
    number = next(_numbers)
    how = {"at": datetime.now(UTC), "actor": "tests"}
    async with house.database() as connection:
        prescriber_id = await add_prescriber(
            connection, territory_id=1, name=f"Prescripteur {number} de la console", operator_id=None, **how
        )
        name = f"Personne {number} du prescripteur"
        person_id = await add_prescriber_person(connection, prescriber_id, name=name, **how)
    return {"prescriber_id": prescriber_id, "person_id": person_id}


@pytest.fixture
def take(house) -> Callable[..., Awaitable[list[str]]]:
    """Attempt ids of fresh passes that a device has just accepted."""

    async def taken(device: Any, count: int = 3) -> list[str]:
        passes = await house.passes(count)
        attempts = [str(uuid.uuid4()) for _ in passes]
        scans = [
            {"attempt_id": attempt_id, "code": one.qr, "service": "demarches"}
            for attempt_id, one in zip(attempts, passes, strict=True)
        ]
        answer = await house.batch(scans, device=device)
        assert {verdict["verdict"] for verdict in answer.body["verdicts"]} == {"accepted"}
        return attempts

    return taken


@pytest.fixture
def events_of(house) -> Callable[[Account], Awaitable[list[str]]]:
    """What the log tells that the account did, in order."""

    async def actions(account: Account) -> list[str]:
        async with house.database() as connection:
            rows = await connection.fetch(
                "SELECT action FROM events WHERE actor = $1 ORDER BY id", account.actor
            )
        return [row["action"] for row in rows]

    return actions
