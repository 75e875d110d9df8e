"""What was told and is not so any more: notices that have not left are withdrawn, and whoever may have got
one is told of the correction, at the same address."""

import json
from collections.abc import Sequence
from datetime import datetime

from ledger.connect import Connection
from ledger.events import record_event
from ledger.notice_facts import transfer_corrected
from ledger.notice_rows import NoticeKind, NoticeState

# Locked in their order: a mailer that is about to send one of them does so before, or finds it withdrawn.
TOLD = """
SELECT id, fact, operator_id, payload, state FROM notices WHERE fact = ANY($1) ORDER BY id FOR UPDATE"""
WITHDRAW = """
UPDATE notices SET state = 'dropped', changed_at = $2, next_at = $2, error = $3 WHERE id = ANY($1)"""
CORRECT = """
INSERT INTO notices (fact, kind, audience, operator_id, programme_id, address, payload, state, told_at,
                     next_at, changed_at)
SELECT c.fact, $4, n.audience, n.operator_id, n.programme_id, n.address, c.payload::jsonb, 'waiting',
       $5, $5, $5
FROM unnest($1::bigint[], $2::text[], $3::text[]) AS c (id, fact, payload) JOIN notices n ON n.id = c.id
ON CONFLICT DO NOTHING"""
# Systems take what is told in any order: those that were to hear of the fact hear of its correction.
CALL = """
INSERT INTO webhook_calls (webhook_id, fact, kind, payload, occurred_at, next_at, changed_at)
SELECT w.id, c.fact, $4, c.payload::jsonb, $5, $5, $5
FROM unnest($1::text[], $2::text[], $3::text[]) AS c (told, fact, payload)
JOIN webhook_calls o ON o.fact = c.told JOIN webhooks w ON w.id = o.webhook_id AND w.ended_at IS NULL
ON CONFLICT DO NOTHING"""

WITHDRAWN = "retiré : ce qu’il disait a été rectifié avant l’envoi"
MAY_HAVE_LEFT = frozenset({NoticeState.SENDING, NoticeState.SENT, NoticeState.UNCLEAR})
CAN_BE_WITHDRAWN = frozenset(NoticeState) - {NoticeState.SENDING, NoticeState.SENT, NoticeState.DROPPED}


async def correct_transfers(
    connection: Connection, keys: Sequence[str], *, at: datetime, actor: str, reason: str
) -> None:
    """keys: of the facts that transfers were paid, or back. Call it in the transaction of their undoing."""
    rows = await connection.fetch(TOLD, list(keys))
    if not rows:
        return
    facts = {
        row["fact"]: transfer_corrected(row["fact"], operator_id=row["operator_id"], payload=row["payload"])
        for row in rows
    }
    said = {key: (fact.key, json.dumps(fact.payload, ensure_ascii=False)) for key, fact in facts.items()}
    left = [row for row in rows if row["state"] in MAY_HAVE_LEFT]
    withdrawn = [row["id"] for row in rows if row["state"] in CAN_BE_WITHDRAWN]
    kind = NoticeKind.TRANSFER_CORRECTED.value
    told, payloads = [said[row["fact"]][0] for row in left], [said[row["fact"]][1] for row in left]
    await connection.execute(CORRECT, [row["id"] for row in left], told, payloads, kind, at)
    await connection.execute(
        CALL, list(said), [key for key, _ in said.values()], [text for _, text in said.values()], kind, at
    )
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
