"""Sessions of the console: opened, found, listed, ended. A session's token is stored as its SHA-256 only, and
no network address is."""

import hashlib
from datetime import datetime, timedelta

from ledger.account_rows import Account, Session
from ledger.accounts import COLUMN_COUNT, COLUMNS, read_account
from ledger.connect import Connection, Record
from ledger.events import record_event

USER_AGENT_CHARS_MAX = 300
LISTED_MAX = 100
SEEN_AGAIN = timedelta(minutes=1)  # how exactly it is known when a session was last used

OPEN = """
INSERT INTO sessions (token_sha256, account_id, opened_at, last_seen_at, expires_at, user_agent, proved_at)
SELECT $1, id, $3, $3, $4, $5, $6 FROM accounts WHERE id = $2 AND disabled_at IS NULL RETURNING account_id"""
FORGET = "DELETE FROM sessions WHERE expires_at <= $1 OR last_seen_at <= $2"
SESSIONS = f"""
SELECT {COLUMNS}, s.id, s.opened_at, s.last_seen_at, s.expires_at, s.user_agent, s.proved_at
FROM sessions s JOIN accounts a ON a.id = s.account_id JOIN persons p ON p.id = a.person_id
WHERE s.expires_at > $2 AND s.last_seen_at > $3 AND a.disabled_at IS NULL"""
FIND = f"{SESSIONS} AND s.token_sha256 = $1"
OF_ACCOUNT = f"""
{SESSIONS} AND s.account_id = $1 AND s.proved_at IS NOT NULL
ORDER BY s.last_seen_at DESC LIMIT {LISTED_MAX}"""
TOUCH = "UPDATE sessions SET last_seen_at = $2 WHERE id = $1 AND last_seen_at < $2"
PROVE = "UPDATE sessions SET proved_at = $2 WHERE id = $1"
CLOSE = "DELETE FROM sessions WHERE id = $1 AND account_id = $2 RETURNING id"
CLOSE_OTHERS = "DELETE FROM sessions WHERE account_id = $1 AND id <> $2 RETURNING id"


async def open_session(
    connection: Connection,
    account: Account,
    token: str,
    *,
    now: datetime,
    idle_max: timedelta,
    expires_at: datetime,
    user_agent: str,
    is_proved: bool = True,
    instead_of: Session | None = None,
) -> bool:
    """False when the account was disabled meanwhile, or the session to be replaced has been used or ended.

    is_proved: False where the second factor is still awaited; such a session opens no page.
    """
    async with connection.transaction():
        await connection.execute(FORGET, now, now - idle_max)
        if instead_of and await connection.fetchval(CLOSE, instead_of.id, account.id) is None:
            return False
        proved_at = now if is_proved else None
        opened = await connection.fetchval(
            OPEN, _sha256(token), account.id, now, expires_at, user_agent[:USER_AGENT_CHARS_MAX], proved_at
        )
        if opened is None:
            return False
        if is_proved:
            await record_event(
                connection, actor=account.actor, action="account.sign_in", subject=account.actor
            )
    return True


async def find_session(
    connection: Connection, token: str, *, now: datetime, idle_max: timedelta
) -> Session | None:
    """None when it is unknown, ended, too old, idle for too long, or of a disabled account."""
    row = await connection.fetchrow(FIND, _sha256(token), now, now - idle_max)
    if row is None:
        return None
    session = _session(row)
    if now - session.last_seen_at >= SEEN_AGAIN:
        await connection.execute(TOUCH, session.id, now)
    return session


async def list_sessions(
    connection: Connection, account: Account, *, now: datetime, idle_max: timedelta
) -> list[Session]:
    """Those of one account that open pages, the last used first."""
    rows = await connection.fetch(OF_ACCOUNT, account.id, now, now - idle_max)
    return [_session(row) for row in rows]


async def prove_session(connection: Connection, session: Session, *, now: datetime) -> None:
    """The person has just shown again who it is."""
    async with connection.transaction():
        await connection.execute(PROVE, session.id, now)
        account = session.account
        await record_event(connection, actor=account.actor, action="account.prove", subject=account.actor)


async def close_session(connection: Connection, session: Session) -> None:
    account = session.account
    async with connection.transaction():
        if await connection.fetchval(CLOSE, session.id, account.id) is not None:
            await record_event(
                connection, actor=account.actor, action="account.sign_out", subject=account.actor
            )


async def end_session(connection: Connection, account: Account, session_id: int) -> bool:
    """End one of the account's own sessions; False when it has none of this number any more."""
    async with connection.transaction():
        if await connection.fetchval(CLOSE, session_id, account.id) is None:
            return False
        await record_event(
            connection, actor=account.actor, action="account.end_session", subject=account.actor, sessions=1
        )
    return True


async def end_other_sessions(connection: Connection, session: Session) -> int:
    account = session.account
    async with connection.transaction():
        ended = len(await connection.fetch(CLOSE_OTHERS, account.id, session.id))
        if ended:
            await record_event(
                connection,
                actor=account.actor,
                action="account.end_session",
                subject=account.actor,
                sessions=ended,
            )
    return ended


def _sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _session(row: Record) -> Session:
    number, *rest = tuple(row)[COLUMN_COUNT:]
    return Session(number, read_account(row), *rest)
