"""Operators are told of their transfers by what the bank says; a suspended one is paid later, to the cent."""

import asyncpg
import pytest

from ledger.contacts import add_address
from ledger.holds import find_hold, hold_operator, release_operator
from ledger.notice_corrections import WITHDRAWN
from ledger.notice_rows import NoticeKind, NoticeState
from ledger.notices import begin_sending, end_sending, recent_notices
from ledger.payout_rows import BatchState, LeftOut, PayoutRefused
from ledger.remittances import list_remittances
from ledger.webhooks import add_webhook
from loadtests.model_bank import Style
from loadtests.payout_drill import open_drill
from payouts.preparing import payable_now
from payouts.reconciling import reconcile
from programmes.notices.letters import letter_of

ADDRESS = "compta@fabrique.example"
WHY = {"actor": "tests", "reason": "contrôle en cours"}


@pytest.fixture
async def drill(connection, instance):
    return await open_drill(connection, instance.programme_id, booklets=3)


async def released(drill):
    """A batch of all that is owed, approved and given to the bank."""
    await drill.prepare()
    [batch] = await drill.batches(BatchState.DRAFT)
    await drill.approve(batch)
    [batch] = await drill.batches(BatchState.APPROVED)
    await drill.give_file(batch)
    await drill.mark_sent(batch)
    return batch


async def facts(connection, kind):
    return [one for one in reversed(await recent_notices(connection)) if one.kind == kind]


async def test_an_operator_is_told_that_its_transfer_left_and_later_that_it_came_back(drill, connection):
    operator_id = drill.operators[0]
    await drill.close(operator_id, 3)
    batch = await released(drill)
    drill.bank.debit(batch.message_id, Style.EACH)
    await drill.deliver(drill.bank.close_day())
    for _ in range(2):
        await reconcile(connection, actor="tests", now=drill.now)
    [paid] = await facts(connection, "paid")
    assert (paid.operator_id, paid.payload["amount_cents"], paid.payload["remittance"]) == (
        operator_id,
        3_000,
        1,
    )
    drill.bank.give_back(drill.bank.orders[batch.message_id], Style.EACH)
    await drill.deliver(drill.bank.close_day())
    await reconcile(connection, actor="tests", now=drill.now)
    [returned] = await facts(connection, "returned")
    assert returned.fact == f"returned:BR-{operator_id}-1-1"
    assert [one.payload["change"] for one in await facts(connection, "bank_account_changed")][-1] == "block"


async def paid_line(drill, connection) -> int:
    """A transfer of the first operator, on the bank's statement: the line's number."""
    await drill.close(drill.operators[0], 1)
    batch = await released(drill)
    drill.bank.debit(batch.message_id, Style.EACH)
    await drill.deliver(drill.bank.close_day())
    await reconcile(connection, actor="tests", now=drill.now)
    return await connection.fetchval("SELECT bank_line_id FROM matches")


async def told(connection) -> list[tuple[str, str, str]]:
    rows = await connection.fetch("SELECT fact, state, coalesce(error, '') FROM notices ORDER BY id")
    return [tuple(row) for row in rows if row["fact"].startswith(("paid", "corrected"))]


async def test_a_notice_that_has_not_left_is_withdrawn_with_its_payment_and_told_when_found_again(
    drill, connection
):
    await add_address(connection, ADDRESS, operator_id=drill.operators[0], actor="tests", at=drill.now)
    await drill.undo(await paid_line(drill, connection))
    key = f"paid:BR-{drill.operators[0]}-1-1"
    assert await told(connection) == [(key, "dropped", WITHDRAWN)]
    [(line, ids, _, _)] = await drill.open()
    await drill.confirm(line, ids)
    assert await told(connection) == [(key, "dropped", WITHDRAWN), (f"{key}:2", "waiting", "")]


