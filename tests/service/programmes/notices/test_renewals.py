"""Warnings of qualifications that end: at 90 and at 30 days, once each, and none where something follows."""

from datetime import UTC, date, datetime, timedelta

import pytest

from ledger.notices import recent_notices
from ledger.parties import add_operator, qualify
from programmes.notices.renewals import warn_of_renewals, warning_due

ENDS = date(2027, 3, 31)


@pytest.fixture
def qualified(connection, instance):
    async def made(operator_id, starts_on, ends_on):
        await qualify(
            connection,
            operator_id=operator_id,
            programme_id=instance.programme_id,
            starts_on=starts_on,
            ends_on=ends_on,
            service_ids=[1],
            actor="tests",
        )

    return made


@pytest.fixture
async def operator_id(connection):
    return await add_operator(connection, siret="99900004500016", name="Structure à terme", actor="tests")


@pytest.fixture
def told(connection):
    async def looked(day):
        noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        await warn_of_renewals(connection, now=noon)
        return [one.fact.rpartition(":")[2] for one in reversed(await recent_notices(connection))]

    return looked


@pytest.mark.parametrize(
    ("left", "warning"), [(91, None), (90, 90), (31, 90), (30, 30), (1, 30), (0, 30), (-1, None)]
)
def test_the_warning_of_a_day_is_the_nearest_that_holds(left, warning):
    assert warning_due(ENDS, ENDS - timedelta(days=left)) == warning


async def test_an_operator_is_warned_twice_and_no_more_however_often_one_looks(operator_id, qualified, told):
    await qualified(operator_id, date(2026, 1, 1), ENDS)
    assert await told(ENDS - timedelta(days=91)) == []
    assert await told(ENDS - timedelta(days=90)) == ["90"]
    assert await told(ENDS - timedelta(days=60)) == ["90"]
    assert await told(ENDS - timedelta(days=30)) == ["90", "30"]
    assert await told(ENDS) == ["90", "30"]
    assert await told(ENDS + timedelta(days=1)) == ["90", "30"]


async def test_a_qualification_that_another_follows_does_not_end(operator_id, qualified, told):
    await qualified(operator_id, date(2026, 1, 1), ENDS)
    await qualified(operator_id, ENDS + timedelta(days=1), ENDS + timedelta(days=365))
    assert await told(ENDS - timedelta(days=30)) == []


async def test_a_gap_of_one_day_is_an_end(operator_id, qualified, told):
    await qualified(operator_id, date(2026, 1, 1), ENDS)
    await qualified(operator_id, ENDS + timedelta(days=2), ENDS + timedelta(days=365))
    assert await told(ENDS - timedelta(days=30)) == ["30"]
