"""Who is typing, for what takes two persons: an account of the trustee, its password and its second factor.

The password is asked for unseen, or read from POINCON_PASSWORD; a code of the second factor likewise, from
POINCON_CODE. Persons are compared, so that four eyes are real here as they are in the console.
"""

import os
import sys
from datetime import UTC, datetime

import click

from command.surroundings import Surroundings
from ledger.account_rows import Account, Role
from ledger.connect import Connection

as_option = click.option(
    "--as", "email", required=True, metavar="EMAIL", help="Your account; its password is asked for."
)


async def signed_in(connection: Connection, around: Surroundings, email: str, *roles: Role) -> Account:
    """The account, once it has shown what it knows; a usage error otherwise."""
    from console.passwords import matches
    from ledger.accounts import find_account

    password = _asked("Password", "POINCON_PASSWORD")
    account = await find_account(connection, email.strip().lower())
    known = matches(password, account.password_hash if account else None)
    if account is None or not known or account.disabled_at is not None:
        raise click.UsageError("no such account, or another password")
    if account.role not in roles:
        wanted = " or ".join(role.value for role in roles)
        raise click.UsageError(f"{account.email} is {account.role}: this takes {wanted}")
    if account.has_second_factor:
        await _second_factor(connection, around, account)
    return account


async def _second_factor(connection: Connection, around: Surroundings, account: Account) -> None:
    from keys.second_factor import SecondFactorKeys, matching_step
    from ledger.second_factors import find_second_factor, note_refused_code, use_step

    typed = _asked("Code", "POINCON_CODE")
    factor = await find_second_factor(connection, account)
    keys = SecondFactorKeys(around.key_folder.master_secret())
    step = factor and matching_step(
        keys.unseal(factor.sealed_secret, account.id), typed.strip(), now=datetime.now(UTC)
    )
    if not step or not await use_step(connection, account, step):
        await note_refused_code(connection, account)
        raise click.UsageError("not the code of this moment; each serves once")


def _asked(what: str, setting: str) -> str:
    if given := os.environ.get(setting):
        return given
    if not sys.stdin.isatty():
        raise click.UsageError(f"there is no terminal to ask at: give the {what.lower()} in {setting}")
    return str(click.prompt(what, hide_input=True, err=True))
