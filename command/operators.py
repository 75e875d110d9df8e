"""`poincon operators account`: the bank accounts that operators are paid on, changed by two persons."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

import click

from command.identity import as_option, signed_in
from command.surroundings import TEXT, Surroundings, data_option, print_json, run
from ledger.account_rows import Role
from ledger.connect import Connection
from ledger.payout_rows import OperatorAccount

PROOF_BYTES_MAX = 16 * 1024 * 1024

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
account_argument = click.argument("account_id", metavar="ACCOUNT", type=click.IntRange(1))


@click.group()
def operators() -> None:
    """Operators: organisations that accept passes and are paid for them."""


@operators.group("account")
def account() -> None:
    """Bank accounts of operators. Any change takes a second person and a cooling-off time.

    Exit status: 0 done, 1 refused, 2 wrong usage.
    """


@account.command("propose")
@click.argument("siret")
@click.option("--holder", required=True, type=TEXT, help="The holder's exact name, as on the RIB.")
@click.option("--iban", required=True, type=TEXT, help="Its spaces may stay; its check digits are verified.")
@click.option("--bic", help="Of the bank; within SEPA it may be left out.")
@click.option("--proof", required=True, type=TEXT, help="What was seen: « RIB reçu le 3 mars par courrier ».")
@click.option("--proof-file", type=click.File("rb"), help="Its SHA-256 is kept, the file is not.")
@as_option
@json_option
@data_option
def propose(
    siret: str,
    holder: str,
    iban: str,
    bic: str | None,
    proof: str,
    proof_file: IO[bytes] | None,
    email: str,
    as_json: bool,
    data: Path | None,
) -> None:
    """Propose the account of the operator with this SIRET."""
    from ledger.bank_accounts import propose_account
    from payouts.accounts import check_account

    checked = check_account(holder=holder, iban=iban, bic=bic)
    digest = hashlib.sha256(proof_file.read(PROOF_BYTES_MAX)).digest() if proof_file else None
    around = Surroundings(data)

    async def work() -> OperatorAccount:
        async with around.database() as connection:
            person = await signed_in(connection, around, email, Role.PREPARER, Role.APPROVER)
            return await propose_account(
                connection,
                await _operator_id(connection, siret),
                holder=checked.holder,
                iban=checked.iban,
                bic=checked.bic,
                proof=proof,
                proof_sha256=digest,
                person_id=person.person_id,
                actor=person.actor,
                at=datetime.now(UTC),
            )

    _tell([run(work())], as_json=as_json)


@account.command("approve")
@account_argument
@click.option(
    "--cooling-off-hours",
    # Whoever approves may wait longer, and never less: this time is what a stolen session has against it.
    type=click.IntRange(48, 24 * 30),
    default=48,
    show_default=True,
    help="From now to the first payment on it; 48 at least.",
)
@as_option
@json_option
@data_option
def approve(account_id: int, cooling_off_hours: int, email: str, as_json: bool, data: Path | None) -> None:
    """Approve ACCOUNT, as another person than who proposed it."""
    from ledger.bank_accounts import approve_account

    around = Surroundings(data)

    async def work() -> OperatorAccount:
        async with around.database() as connection:
            person = await signed_in(connection, around, email, Role.APPROVER)
            return await approve_account(
                connection,
                account_id,
                person_id=person.person_id,
                actor=person.actor,
                at=datetime.now(UTC),
                cooling_off=timedelta(hours=cooling_off_hours),
            )

    _tell([run(work())], as_json=as_json)


@account.command("refuse")
@account_argument
@click.option("--reason", required=True, type=TEXT, help="Why; the operator reads it.")
@as_option
@json_option
@data_option
def refuse(account_id: int, reason: str, email: str, as_json: bool, data: Path | None) -> None:
    """Refuse ACCOUNT, which was proposed."""
    from ledger.bank_accounts import refuse_account

    around = Surroundings(data)

    async def work() -> OperatorAccount:
        async with around.database() as connection:
            person = await signed_in(connection, around, email, Role.PREPARER, Role.APPROVER)
            return await refuse_account(
                connection,
                account_id,
                person_id=person.person_id,
                actor=person.actor,
                at=datetime.now(UTC),
                reason=reason,
            )

    _tell([run(work())], as_json=as_json)


@account.command("list")
@click.argument("siret")
@json_option
@data_option
def list_accounts(siret: str, as_json: bool, data: Path | None) -> None:
    """List the accounts of the operator with this SIRET, newest first."""
    from ledger.bank_accounts import operator_accounts

    async def work() -> list[OperatorAccount]:
        async with Surroundings(data).database() as connection:
            return await operator_accounts(connection, await _operator_id(connection, siret))

    _tell(run(work()), as_json=as_json)


async def _operator_id(connection: Connection, siret: str) -> int:
    from ledger.parties import find_operator

    operator_id = await find_operator(connection, siret)
    if operator_id is None:
        raise click.UsageError(f"no operator has the SIRET {siret}")
    return operator_id


def _tell(found: list[OperatorAccount], *, as_json: bool) -> None:
    if as_json:
        print_json([_json(one) for one in found])
        return
    for one in found:
        click.echo(f"account {one.id}: {one.holder}, {one.iban}, {_state(one)}")


def _state(one: OperatorAccount) -> str:
    if one.blocked_at:
        return f"blocked: {one.blocked_why}"
    if one.refused_at:
        return "refused"
    return f"usable from {one.usable_from:%Y-%m-%d %H:%M} UTC" if one.usable_from else "proposed"


def _json(one: OperatorAccount) -> dict[str, Any]:
    return {
        "id": one.id,
        "operator_id": one.operator_id,
        "holder": one.holder,
        "iban": one.iban,
        "bic": one.bic,
        "proof": one.proof,
        "state": _state(one),
        "usable_from": one.usable_from,
        "blocked_at": one.blocked_at,
    }
