"""The queue of notices: told in the transaction of their fact, sent at most once, looked after by persons.

What a notice says is programmes/notices' to write; who is told of which kind is in notice_rows.py.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.notice_rows import (
    AUDIENCES,
    STUCK,
    TOLD_TO_FORMER_ADDRESSES,
    Audience,
    Fact,
    Notice,
    NoticeKind,
    NoticeRefused,
    NoticeState,
)

DUE_MAX = 100  # of one look at the queue
LIST_MAX = 200
STUCK_MAX = 500
ERROR_CHARS_MAX = 500

COLUMNS = """id, fact, kind, audience, operator_id, programme_id, address, payload, state, attempts, told_at,
       next_at, changed_at, sent_at, error"""
# A trustee without an address reads its dashboard; for others, that nobody could be told is shown.
TELL = """
INSERT INTO notices (fact, kind, audience, operator_id, programme_id, address, payload, state, told_at,
                     next_at, changed_at)
SELECT f.fact, f.kind, f.audience, f.operator_id, f.programme_id, coalesce(f.address, a.address),
       f.payload::jsonb,
       CASE WHEN coalesce(f.address, a.address) IS NULL THEN 'no_address' ELSE 'waiting' END, $1, $1, $1
FROM unnest($2::text[], $3::text[], $4::text[], $5::integer[], $6::integer[], $7::text[], $8::text[],
            $9::boolean[])
     AS f (fact, kind, audience, operator_id, programme_id, address, payload, tells_former)
LEFT JOIN notice_addresses a
       ON f.address IS NULL
      AND a.operator_id = CASE WHEN f.audience = 'operator' THEN f.operator_id ELSE 0 END
      AND a.programme_id = CASE WHEN f.audience = 'funder' THEN f.programme_id ELSE 0 END
      AND (a.removed_at IS NULL OR (f.tells_former AND a.removed_at > $1::timestamptz - interval '30 days'))
WHERE f.audience <> 'trustee' OR a.address IS NOT NULL
ON CONFLICT DO NOTHING"""
CALL = """
INSERT INTO webhook_calls (webhook_id, fact, kind, payload, occurred_at, next_at, changed_at)
SELECT w.id, f.fact, f.kind, f.payload::jsonb, $1, $1, $1
FROM unnest($2::text[], $3::text[], $4::integer[], $5::integer[], $6::text[])
     AS f (fact, kind, operator_id, programme_id, payload)
JOIN webhooks w ON w.ended_at IS NULL AND f.kind = ANY(w.kinds)
     AND (w.operator_id IS NULL OR w.operator_id = f.operator_id)
     AND (w.programme_id IS NULL OR w.programme_id = f.programme_id)
ON CONFLICT DO NOTHING"""
TOLD = "SELECT EXISTS (SELECT FROM notices WHERE fact = $1)"
DUE = f"""
SELECT {COLUMNS} FROM notices WHERE state = 'waiting' AND next_at <= $1 ORDER BY next_at, id LIMIT $2"""
ONE = f"SELECT {COLUMNS} FROM notices WHERE id = $1"
LOCKED = f"{ONE} FOR UPDATE"
RECENT = f"SELECT {COLUMNS} FROM notices ORDER BY id DESC LIMIT $1"
STUCK_ONES = f"SELECT {COLUMNS} FROM notices WHERE state = ANY($1) ORDER BY id LIMIT $2"
COUNTS = "SELECT state, count(*) FROM notices GROUP BY state"
BEGIN_SENDING = """
UPDATE notices SET state = 'sending', attempts = attempts + 1, changed_at = $2
WHERE id = $1 AND state = 'waiting'"""
END_SENDING = """
UPDATE notices SET state = $2, changed_at = $3, sent_at = CASE WHEN $2 = 'sent' THEN $3::timestamptz END,
       next_at = $4, error = $5
WHERE id = $1 AND state = 'sending'"""
POSTPONE = """
UPDATE notices SET state = $2, attempts = attempts + 1, changed_at = $3, next_at = $4, error = $5
WHERE id = $1 AND state = 'waiting'"""
LEFT_SENDING = """
UPDATE notices SET state = 'unclear', changed_at = $1, error = $2 WHERE state = 'sending' RETURNING id"""
DECIDE = """
UPDATE notices SET state = $2, changed_at = $3, next_at = $3,
       sent_at = CASE WHEN $2 = 'sent' THEN $3::timestamptz END
