"""Applications: received, decided with a reason, appealed against, decided again by another person."""

from datetime import date, timedelta

import asyncpg
import pytest

from ledger.application_rows import ApplicationRefused, AppliedSite, Decision, Stage
from ledger.applications import (
    appeal,
    current_criteria,
    decide,
    find_application,
    list_applications,
    publish_criteria,
    receive_application,
)
from ledger.contacts import list_addresses
from ledger.notices import recent_notices
from ledger.parties import find_operator
from ledger.site_details import own_sites, places_on, read_details
from ledger.structures import list_qualifications

TERRITORY = {"Atelier du Pont": 1}


@pytest.fixture
def judge(connection, now, judges):
    async def decided(number, decision=Decision.REFUSED, *, person_id=None, at=None, **more):
        return await decide(
            connection,
            number,
            decision,
            reason="Motif de la décision.",
            person_id=person_id or judges.first,
            actor="tests",
            at=at or now,
            **more,
        )

    return decided


async def test_an_application_is_numbered_and_its_sender_is_written_to(connection, an_application, now):
    number = await receive_application(connection, an_application(), at=now)
    [told] = await recent_notices(connection)
    assert (told.address, told.payload["application"]) == ("contact@pont.example", number)
    [waiting] = await list_applications(connection)
    assert (waiting.stage, waiting.told) == (Stage.RECEIVED, an_application())


async def test_an_organisation_has_one_application_at_a_time(connection, an_application, now, judge):
    number = await receive_application(connection, an_application(), at=now)
    with pytest.raises(ApplicationRefused, match="waits for its decision"):
        await receive_application(connection, an_application(), at=now)
    await judge(number)
    assert await receive_application(connection, an_application(), at=now) > number


async def test_an_accepted_application_makes_the_operator_its_place_and_its_qualification_at_once(
    connection, an_application, now, judge, instance
):
    number = await receive_application(connection, an_application(), at=now)
    done = await judge(number, Decision.ACCEPTED, territory_of=TERRITORY, ends_on=date(2027, 6, 30))
    assert done.stage is Stage.ACCEPTED
    operator_id = await find_operator(connection, "99900004500016")
    assert done.operator_id == operator_id
    [site] = await own_sites(connection, operator_id)
    assert (await read_details(connection, site.id)).commune == "Reims"
    [qualification] = await list_qualifications(connection, operator_id)
    assert (qualification.starts_on, qualification.ends_on) == (date(2026, 11, 21), date(2027, 6, 30))
    assert [one.address for one in await list_addresses(connection, operator_id=operator_id)] == [
        "contact@pont.example"
    ]
    assert site.id in {place.site_id for place in await places_on(connection, now=now)}


async def test_a_site_whose_territory_was_not_chosen_leaves_nothing_half_done(
    connection, an_application, now, judge
):
    sites = (*an_application().sites, AppliedSite("Annexe", "1 rue Haute", "51100", "Reims"))
    number = await receive_application(connection, an_application(sites=sites), at=now)
    with pytest.raises(ApplicationRefused, match="territory of Annexe"):
        await judge(number, Decision.ACCEPTED, territory_of=TERRITORY)
    assert await find_operator(connection, "99900004500016") is None
    assert (await find_application(connection, number)).stage is Stage.RECEIVED


async def test_an_operator_that_is_there_already_gets_its_new_sites_only(
    connection, an_application, now, judge
):
    first = await receive_application(connection, an_application(), at=now)
    done = await judge(first, Decision.ACCEPTED, territory_of=TERRITORY, ends_on=date(2026, 12, 31))
    sites = (*an_application().sites, AppliedSite("Annexe", "1 rue Haute", "51100", "Reims"))
    later = now + timedelta(days=60)
    second = await receive_application(connection, an_application(sites=sites), at=later)
    again = await judge(
        second, Decision.ACCEPTED, at=later, territory_of={"Annexe": 1}, ends_on=date(2027, 12, 31)
    )
    assert again.operator_id == done.operator_id
    assert [site.name for site in await own_sites(connection, done.operator_id)] == [
        "Annexe",
        "Atelier du Pont",
    ]


