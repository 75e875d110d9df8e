"""Webhooks and the calls that wait for them: whom to call of which kinds, each call until it is taken.

What a call says and how it is signed is programmes/notices'.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg

from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.notice_rows import CallState, NoticeKind, NoticeRefused, Webhook, WebhookCall

WEBHOOKS_MAX = 200
DUE_MAX = 50
LIST_MAX = 200
ERROR_CHARS_MAX = 500

COLUMNS = (
    """id, operator_id, programme_id, url, seal_name, sealed_secret, kinds, added_at, added_by, ended_at"""
)
ADD = f"""
INSERT INTO webhooks (operator_id, programme_id, url, seal_name, sealed_secret, kinds, added_at, added_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {COLUMNS}"""
LIVE_COUNT = "SELECT count(*) FROM webhooks WHERE ended_at IS NULL"
END = "UPDATE webhooks SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL RETURNING url"
LIST = f"SELECT {COLUMNS} FROM webhooks ORDER BY ended_at IS NOT NULL, id LIMIT $1"
ONE = f"SELECT {COLUMNS} FROM webhooks WHERE id = $1"

CALL_COLUMNS = """c.id, c.webhook_id, c.fact, c.kind, c.event_id, c.payload, c.occurred_at, c.state,
       c.attempts, c.next_at, c.last_status, c.error"""
# What an ended webhook was still to be told is not told.
DUE = f"""
SELECT {CALL_COLUMNS} FROM webhook_calls c JOIN webhooks w ON w.id = c.webhook_id
WHERE c.state = 'waiting' AND c.next_at <= $1 AND w.ended_at IS NULL ORDER BY c.next_at, c.id LIMIT $2"""
OF_WEBHOOK = f"SELECT {CALL_COLUMNS} FROM webhook_calls c WHERE c.webhook_id = $1 ORDER BY c.id DESC LIMIT $2"
SETTLE = """
UPDATE webhook_calls SET state = $2, attempts = attempts + 1, changed_at = $3, next_at = $4, last_status = $5,
       error = $6
WHERE id = $1 AND state = 'waiting'"""
AGAIN = """
UPDATE webhook_calls c SET state = 'waiting', next_at = $2, changed_at = $2
FROM webhooks w WHERE c.id = $1 AND w.id = c.webhook_id AND w.ended_at IS NULL RETURNING c.webhook_id"""
LOCK_CALLS = "SELECT pg_try_advisory_lock(5, 2)"


async def add_webhook(
    connection: Connection,
    *,
    url: str,
    kinds: Sequence[NoticeKind],
    seal_name: bytes,
    sealed_secret: bytes,
    operator_id: int | None = None,
    programme_id: int | None = None,
    actor: str,
    at: datetime,
) -> Webhook:
    """Told of one operator, of one programme, or of all. The address is checked by the caller."""
    async with connection.transaction():
        if await connection.fetchval(LIVE_COUNT) >= WEBHOOKS_MAX:
            raise NoticeRefused(f"{WEBHOOKS_MAX} webhooks at most: end one first")
        told = [kind.value for kind in kinds]
        try:
            async with connection.transaction():
                row = await connection.fetchrow(
                    ADD, operator_id, programme_id, url, seal_name, sealed_secret, told, at, actor
                )
        except asyncpg.ForeignKeyViolationError:
            raise NoticeRefused("there is no such operator or programme") from None
        webhook = _webhook(row)
        subject = f"webhook:{webhook.id}"
        await record_event(connection, actor=actor, action="webhook.add", subject=subject, url=url)
    return webhook


async def end_webhook(
    connection: Connection, webhook_id: int, *, actor: str, at: datetime, reason: str
) -> None:
    async with connection.transaction():
        url = await connection.fetchval(END, webhook_id, at)
        if url is None:
            raise NoticeRefused(f"webhook {webhook_id} is not one in use")
        subject = f"webhook:{webhook_id}"
        await record_event(
            connection, actor=actor, action="webhook.end", subject=subject, reason=reason, url=url
        )


async def list_webhooks(connection: Connection) -> list[Webhook]:
    """Those in use first."""
    return [_webhook(row) for row in await connection.fetch(LIST, 2 * WEBHOOKS_MAX)]


async def find_webhook(connection: Connection, webhook_id: int) -> Webhook | None:
    row = await connection.fetchrow(ONE, webhook_id)
    return _webhook(row) if row else None


async def is_only_caller(connection: Connection) -> bool:
    """Whether nobody else calls webhooks now; it spares calls, which receivers tell apart by their id."""
    is_ours: bool = await connection.fetchval(LOCK_CALLS)
    return is_ours


async def due_calls(connection: Connection, *, at: datetime) -> list[WebhookCall]:
    return [_call(row) for row in await connection.fetch(DUE, at, DUE_MAX)]


async def calls_of(connection: Connection, webhook_id: int) -> list[WebhookCall]:
    """Newest first."""
    return [_call(row) for row in await connection.fetch(OF_WEBHOOK, webhook_id, LIST_MAX)]


async def settle_call(
    connection: Connection,
    call_id: int,
    state: CallState,
    *,
    at: datetime,
    next_at: datetime,
    status: int | None,
    error: str | None,
) -> None:
    told = " ".join(error.split())[:ERROR_CHARS_MAX] if error else None
    await connection.execute(SETTLE, call_id, state.value, at, next_at, status, told)


async def call_again(connection: Connection, call_id: int, *, actor: str, at: datetime) -> None:
    """A person has it called again: the event id stays, so that the receiver knows it."""
    async with connection.transaction():
        webhook_id = await connection.fetchval(AGAIN, call_id, at)
        if webhook_id is None:
            raise NoticeRefused(f"call {call_id} is not one of a webhook in use")
        subject = f"webhook:{webhook_id}"
        await record_event(connection, actor=actor, action="webhook.again", subject=subject, call=call_id)


def _webhook(row: Record) -> Webhook:
    facts: dict[str, Any] = dict(row)
    facts["kinds"] = tuple(NoticeKind(kind) for kind in facts["kinds"])
    return Webhook(**facts)


def _call(row: Record) -> WebhookCall:
    facts: dict[str, Any] = dict(row)
    facts["kind"], facts["state"] = NoticeKind(facts["kind"]), CallState(facts["state"])
    return WebhookCall(**facts)