WHERE id = $1"""
LOCK_MAIL = "SELECT pg_try_advisory_lock(5, 1)"


async def tell(connection: Connection, fact: Fact, *, at: datetime) -> None:
    await tell_all(connection, [fact], at=at)


async def tell_all(connection: Connection, facts: Sequence[Fact], *, at: datetime) -> None:
    """Queue what people and their systems are told. Call it in the transaction of the facts: they are told
    if and only if they are kept. A fact that was told already is not told again."""
    if not facts:
        return
    payloads = [json.dumps(fact.payload, ensure_ascii=False, default=str) for fact in facts]
    rows = [
        (fact, audience, payload)
        for fact, payload in zip(facts, payloads, strict=True)
        for audience in AUDIENCES[fact.kind]
    ]
    await connection.execute(
        TELL,
        at,
        [fact.key for fact, _, _ in rows],
        [fact.kind.value for fact, _, _ in rows],
        [audience.value for _, audience, _ in rows],
        [fact.operator_id for fact, _, _ in rows],
        [fact.programme_id for fact, _, _ in rows],
        [fact.applicant if audience is Audience.APPLICANT else None for fact, audience, _ in rows],
        [payload for _, _, payload in rows],
        [fact.kind in TOLD_TO_FORMER_ADDRESSES for fact, _, _ in rows],
    )
    await connection.execute(
        CALL,
        at,
        [fact.key for fact in facts],
        [fact.kind.value for fact in facts],
        [fact.operator_id for fact in facts],
        [fact.programme_id for fact in facts],
        payloads,
    )


async def is_told(connection: Connection, key: str) -> bool:
    found: bool = await connection.fetchval(TOLD, key)
    return found


async def is_only_mailer(connection: Connection) -> bool:
    """Whether nobody else sends mail now; nobody will until this connection ends."""
    is_ours: bool = await connection.fetchval(LOCK_MAIL)
    return is_ours


async def give_up_unclear(connection: Connection, *, at: datetime) -> list[int]:
    """What a mailer that died was sending: a person decides. Call it as the only mailer, before sending."""
    told = "interrompu pendant l’envoi : le serveur de messagerie a pu prendre le message"
    return [row["id"] for row in await connection.fetch(LEFT_SENDING, at, told)]


async def due_notices(connection: Connection, *, at: datetime) -> list[Notice]:
    return _notices(await connection.fetch(DUE, at, DUE_MAX))


async def begin_sending(connection: Connection, notice_id: int, *, at: datetime) -> bool:
    """From here on the text may be with the mail server. False: somebody else decided about the notice."""
    done: str = await connection.execute(BEGIN_SENDING, notice_id, at)
    return done == "UPDATE 1"


async def end_sending(
    connection: Connection,
    notice_id: int,
    state: NoticeState,
    *,
    at: datetime,
    next_at: datetime,
    error: str | None = None,
) -> None:
    await connection.execute(END_SENDING, notice_id, state.value, at, next_at, _cut(error))


async def postpone(
    connection: Connection,
    notice_id: int,
    state: NoticeState,
    *,
    at: datetime,
    next_at: datetime,
    error: str,
) -> None:
    """An attempt that failed before any of the text left."""
    await connection.execute(POSTPONE, notice_id, state.value, at, next_at, _cut(error))


async def find_notice(connection: Connection, notice_id: int) -> Notice | None:
    row = await connection.fetchrow(ONE, notice_id)
    return _notice(row) if row else None


async def recent_notices(connection: Connection) -> list[Notice]:
    return _notices(await connection.fetch(RECENT, LIST_MAX))


async def stuck_notices(connection: Connection) -> list[Notice]:
    """Oldest first."""
    return _notices(await connection.fetch(STUCK_ONES, [state.value for state in STUCK], STUCK_MAX))


async def count_notices(connection: Connection) -> dict[NoticeState, int]:
    found = {NoticeState(state): count for state, count in await connection.fetch(COUNTS)}
    return {state: found.get(state, 0) for state in NoticeState}


async def resend(connection: Connection, notice_id: int, *, actor: str, at: datetime, reason: str) -> None:
    """A person has it sent (again), knowing that an unclear one may arrive twice. A sent one stays sent."""
    async with connection.transaction():
        notice = await _stuck(connection, notice_id)
        if notice.state is NoticeState.NO_ADDRESS:
            await _readdress(connection, notice, at=at)
        else:
            await connection.execute(DECIDE, notice_id, NoticeState.WAITING.value, at)
        await _record(connection, notice, "resend", actor=actor, reason=reason)


async def settle_by_hand(
    connection: Connection, notice_id: int, state: NoticeState, *, actor: str, at: datetime, reason: str
) -> None:
    """state: SENT, which the recipient confirmed, for an unclear one; DROPPED for any that is stuck."""
    assert state in {NoticeState.SENT, NoticeState.DROPPED}
    async with connection.transaction():
        notice = await _stuck(connection, notice_id)
        if state is NoticeState.SENT and notice.state is not NoticeState.UNCLEAR:
            raise NoticeRefused(f"notice {notice_id} is {notice.state}: nothing of it has left")
        await connection.execute(DECIDE, notice_id, state.value, at)
        verb = "confirm" if state is NoticeState.SENT else "drop"
        await _record(connection, notice, verb, actor=actor, reason=reason)


async def _readdress(connection: Connection, notice: Notice, *, at: datetime) -> None:
    await connection.execute(DECIDE, notice.id, NoticeState.DROPPED.value, at)
    await connection.execute(
        TELL,
        at,
        [notice.fact],
        [notice.kind.value],
        [notice.audience.value],
        [notice.operator_id],
        [notice.programme_id],
        [None],
        [json.dumps(notice.payload, ensure_ascii=False)],
        [False],
    )
    told = "SELECT count(*) FROM notices WHERE fact = $1 AND audience = $2 AND address IS NOT NULL"
    if not await connection.fetchval(told, notice.fact, notice.audience.value):
        raise NoticeRefused(f"notice {notice.id} has no recipient: add an address first")


async def _stuck(connection: Connection, notice_id: int) -> Notice:
    row = await connection.fetchrow(LOCKED, notice_id)
    if row is None or NoticeState(row["state"]) not in STUCK:
        raise NoticeRefused(f"notice {notice_id} is not one that waits for a person")
    return _notice(row)


async def _record(connection: Connection, notice: Notice, verb: str, **who: Any) -> None:
    await record_event(
        connection, action=f"notice.{verb}", subject=f"notice:{notice.id}", before=notice.state.value, **who
    )


def _cut(text: str | None) -> str | None:
    return " ".join(text.split())[:ERROR_CHARS_MAX] if text else None


def _notices(rows: Iterable[Record]) -> list[Notice]:
    return [_notice(row) for row in rows]


def _notice(row: Record) -> Notice:
    facts: dict[str, Any] = dict(row)
    facts["kind"], facts["audience"] = NoticeKind(facts["kind"]), Audience(facts["audience"])
    facts["state"] = NoticeState(facts["state"])
    return Notice(**facts)
