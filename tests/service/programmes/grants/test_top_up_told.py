"""A top-up that the threshold proposes is told once, to the funder, in the transaction that proposes it."""

from ledger.notices import recent_notices
from programmes.grants import propose_due


async def test_a_proposed_top_up_is_told_once_with_what_was_consumed(office):
    here = office.territories[0]
    grant = await office.first_grant(here)
    await office.stock(5)
    await office.deliver(grant, 5)
    await office.scan(here, 25)
    await office.close()
    for _ in range(2):
        await propose_due(office.connection, at=office.now, programmes=frozenset({office.programme_id}))
    [told] = [one for one in await recent_notices(office.connection) if one.kind == "top_up_proposed"]
    assert told.programme_id == office.programme_id
    assert (told.payload["consumed"], told.payload["held"]) == (25, 50)
