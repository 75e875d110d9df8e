"""POST /v1/checks: what a scan would be told, taking nothing."""

from datetime import UTC, datetime

import pytest

from ledger.booklets import cancel_booklets
from ledger.rows import CancelCause


@pytest.mark.parametrize("carrier", ["qr", "short"])
async def test_a_check_takes_nothing_however_often(house, carrier):
    [one] = await house.passes(1)
    for _ in range(5):
        answer = await house.check(getattr(one, carrier), service="premiers-pas")
        assert answer.verdict == "acceptable"
        assert answer.body["pass"]["booklet"] == one.pass_id.booklet
    assert (await house.scan(one.qr)).verdict == "accepted"


async def test_a_check_leaves_no_trace_in_the_record(house):
    one, other = await house.passes(2)
    await house.scan(other.qr)
    counts = "SELECT (SELECT count(*) FROM acceptances), (SELECT count(*) FROM attempts)"
    async with house.database() as connection:
        before = await connection.fetchrow(counts)
        await house.check(one.qr)
        await house.check(other.qr)
        assert await connection.fetchrow(counts) == before


async def test_a_check_tells_of_the_first_acceptance(house):
    [one] = await house.passes(1)
    taken = await house.scan(one.qr, device=house.devices[4])
    answer = await house.check(one.qr)
    assert answer.verdict == "already_accepted"
    assert answer.body["earlier"] == {
        "accepted_at": taken.body["accepted_at"],
        "site": house.devices[4].site,
    }


async def test_a_check_says_what_a_scan_would(house):
    [one] = await house.passes(1)
    assert (await house.check("bonjour")).verdict == "unreadable"
    assert (await house.check(one.qr, service="no-such")).verdict == "service_not_covered"
    async with house.database() as connection:
        await cancel_booklets(
            connection,
            [one.pass_id.booklet],
            cause=CancelCause.LOST,
            at=datetime.now(UTC),
            actor="tests",
            reason=None,
        )
    await house.refreshed()
    assert (await house.check(one.qr)).verdict == "cancelled"


async def test_a_check_of_ones_own_pass_says_that_it_was_taken(house, new_attempt_id):
    [one] = await house.passes(1)
    await house.scan(one.qr)
    assert (await house.check(one.qr)).verdict == "already_accepted"


async def test_an_undone_pass_is_acceptable_again(house, new_attempt_id):
    [one] = await house.passes(1)
    attempt_id = new_attempt_id()
    await house.scan(one.qr, attempt_id=attempt_id)
    await house.undo(attempt_id)
    assert (await house.check(one.qr)).verdict == "acceptable"
