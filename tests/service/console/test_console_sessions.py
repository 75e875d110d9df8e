"""My sessions: seen with their browser and times, ended one by one or all, and by themselves."""

import re
from datetime import timedelta

import pytest

from console.visit import IDLE_MAX
from ledger.account_rows import Role

SECURITY = "/console/securite"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile Safari/604.1"


def numbers(page) -> list[str]:
    return re.findall(r"/console/securite/sessions/(\d+)/fin", page.text)


@pytest.fixture
def later(house):
    """As if so much time had passed since anybody did anything in these sessions."""

    async def passed(account, by: timedelta) -> None:
        async with house.as_superuser() as superuser:
            await superuser.execute(
                "UPDATE sessions SET last_seen_at = last_seen_at - $2::interval,"
                " expires_at = expires_at - $2::interval, opened_at = opened_at - $2::interval"
                " WHERE account_id = $1",
                account.id,
                by,
            )

    return passed


async def test_my_sessions_are_listed_with_browser_and_times_and_no_address(enter, house):
    person = await enter(Role.AUDITOR)
    await person.elsewhere(IPHONE).sign_in()
    page = await person.open(SECURITY)
    assert "Firefox sur Linux celle-ci" in page.words
    assert "Safari sur iPhone" in page.words
    assert len(numbers(page)) == 2
    async with house.as_superuser() as superuser:
        kept = await superuser.fetch("SELECT * FROM sessions WHERE account_id = $1", person.account.id)
    assert not any("127.0.0.1" in str(value) for row in kept for value in row.values())


async def test_one_session_is_ended_from_another(enter, events_of):
    person = await enter(Role.PREPARER)
    lost = person.elsewhere(IPHONE)
    await lost.sign_in()
    page = await person.open(SECURITY)
    [theirs] = [number for number in numbers(page) if _is_of(page, number, "Safari")]
    assert (await person.send(f"{SECURITY}/sessions/{theirs}/fin")).goes_to == SECURITY
    assert (await lost.open("/console")).goes_to == "/console/connexion"
    assert (await person.open("/console")).status == 200
    assert "account.end_session" in await events_of(person.account)


def _is_of(page, number: str, browser: str) -> bool:
    row = page.text.partition(f"/sessions/{number}/fin")[0].rpartition('<th scope="row"')[2]
    return browser in row


async def test_all_others_are_ended_at_once(enter):
    person = await enter(Role.PREPARER)
    others = [person.elsewhere() for _ in range(2)]
    for other in others:
        await other.sign_in()
    assert (await person.send(f"{SECURITY}/sessions/fin")).goes_to == SECURITY
    for other in others:
        assert (await other.open("/console")).status == 303
    assert len(numbers(await person.open(SECURITY))) == 1


async def test_ending_ones_own_session_signs_out(enter):
    person = await enter(Role.PREPARER)
    [own] = numbers(await person.open(SECURITY))
    answer = await person.send(f"{SECURITY}/sessions/{own}/fin")
    assert answer.goes_to == "/console/connexion"
    assert (await person.open("/console")).goes_to == "/console/connexion"


async def test_nobody_ends_the_session_of_somebody_else(enter):
    one, other = await enter(Role.PREPARER), await enter(Role.PREPARER)
    [theirs] = numbers(await other.open(SECURITY))
    assert (await one.send(f"{SECURITY}/sessions/{theirs}/fin")).goes_to == SECURITY
    assert (await one.send(f"{SECURITY}/sessions/{'9' * 40}/fin")).status == 400
    assert (await other.open("/console")).status == 200


async def test_a_session_ends_when_nothing_is_done_for_an_hour(enter, later):
    person = await enter(Role.PREPARER)
    await later(person.account, IDLE_MAX - timedelta(seconds=30))
    assert (await person.open("/console")).status == 200
    await later(person.account, IDLE_MAX - timedelta(seconds=30))
    assert (await person.open("/console")).status == 200  # the visit before has kept it
    await later(person.account, IDLE_MAX + timedelta(seconds=1))
    assert (await person.open("/console")).goes_to == "/console/connexion"


async def test_a_session_ends_after_twelve_hours_however_much_is_done(enter, later):
    person = await enter(Role.PREPARER)
    for _ in range(13):
        await later(person.account, timedelta(minutes=55))
        assert (await person.open("/console")).status == 200
    await later(person.account, timedelta(minutes=6))
    assert (await person.open("/console")).goes_to == "/console/connexion"


async def test_a_browser_that_names_itself_strangely_is_only_text(enter):
    person = await enter(Role.PREPARER)
    odd = person.elsewhere("<script>" + "x" * 2_000)
    assert (await odd.sign_in()).status == 303
    page = await person.open(SECURITY)
    assert page.text.count("<script") == 1  # ours
    assert "navigateur inconnu" in page.words
