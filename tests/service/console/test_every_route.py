"""Every address of the service, by everybody who may not: without a token, with a revoked one, with another
role's session, with ids of another operator. The tables of addresses are walked: a new one is tried too."""

import re
import uuid
from datetime import UTC, datetime

import pytest

from console.routes import ROUTES
from console.visit import HOME
from ledger.account_rows import Role
from ledger.devices import revoke_device
from ledger.parties import add_territory
from loadtests.fuzz.contract import NOT_CALLED
from validator.app import ENDPOINTS

# What each call takes when its body is sound, with ids of the other operator where it takes any.
BODIES = {
    "/v1/scans": lambda theirs: {"attempt_id": str(uuid.uuid4()), "code": theirs.code},
    "/v1/scans/batch": lambda theirs: {"scans": [{"attempt_id": theirs.attempts[0], "code": theirs.code}]},
    "/v1/checks": lambda theirs: {"code": theirs.code},
    "/v1/scans/{attempt_id}/undo": lambda _: {"reason": "à nous"},
    "/v1/remittances": lambda theirs: {"attempt_ids": theirs.attempts},
    "/v1/enrolments": lambda _: {"code": "deviné"},
}
TOLD_BY_SCANS = {"/v1/scans", "/v1/scans/batch", "/v1/checks"}


class Theirs:
    """An operator with something of each kind, and every text by which it would be known."""

    def __init__(self, device, attempts, code, name, siret, receipt):
        self.device, self.attempts, self.code = device, attempts, code
        self.marks = [name, siret, device.site, *attempts, receipt]

    def ids(self, path: str) -> str:
        """The address filled with their numbers."""
        filled = re.sub(r"\{operator(:\\d\+)?\}", str(self.device.operator_id), path)
        filled = re.sub(r"\{device(:\\d\+)?\}", str(self.device.id), filled)
        filled = re.sub(r"\{attempt_id\}", self.attempts[0], filled)
        return re.sub(r"\{\w+(:\\d\+)?\}", "1", filled)


@pytest.fixture
async def theirs(house, take):
    device = await house.operator()
    attempts = await take(device, 4)
    await house.call("POST", "/v1/remittances", json={"attempt_ids": attempts[2:]}, device=device)
    [scan, *_] = (await house.call("GET", "/v1/scans?remitted=false", device=device)).body["scans"]
    told = (await house.call("GET", "/v1/device", device=device)).body
    [one] = await house.passes(1)
    await house.scan(one.qr, device=device)
    return Theirs(device, attempts, one.qr, told["operator"], told["siret"], scan["receipt"])


def guarded():
    return [endpoint for endpoint in ENDPOINTS if not endpoint.is_public]


async def _ask(house, endpoint, path, theirs, **how):
    if endpoint.path in BODIES:
        how["json"] = BODIES[endpoint.path](theirs)
    elif endpoint.body is not None:
        how["data"] = b"\x89PNG\r\n\x1a\n"
    return await house.call(endpoint.method, path, **how)


def test_every_call_with_a_body_is_tried_with_a_sound_one():
    taking = {one.path for one in ENDPOINTS if one.body is not None and not isinstance(one.body, str)}
    assert taking == set(BODIES)


async def test_no_call_of_a_device_is_answered_without_a_token_that_holds(house, enter, theirs):
    gone = await house.operator()
    async with house.database() as connection:
        await revoke_device(connection, gone.id, at=datetime.now(UTC), actor="tests", reason="volé")
    await house.refreshed()
    person = await enter(Role.APPROVER)
    session = "; ".join(f"{name}={value}" for name, value in person.cookies.items())
    stolen = {"Cookie": f"poincon_device={theirs.device.token}", "Sec-Fetch-Site": "cross-site"}
    for endpoint in guarded():
        path = theirs.ids(endpoint.path)
        for headers in (
            {},
            {"Authorization": "Bearer unknown"},
            {"Authorization": f"Basic {theirs.device.token}"},
            gone.headers,
            {"Cookie": session},
            {"Authorization": f"Bearer {person.cookies['poincon_console']}"},
            *([stolen] if endpoint.method != "GET" else []),
        ):
            answer = await _ask(house, endpoint, path, theirs, headers=headers)
            assert answer.status == 401, (endpoint.method, path, headers, answer.status)
            assert not [mark for mark in theirs.marks if mark in str(answer.body)], path


