"""An order from its quote to a delivery whose passes are active: each step after the one before, and once."""

import hashlib
from datetime import UTC, datetime

import asyncpg
import pytest

from ledger.booklets import FundsMissing
from ledger.deliveries import activate_delivery, booklets_in_stock, dispatch, find_delivery
from ledger.grant_rows import GrantRefused
from ledger.order_rows import OrderRefused, OrderState
from ledger.orders import (
    cancel_order,
    decide_proof,
    find_order,
    list_proofs,
    note_quote,
    place_order,
    proof_pdf,
)
from loadtests.funding import fund
from programmes.ordering import draw_proof, produce

AT = datetime(2021, 3, 1, 9, tzinfo=UTC)
BY = {"actor": "tests", "at": AT}


@pytest.fixture
async def quoted(office):
    order = await place_order(office.connection, office.programme_id, 5, reference="BC-2021-07", **BY)
    assert order.state is OrderState.ORDERED
    return await note_quote(office.connection, order.id, reference="D-12", amount_cents=9_900, **BY)


async def _decide(office, order_id, *, is_approved, reason=None):
    [proof, *_] = await list_proofs(office.connection, order_id)
    return await decide_proof(
        office.connection,
        order_id,
        proof.id,
        is_approved=is_approved,
        person_id=office.person_id,
        reason=reason,
        **BY,
    )


async def test_an_order_goes_from_its_quote_to_the_printers_file(office, quoted, key_folder, tmp_path):
    with pytest.raises(OrderRefused, match="after its proof was approved"):
        await produce(office.connection, quoted.id, key_folder, tmp_path, **BY)
    first = await draw_proof(office.connection, quoted.id, key_folder, **BY)
    assert first.startswith(b"%PDF")
    with pytest.raises(OrderRefused, match="no proof to draw now"):
        await draw_proof(office.connection, quoted.id, key_folder, **BY)
    refused = await _decide(office, quoted.id, is_approved=False, reason="logo trop petit")
    assert refused.state is OrderState.PROOF_REFUSED
    second = await draw_proof(office.connection, quoted.id, key_folder, **BY)
    [proof, _] = await list_proofs(office.connection, quoted.id)
    assert await proof_pdf(office.connection, quoted.id, proof.id) == second != first
    approved = await _decide(office, quoted.id, is_approved=True)
    assert approved.state is OrderState.PROOF_APPROVED
    order, files = await produce(office.connection, quoted.id, key_folder, tmp_path, **BY)
    assert order.state is OrderState.PRODUCED
    assert order.production_sha256 == hashlib.sha256(files[0].read_bytes()).digest()
    again, _ = await produce(office.connection, quoted.id, key_folder, tmp_path, **BY)
    assert again == order, "a run that is repeated writes the same file and issues nothing"
    assert await booklets_in_stock(office.connection, office.programme_id) == {order.batch_id: 5}
    with pytest.raises(OrderRefused, match="printed or cancelled"):
        await cancel_order(office.connection, quoted.id, reason="trop tard", **BY)


async def test_the_booklet_of_a_proof_is_void_for_ever(office, quoted, key_folder):
    await draw_proof(office.connection, quoted.id, key_folder, **BY)
    [proof] = await list_proofs(office.connection, quoted.id)
    state = await office.connection.fetchrow(
        "SELECT state, cancel_cause, activated_at FROM booklets WHERE batch_id = $1", proof.batch_id
    )
    assert tuple(state) == ("cancelled", "void", None)


async def test_the_record_refuses_a_production_without_an_approved_proof(office, quoted):
    with pytest.raises(asyncpg.RestrictViolationError, match="its proof approved"):
        await office.connection.execute(
            "UPDATE orders SET batch_id = (SELECT min(id) FROM batches) WHERE id = $1", quoted.id
        )


async def test_a_cancelled_order_goes_no_further(office, quoted, key_folder):
    await cancel_order(office.connection, quoted.id, reason="budget annulé", **BY)
    assert (await find_order(office.connection, quoted.id)).state is OrderState.CANCELLED
    with pytest.raises(OrderRefused, match="no proof to draw"):
        await draw_proof(office.connection, quoted.id, key_folder, **BY)


async def test_a_delivery_is_activated_only_once_its_money_is_reconciled(office):
    await office.stock(5, funds_cents=1)
    granted = await office.first_grant(office.territories[0])
    sent = await dispatch(office.connection, granted.id, batch_id=office.batch.id, booklet_count=3, **BY)
    with pytest.raises(FundsMissing) as short:
        await activate_delivery(office.connection, sent.id, reason="virement", **BY)
    assert short.value.missing_cents == 30_000 - 1
    assert (await find_delivery(office.connection, sent.id)).active_booklets == 0
    await fund(office.connection, office.programme_id, 29_999, actor="tests")
    assert await activate_delivery(office.connection, sent.id, reason="virement", **BY) == 3
    assert await activate_delivery(office.connection, sent.id, reason="virement", **BY) == 0
    assert (await find_delivery(office.connection, sent.id)).is_active
    states = await office.connection.fetch(
        "SELECT state FROM booklets WHERE batch_id = $1 ORDER BY number", office.batch.id
    )
    assert [row["state"] for row in states] == ["active"] * 3 + ["issued"] * 2


async def test_a_grant_is_never_delivered_beyond_its_passes(office):
    await office.stock(9)
    granted = await office.first_grant(office.territories[0])
    await office.deliver(granted, 4)
    with pytest.raises(GrantRefused, match="were dispatched"):
        await dispatch(office.connection, granted.id, batch_id=office.batch.id, booklet_count=2, **BY)
    await office.deliver(granted, 1)
