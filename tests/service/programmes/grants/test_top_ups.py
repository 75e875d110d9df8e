"""Grants and top-ups on the real record: proposed once, approved by a person, never past the cap."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.deliveries import dispatch, list_deliveries, restitute
from ledger.grant_rows import Condition, GrantKind, GrantRefused, GrantState, MeasureKind
from ledger.grants import list_grants, programme_granted, standing_of
from ledger.territory_measures import decide_measure, resume, withdraw_condition
from programmes.granting import Hindrance, is_late
from programmes.grants import GrantHindered, approve, propose, propose_due, refuse


async def _holdings(office, territory):
    standing = await standing_of(office.connection, office.programme_id, territory, day=office.now.date())
    return standing.holdings


async def _hindrance(doing):
    with pytest.raises(GrantHindered) as refused:
        await doing
    return refused.value.why


async def _due(office):
    return await propose_due(office.connection, at=office.now, programmes=frozenset({office.programme_id}))


async def test_the_first_grant_waits_for_its_four_conditions(office):
    here = office.territories[0]
    first = propose(office.connection, office.programme_id, here, actor="tests", at=office.now)
    assert await _hindrance(first) is Hindrance.CONDITIONS_MISSING
    granted = await office.first_grant(here)
    assert (granted.kind, granted.passes, granted.state) == (GrantKind.FIRST, 50, GrantState.APPROVED)
    assert granted.deliver_by == date(2021, 3, 29)
    again = propose(office.connection, office.programme_id, here, actor="tests", at=office.now)
    assert await _hindrance(again) is Hindrance.THRESHOLD_NOT_REACHED


async def test_a_condition_withdrawn_before_the_approval_hinders_it(office):
    here = office.territories[0]
    await office.ready(here)
    proposed = await propose(office.connection, office.programme_id, here, actor="tests", at=office.now)
    await withdraw_condition(
        office.connection,
        office.programme_id,
        here,
        Condition.PROJECT_LEAD,
        reason="parti",
        actor="tests",
        at=office.now,
    )
    assert await _hindrance(office.approve(proposed)) is Hindrance.CONDITIONS_MISSING


async def test_a_top_up_is_proposed_the_moment_the_threshold_is_consumed_and_once(office):
    here = office.territories[0]
    await office.stock(20)
    granted = await office.first_grant(here)
    await office.deliver(granted, 5)
    await office.scan(here, 25)
    assert await _due(office) == [], "scanned, and in no remittance yet: not consumed"
    await office.close()
    [top_up] = await _due(office)
    assert (top_up.kind, top_up.threshold_number, top_up.passes) == (GrantKind.TOP_UP, 1, 20)
    assert (top_up.held_passes, top_up.consumed_passes) == (50, 25)
    assert top_up.proposed_by == "threshold"
    assert await _due(office) == []
    told = await office.connection.fetch("SELECT kind FROM notices WHERE fact = $1", f"top_up:{top_up.id}")
    assert {row["kind"] for row in told} == {"top_up_proposed"}
    await office.approve(top_up)
    assert (await _holdings(office, here)).held == 70
    assert await _due(office) == [], "25 of 70 are consumed"


async def test_one_pass_below_the_threshold_proposes_nothing(office):
    here = office.territories[0]
    await office.stock(5)
    await office.deliver(await office.first_grant(here), 5)
    await office.scan(here, 24)
    await office.close()
    assert await _due(office) == []
    await office.scan(here, 1)
    await office.close()
    assert len(await _due(office)) == 1


async def test_what_a_person_refused_is_not_proposed_again_by_itself(office):
    here = office.territories[0]
    await office.stock(5)
    await office.deliver(await office.first_grant(here), 5)
    await office.scan(here, 30)
    await office.close()
    [top_up] = await _due(office)
    await refuse(
        office.connection,
        top_up.id,
        person_id=office.person_id,
        actor="tests",
        reason="bilan attendu",
        at=office.now,
    )
    assert await _due(office) == []
    asked = await propose(office.connection, office.programme_id, here, actor="account:x", at=office.now)
    assert asked.threshold_number == 1
    assert (await office.approve(asked)).state is GrantState.APPROVED


async def test_nothing_is_approved_after_the_deadline(office):
    here, there = office.territories[:2]
    for territory in (here, there):
        await office.ready(territory)
    at = office.now = datetime(2021, 10, 1, 21, 59, tzinfo=UTC)  # 23:59 in Paris
    one = await propose(office.connection, office.programme_id, here, actor="tests", at=at)
    other = await propose(office.connection, office.programme_id, there, actor="tests", at=at)
    await office.approve(one)
    office.now = at + timedelta(minutes=1)
    assert await _hindrance(office.approve(other)) is Hindrance.DEADLINE_PASSED
    with pytest.raises(asyncpg.RestrictViolationError, match="no grant after 2021-10-01"):
        await office.connection.execute(
            "UPDATE grants SET state = 'approved', decided_at = $2, decided_by = $3,"
            " deliver_by = '2021-12-31' WHERE id = $1",
            other.id,
            office.now,
            office.person_id,
        )


async def test_a_suspended_territory_gets_nothing_until_it_is_resumed(office):
    here = office.territories[0]
    await office.stock(10)
    granted = await office.first_grant(here)
    await office.deliver(granted, 3)
    await office.scan(here, 25)
    await office.close()
    [top_up] = await _due(office)
    facts = {"person_id": office.person_id, "actor": "tests", "at": office.now}
    with pytest.raises(GrantRefused, match="heard first"):
        await decide_measure(
            office.connection,
            office.programme_id,
            here,
            MeasureKind.SUSPENSION,
            heard_on=date(2021, 3, 2),
            hearing="à venir",
            reason="comptes non rendus",
            **facts,
        )
    await decide_measure(
        office.connection,
        office.programme_id,
        here,
        MeasureKind.SUSPENSION,
        heard_on=date(2021, 2, 26),
        hearing="Mme Roy, adjointe : les comptes viendront en avril.",
        reason="comptes non rendus",
        **facts,
    )
    assert await _hindrance(office.approve(top_up)) is Hindrance.SUSPENDED
    with pytest.raises(GrantRefused, match="suspended"):
        await dispatch(
            office.connection,
            granted.id,
            batch_id=office.batch.id,
            booklet_count=1,
            actor="tests",
            at=office.now,
        )
    await resume(office.connection, office.programme_id, here, reason="comptes reçus", **facts)
    assert (await office.approve(top_up)).state is GrantState.APPROVED


async def test_a_reduction_takes_off_only_what_was_not_dispatched(office):
    here = office.territories[0]
    await office.stock(10)
    granted = await office.first_grant(here)
    await office.deliver(granted, 3)
    facts = {
        "heard_on": date(2021, 2, 26),
        "hearing": "entendu",
        "reason": "peu de besoins",
        "person_id": office.person_id,
        "actor": "tests",
        "at": office.now,
    }
    with pytest.raises(GrantRefused, match="at most 20"):
        await decide_measure(
            office.connection, office.programme_id, here, MeasureKind.REDUCTION, passes=21, **facts
        )
    await decide_measure(
        office.connection, office.programme_id, here, MeasureKind.REDUCTION, passes=20, **facts
    )
    assert (await _holdings(office, here)).held == 30
    with pytest.raises(GrantRefused, match="were dispatched"):
        await dispatch(
            office.connection,
            granted.id,
            batch_id=office.batch.id,
            booklet_count=1,
            actor="tests",
            at=office.now,
        )


async def test_booklets_that_come_back_are_free_for_others_and_used_ones_stay(office):
    here, there = office.territories[:2]
    await office.stock(5)
    await office.deliver(await office.first_grant(here), 5)
    first = office.batch.first_booklet
    await office.scan(here, 1)
    give_back = {"reason": "rappel", "actor": "tests", "at": office.now}
    with pytest.raises(GrantRefused, match="handed out or begun"):
        await restitute(office.connection, office.programme_id, here, [first, first + 1], **give_back)
    with pytest.raises(GrantRefused, match="not at this territory"):
        await restitute(office.connection, office.programme_id, there, [first + 1], **give_back)
    assert (
        await restitute(office.connection, office.programme_id, here, [first + 4, first + 3], **give_back)
        == 20
    )
    holdings = await _holdings(office, here)
    assert (holdings.granted, holdings.held, holdings.restituted) == (50, 30, 20)
    assert await programme_granted(office.connection, office.programme_id) == 30
    sent = await office.deliver(await office.first_grant(there), 2)
    assert sent.passes == 20
    deliveries = await list_deliveries(office.connection, programme_id=office.programme_id)
    assert [one.restituted_booklets for one in deliveries] == [0, 2]


async def test_a_delivery_after_its_twenty_working_days_is_late(office):
    here = office.territories[0]
    await office.stock(5)
    granted = await office.first_grant(here)
    assert not is_late(granted, granted.deliver_by)
    assert is_late(granted, granted.deliver_by + timedelta(days=1))
    office.now = datetime(2021, 3, 30, 9, tzinfo=UTC)
    await office.deliver(granted, 5)
    [grant] = await list_grants(office.connection, office.programme_id)
    assert is_late(grant, date(2021, 12, 1)), "it arrived the day after"


async def test_no_grant_is_proposed_that_the_stock_could_not_hold(open_office):
    office = await open_office(stock_cap_passes=60)
    here, there = office.territories[:2]
    await office.first_grant(here)
    await office.ready(there)
    assert (
        await _hindrance(propose(office.connection, office.programme_id, there, actor="tests", at=office.now))
        is Hindrance.STOCK_EXHAUSTED
    )


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cap=st.integers(1, 9),
    territories=st.integers(2, 8),
    order=st.randoms(use_true_random=False),
)
async def test_eight_approvals_at_once_never_pass_the_cap(open_office, cap, territories, order):
    office = await open_office(territories=8, stock_cap_passes=1_000)
    proposed = []
    for territory in office.territories[:territories]:
        await office.ready(territory)
        proposed.append(
            await propose(office.connection, office.programme_id, territory, actor="tests", at=office.now)
        )
    await office.amend(stock_cap_passes=cap * 50)
    order.shuffle(proposed)

    async def approve_one(grant):
        async with office.another_hand() as connection:
            return await approve(
                connection, grant.id, person_id=office.person_id, actor="tests", at=office.now
            )

    answers = await asyncio.gather(*(approve_one(grant) for grant in proposed), return_exceptions=True)
    refused = [one.why for one in answers if isinstance(one, GrantHindered)]
    approved = min(cap, territories)
    assert refused == [Hindrance.STOCK_EXHAUSTED] * (territories - approved)
    assert await programme_granted(office.connection, office.programme_id) == 50 * approved


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("scan"), st.integers(1, 15)),
        st.sampled_from([("close", 0), ("look", 0), ("approve", 0), ("refuse", 0)]),
    ),
    min_size=6,
    max_size=24,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
async def test_a_threshold_has_one_top_up_whatever_the_order_of_scans_and_closings(open_office, steps):
    office = await open_office(stock_cap_passes=None)
    here = office.territories[0]
    await office.stock(12)
    first = await office.first_grant(here)
    await office.deliver(first, 5)
    scanned = consumed = 0
    held, number, waiting, refused = 50, 1, [], set()
    for step, passes in [*steps, ("close", 0), ("look", 0)]:
        match step:
            case "scan" if scanned + passes <= 50:
                await office.scan(here, passes)
                scanned += passes
            case "close":
                await office.close()
                consumed = scanned
            case "look":
                due = consumed * 2 >= held and not waiting and number not in refused
                found = await _due(office)
                assert [one.threshold_number for one in found] == [number] * due
                waiting += found
            case "approve" if waiting:
                await office.approve(waiting.pop())
                held, number = held + 20, number + 1
            case "refuse" if waiting:
                grant = waiting.pop()
                facts = {"person_id": office.person_id, "actor": "tests", "at": office.now}
                await refuse(office.connection, grant.id, reason="bilan attendu", **facts)
                refused.add(number)
        holdings = await _holdings(office, here)
        assert (holdings.held, holdings.consumed) == (held, consumed)
    live = [one for one in await list_grants(office.connection, office.programme_id)
            if one.state is not GrantState.REFUSED]  # fmt: skip
    assert len({one.threshold_number for one in live}) == len(live)


async def test_eight_who_look_at_once_propose_a_top_up_once(office):
    here, there = office.territories[:2]
    await office.stock(10)
    for territory in (here, there):
        await office.deliver(await office.first_grant(territory), 5)
        await office.scan(territory, 25)
    await office.close()

    async def look():
        async with office.another_hand() as connection:
            return await propose_due(connection, at=office.now, programmes=frozenset({office.programme_id}))

    proposed = [grant for grants in await asyncio.gather(*(look() for _ in range(8))) for grant in grants]
    assert sorted(grant.territory_id for grant in proposed) == [here, there]
