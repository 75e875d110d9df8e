"""Scans that waited offline: judged by their own time when that is known, else kept for the trustee."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.booklets import activate_batch, cancel_booklets
from ledger.rows import CancelCause

HOUR = timedelta(hours=1)
ATTEMPTS = "SELECT outcome, scanned_at, device_id FROM attempts WHERE attempt_id = $1"


@pytest.fixture
async def booklet(house):
    """Passes of a booklet that has been active for ten days."""
    batch = await house.issue(activated=False)
    async with house.database() as connection:
        at = datetime.now(UTC) - 240 * HOUR
        await activate_batch(connection, batch.id, at=at, actor="tests", reason="payment")
    await house.refreshed()
    return list(house.printed(batch))


async def _cancel(house, one, *, ago: timedelta) -> None:
    async with house.database() as connection:
        await cancel_booklets(
            connection,
            [one.pass_id.booklet],
            cause=CancelCause.LOST,
            at=datetime.now(UTC) - ago,
            actor="tests",
            reason=None,
        )
    await house.refreshed()


def _clock(*, ago: timedelta, offset: timedelta = timedelta(), says_now: bool = True) -> dict[str, str]:
    """What a device whose clock is wrong by offset tells of a scan made some time ago."""
    now = datetime.now(UTC) + offset
    told = {"scanned_at": (now - ago).isoformat()}
    return told | ({"sent_at": now.isoformat()} if says_now else {})


@pytest.mark.parametrize("offset", [timedelta(), -3 * HOUR, timedelta(days=3_000)], ids=str)
async def test_a_scan_made_before_the_cancellation_is_taken_although_it_comes_after(house, booklet, offset):
    one, other, *_ = booklet
    await _cancel(house, one, ago=2 * HOUR)
    early = await house.scan(one.qr, **_clock(ago=3 * HOUR, offset=offset))
    late = await house.scan(other.qr, **_clock(ago=HOUR, offset=offset))
    assert early.verdict == "accepted"
    assert late.verdict == "cancelled"


async def test_accepted_at_is_when_the_record_took_it_and_not_what_the_phone_says(house, booklet):
    before = datetime.now(UTC).replace(microsecond=0)
    answer = await house.scan(booklet[0].qr, **_clock(ago=50 * HOUR))
    assert datetime.fromisoformat(answer.body["accepted_at"]) >= before


async def test_a_scan_made_before_the_activation_is_not_saved_by_waiting(house):
    [one] = await house.passes(1)
    assert (await house.scan(one.qr, **_clock(ago=HOUR))).verdict == "not_active"
    assert (await house.scan(one.qr)).verdict == "accepted"


async def test_after_72_hours_it_is_too_late_and_on_record_for_the_trustee(house, booklet, new_attempt_id):
    attempt_id = new_attempt_id()
    answer = await house.scan(booklet[0].qr, attempt_id=attempt_id, **_clock(ago=73 * HOUR))
    assert answer.verdict == "too_late"
    async with house.database() as connection:
        [kept] = await connection.fetch(ATTEMPTS, attempt_id)
    assert kept["outcome"] == "too_late"
    assert kept["device_id"] == house.devices[0].id
    assert abs(datetime.now(UTC) - 73 * HOUR - kept["scanned_at"]) < HOUR
    assert (await house.check(booklet[0].qr)).verdict == "acceptable"


async def test_a_scan_that_only_an_unknown_clock_speaks_for_is_too_late_and_on_record(
    house, booklet, new_attempt_id
):
    await _cancel(house, booklet[0], ago=2 * HOUR)
    attempt_id = new_attempt_id()
    clock = _clock(ago=3 * HOUR, says_now=False)
    answer = await house.scan(booklet[0].qr, attempt_id=attempt_id, **clock)
    assert answer.verdict == "too_late"
    async with house.database() as connection:
        [kept] = await connection.fetch(ATTEMPTS, attempt_id)
    assert kept["outcome"] == "too_late"
    assert kept["scanned_at"] is not None


async def test_a_late_rival_is_told_of_the_first_even_when_too_late(house, booklet):
    taken = await house.scan(booklet[0].qr)
    late = await house.scan(booklet[0].qr, **_clock(ago=100 * HOUR))
    assert late.verdict == "already_accepted"
    assert late.body["earlier"]["accepted_at"] == taken.body["accepted_at"]


async def test_an_accepted_late_scan_stays_accepted_when_repeated_after_the_72_hours(
    house, booklet, new_attempt_id
):
    attempt_id = new_attempt_id()
    first = await house.scan(booklet[0].qr, attempt_id=attempt_id, **_clock(ago=71 * HOUR))
    again = await house.scan(booklet[0].qr, attempt_id=attempt_id, **_clock(ago=100 * HOUR))
    assert first.verdict == "accepted"
    assert again.body == first.body


async def test_a_scan_from_the_future_counts_now(house, booklet):
    assert (await house.scan(booklet[0].qr, **_clock(ago=-48 * HOUR))).verdict == "accepted"
