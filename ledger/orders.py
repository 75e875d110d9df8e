"""Orders of booklets: quoted, proofs shown and decided, produced or cancelled. Each step is said once."""

from datetime import datetime
from hashlib import sha256

import asyncpg

from ledger.booklets import find_batch, issue_batch
from ledger.connect import Connection
from ledger.events import record_event
from ledger.order_rows import Order, OrderRefused, OrderState, Proof
from ledger.rows import Batch

LIST_MAX = 500
BOOKLETS_MAX = 100_000

ADD = """
INSERT INTO orders (programme_id, booklet_count, reference, ordered_at, ordered_by)
VALUES ($1, $2, $3, $4, $5) RETURNING id"""
LOCK = "SELECT FROM orders WHERE id = $1 FOR UPDATE"
QUOTE = """
UPDATE orders SET quote_reference = $2, quote_cents = $3, quoted_at = $4, quoted_by = $5 WHERE id = $1"""
ADD_PROOF = """
INSERT INTO order_proofs (order_id, batch_id, pdf, pdf_sha256, drawn_at, drawn_by)
VALUES ($1, $2, $3, sha256($3), $4, $5) RETURNING id"""
DECIDE_PROOF = """
UPDATE order_proofs SET decision = $2, decided_at = $3, decided_by = $4, reason = $5
WHERE id = $1 AND decision IS NULL RETURNING id"""
SET_BATCH = "UPDATE orders SET batch_id = $2 WHERE id = $1"
PRODUCE = """
UPDATE orders SET production_sha256 = $2, produced_at = $3, produced_by = $4
WHERE id = $1 AND production_sha256 IS NULL"""
CANCEL = "UPDATE orders SET cancelled_at = $2, cancelled_by = $3, cancel_reason = $4 WHERE id = $1"
ORDERS = """
SELECT o.id, o.programme_id, o.booklet_count, o.ordered_at, o.ordered_by, o.reference, o.quoted_at,
       o.quote_reference, o.quote_cents, o.batch_id, o.production_sha256, o.produced_at, o.cancelled_at,
       o.cancel_reason,
       (SELECT coalesce(p.decision, 'waiting') FROM order_proofs p WHERE p.order_id = o.id
        ORDER BY p.id DESC LIMIT 1),
       (SELECT count(*) FROM booklets b JOIN delivered_booklets d ON d.booklet = b.number
        WHERE b.batch_id = o.batch_id AND d.restitution_id IS NULL)::integer
FROM orders o"""
ONE = f"{ORDERS} WHERE o.id = $1"
OF_PROGRAMME = f"{ORDERS} WHERE $1::integer IS NULL OR o.programme_id = $1 ORDER BY o.id DESC LIMIT $2"
PROOFS = """
SELECT p.id, p.order_id, p.batch_id, p.pdf_sha256, p.drawn_at, p.drawn_by, p.decision, p.decided_at, d.name,
       p.reason
FROM order_proofs p LEFT JOIN persons d ON d.id = p.decided_by
WHERE p.order_id = $1 ORDER BY p.id DESC LIMIT $2"""
PDF = "SELECT pdf FROM order_proofs WHERE order_id = $1 AND id = $2"


async def place_order(
    connection: Connection, programme_id: int, booklet_count: int, *, reference: str, actor: str, at: datetime
) -> Order:
    """reference: the funder's own, which its accountants know the order by."""
    if not 1 <= booklet_count <= BOOKLETS_MAX:
        raise OrderRefused(f"an order is for 1 to {BOOKLETS_MAX} booklets, not {booklet_count}")
    async with connection.transaction():
        try:
            async with connection.transaction():
                order_id = await connection.fetchval(ADD, programme_id, booklet_count, reference, at, actor)
        except asyncpg.ForeignKeyViolationError:
            raise OrderRefused(
                f"no programme {programme_id}; `poincon programmes list` shows those known"
            ) from None
        await _tell(connection, "place", order_id, actor, reference or None, booklets=booklet_count)
        return await find_order(connection, order_id)


async def note_quote(
    connection: Connection, order_id: int, *, reference: str, amount_cents: int, actor: str, at: datetime
) -> Order:
    """The quote that the funder accepted: making and sending; the face value is funded apart."""
    async with connection.transaction():
        await _locked(connection, order_id, {OrderState.ORDERED}, "is quoted once, before its proof")
        await connection.execute(QUOTE, order_id, reference, amount_cents, at, actor)
        await _tell(connection, "quote", order_id, actor, reference, amount_cents=amount_cents)
        return await find_order(connection, order_id)