async def test_a_period_that_is_covered_already_is_not_qualified_twice(
    connection, an_application, now, judge
):
    first = await receive_application(connection, an_application(), at=now)
    await judge(first, Decision.ACCEPTED, territory_of=TERRITORY)
    second = await receive_application(connection, an_application(), at=now)
    with pytest.raises(ApplicationRefused, match="qualified already"):
        await judge(second, Decision.ACCEPTED, territory_of=TERRITORY)


async def test_an_appeal_is_decided_by_another_person_and_then_it_is_final(
    connection, an_application, now, judge, judges
):
    number = await receive_application(connection, an_application(), at=now)
    await judge(number)
    await appeal(connection, number, "Nous avons recruté.", actor="tests", at=now)
    with pytest.raises(ApplicationRefused, match="another person"):
        await judge(number, person_id=judges.first)
    final = await judge(number, person_id=judges.second)
    assert final.stage is Stage.APPEAL_REFUSED
    with pytest.raises(ApplicationRefused, match="nothing to decide"):
        await judge(number, person_id=judges.second)
    with pytest.raises(ApplicationRefused, match="no appeal"):
        await appeal(connection, number, "Encore", actor="tests", at=now)
    told = [one.payload for one in reversed(await recent_notices(connection))][1:]
    assert [one["step"] for one in told] == ["decision", "appeal"]
    assert [one["appeal_until"] for one in told] == ["2027-01-20", None]


async def test_an_appeal_that_is_won_qualifies(connection, an_application, now, judge, judges):
    number = await receive_application(connection, an_application(), at=now)
    await judge(number)
    await appeal(connection, number, "Nous avons recruté.", actor="tests", at=now)
    done = await judge(number, Decision.ACCEPTED, person_id=judges.second, territory_of=TERRITORY)
    assert (done.stage, done.decision) == (Stage.ACCEPTED, Decision.REFUSED)


async def test_an_appeal_is_made_until_its_last_day_in_paris(connection, an_application, now, judge):
    number = await receive_application(connection, an_application(), at=now)
    refused = await judge(number)
    assert refused.appeal_until == date(2027, 1, 20)
    evening = now.replace(year=2027, month=1, day=20, hour=22, minute=59)
    with pytest.raises(ApplicationRefused, match="last day"):
        await appeal(connection, number, "Trop tard", actor="tests", at=evening + timedelta(minutes=1))
    await appeal(connection, number, "À temps", actor="tests", at=evening)


async def test_the_record_itself_refuses_one_person_for_both_decisions_and_any_second_thought(
    connection, an_application, now, judge, judges, superuser
):
    number = await receive_application(connection, an_application(), at=now)
    await judge(number)
    await appeal(connection, number, "Nous avons recruté.", actor="tests", at=now)
    with pytest.raises(asyncpg.CheckViolationError):
        await superuser.execute(
            "UPDATE applications SET appeal_decision = 'refused', appeal_decided_at = now(),"
            " appeal_decided_by = decided_by, appeal_reason = 'x'"
        )
    for change in ("reason = 'autre'", "siret = '99900001100018'", "decision = 'accepted', operator_id = 1"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await superuser.execute(f"UPDATE applications SET {change}")


async def test_criteria_are_published_by_version_and_never_change(connection, an_application, superuser, now):
    first = await current_criteria(connection)
    version = await publish_criteria(connection, ["Un seul"], actor="tests", at=now)
    assert (await current_criteria(connection)).items == ("Un seul",)
    assert await current_criteria(connection, first.version) == first
    assert version == first.version + 1
    with pytest.raises(asyncpg.RestrictViolationError):
        await superuser.execute("UPDATE application_criteria SET items = '{x}'")
