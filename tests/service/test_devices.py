"""Devices: enrolled once by a link, known by a token that is nowhere in clear, refused once revoked."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from ledger.devices import invite_device, revoke_device

CALLS = [
    ("POST", "/v1/scans"),
    ("POST", "/v1/scans/batch"),
    ("POST", "/v1/checks"),
    ("POST", "/v1/photos"),
    ("POST", "/v1/scans/01890000-0000-7000-8000-000000000000/undo"),
    ("GET", "/v1/scans"),
    ("GET", "/v1/device"),
    ("GET", "/v1/receipts"),
    ("DELETE", "/v1/device"),
]


async def _invite(house, *, minutes: float = 10) -> str:
    device = house.devices[0]
    async with house.database() as connection:
        return await invite_device(
            connection,
            site_id=device.site_id,
            mediator_id=device.mediator_id,
            label="téléphone",
            expires_at=datetime.now(UTC) + timedelta(minutes=minutes),
            actor="tests",
        )


async def _enrol(house, code):
    return await house.call("POST", "/v1/enrolments", json={"code": code})


async def test_an_enrolled_device_scans_at_once_and_tells_whose_it_is(house):
    enrolled = await _enrol(house, await _invite(house))
    assert enrolled.status == 201
    headers = {"Authorization": f"Bearer {enrolled.body['token']}"}
    told = await house.call("GET", "/v1/device", headers=headers)
    expected = {
        "operator": "La Fabrique à clics",
        "siret": "99900001100018",
        "mediator": "Amina Benali",
        "site": "Médiathèque Jules-Verne",
        "services": ["demarches", "emploi", "parentalite", "premiers-pas"],
        "label": "téléphone",
    }
    assert told.body | expected == told.body


async def test_a_link_enrols_one_device_even_when_opened_by_many_at_once(house, twin):
    code = await _invite(house)
    answers = await asyncio.gather(
        *(
            house.call("POST", "/v1/enrolments", json={"code": code}, client=(house.client, twin)[n % 2])
            for n in range(20)
        )
    )
    assert sorted(answer.status for answer in answers) == [201] + [403] * 19


async def test_a_link_that_is_used_too_old_or_unknown_is_refused_alike(house):
    code = await _invite(house)
    await _enrol(house, code)
    refusals = [
        await _enrol(house, code),
        await _enrol(house, await _invite(house, minutes=-1)),
        await _enrol(house, "no-such-code"),
        await _enrol(house, "\u0000"),
    ]
    assert {answer.status for answer in refusals} == {403}
    assert len({str(answer.body) for answer in refusals}) == 1


async def test_neither_token_nor_link_is_in_the_database_or_its_events(house):
    code = await _invite(house)
    token = (await _enrol(house, code)).body["token"]
    async with house.as_superuser() as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for table in tables:
            rows = await connection.fetch(f'SELECT to_jsonb(t)::text AS row FROM "{table["tablename"]}" AS t')
            for row in rows:
                assert token not in row["row"]
                assert code not in row["row"]


@pytest.mark.parametrize(("method", "path"), CALLS)
async def test_without_a_known_token_every_device_call_is_401(house, method, path):
    for headers in ({}, {"Authorization": "Bearer unknown"}, {"Authorization": "Basic dXNlcjpwYXNz"}):
        answer = await house.call(method, path, headers=headers)
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


async def test_a_revoked_device_is_refused_everywhere_within_a_second(house, twin, blind):
    device = await house.operator()
    [one] = await house.passes(1)
    async with house.database() as connection:
        now = datetime.now(UTC)
        await revoke_device(connection, device.id, at=now, actor="tests", reason="stolen")
    revoked_at = time.monotonic()
    for client in (house.client, twin, blind):
        while (await house.call("GET", "/v1/device", device=device, client=client)).status != 401:
            assert time.monotonic() < revoked_at + 1.0  # far below the poll: it was told
            await asyncio.sleep(0.01)
        assert (await house.scan(one.qr, device=device, client=client)).status == 401


async def test_the_page_cookie_works_for_our_own_page_only(house):
    enrolled = await _enrol(house, await _invite(house))
    cookie = enrolled.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    [one] = await house.passes(1)
    carried = {"Cookie": cookie.partition(";")[0]}
    for site, status in (("same-origin", 200), ("cross-site", 401), ("same-site", 401), ("", 401)):
        headers = carried | {"Sec-Fetch-Site": site}
        answer = await house.call("POST", "/v1/checks", json={"code": one.qr}, headers=headers)
        assert answer.status == status, site


async def test_a_link_refused_while_the_record_is_away_can_be_used_later(house):
    """Whatever fails between link and token must not use the link up: all in one transaction."""
    code = await _invite(house)
    async with house.as_superuser() as connection:
        await connection.execute("ALTER TABLE events RENAME TO events_away")
        try:
            async with house.client.post("/v1/enrolments", json={"code": code}) as response:
                assert response.status == 500
        finally:
            await connection.execute("ALTER TABLE events_away RENAME TO events")
    assert (await _enrol(house, code)).status == 201


async def test_a_device_says_goodbye_and_can_do_nothing_more_while_what_it_took_stays(house, twin):
    enrolled = await _enrol(house, await _invite(house))
    headers = {"Authorization": f"Bearer {enrolled.body['token']}"}
    [one] = await house.passes(1)
    scan = {"attempt_id": "01890000-0000-7000-8000-00000000beef", "code": one.qr}
    taken = await house.call("POST", "/v1/scans", json=scan, headers=headers)
    assert taken.verdict == "accepted"

    gone = await house.call("DELETE", "/v1/device", headers=headers)

    assert (gone.status, gone.body["device"]) == (200, enrolled.body["device"])
    cleared = gone.headers["Set-Cookie"]
    assert cleared.startswith("poincon_device=")
    assert "Max-Age=0" in cleared
    assert "Path=/" in cleared
    assert (await house.call("DELETE", "/v1/device", headers=headers)).status == 401
    left_at = time.monotonic()
    while (await house.call("GET", "/v1/device", headers=headers, client=twin)).status != 401:
        assert time.monotonic() < left_at + 1.0
        await asyncio.sleep(0.01)
    assert (await house.scan(one.qr)).verdict == "already_accepted"
    async with house.database() as connection:
        event = await connection.fetchrow(
            "SELECT actor, reason FROM events WHERE action = 'device.revoke' AND subject = $1",
            f"device:{enrolled.body['device']}",
        )
    assert tuple(event) == (f"device:{enrolled.body['device']}", "rendu depuis le téléphone lui-même")


async def test_another_site_cannot_make_a_phone_say_goodbye(house):
    enrolled = await _enrol(house, await _invite(house))
    carried = {"Cookie": enrolled.headers["Set-Cookie"].partition(";")[0]}
    for site, status in (("cross-site", 401), ("", 401), ("same-origin", 200)):
        answer = await house.call("DELETE", "/v1/device", headers=carried | {"Sec-Fetch-Site": site})
        assert answer.status == status, site
