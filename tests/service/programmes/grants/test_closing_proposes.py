"""Whoever closes a remittance, the threshold that it reaches has its proposal at once."""

from datetime import UTC, datetime, timedelta

import pytest

from ledger.calendar_rows import Due
from ledger.grants import list_grants
from payouts.calendar_closing import close_by_calendar
from validator.top_up_clerk import top_up_clerk


@pytest.fixture
async def consuming(office):
    """A territory whose 25 scanned passes of 50 wait for a closing."""
    await office.stock(5)
    await office.deliver(await office.first_grant(office.territories[0]), 5)
    await office.scan(office.territories[0], 25)
    return office


async def _numbers(office):
    grants = await list_grants(office.connection, office.programme_id)
    return sorted(grant.threshold_number for grant in grants)


async def test_a_closing_by_the_calendar_proposes_the_top_up(consuming):
    at = consuming.now + timedelta(days=31)
    siret = await consuming.connection.fetchval("SELECT siret FROM operators WHERE id = 1")
    due = Due(1, "Opérateur", siret, at.date().replace(day=1), (consuming.programme_id,))
    assert len(await close_by_calendar(consuming.connection, due, at=at)) == 1
    assert await _numbers(consuming) == [0, 1]


async def test_a_closing_by_a_phone_proposes_the_top_up(consuming, client, instance):
    await consuming.amend(grant_deadline=None)
    async with client.post("/v1/remittances", json={}, headers=instance.headers()) as answer:
        assert answer.status == 201, await answer.text()
    assert await _numbers(consuming) == [0, 1]


async def test_the_clerk_proposes_what_no_closing_proposed(consuming):
    await consuming.amend(grant_deadline=None)
    await consuming.close()
    clerk = top_up_clerk(consuming.dsn)
    assert await clerk.look() == 1
    assert await clerk.look() == 0
    assert await _numbers(consuming) == [0, 1]
    [top_up, _] = await list_grants(consuming.connection, consuming.programme_id)
    assert datetime.now(UTC) - top_up.proposed_at < timedelta(minutes=5)
