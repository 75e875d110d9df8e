"""The figures of the real conventions, lived on the real record: Grand Paris, first call."""

import asyncio
from collections import Counter
from datetime import UTC, date, datetime

from ledger.grants import programme_granted, standing_of
from ledger.remittances import close_remittance
from ledger.rule_rows import Figures
from programmes.granting import Hindrance, stock_warning
from programmes.grants import GrantHindered, approve, propose, propose_due

MUNICIPALITIES = 34
GRAND_PARIS = {
    "stock_cap_passes": 155_000,
    "first_grant_passes": 5_000,
    "top_up_passes": 2_500,
    "threshold_percent": 50,
    "grant_deadline": date(2021, 10, 1),
}


async def _approved(office, grants):
    """All at once, each by a hand of its own: what hinders those that are not approved."""

    async def one(grant):
        async with office.another_hand() as connection:
            who = {"person_id": office.person_id, "actor": "tests", "at": office.now}
            return await approve(connection, grant.id, **who)

    told = await asyncio.gather(*(one(grant) for grant in grants), return_exceptions=True)
    assert all(isinstance(one, GrantHindered) for one in told if isinstance(one, BaseException)), told
    return Counter(one.why for one in told if isinstance(one, GrantHindered))


async def test_34_municipalities_share_155_000_passes_31_first_grants_and_not_one_more(open_office):
    office = await open_office(territories=MUNICIPALITIES, **(GRAND_PARIS | {"stock_cap_passes": None}))
    proposed = []
    for territory in office.territories:
        await office.ready(territory)
        proposed.append(
            await propose(office.connection, office.programme_id, territory, actor="tests", at=office.now)
        )
    await office.amend(stock_cap_passes=155_000)
    refused = Counter()
    for place in range(0, MUNICIPALITIES, 8):
        refused += await _approved(office, proposed[place : place + 8])
    assert refused == {Hindrance.STOCK_EXHAUSTED: 3}
    granted = await programme_granted(office.connection, office.programme_id)
    assert granted == 31 * 5_000 == 155_000
    assert stock_warning(granted, Figures(date(2022, 1, 31), stock_cap_passes=155_000)) == 90


async def test_2_500_of_5_000_bring_2_500_and_then_3_750_of_7_500_until_the_evening_of_1_october(open_office):
    """500 booklets, of which a hundred passes are taken at a time; the operator closes what it likes."""
    office = await open_office(territories=1, **GRAND_PARIS)
    [here] = office.territories
    await office.stock(500)
    await office.deliver(await office.first_grant(here), 500)

    async def consumed(passes):
        await office.scan(here, passes)
        closed = await close_remittance(
            office.connection, 1, at=office.now, actor="tests", certified_by=None, certification="certifié"
        )
        assert closed.remittance.line_count == passes
        return await propose_due(
            office.connection, at=office.now, programmes=frozenset({office.programme_id})
        )

    assert await consumed(2_499) == []
    [first] = await consumed(1)
    assert (first.passes, first.consumed_passes, first.held_passes) == (2_500, 2_500, 5_000)
    await office.approve(first)
    assert await consumed(1_249) == []
    office.now = datetime(2021, 10, 1, 21, 59, 59, tzinfo=UTC)  # a second before midnight in Paris
    [second] = await consumed(1)
    assert (second.passes, second.consumed_passes, second.held_passes) == (2_500, 3_750, 7_500)
    office.now = datetime(2021, 10, 1, 22, tzinfo=UTC)
    assert await _approved(office, [second]) == {Hindrance.DEADLINE_PASSED: 1}
    standing = await standing_of(office.connection, office.programme_id, here, day=date(2021, 10, 2))
    assert (standing.holdings.held, standing.holdings.consumed) == (7_500, 3_750)
