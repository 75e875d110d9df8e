"""Before its money and after its grace a pass is refused by the service, whatever carries it: QR, Code 128,
typed code; online, offline, one by one or in a batch. And the record ends days where Python does."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from ledger.booklets import activate_batch
from ledger.calendar_rows import midnight
from ledger.remittance_rows import PARIS

SECOND = timedelta(seconds=1)
DAYS = """
SELECT day::date, (day::date + 1)::timestamp AT TIME ZONE 'Europe/Paris'
FROM generate_series('2020-01-01'::date, '2045-12-31', '1 day') AS day"""
CARRIERS = {
    "QR": lambda one: one.qr,
    "Code 128": lambda one: one.short.replace("-", ""),
    "typed": lambda one: one.short.lower().replace("-", " "),
}


async def _brought(house, device, code, scanned_at):
    """By a phone that was offline, whose clock is right."""
    scan = {"attempt_id": str(uuid.uuid4()), "code": code, "scanned_at": scanned_at.isoformat()}
    answer = await house.batch([scan], device=device, sent_at=datetime.now(UTC).isoformat())
    [verdict] = answer.body["verdicts"]
    return verdict.get("refusal", verdict["verdict"])


async def _online(house, device, code):
    return {
        (await house.scan(code, device=device)).verdict,
        (await house.check(code, device=device)).verdict,
        (await house.batch([{"attempt_id": str(uuid.uuid4()), "code": code}], device=device))
        .body["verdicts"][0].get("refusal"),
    }  # fmt: skip


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_before_its_money_is_there_a_pass_is_not_active_by_any_way(house, carrier):
    device, read = house.devices[0], CARRIERS[carrier]
    batch = await house.issue(activated=False)
    codes = [read(one) for one in house.printed(batch)]
    now = datetime.now(UTC)
    assert await _online(house, device, codes[0]) == {"not_active"}
    assert await _brought(house, device, codes[0], now) == "not_active"
    paid_at = now - timedelta(hours=1)
    async with house.database() as connection:
        await activate_batch(connection, batch.id, at=paid_at, actor="tests", reason="payment")
    await house.refreshed()
    assert await _brought(house, device, codes[1], paid_at - SECOND) == "not_active"
    assert await _brought(house, device, codes[1], paid_at + SECOND) == "accepted"


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_from_midnight_in_paris_a_pass_is_expired_by_any_way(house, carrier):
    device, read = house.devices[0], CARRIERS[carrier]
    today = datetime.now(UTC).astimezone(PARIS).date()
    programme_id = await house.programme(last_day=today - timedelta(days=1))
    await house.qualify(programme_id, device)
    batch = await house.issue(programme_id=programme_id, activated=False)
    ends = midnight(today).astimezone(UTC)
    async with house.database() as connection:
        at = ends - timedelta(hours=2)
        await activate_batch(connection, batch.id, at=at, actor="tests", reason="payment")
    await house.refreshed()
    codes = [read(one) for one in house.printed(batch)]
    assert await _online(house, device, codes[0]) == {"expired"}
    assert await _brought(house, device, codes[0], ends) == "expired"
    assert await _brought(house, device, codes[0], ends - SECOND) == "accepted"


async def test_the_record_ends_every_day_of_25_years_where_python_does(house):
    async with house.database() as connection:
        rows = await connection.fetch(DAYS)
    assert len(rows) == 9_497
    assert [row[0] for row in rows if row[1] != midnight(row[0] + timedelta(days=1))] == []