async def add_proof(
    connection: Connection, order_id: int, batch_id: int, pdf: bytes, *, actor: str, at: datetime
) -> int:
    """The proof of print: the file of one real booklet, which is void. Asked for again after a refusal."""
    async with connection.transaction():
        await _locked(
            connection, order_id, {OrderState.QUOTED, OrderState.PROOF_REFUSED}, "has no proof to draw now"
        )
        proof_id = await connection.fetchval(ADD_PROOF, order_id, batch_id, pdf, at, actor)
        await _tell(connection, "proof", order_id, actor, None, sha256=sha256(pdf).hexdigest())
    return int(proof_id)


async def decide_proof(
    connection: Connection,
    order_id: int,
    proof_id: int,
    *,
    is_approved: bool,
    person_id: int,
    actor: str,
    reason: str | None,
    at: datetime,
) -> Order:
    async with connection.transaction():
        await _locked(
            connection, order_id, {OrderState.PROOF_DRAWN}, "has no proof that waits for a decision"
        )
        decision = "approved" if is_approved else "refused"
        if await connection.fetchval(DECIDE_PROOF, proof_id, decision, at, person_id, reason) is None:
            raise OrderRefused(f"proof {proof_id} was decided already")
        verb = "approve_proof" if is_approved else "refuse_proof"
        await _tell(connection, verb, order_id, actor, reason, proof=proof_id)
        return await find_order(connection, order_id)


async def issue_for_order(connection: Connection, order_id: int, *, actor: str) -> Batch:
    """The order's booklets, issued once: a run after one that was cut short is told the same batch."""
    async with connection.transaction():
        open_states = {OrderState.PROOF_APPROVED, OrderState.ISSUED, OrderState.PRODUCED}
        order = await _locked(connection, order_id, open_states, "is produced after its proof was approved")
        if order.batch_id is not None:
            return await find_batch(connection, order.batch_id)
        batch = await issue_batch(connection, order.programme_id, order.booklet_count, actor=actor)
        await connection.execute(SET_BATCH, order_id, batch.id)
        return batch


async def note_production(
    connection: Connection, order_id: int, *, file_sha256: bytes, actor: str, at: datetime
) -> Order:
    """file_sha256: of the file that the printer is given; written again, it is the same."""
    async with connection.transaction():
        order = await _locked(
            connection, order_id, {OrderState.ISSUED, OrderState.PRODUCED}, "has no file yet"
        )
        if order.production_sha256 is None:
            await connection.execute(PRODUCE, order_id, file_sha256, at, actor)
            await _tell(connection, "produce", order_id, actor, None, sha256=file_sha256.hex())
        elif order.production_sha256 != file_sha256:
            raise OrderRefused(f"order {order_id} was printed from another file: look for what changed")
        return await find_order(connection, order_id)


async def cancel_order(
    connection: Connection, order_id: int, *, reason: str, actor: str, at: datetime
) -> Order:
    async with connection.transaction():
        open_states = set(OrderState) - {OrderState.ISSUED, OrderState.PRODUCED, OrderState.CANCELLED}
        await _locked(connection, order_id, open_states, "is printed or cancelled already")
        await connection.execute(CANCEL, order_id, at, actor, reason)
        await _tell(connection, "cancel", order_id, actor, reason)
        return await find_order(connection, order_id)


async def find_order(connection: Connection, order_id: int) -> Order:
    row = await connection.fetchrow(ONE, order_id)
    if row is None:
        raise OrderRefused(f"no order {order_id}; `poincon orders list` shows those known")
    return Order(*row)


async def list_orders(connection: Connection, *, programme_id: int | None = None) -> list[Order]:
    """The newest first."""
    return [Order(*row) for row in await connection.fetch(OF_PROGRAMME, programme_id, LIST_MAX)]


async def list_proofs(connection: Connection, order_id: int) -> list[Proof]:
    """The newest first."""
    return [Proof(*row) for row in await connection.fetch(PROOFS, order_id, LIST_MAX)]


async def proof_pdf(connection: Connection, order_id: int, proof_id: int) -> bytes | None:
    pdf: bytes | None = await connection.fetchval(PDF, order_id, proof_id)
    return pdf


async def _locked(connection: Connection, order_id: int, states: set[OrderState], told: str) -> Order:
    await connection.execute(LOCK, order_id)
    order = await find_order(connection, order_id)
    if order.state not in states:
        raise OrderRefused(f"order {order_id} is {order.state.value}: it {told}")
    return order


async def _tell(
    connection: Connection, verb: str, order_id: int, actor: str, reason: str | None, **detail: object
) -> None:
    await record_event(
        connection, actor=actor, action=f"order.{verb}", subject=f"order:{order_id}", reason=reason, **detail
    )
