"""`poincon accounts`: who may sign in to the console."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from command.surroundings import TEXT, Surroundings, data_option, print_json, run
from ledger.connect import Connection


@click.group()
def accounts() -> None:
    """People who may sign in to the console."""


generate_option = click.option(
    "--generate", is_flag=True, help="Make a password and print it once, instead of asking for one."
)


@accounts.command("add")
@click.argument("email")
@click.option("--name", required=True, type=TEXT, help="The person's name, as pages and the log show it.")
@generate_option
@data_option
def add(email: str, name: str, generate: bool, data: Path | None) -> None:
    """Open an account for EMAIL."""
    from ledger.accounts import add_account

    around = Surroundings(data)
    password, password_hash = _new_password(generate)
    _change(
        around,
        lambda connection: add_account(
            connection, email=email, name=name, password_hash=password_hash, actor=around.actor
        ),
    )
    click.echo(f"account {email} is open")
    _tell_generated(password, generate)


@accounts.command("password")
@click.argument("email")
@generate_option
@data_option
def change(email: str, generate: bool, data: Path | None) -> None:
    """Give EMAIL another password and end its sessions."""
    from ledger.accounts import change_password

    around = Surroundings(data)
    password, password_hash = _new_password(generate)
    _change(around, lambda connection: change_password(connection, email, password_hash, actor=around.actor))
    click.echo(f"account {email} has another password; its sessions are ended")
    _tell_generated(password, generate)


@accounts.command("disable")
@click.argument("email")
@click.option("--reason", required=True, type=TEXT, help="Why: kept with the event.")
@data_option
def disable(email: str, reason: str, data: Path | None) -> None:
    """Refuse EMAIL from now on and end its sessions, for good."""
    from ledger.accounts import disable_account

    around = Surroundings(data)
    _change(
        around,
        lambda connection: disable_account(
            connection, email, at=datetime.now(UTC), actor=around.actor, reason=reason
        ),
    )
    click.echo(f"account {email} is disabled")


@accounts.command("list")
@click.option("--json", "as_json", is_flag=True)
@data_option
def list_all(as_json: bool, data: Path | None) -> None:
    """List the accounts."""
    from ledger.accounts import Account, list_accounts

    async def work() -> list[Account]:
        async with Surroundings(data).database() as connection:
            return await list_accounts(connection)

    for account in run(work()):
        if as_json:
            print_json({"email": account.email, "name": account.name, "disabled_at": account.disabled_at})
        else:
            disabled = f", disabled {account.disabled_at:%Y-%m-%d}" if account.disabled_at else ""
            click.echo(f"{account.email}  {account.name}{disabled}")


def _new_password(generate: bool) -> tuple[str, str]:
    """The password and its hash; asked for twice, unseen, unless it is to be generated."""
    from console.passwords import PasswordRefused, hash_password, new_password

    password = (
        new_password() if generate else click.prompt("Password", hide_input=True, confirmation_prompt=True)
    )
    try:
        return password, hash_password(password)
    except PasswordRefused as error:
        raise click.ClickException(str(error)) from None


def _tell_generated(password: str, generate: bool) -> None:
    if generate:
        click.echo(f"password (shown once): {password}")


def _change(around: Surroundings, change: Callable[[Connection], Awaitable[None]]) -> None:
    from ledger.accounts import AccountRefused

    async def work() -> None:
        async with around.database() as connection:
            await change(connection)

    try:
        run(work())
    except AccountRefused as error:
        raise click.ClickException(str(error)) from None
