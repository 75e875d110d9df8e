"""Operators in the console: qualified, ended, suspended; what it changes at once for their phones."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ledger.account_rows import Role

PARIS = ZoneInfo("Europe/Paris")


def today():
    return datetime.now(UTC).astimezone(PARIS).date()


@pytest.fixture
async def trustee(enter):
    return await enter(Role.PREPARER)


@pytest.fixture
def verdict_soon(house, until):
    """Services hear of a change in milliseconds; a pass is tried without taking it until they have."""

    async def told(device, wanted: str) -> None:
        [one] = await house.passes(1)

        async def is_told() -> bool:
            return (await house.check(one.qr, device=device)).verdict == wanted

        await until(is_told)

    return told


async def test_the_list_says_who_is_qualified_today(trustee, house):
    device = await house.operator()
    stranger = await house.operator(qualified=False)
    async with house.database() as connection:
        name = await connection.fetchval("SELECT name FROM operators WHERE id = $1", stranger.operator_id)
    page = await trustee.open("/console/structures")
    assert f'href="/console/structures/{device.operator_id}"' in page.text
    row = page.text.partition(f">{name}</a>")[2].partition("</tr>")[0]
    assert "non qualifiée" in row


async def test_qualifying_covers_what_was_ticked_from_the_day_on(trustee, house, verdict_soon):
    device = await house.operator(qualified=False)
    path = f"/console/structures/{device.operator_id}"
    await verdict_soon(device, "operator_not_qualified")
    service = 1
    fields = {"programme": str(house.programme_id), "debut": today().isoformat(), f"service-{service}": "oui"}
    assert (await trustee.send(f"{path}/qualification", **fields)).goes_to == path
    await verdict_soon(device, "acceptable")
    assert "en cours" in (await trustee.open(path)).words
    async with house.database() as connection:
        row = await connection.fetchrow(
            "SELECT starts_on, ends_on, service_ids FROM qualifications WHERE operator_id = $1",
            device.operator_id,
        )
    assert tuple(row) == (today(), None, [service])
    again = await trustee.send(f"{path}/qualification", **fields)
    assert (again.status, "couvre déjà" in again.words) == (422, True)


async def test_a_qualification_says_what_is_missing_and_keeps_what_was_typed(trustee, house):
    device = await house.operator(qualified=False)
    path = f"/console/structures/{device.operator_id}/qualification"
    right = {"programme": str(house.programme_id), "debut": "2026-01-01", "service-1": "oui"}
    for wrong, told in (
        ({"programme": "999999"}, "Choisissez le programme"),
        ({"service-1": ""}, "Cochez au moins un service"),
        ({"debut": "hier"}, "Écrivez un jour"),
        ({"debut": "0001-01-01"}, "Vérifiez l’année"),
        ({"dernier-jour": "2025-12-31"}, "ne peut pas précéder"),
    ):
        answer = await trustee.send(path, **(right | wrong))
        assert (answer.status, told in answer.words) == (422, True), wrong
    assert 'value="2026-01-01"' in answer.text


async def test_ending_a_qualification_leaves_its_last_day_covered(trustee, house, verdict_soon):
    device = await house.operator()
    path = f"/console/structures/{device.operator_id}"
    fields = {"programme": str(house.programme_id), "motif": "fin de convention"}
    assert (await trustee.send(f"{path}/fin", **fields, fin="")).status == 422
    assert (await trustee.send(f"{path}/fin", **fields, fin=today().isoformat())).goes_to == path
    await house.refreshed()
    await verdict_soon(device, "acceptable")
    yesterday = (today() - timedelta(days=1)).isoformat()
    assert (await trustee.send(f"{path}/fin", **fields, fin=yesterday)).goes_to == path
    await verdict_soon(device, "operator_not_qualified")
    answer = await trustee.send(f"{path}/fin", **fields, fin=yesterday)
    assert (answer.status, "ne court au-delà" in answer.words) == (422, True)


async def test_suspending_refuses_at_once_and_keeps_what_is_owed(trustee, house, verdict_soon, take):
    device = await house.operator()
    await take(device, 2)
    path = f"/console/structures/{device.operator_id}"
    assert (await trustee.send(f"{path}/suspension", motif=" ")).status == 422
    assert (await trustee.send(f"{path}/suspension", motif="contrôle en cours")).goes_to == path
    await verdict_soon(device, "operator_not_qualified")
    closed = await house.call("POST", "/v1/remittances", json={}, device=device)
    assert closed.body["total_cents"] == 2_000
    async with house.database() as connection:
        event = await connection.fetchrow(
            "SELECT actor, reason FROM events WHERE action = 'operator.suspend' AND subject = $1",
            f"operator:{device.operator_id}",
        )
    assert tuple(event) == (trustee.account.actor, "contrôle en cours")
    again = await trustee.send(f"{path}/suspension", motif="encore")
    assert (again.status, "aucune qualification en cours" in again.words) == (422, True)
    fields = {"programme": str(house.programme_id), "debut": today().isoformat(), "service-1": "oui"}
    assert (await trustee.send(f"{path}/qualification", **fields)).goes_to == path
    await verdict_soon(device, "acceptable")


async def test_a_structure_that_is_not_there_is_told_so(trustee):
    for number in ("999999", "9" * 40):
        assert (await trustee.open(f"/console/structures/{number}")).status == 404
