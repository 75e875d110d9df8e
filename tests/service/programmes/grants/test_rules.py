"""Rules by version: read as they were on any day, amended once at a time, and what verdicts read follows."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.amendments import AmendmentRefused, amend_rules
from ledger.calendar_rows import Calendar
from ledger.calendars import set_calendar
from ledger.connect import connected
from ledger.programme_rules import list_versions, newest_rules, rules_on
from ledger.programmes import amend_last_day, find_programme

AT = datetime(2021, 3, 1, 9, tzinfo=UTC)


async def _amend(office, *, of_version=1, in_force_from=date(2021, 3, 1), at=AT, **changes):
    rules = await newest_rules(office.connection, office.programme_id)
    return await amend_rules(
        office.connection,
        office.programme_id,
        replace(rules.figures, **changes),
        of_version=of_version,
        in_force_from=in_force_from,
        reason="avenant n° 1",
        actor="account:a@b.fr",
        at=at,
    )


async def test_rules_are_read_as_they_were_on_any_day(office):
    await _amend(office, threshold_percent=40)
    await _amend(office, of_version=2, in_force_from=date(2021, 6, 1), top_up_passes=30)
    read = {}
    for day in (date(2020, 1, 1), date(2021, 2, 28), date(2021, 3, 1), date(2021, 5, 31), date(2021, 6, 1)):
        rules = await rules_on(office.connection, office.programme_id, day)
        read[day.isoformat()] = (rules.version, rules.figures.threshold_percent, rules.figures.top_up_passes)
    assert read == {
        "2020-01-01": (1, 50, 20),
        "2021-02-28": (1, 50, 20),
        "2021-03-01": (2, 40, 20),
        "2021-05-31": (2, 40, 20),
        "2021-06-01": (3, 40, 30),
    }
    one = (await list_versions(office.connection, office.programme_id))[1]
    assert (one.decided_by, one.reason, one.decided_at) == ("account:a@b.fr", "avenant n° 1", AT)


async def test_an_amendment_of_the_validity_moves_what_verdicts_read(office):
    amended = await _amend(office, last_day_of_use=date(2022, 3, 31), grace_days=31)
    programme = await find_programme(office.connection, office.programme_id)
    assert programme.last_day == date(2022, 5, 1) == amended.figures.last_day
    assert programme.expires_at == datetime(2022, 5, 1, 22, tzinfo=UTC), "midnight in Paris, in summer"
    assert amended.figures.last_claim_day == date(2022, 5, 1)


async def test_an_amendment_may_end_what_is_covered(office):
    kept = tuple(office.territories[:1])
    await _amend(office, territory_ids=kept)
    assert (await find_programme(office.connection, office.programme_id)).territory_ids == {*kept}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"of_version": 7, "grace_days": 3}, "amended meanwhile"),
        ({}, "nothing would change"),
        ({"in_force_from": date(2020, 1, 1), "grace_days": 3}, "in force from"),
        ({"in_force_from": date(2021, 9, 1), "grace_days": 3}, "take effect when they are recorded"),
    ],
)
async def test_an_amendment_that_cannot_be_changes_nothing(office, changes, told):
    before = await list_versions(office.connection, office.programme_id)
    with pytest.raises(AmendmentRefused, match=told):
        await _amend(office, **changes)
    assert await list_versions(office.connection, office.programme_id) == before


async def test_the_cap_never_falls_below_what_is_granted(office):
    await office.first_grant(office.territories[0])
    with pytest.raises(AmendmentRefused, match="50 passes are granted already"):
        await office.amend(stock_cap_passes=49)
    await office.amend(stock_cap_passes=50)


async def test_a_validity_or_a_calendar_changed_elsewhere_is_a_version_too(office):
    await amend_last_day(
        office.connection, office.programme_id, date(2022, 6, 30), reason="avenant", actor="tests"
    )
    await set_calendar(
        office.connection, office.programme_id, Calendar.MONTHLY, reason="demande", actor="tests"
    )
    versions = await list_versions(office.connection, office.programme_id)
    assert [one.version for one in versions] == [1, 2, 3]
    newest = versions[-1].figures
    assert (newest.last_day_of_use, newest.closing_calendar) == (date(2022, 6, 30), Calendar.MONTHLY)


@pytest.mark.parametrize("table", ["programme_rules", "grants", "deliveries", "restitutions", "orders"])
async def test_what_was_recorded_is_never_removed(office, instance, table):
    await office.stock(5)
    await office.deliver(await office.first_grant(office.territories[0]), 5)
    async with connected(instance.owner_dsn, purpose="tests") as owner:
        with pytest.raises(asyncpg.RestrictViolationError):
            await owner.execute(f"TRUNCATE {table} CASCADE")


async def test_rules_and_programme_cannot_be_made_to_differ(office, instance):
    async with connected(instance.owner_dsn, purpose="tests") as owner:
        with pytest.raises(asyncpg.CheckViolationError, match="amend the rules"):
            await owner.execute(
                "UPDATE programmes SET payment_delay_days = 3 WHERE id = $1", office.programme_id
            )


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 90)), min_size=1, max_size=6))
async def test_no_amendment_changes_what_any_day_before_it_had(open_office, steps):
    """steps: days after the last amendment, and days until it is in force."""
    office = await open_office()
    at = AT
    days = [AT.date() + timedelta(days=n) for n in range(-40, 500, 15)]
    for place, (later, ahead) in enumerate(steps):
        at += timedelta(days=later)
        before = {day: await rules_on(office.connection, office.programme_id, day) for day in days}
        newest = await newest_rules(office.connection, office.programme_id)
        in_force = max(at.date() + timedelta(days=ahead), newest.in_force_from)
        await _amend(
            office,
            of_version=place + 1,
            in_force_from=in_force,
            at=at,
            top_up_passes=21 + place,
        )
        for day, told in before.items():
            if day < in_force:
                assert await rules_on(office.connection, office.programme_id, day) == told


async def test_a_last_day_stays_within_a_calendar_that_days_are_counted_in(office):
    for day in (date(9999, 12, 31), date(1, 1, 1)):
        with pytest.raises(AmendmentRefused, match="between 2000-01-01 and 2999-12-31"):
            await _amend(office, last_day_of_use=day)
        with pytest.raises(asyncpg.CheckViolationError, match="programme_rules_last_day"):
            await amend_last_day(office.connection, office.programme_id, day, reason="essai", actor="tests")
