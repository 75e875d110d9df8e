"""Accounts of the console and their sessions. Passwords arrive hashed; a session's token is stored as its
SHA-256 only. How a password is hashed, and who may try, is the console's."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.parties import add_person

EMAIL_CHARS_MAX = 254
# ASCII only: its small letters are the same for Python, PostgreSQL and whoever compares two of them by eye.
EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+", re.ASCII)

COLUMNS = "a.id, a.email, p.name, a.password_hash, a.disabled_at"
FIND = f"SELECT {COLUMNS} FROM accounts a JOIN persons p ON p.id = a.person_id WHERE a.email = $1"
ALL = f"SELECT {COLUMNS} FROM accounts a JOIN persons p ON p.id = a.person_id ORDER BY a.email"
ADD = """
INSERT INTO accounts (email, person_id, password_hash) VALUES ($1, $2, $3)
ON CONFLICT (email) DO NOTHING RETURNING id"""
DISABLE = "UPDATE accounts SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL"
SET_PASSWORD = "UPDATE accounts SET password_hash = $2 WHERE id = $1"  # noqa: S105 - a statement
END_SESSIONS = "DELETE FROM sessions WHERE account_id = $1"
OPEN_SESSION = """
INSERT INTO sessions (token_sha256, account_id, expires_at)
SELECT $1, id, $3 FROM accounts WHERE id = $2 AND disabled_at IS NULL RETURNING account_id"""
FORGET_EXPIRED = "DELETE FROM sessions WHERE expires_at <= $1"
FIND_SESSION = f"""
SELECT {COLUMNS} FROM sessions s JOIN accounts a ON a.id = s.account_id JOIN persons p ON p.id = a.person_id
WHERE s.token_sha256 = $1 AND s.expires_at > $2 AND a.disabled_at IS NULL"""
CLOSE_SESSION = "DELETE FROM sessions WHERE token_sha256 = $1 RETURNING account_id"


class AccountRefused(Exception):
    """Nothing was changed; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    id: int
    email: str
    name: str
    password_hash: str
    disabled_at: datetime | None

    @property
    def actor(self) -> str:
        """How events name this account."""
        return f"account:{self.email}"


def read_email(text: str) -> str | None:
    """The address as accounts are kept by, in small letters; None when it can't be one."""
    email = text.strip()
    return email.lower() if len(email) <= EMAIL_CHARS_MAX and EMAIL.fullmatch(email) else None


async def find_account(connection: Connection, email: str) -> Account | None:
    row = await connection.fetchrow(FIND, email)
    return _account(row) if row else None


async def list_accounts(connection: Connection) -> list[Account]:
    return [_account(row) for row in await connection.fetch(ALL)]


async def add_account(
    connection: Connection, *, email: str, name: str, password_hash: str, actor: str
) -> None:
    wanted = _known_as(email)
    async with connection.transaction():
        person_id = await add_person(connection, name)
        account_id = await connection.fetchval(ADD, wanted, person_id, password_hash)
        if account_id is None:
            raise AccountRefused(f"there is an account {wanted} already; `poincon accounts list` shows all")
        await record_event(connection, actor=actor, action="account.add", subject=f"account:{wanted}")


async def disable_account(
    connection: Connection, email: str, *, at: datetime, actor: str, reason: str
) -> None:
    """End the account and its sessions for good. Safe to repeat."""
    async with connection.transaction():
        account = await _existing(connection, email)
        await connection.execute(END_SESSIONS, account.id)
        if await connection.execute(DISABLE, account.id, at) == "UPDATE 1":
            await record_event(
                connection, actor=actor, action="account.disable", subject=account.actor, reason=reason
            )


async def change_password(connection: Connection, email: str, password_hash: str, *, actor: str) -> None:
    """Whoever knew the old password is signed out."""
    async with connection.transaction():
        account = await _existing(connection, email)
        await connection.execute(SET_PASSWORD, account.id, password_hash)
        await connection.execute(END_SESSIONS, account.id)
        await record_event(connection, actor=actor, action="account.password", subject=account.actor)


async def open_session(
    connection: Connection, account: Account, token: str, *, now: datetime, expires_at: datetime
) -> bool:
    """False when the account was disabled meanwhile."""
    async with connection.transaction():
        await connection.execute(FORGET_EXPIRED, now)
        if await connection.fetchval(OPEN_SESSION, _sha256(token), account.id, expires_at) is None:
            return False
        await record_event(connection, actor=account.actor, action="account.sign_in", subject=account.actor)
    return True


async def find_session(connection: Connection, token: str, *, now: datetime) -> Account | None:
    """Whose session it is; None when it is unknown, ended, too old, or of a disabled account."""
    row = await connection.fetchrow(FIND_SESSION, _sha256(token), now)
    return _account(row) if row else None


async def close_session(connection: Connection, token: str, account: Account) -> None:
    async with connection.transaction():
        if await connection.fetchval(CLOSE_SESSION, _sha256(token)) is not None:
            await record_event(
                connection, actor=account.actor, action="account.sign_out", subject=account.actor
            )


async def _existing(connection: Connection, email: str) -> Account:
    account = await find_account(connection, _known_as(email))
    if account is None:
        raise AccountRefused(f"no account {email}; `poincon accounts list` shows those known")
    return account


def _known_as(email: str) -> str:
    wanted = read_email(email)
    if wanted is None:
        raise AccountRefused(f"{email!r} is not an e-mail address of at most {EMAIL_CHARS_MAX} ASCII letters")
    return wanted


def _sha256(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _account(row: Record) -> Account:
    return Account(*row)