async def test_a_notice_that_left_is_corrected_at_its_address_and_its_systems_hear_it_too(drill, connection):
    operator_id = drill.operators[0]
    await add_address(connection, ADDRESS, operator_id=operator_id, actor="tests", at=drill.now)
    await add_webhook(
        connection, url="https://compta.example/avis", seal_name=bytes(16), sealed_secret=bytes(64),
        kinds=[NoticeKind.PAID], operator_id=operator_id, actor="tests", at=drill.now,
    )  # fmt: skip
    line_id = await paid_line(drill, connection)
    [notice] = await facts(connection, "paid")
    assert await begin_sending(connection, notice.id, at=drill.now)
    await end_sending(connection, notice.id, NoticeState.SENT, at=drill.now, next_at=drill.now)
    await add_address(
        connection, "autre@fabrique.example", operator_id=operator_id, actor="tests", at=drill.now
    )
    await drill.undo(line_id)
    [corrected] = await facts(connection, "transfer_corrected")
    assert (corrected.address, corrected.state) == (ADDRESS, "waiting")
    letter = letter_of(corrected.kind, corrected.payload, corrected.audience)
    assert "la banque ne l’a pas encore confirmé" in " ".join(letter.paragraphs)
    calls = await connection.fetch("SELECT kind FROM webhook_calls ORDER BY id")
    assert [row["kind"] for row in calls] == ["paid", "transfer_corrected"]
    [(line, ids, _, _)] = await drill.open()
    await drill.confirm(line, ids)
    key = f"paid:BR-{operator_id}-1-1"
    states = {(fact, state) for fact, state, _ in await told(connection)}
    assert states == {(key, "sent"), (f"corrected:{key}", "waiting"), (f"{key}:2", "waiting")}


async def test_a_rejected_transfer_is_told_as_one_that_did_not_arrive(drill, connection):
    operator_id = drill.operators[0]
    await drill.close(operator_id, 2)
    batch = await released(drill)
    await drill.deliver(drill.bank.reject(drill.bank.orders[batch.message_id]))
    await reconcile(connection, actor="tests", now=drill.now)
    [told] = await facts(connection, "returned")
    assert (told.operator_id, told.payload["amount_cents"]) == (operator_id, 2_000)
    assert not await facts(connection, "paid")


async def test_what_a_held_operator_is_owed_waits_and_is_paid_after_its_release(drill, connection):
    held, other = drill.operators[:2]
    await drill.close(held, 3)
    await drill.close(other, 2)
    assert await hold_operator(connection, held, at=drill.now, **WHY)
    assert not await hold_operator(connection, held, at=drill.now, **WHY)
    found = await payable_now(connection, now=drill.now)
    assert [one.operator_id for one in found.payable] == [other]
    assert [(one.owed.operator_id, one.why) for one in found.left_out] == [(held, LeftOut.HELD)]
    [waiting], _ = await list_remittances(connection, held, limit=1, offset=0)
    assert waiting.total_cents == 3_000, "closed, owed and not lost"
    await drill.hold()
    await release_operator(connection, held, at=drill.now, **WHY)
    assert await find_hold(connection, held) is None
    batch = await released(drill)
    assert (batch.transfer_count, batch.total_cents) == (2, 5_000)
    with pytest.raises(PayoutRefused, match="not held"):
        await release_operator(connection, held, at=drill.now, **WHY)


async def test_a_draft_that_names_an_operator_held_since_is_not_approved_by_anybody(
    drill, connection, superuser
):
    await drill.close(drill.operators[0], 1)
    await drill.prepare()
    [batch] = await drill.batches(BatchState.DRAFT)
    await hold_operator(connection, drill.operators[0], at=drill.now, **WHY)
    with pytest.raises(PayoutRefused, match="held since"):
        await drill.approve(batch)
    with pytest.raises(asyncpg.RestrictViolationError, match="is held"):
        await superuser.execute(
            "UPDATE payout_batches SET state = 'approved', approved_at = now(), approved_by = $1,"
            " trustee_account_id = 1, message_id = 'x', requested_on = '2026-12-01', file = 'x',"
            " file_sha256 = sha256('x')",
            drill.approver,
        )
    await drill.cancel(batch)
    await release_operator(connection, drill.operators[0], at=drill.now, **WHY)
    assert (await released(drill)).total_cents == 1_000
