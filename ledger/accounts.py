"""Accounts of the console: opened, given another role or password, closed. Passwords arrive hashed; sessions
are in sessions.py."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from ledger.account_rows import Account, Role
from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.parties import add_person

EMAIL_CHARS_MAX = 254
# ASCII only: its small letters are the same for Python, PostgreSQL and whoever compares two of them by eye.
EMAIL = re.compile(r"[!-?A-~]+@[!-?A-~]+", re.ASCII)

COLUMNS = """a.id, a.email, a.person_id, p.name, a.password_hash, a.disabled_at, a.role, a.programme_id,
       a.operator_id, a.prescriber_id, a.territory_id,
       EXISTS (SELECT FROM second_factors f WHERE f.account_id = a.id)"""
COLUMN_COUNT = 12
FROM_ACCOUNTS = "FROM accounts a JOIN persons p ON p.id = a.person_id"
FIND = f"SELECT {COLUMNS} {FROM_ACCOUNTS} WHERE a.email = $1"
ALL = f"SELECT {COLUMNS} {FROM_ACCOUNTS} ORDER BY a.email"
ADD = """
INSERT INTO accounts (email, person_id, password_hash, role, programme_id, operator_id, prescriber_id,
                      territory_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (email) DO NOTHING RETURNING id"""
NAMESAKE = """
SELECT a.email FROM accounts a JOIN persons p ON p.id = a.person_id
WHERE lower(p.name) = lower($1) ORDER BY a.id LIMIT 1"""
DISABLE = "UPDATE accounts SET disabled_at = $2 WHERE id = $1 AND disabled_at IS NULL"
SET_PASSWORD = "UPDATE accounts SET password_hash = $2 WHERE id = $1"  # noqa: S105 - a statement
SET_ROLE = """
UPDATE accounts SET role = $2, programme_id = $3, operator_id = $4, prescriber_id = $5, territory_id = $6
WHERE id = $1"""
END_SESSIONS = "DELETE FROM sessions WHERE account_id = $1"
PROGRAMME = "SELECT EXISTS (SELECT FROM programmes WHERE id = $1)"
OPERATOR = "SELECT EXISTS (SELECT FROM operators WHERE id = $1)"
TERRITORY = "SELECT EXISTS (SELECT FROM territories WHERE id = $1)"
HANDS_OUT = """
SELECT EXISTS (SELECT FROM prescriber_persons
               WHERE prescriber_id = $1 AND person_id = $2 AND left_at IS NULL)"""


# What a role is bound to, and what is told when it is missing or is given to another role.
BOUND_TO: Mapping[Role, tuple[str, str]] = {
    Role.FUNDER: (
        "programme_id",
        "a funder reads one programme, and no other role names one: give --programme",
    ),
    Role.OPERATOR: (
        "operator_id",
        "a manager runs one operator, and no other role names one: give --operator",
    ),
    Role.PRESCRIBER: (
        "prescriber_id",
        "who hands out does so for one prescriber, and no other role names one: give --prescriber",
    ),
    Role.TERRITORY: (
        "territory_id",
        "a territory's reader reads one territory, and no other role names one: give --territory",
    ),
}


class AccountRefused(Exception):
    """Nothing was changed; the text says why and what to do."""


class Scope(NamedTuple):
    """What an account is bound to: what its role needs, and nothing else."""

    programme_id: int | None
    operator_id: int | None
    prescriber_id: int | None
    territory_id: int | None


def read_email(text: str) -> str | None:
    """The address as accounts are kept by, in small letters; None when it can't be one."""
    email = text.strip()
    return email.lower() if len(email) <= EMAIL_CHARS_MAX and EMAIL.fullmatch(email) else None


async def find_account(connection: Connection, email: str) -> Account | None:
    row = await connection.fetchrow(FIND, email)
    return read_account(row) if row else None


async def list_accounts(connection: Connection) -> list[Account]:
    return [read_account(row) for row in await connection.fetch(ALL)]


async def add_account(
    connection: Connection,
    *,
    email: str,
    name: str,
    password_hash: str,
    actor: str,
    role: Role = Role.PREPARER,
    programme_id: int | None = None,
    operator_id: int | None = None,
    prescriber_id: int | None = None,
    territory_id: int | None = None,
    person_id: int | None = None,
    same_person_as: str | None = None,
    is_namesake: bool = False,
) -> None:
    """same_person_as: the e-mail of another account of the same person, so that four eyes stay four.

    person_id: somebody who is known already, as who hands out for the prescriber is.
    is_namesake: a person of this name has an account already, and this is somebody else.
    """
    wanted = _known_as(email)
    scope = Scope(programme_id, operator_id, prescriber_id, territory_id)
    async with connection.transaction():
        await _refuse_scope(connection, role, scope)
        if same_person_as is not None:
            person_id = (await existing_account(connection, same_person_as)).person_id
        elif person_id is None:
            await _refuse_namesake(connection, name, wanted, is_namesake=is_namesake)
            person_id = await add_person(connection, name)
        await _refuse_stranger(connection, prescriber_id, person_id)
        account_id = await connection.fetchval(ADD, wanted, person_id, password_hash, role, *scope)
        if account_id is None:
            raise AccountRefused(f"there is an account {wanted} already; `poincon accounts list` shows all")
        subject = f"account:{wanted}"
        await record_event(connection, actor=actor, action="account.add", subject=subject, role=role.value)


async def change_role(
    connection: Connection,
    email: str,
    role: Role,
    *,
    programme_id: int | None,
    operator_id: int | None,
    actor: str,
    reason: str,
    prescriber_id: int | None = None,
    territory_id: int | None = None,
) -> None:
    """Whoever was signed in is signed out: what it may do has changed."""
    scope = Scope(programme_id, operator_id, prescriber_id, territory_id)
    async with connection.transaction():
        account = await existing_account(connection, email)
        await _refuse_scope(connection, role, scope)
        await _refuse_stranger(connection, prescriber_id, account.person_id)
        await connection.execute(SET_ROLE, account.id, role, *scope)
        await connection.execute(END_SESSIONS, account.id)
        await record_event(
            connection,
            actor=actor,
            action="account.role",
            subject=account.actor,
            reason=reason,
            role_old=account.role.value,
            role=role.value,
        )


async def disable_account(
    connection: Connection, email: str, *, at: datetime, actor: str, reason: str
) -> None:
    """End the account and its sessions for good. Safe to repeat."""
    async with connection.transaction():
        account = await existing_account(connection, email)
        await connection.execute(END_SESSIONS, account.id)
        if await connection.execute(DISABLE, account.id, at) == "UPDATE 1":
            await record_event(
                connection, actor=actor, action="account.disable", subject=account.actor, reason=reason
            )


async def change_password(connection: Connection, email: str, password_hash: str, *, actor: str) -> None:
    """Whoever knew the old password is signed out."""
    async with connection.transaction():
        account = await existing_account(connection, email)
        await connection.execute(SET_PASSWORD, account.id, password_hash)
        await connection.execute(END_SESSIONS, account.id)
        await record_event(connection, actor=actor, action="account.password", subject=account.actor)


async def existing_account(connection: Connection, email: str) -> Account:
    account = await find_account(connection, _known_as(email))
    if account is None:
        raise AccountRefused(f"no account {email}; `poincon accounts list` shows those known")
    return account


def read_account(row: Record) -> Account:
    identity, email, person_id, name, password_hash, disabled_at, role, *rest = tuple(row)[:COLUMN_COUNT]
    return Account(identity, email, person_id, name, password_hash, disabled_at, Role(role), *rest)


async def _refuse_namesake(connection: Connection, name: str, email: str, *, is_namesake: bool) -> None:
    """One person with two logins would pass for two: whoever opens the second must say which it is."""
    other = await connection.fetchval(NAMESAKE, name)
    if other is not None and other != email and not is_namesake:
        raise AccountRefused(
            f"{name} has the account {other}: say --same-person-as {other},"
            " or --namesake if this is another person"
        )


async def _refuse_stranger(connection: Connection, prescriber_id: int | None, person_id: int) -> None:
    if prescriber_id is not None and not await connection.fetchval(HANDS_OUT, prescriber_id, person_id):
        raise AccountRefused(
            f"person {person_id} hands nothing out for prescriber {prescriber_id};"
            " `poincon prescribers person` adds them"
        )


async def _refuse_scope(connection: Connection, role: Role, scope: Scope) -> None:
    for bound, (field, told) in BOUND_TO.items():
        if (role is bound) != (getattr(scope, field) is not None):
            raise AccountRefused(told)
    programme_id, operator_id, _, territory_id = scope
    if programme_id is not None and not await connection.fetchval(PROGRAMME, programme_id):
        raise AccountRefused(f"no programme {programme_id}; `poincon programmes list` shows those known")
    if operator_id is not None and not await connection.fetchval(OPERATOR, operator_id):
        raise AccountRefused(f"no operator {operator_id}; the console's page Structures shows those known")
    if territory_id is not None and not await connection.fetchval(TERRITORY, territory_id):
        raise AccountRefused(f"no territory {territory_id}; the console's page Territoires shows those known")


def _known_as(email: str) -> str:
    wanted = read_email(email)
    if wanted is None:
        raise AccountRefused(f"{email!r} is not an e-mail address of at most {EMAIL_CHARS_MAX} ASCII letters")
    return wanted
