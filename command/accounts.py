"""`poincon accounts`: who may sign in to the console. Rendering accounts is accounts_rendering.py's."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from command.accounts_rendering import list_frozen, render, verify
from command.surroundings import TEXT, Surroundings, data_option, print_json, run
from ledger.account_rows import Role
from ledger.connect import Connection


@click.group()
def accounts() -> None:
    """People who may sign in to the console; accounts rendered for a period (render, verify, frozen)."""


accounts.add_command(render)
accounts.add_command(verify)
accounts.add_command(list_frozen)

generate_option = click.option(
    "--generate", is_flag=True, help="Make a password and print it once, instead of asking for one."
)


role_option = click.option(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.PREPARER.value,
    show_default=True,
    help="preparer and approver are the trustee's; others read, run an operator or hand booklets out.",
)
programme_option = click.option("--programme", type=int, help="Number of a funder's programme.")
operator_option = click.option("--operator", metavar="SIRET", help="SIRET of a manager's operator.")
prescriber_option = click.option("--prescriber", type=int, help="Number of the prescriber handed out for.")
territory_option = click.option("--territory", type=int, help="Number of a reader's territory.")


@accounts.command("add")
@click.argument("email")
@click.option("--name", required=True, type=TEXT, help="The person's name, as pages and the log show it.")
@role_option
@programme_option
@operator_option
@prescriber_option
@territory_option
@click.option("--person", type=int, help="Number of a person who hands out, as `poincon prescribers` tells.")
@click.option("--same-person-as", metavar="EMAIL", help="The person has that account already.")
@click.option("--namesake", is_flag=True, help="Another person of this name has an account already.")
@generate_option
@data_option
def add(
    email: str,
    name: str,
    role: str,
    programme: int | None,
    operator: str | None,
    prescriber: int | None,
    territory: int | None,
    person: int | None,
    same_person_as: str | None,
    namesake: bool,
    generate: bool,
    data: Path | None,
) -> None:
    """Open an account for EMAIL."""
    from ledger.accounts import add_account

    around = Surroundings(data)
    password, password_hash = _new_password(generate)

    async def work(connection: Connection) -> None:
        await add_account(
            connection,
            email=email,
            name=name,
            password_hash=password_hash,
            actor=around.actor,
            role=Role(role),
            programme_id=programme,
            operator_id=await _operator_id(connection, operator),
            prescriber_id=prescriber,
            territory_id=territory,
            person_id=person,
            same_person_as=same_person_as,
            is_namesake=namesake,
        )

    _change(around, work)
    click.echo(f"account {email} is open, as {role}")
    _tell_generated(password, generate)


@accounts.command("role")
@click.argument("email")
@role_option
@programme_option
@operator_option
@prescriber_option
@territory_option
@click.option("--reason", required=True, type=TEXT, help="Why: kept with the event.")
@data_option
def change_role_of(
    email: str,
    role: str,
    programme: int | None,
    operator: str | None,
    prescriber: int | None,
    territory: int | None,
    reason: str,
    data: Path | None,
) -> None:
    """Give EMAIL another role and end its sessions."""
    from ledger.accounts import change_role

    around = Surroundings(data)

    async def work(connection: Connection) -> None:
        await change_role(
            connection,
            email,
            Role(role),
            programme_id=programme,
            operator_id=await _operator_id(connection, operator),
            prescriber_id=prescriber,
            territory_id=territory,
            actor=around.actor,
            reason=reason,
        )

    _change(around, work)
    click.echo(f"account {email} is now {role}; its sessions are ended")


@accounts.command("second-factor")
@click.argument("email")
@click.option("--remove", is_flag=True, required=True, help="Remove it: the phone and its codes are lost.")
@click.option("--reason", required=True, type=TEXT, help="Why, and how the person was recognised.")
@data_option
def remove_factor(email: str, remove: bool, reason: str, data: Path | None) -> None:
    """Remove the second factor of EMAIL and end its sessions."""
    from ledger.accounts import AccountRefused, existing_account
    from ledger.second_factors import remove_second_factor

    assert remove
    around = Surroundings(data)

    async def work(connection: Connection) -> None:
        account = await existing_account(connection, email)
        if not await remove_second_factor(connection, account, actor=around.actor, reason=reason):
            raise AccountRefused(f"{email} has no second factor")

    _change(around, work)
    click.echo(f"account {email} has no second factor any more; its sessions are ended")


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
    from ledger.account_rows import Account
    from ledger.accounts import list_accounts

    async def work() -> list[Account]:
        async with Surroundings(data).database() as connection:
            return await list_accounts(connection)

    for account in run(work()):
        if as_json:
            print_json(
                {
                    "email": account.email,
                    "name": account.name,
                    "role": account.role,
                    "programme": account.programme_id,
                    "operator": account.operator_id,
                    "prescriber": account.prescriber_id,
                    "territory": account.territory_id,
                    "second_factor": account.has_second_factor,
                    "disabled_at": account.disabled_at,
                }
            )
        else:
            disabled = f", disabled {account.disabled_at:%Y-%m-%d}" if account.disabled_at else ""
            factor = ", second factor" if account.has_second_factor else ""
            click.echo(f"{account.email}  {account.name}, {account.role}{factor}{disabled}")


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


async def _operator_id(connection: Connection, siret: str | None) -> int | None:
    from ledger.accounts import AccountRefused
    from ledger.parties import find_operator

    if siret is None:
        return None
    operator_id = await find_operator(connection, siret)
    if operator_id is None:
        raise AccountRefused(f"no operator has the SIRET {siret}")
    return operator_id


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
