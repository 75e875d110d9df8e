"""Corrections are netted in the next remittance while it bears them; a dispute holds its line and no more."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from ledger.book_rows import funds_of, owed_to
from ledger.books import balance_of
from ledger.correction_rows import CorrectionCause, DisputeOutcome
from ledger.corrections import CorrectionRefused, claim_correction, decide_correction, waiting_corrections
from ledger.disputes import (
    DisputeRefused,
    correct_dispute,
    disputes_of,
    held_disputes,
    open_dispute,
    release_dispute,
)

PORTIONS = """
SELECT portion = 0, programme_id, amount_cents FROM remittance_portions
WHERE operator_id = $1 AND number = $2 ORDER BY portion, programme_id"""


@pytest.fixture
async def account(house):
    async with house.database() as connection:
        return await connection.fetchval(
            "WITH p AS (INSERT INTO persons (name) VALUES ('Mandataire') RETURNING id)"
            " INSERT INTO accounts (email, person_id, password_hash)"
            " SELECT $1, p.id, '$argon2id$x' FROM p RETURNING id",
            f"{uuid.uuid4()}@example.org",
        )


@pytest.fixture
async def programme_id(house):
    return await house.programme(funds_cents=1_000_000)


@pytest.fixture
async def device(house, programme_id):
    device = await house.operator()
    await house.qualify(programme_id, device)
    return device


async def _close(house, device, programme_id, count):
    for one in await house.passes(count, programme_id=programme_id):
        assert (await house.scan(one.qr, device=device)).verdict == "accepted"
    answer = await house.call("POST", "/v1/remittances", json={}, device=device)
    assert answer.status == 201
    return answer.body["number"]


@pytest.fixture
def decide(house, device, programme_id, account):
    async def decide(amount_cents, cause=CorrectionCause.ERROR, **other):
        wanted = {
            "operator_id": device.operator_id,
            "programme_id": programme_id,
            "reason": "deux pass comptés deux fois",
            "decided_by": account,
            "actor": "tests",
            "at": datetime.now(UTC),
        }
        async with house.database() as connection:
            return await decide_correction(
                connection, amount_cents=amount_cents, cause=cause, **(wanted | other)
            )

    return decide


async def _owed(house, device, programme_id):
    async with house.database() as connection:
        return -await balance_of(connection, owed_to(device.operator_id, by_programme=programme_id))


async def _portions(house, device, number):
    async with house.database() as connection:
        rows = await connection.fetch(PORTIONS, device.operator_id, number)
    return [(row[0], row[2]) for row in rows]


async def test_a_deduction_is_netted_in_the_next_remittance_and_its_money_goes_back(
    house, device, programme_id, decide
):
    await decide(-2_000)
    number = await _close(house, device, programme_id, 5)
    assert await _owed(house, device, programme_id) == 3_000
    assert await _portions(house, device, number) == [(True, 3_000)]
    async with house.database() as connection:
        assert await waiting_corrections(connection, device.operator_id) == []


async def test_what_does_not_fit_waits_with_its_youngers_and_a_gift_does_not(
    house, device, programme_id, decide
):
    big, small, gift = await decide(-6_000), await decide(-500), await decide(700, CorrectionCause.GOODWILL)
    number = await _close(house, device, programme_id, 5)
    assert await _portions(house, device, number) == [(True, 5_700)]
    async with house.database() as connection:
        waiting = await waiting_corrections(connection, device.operator_id)
    assert [one.id for one in waiting] == [big.id, small.id]
    assert gift.amount_cents == 700
    number = await _close(house, device, programme_id, 7)
    assert await _portions(house, device, number) == [(True, 500)]


async def test_a_remittance_may_net_to_nothing_and_then_nothing_is_to_be_paid(
    house, device, programme_id, decide
):
    await decide(-3_000)
    number = await _close(house, device, programme_id, 3)
    assert await _portions(house, device, number) == []
    assert await _owed(house, device, programme_id) == 0


async def test_a_gift_waits_for_money_that_is_there(house, device, decide):
    poor = await house.programme(funds_cents=10_000)
    await house.qualify(poor, device)
    await decide(1, CorrectionCause.GOODWILL, programme_id=poor)
    number = await _close(house, device, poor, 1)
    assert await _portions(house, device, number) == [(True, 1_000)]
    async with house.database() as connection:
        [waiting] = await waiting_corrections(connection, device.operator_id)
    assert waiting.amount_cents == 1


async def test_a_deduction_of_one_programme_takes_nothing_of_another(house, device, programme_id, decide):
    await decide(-1_000, programme_id=house.programme_id)
    number = await _close(house, device, programme_id, 2)
    assert await _portions(house, device, number) == [(True, 2_000)]


async def test_a_claimed_deduction_is_netted_no_more(house, device, programme_id, decide, account):
    one = await decide(-9_000, CorrectionCause.FRAUD)
    async with house.database() as connection:
        how = {"decided_by": account, "actor": "tests", "at": datetime.now(UTC)}
        assert (await claim_correction(connection, one.id, **how)).claimed_at is not None
        with pytest.raises(CorrectionRefused, match="waits no more"):
            await claim_correction(connection, one.id, **how)
    number = await _close(house, device, programme_id, 10)
    assert await _portions(house, device, number) == [(True, 10_000)]


async def test_nothing_is_decided_without_a_reason_an_amount_or_about_a_stranger(decide):
    for wrong in (
        {"reason": " "},
        {"amount_cents": 0},
        {"operator_id": 99_999},
        {"attempt_id": uuid.uuid4()},
    ):
        with pytest.raises(CorrectionRefused):
            await decide(wrong.pop("amount_cents", -1), **wrong)


async def test_eight_closings_at_once_net_a_correction_once(house, twin, device, programme_id, decide):
    await decide(-2_500)
    for one in await house.passes(5, programme_id=programme_id):
        await house.scan(one.qr, device=device)
    clients = (house.client, twin)
    answers = await asyncio.gather(
        *(
            house.call("POST", "/v1/remittances", json={}, device=device, client=clients[n % 2])
            for n in range(8)
        )
    )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 7
    assert await _owed(house, device, programme_id) == 2_500


@pytest.fixture
def dispute(house, device, account):
    async def dispute(number, line, **other):
        wanted = {"reason": "pass présenté deux fois", "opened_by": account, "actor": "tests"}
        async with house.database() as connection:
            return await open_dispute(
                connection,
                operator_id=device.operator_id,
                number=number,
                line=line,
                at=datetime.now(UTC),
                **(wanted | other),
            )

    return dispute


@pytest.fixture
def resolving(account):
    return {
        "resolved_by": account,
        "reason": "vu avec la structure",
        "actor": "tests",
        "at": datetime.now(UTC),
    }


async def test_a_dispute_holds_its_line_and_the_rest_is_payable(house, device, programme_id, dispute):
    number = await _close(house, device, programme_id, 4)
    held = await dispute(number, 2)
    assert (held.amount_cents, held.outcome) == (1_000, None)
    assert await _portions(house, device, number) == [(True, 3_000)]
    assert await _owed(house, device, programme_id) == 4_000
    async with house.database() as connection:
        assert [one.id for one in await held_disputes(connection, device.operator_id)] == [held.id]


async def test_a_released_line_is_a_portion_of_its_own(house, device, programme_id, dispute, resolving):
    number = await _close(house, device, programme_id, 4)
    held = await dispute(number, 2)
    async with house.database() as connection:
        released = await release_dispute(connection, held.id, **resolving)
        with pytest.raises(DisputeRefused, match="released already"):
            await release_dispute(connection, held.id, **resolving)
    assert released.outcome is DisputeOutcome.RELEASED
    assert await _portions(house, device, number) == [(True, 3_000), (False, 1_000)]


async def test_a_corrected_line_goes_back_to_the_funds_at_once(
    house, device, programme_id, dispute, resolving
):
    number = await _close(house, device, programme_id, 4)
    held = await dispute(number, 2)
    async with house.database() as connection:
        before = await balance_of(connection, funds_of(programme_id))
        await correct_dispute(connection, held.id, cause=CorrectionCause.FRAUD, **resolving)
        assert await balance_of(connection, funds_of(programme_id)) == before - 1_000
        assert [one.outcome for one in await disputes_of(connection, device.operator_id, number)] == [
            "corrected"
        ]
        assert await waiting_corrections(connection, device.operator_id) == []
    assert await _portions(house, device, number) == [(True, 3_000)]
    assert await _owed(house, device, programme_id) == 3_000


async def test_a_line_is_disputed_once_and_no_more_is_held_than_is_owed(
    house, device, programme_id, dispute, decide
):
    await decide(-2_500)
    number = await _close(house, device, programme_id, 3)
    with pytest.raises(DisputeRefused, match="owes 500 c"):
        await dispute(number, 1)
    with pytest.raises(DisputeRefused, match="no remittance"):
        await dispute(number, 9)
    number = await _close(house, device, programme_id, 2)
    await dispute(number, 1)
    with pytest.raises(DisputeRefused, match="disputed before"):
        await dispute(number, 1)


CHANGES = {
    "an amount": "UPDATE corrections SET amount_cents = 5 WHERE operator_id = $1",
    "a reason": "UPDATE corrections SET reason = 'autre' WHERE operator_id = $1",
    "a correction taken out": "UPDATE corrections SET remittance_number = NULL WHERE operator_id = $1",
    "a correction removed": "DELETE FROM corrections WHERE operator_id = $1",
    "a correction added to a closed remittance": """INSERT INTO corrections (operator_id, programme_id,
        amount_cents, cause, reason, decided_by, decided_at, remittance_number, entry)
        SELECT operator_id, programme_id, -1, cause, reason, decided_by, decided_at, 1, 1 FROM corrections
        WHERE operator_id = $1""",
    "what a dispute holds": "UPDATE disputes SET amount_cents = 1 WHERE operator_id = $1",
    "a dispute removed": "DELETE FROM disputes WHERE operator_id = $1",
    "a dispute of more than its line": """INSERT INTO disputes
        (operator_id, number, line, programme_id, amount_cents, reason, opened_by, opened_at)
        SELECT operator_id, number, 2, programme_id, amount_cents + 1, reason, opened_by, opened_at
        FROM disputes WHERE operator_id = $1""",
}


@pytest.mark.parametrize("what", CHANGES)
async def test_the_record_refuses_to_change_what_was_decided_even_to_its_owner(
    house, device, programme_id, decide, dispute, what
):
    await decide(-1_000)
    await dispute(await _close(house, device, programme_id, 4), 1)
    async with house.as_owner() as connection:
        with pytest.raises((asyncpg.RestrictViolationError, asyncpg.UniqueViolationError)):
            await connection.execute(CHANGES[what], device.operator_id)


async def test_a_late_decision_never_reaches_a_closing_of_before(house, device, programme_id, decide):
    number = await _close(house, device, programme_id, 2)
    await decide(-500, at=datetime.now(UTC) - timedelta(days=9))
    assert await _portions(house, device, number) == [(True, 2_000)]


async def test_the_operator_reads_each_deduction_and_its_reason(
    house, device, programme_id, decide, dispute, account, resolving
):
    async def read(path):
        return (await house.call("GET", path, device=device)).body

    await decide(-1_500)
    await decide(-90_000, CorrectionCause.FRAUD, reason="atelier qui n\u2019a pas eu lieu")
    number = await _close(house, device, programme_id, 4)
    held, corrected = await dispute(number, 1), await dispute(number, 2)
    async with house.database() as connection:
        await correct_dispute(connection, corrected.id, cause=CorrectionCause.ERROR, **resolving)
    money = await read("/v1/money")
    assert [one["reason"] for one in money["corrections_pending"]] == ["atelier qui n\u2019a pas eu lieu"]
    assert [(one["id"], one["reason"]) for one in money["disputes_held"]] == [
        (held.id, "pass présenté deux fois")
    ]
    told = await read(f"/v1/remittances/{number}")
    assert (told["total_cents"], told["payable_cents"]) == (4_000, 2_500)
    assert [one["reason"] for one in told["corrections"]] == ["deux pass comptés deux fois"]
    assert [(one["outcome"], one["resolution"]) for one in told["disputes"]] == [
        (None, None),
        ("corrected", "vu avec la structure"),
    ]
    async with house.client.get(f"/v1/remittances/{number}.pdf", headers=device.headers) as response:
        assert response.status == 200
