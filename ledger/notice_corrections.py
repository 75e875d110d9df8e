"""What was told and is not so any more: notices that have not left are withdrawn, and whoever may have got
one is told of the correction, at the same address."""

from datetime import datetime

from ledger.connect import Connection
from ledger.events import record_event
from ledger.notice_facts import transfer_corrected
from ledger.notice_rows import NoticeState

# Locked in their order: a mailer that is about to send one of them does so before, or finds it withdrawn.
TOLD = "SELECT id, operator_id, payload, state FROM notices WHERE fact = $1 ORDER BY id FOR UPDATE"
WITHDRAW = """
UPDATE notices SET state = 'dropped', changed_at = $2, next_at = $2, error = $3 WHERE id = ANY($1)"""
CORRECT = """
INSERT INTO notices (fact, kind, audience, operator_id, programme_id, address, payload, state, told_at,
                     next_at, changed_at)
SELECT $2, $3, n.audience, n.operator_id, n.programme_id, n.address, $4::jsonb, 'waiting', $5, $5, $5
FROM notices n WHERE n.id = ANY($1)
ON CONFLICT DO NOTHING"""
# Systems take what is told in any order: those that were to hear of the fact hear of its correction.
CALL = """
INSERT INTO webhook_calls (webhook_id, fact, kind, payload, occurred_at, next_at, changed_at)
SELECT c.webhook_id, $2, $3, $4::jsonb, $5, $5, $5
FROM webhook_calls c JOIN webhooks w ON w.id = c.webhook_id AND w.ended_at IS NULL WHERE c.fact = $1
ON CONFLICT DO NOTHING"""

WITHDRAWN = "retiré : ce qu’il disait a été rectifié avant l’envoi"
MAY_HAVE_LEFT = frozenset({NoticeState.SENDING, NoticeState.SENT, NoticeState.UNCLEAR})
CAN_BE_WITHDRAWN = frozenset(NoticeState) - {NoticeState.SENDING, NoticeState.SENT, NoticeState.DROPPED}


async def correct_transfer(
    connection: Connection, key: str, *, at: datetime, actor: str, reason: str
) -> None:
    """key: of the fact that a transfer was paid, or came back. Call it in the transaction of its undoing."""
    rows = await connection.fetch(TOLD, key)
    if not rows:
        return
    fact = transfer_corrected(key, operator_id=rows[0]["operator_id"], payload=rows[0]["payload"])
    left = [row["id"] for row in rows if row["state"] in MAY_HAVE_LEFT]
    withdrawn = [row["id"] for row in rows if row["state"] in CAN_BE_WITHDRAWN]
    payload = dict(fact.payload)
    await connection.execute(CORRECT, left, fact.key, fact.kind.value, payload, at)
    await connection.execute(CALL, key, fact.key, fact.kind.value, payload, at)
    await connection.execute(WITHDRAW, withdrawn, at, WITHDRAWN)
    await record_event(
        connection,
        actor=actor,
        action="notice.correct",
        subject=f"notice:{rows[0]['id']}",
        reason=reason,
        withdrawn=len(withdrawn),
        told=len(left),
    )