async def test_no_call_tells_or_changes_anything_of_another_operator(house, theirs):
    mine = await house.operator()
    before = await house.call("GET", "/v1/scans?remitted=false", device=theirs.device)
    for endpoint in guarded():
        if endpoint.handler.__name__ in NOT_CALLED:
            continue
        path = theirs.ids(endpoint.path)
        answer = await _ask(house, endpoint, path, theirs, device=mine)
        assert answer.status != 500, (endpoint.method, path)
        # What the asker itself named is no news; where a pass was first taken, scans tell on purpose.
        known = {*theirs.attempts, *([theirs.device.site] if endpoint.path in TOLD_BY_SCANS else [])}
        marks = [mark for mark in theirs.marks if mark not in known]
        assert not [mark for mark in marks if mark in str(answer.body)], (endpoint.method, path)
    after = await house.call("GET", "/v1/scans?remitted=false", device=theirs.device)
    assert after.body == before.body


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.FUNDER, Role.TERRITORY])
async def test_no_page_tells_or_changes_anything_of_another_operator_or_programme(house, enter, theirs, role):
    async with house.database() as connection:
        scope = {
            Role.OPERATOR: {"operator_id": (await house.operator()).operator_id},
            Role.FUNDER: {"programme_id": await house.programme()},
            Role.TERRITORY: {"territory_id": await add_territory(connection, f"Ailleurs {uuid.uuid4()}")},
        }[role]
    person = await enter(role, **scope)
    async with house.database() as connection:
        before = await connection.fetch("SELECT id, revoked_at FROM devices WHERE id = $1", theirs.device.id)
    for route in ROUTES:
        if route.method == "POST" and route.path.startswith(("/deconnexion", "/securite")):
            continue  # everybody's own, and some of them end the session
        path = HOME + theirs.ids(route.path)
        for query in ("", f"?structure={theirs.device.operator_id}&operator={theirs.device.operator_id}"):
            if route.method == "GET":
                answer = await person.open(path + query)
            else:
                fields = {"motif": "à nous", "lieu": str(theirs.device.site_id), "mediateur": "Zoé"}
                answer = await person.send(path + query, **fields)
            assert answer.status != 500, (role, route.method, path)
            assert not [mark for mark in theirs.marks if mark in answer.text], (
                role,
                route.method,
                path + query,
            )
    async with house.database() as connection:
        after = await connection.fetch("SELECT id, revoked_at FROM devices WHERE id = $1", theirs.device.id)
    assert after == before


async def test_no_session_opens_a_page_that_is_not_of_its_role_with_real_ids(enter, theirs):
    for role in Role:
        person = await enter(role)
        for route in ROUTES:
            if role in route.roles:
                continue
            ask = person.open if route.method == "GET" else person.send
            answer = await ask(HOME + theirs.ids(route.path))
            assert answer.status == 403, (role, route.method, route.path)
            assert not [mark for mark in theirs.marks if mark in answer.text], (role, route.path)


async def test_without_a_session_every_page_leads_to_the_sign_in(house, theirs):
    for route in ROUTES:
        async with house.client.request(
            route.method,
            HOME + theirs.ids(route.path),
            headers={"Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"},
            allow_redirects=False,
        ) as response:
            assert response.status in {303, 400}, (route.method, route.path, response.status)
            text = await response.text()
        assert not [mark for mark in theirs.marks if mark in text], route.path
