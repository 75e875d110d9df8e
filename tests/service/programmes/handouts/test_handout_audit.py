"""The audit finds nothing wrong with hand-outs and replacements, and finds what a hand does to them."""

from datetime import UTC, datetime

import pytest

from ledger.audit import QUERIES
from ledger.audit_handouts import HANDOUT_CHECKS
from ledger.replacements import replace_booklet
from ledger.rows import CancelCause

TAMPERED = {
    "nobody_takes_what_they_handed_out": "INSERT INTO co_prescriptions VALUES ($1, $2)",
    "handouts_bar_their_person": "UPDATE booklets SET prescribed_by = $2 WHERE number = $1",
    "handouts_have_events": "DELETE FROM events WHERE subject = 'booklet:' || $1::bigint AND $2 > 0",
    "replacements_agree": "UPDATE replacements SET passes = 10 WHERE old_booklet = $1 AND $2 > 0",
    "custody_follows_transfers": """
        UPDATE booklet_custody SET prescriber_id = NULL WHERE booklet = $1 AND $2 > 0""",
}


def test_the_audit_asks_all_of_it():
    assert set(HANDOUT_CHECKS) <= set(QUERIES)
    assert set(TAMPERED) == set(HANDOUT_CHECKS)


@pytest.mark.parametrize("check", sorted(HANDOUT_CHECKS))
async def test_what_a_hand_does_to_the_record_is_found(house, open_desk, give, codes_of, check):
    desk = await open_desk()
    number, taker = desk.booklets[0], house.devices[0]
    await give(desk)
    assert (await house.scan((await codes_of(number))[0].qr, device=taker)).verdict == "accepted"
    async with house.database() as connection:
        how = {"at": datetime.now(UTC), "actor": "tests", "reason": "perdu"}
        await replace_booklet(connection, number, cause=CancelCause.LOST, **how)

    async def found(connection) -> bool:
        rows = await connection.fetch(HANDOUT_CHECKS[check])
        return any(row[0].startswith(f"booklet {number}") for row in rows)

    async with house.as_superuser() as connection:
        assert not await found(connection)
        tampering = connection.transaction()
        await tampering.start()
        await connection.execute("SET LOCAL session_replication_role = replica")
        await connection.execute(TAMPERED[check], number, taker.mediator_id)
        assert await found(connection)
        await tampering.rollback()
