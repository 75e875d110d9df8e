"""`poincon payouts`: batches of transfers, from draft to reconciled. Who changes one signs in with --as."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import click

from command.identity import as_option, signed_in
from command.surroundings import TEXT, Surroundings, data_option, print_json, run
from ledger.account_rows import Account, Role
from ledger.connect import Connection
from ledger.payout_rows import Attempt, PayoutBatch, TrusteeAccount

if TYPE_CHECKING:
    from payouts.preparing import Prepared

Result = TypeVar("Result")
TRUSTEE = (Role.PREPARER, Role.APPROVER)

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
batch_argument = click.argument("batch_id", metavar="BATCH", type=click.IntRange(1))


@click.group()
def payouts() -> None:
    """Batches of transfers to operators: one person prepares, another approves.

    Exit status: 0 done, 1 refused or nothing to do, 2 wrong usage.
    """


@payouts.command("prepare")
@as_option
@json_option
@data_option
def prepare_command(email: str, as_json: bool, data: Path | None) -> None:
    """Draw up a draft of all that is owed and can be paid; tell who is left out, and why.

    Exit status 1 when nothing can be paid.
    """
    from payouts.preparing import prepare

    prepared = _as(
        data,
        email,
        TRUSTEE,
        lambda connection, account: prepare(
            connection, person_id=account.person_id, actor=account.actor, now=datetime.now(UTC)
        ),
    )
    _tell_prepared(prepared, as_json=as_json)
    raise SystemExit(0 if prepared.batch else 1)


def _tell_prepared(prepared: "Prepared", *, as_json: bool) -> None:
    from payouts.words import left_out_sentence

    left_out = [
        {
            "operator": one.owed.operator,
            "operator_id": one.owed.operator_id,
            "remittance": one.owed.number,
            "amount_cents": one.owed.amount_cents,
            "why": one.why.value,
            "message": left_out_sentence(one.owed.operator, one.owed.number, one.owed.amount_cents, one.why),
        }
        for one in prepared.left_out
    ]
    if as_json:
        batch = _batch_json(prepared.batch) if prepared.batch else None
        print_json({"batch": batch, "left_out": left_out})
        return
    click.echo(_summary(prepared.batch) if prepared.batch else "nothing can be paid")
    for one in left_out:
        click.echo(f"  {one['message']}")


@payouts.command("approve")
@batch_argument
@click.option("--count", required=True, type=click.IntRange(1), help="Number of transfers that you saw.")
@click.option("--total-cents", required=True, type=click.IntRange(1), help="Their total, in cents.")
@click.option("--on", "requested_on", type=click.DateTime(["%Y-%m-%d"]), help="Execution; else tomorrow.")
@click.option("--pain", type=click.Choice(["09", "03"]), default="09", help="Version of pain.001.001.")
@as_option
@json_option
@data_option
def approve_command(
    batch_id: int,
    count: int,
    total_cents: int,
    requested_on: datetime | None,
    pain: str,
    email: str,
    as_json: bool,
    data: Path | None,
) -> None:
    """Release BATCH, as another person than who prepared it. Its file is written now and never changes."""
    from payouts.approving import Totals, approve
    from payouts.bank.pain001 import Version

    day: date | None = requested_on.date() if requested_on else None
    batch = _as(
        data,
        email,
        (Role.APPROVER,),
        lambda connection, account: approve(
            connection,
            batch_id,
            seen=Totals(count, total_cents),
            person_id=account.person_id,
            actor=account.actor,
            now=datetime.now(UTC),
            requested_on=day,
            version=Version(f"pain.001.001.{pain}"),
        ),
    )
    _tell(batch, as_json=as_json)


@payouts.command("file")
@batch_argument
@click.option("--out", type=click.File("wb", lazy=True), default="-", help="Where to; else standard output.")
@click.option("--json", "as_json", is_flag=True, help="Tell its message id and SHA-256 as JSON; takes --out.")
@data_option
def file_command(batch_id: int, out: IO[bytes], as_json: bool, data: Path | None) -> None:
    """Write the file of BATCH for the bank: the same bytes each time."""
    from ledger.payouts import batch_file, read_batch

    if as_json and out.name == "-":
        raise click.UsageError(
            "--json tells of the file that --out names; without --out it is printed itself"
        )

    async def work() -> tuple[PayoutBatch, bytes]:
        async with Surroundings(data).database() as connection:
            file = await batch_file(connection, batch_id)
            return await read_batch(connection, batch_id), file

    batch, file = run(work())
    out.write(file)
    if as_json:
        print_json(_batch_json(batch) | {"file": out.name, "file_bytes": len(file)})


@payouts.command("sent")
@batch_argument
@as_option
@json_option
@data_option
def sent_command(batch_id: int, email: str, as_json: bool, data: Path | None) -> None:
    """Say that the file of BATCH was given to the bank. Safe to repeat."""
    from ledger.payouts import mark_sent

    batch = _as(
        data,
        email,
        TRUSTEE,
        lambda connection, account: mark_sent(
            connection, batch_id, actor=account.actor, at=datetime.now(UTC)
        ),
    )
    _tell(batch, as_json=as_json)


@payouts.command("cancel")
@batch_argument
@click.option("--reason", required=True, type=TEXT, help="Why; kept with the batch.")
@as_option
@json_option
@data_option
def cancel_command(batch_id: int, reason: str, email: str, as_json: bool, data: Path | None) -> None:
    """Give up the draft BATCH; once it is approved, only the bank's answer ends it."""
    from ledger.payouts import cancel_batch

    batch = _as(
        data,
        email,
        TRUSTEE,
        lambda connection, account: cancel_batch(
            connection, batch_id, actor=account.actor, at=datetime.now(UTC), reason=reason
        ),
    )
    _tell(batch, as_json=as_json)


@payouts.command("status")
@click.argument("batch_id", metavar="[BATCH]", type=click.IntRange(1), required=False)
@json_option
@data_option
def status_command(batch_id: int | None, as_json: bool, data: Path | None) -> None:
    """List the batches, newest first, or the transfers of one."""
    from ledger.payouts import attempts_of, list_payout_batches, read_batch

    async def work() -> tuple[list[PayoutBatch], list[Attempt]]:
        async with Surroundings(data).database() as connection:
            if batch_id is None:
                return await list_payout_batches(connection), []
            return [await read_batch(connection, batch_id)], await attempts_of(connection, batch_id)

    batches, attempts = run(work())
    if as_json:
        transfers = [_attempt_json(one) for one in attempts]
        listed = [_batch_json(one) for one in batches]
        print_json(listed if batch_id is None else listed[0] | {"transfers": transfers})
        return
    for batch in batches:
        click.echo(_summary(batch))
    for one in attempts:
        reason = f" ({one.reason})" if one.reason else ""
        click.echo(
            f"  {one.end_to_end_id}  {one.amount_cents / 100:.2f} €  {one.operator}  {one.state}{reason}"
        )


@payouts.group("trustee")
def trustee() -> None:
    """The account that pays: changed by two persons."""


@trustee.command("propose")
@click.option("--holder", required=True, type=TEXT, help="Exactly as the bank knows it.")
@click.option("--iban", required=True, type=TEXT, help="Its spaces may stay; its check digits are verified.")
@click.option("--bic", help="Of the bank; within SEPA it may be left out.")
@as_option
@json_option
@data_option
def trustee_propose(
    holder: str, iban: str, bic: str | None, email: str, as_json: bool, data: Path | None
) -> None:
    """Propose the account that pays; a second person approves it."""
    from ledger.bank_accounts import propose_trustee
    from payouts.accounts import check_account

    checked = check_account(holder=holder, iban=iban, bic=bic)
    account = _as(
        data,
        email,
        TRUSTEE,
        lambda connection, account: propose_trustee(
            connection,
            holder=checked.holder,
            iban=checked.iban,
            bic=checked.bic,
            person_id=account.person_id,
            actor=account.actor,
            at=datetime.now(UTC),
        ),
    )
    _tell_trustee(account, as_json=as_json)


@trustee.command("approve")
@click.argument("account_id", metavar="ACCOUNT", type=click.IntRange(1))
@as_option
@json_option
@data_option
def trustee_approve(account_id: int, email: str, as_json: bool, data: Path | None) -> None:
    """Approve the account that pays, as another person than who proposed it."""
    from ledger.bank_accounts import approve_trustee

    account = _as(
        data,
        email,
        (Role.APPROVER,),
        lambda connection, account: approve_trustee(
            connection,
            account_id,
            person_id=account.person_id,
            actor=account.actor,
            at=datetime.now(UTC),
        ),
    )
    _tell_trustee(account, as_json=as_json)


def _as(
    data: Path | None,
    email: str,
    roles: tuple[Role, ...],
    work: Callable[[Connection, Account], Awaitable[Result]],
) -> Result:
    around = Surroundings(data)

    async def signed_work() -> Result:
        async with around.database() as connection:
            return await work(connection, await signed_in(connection, around, email, *roles))

    return run(signed_work())


def _tell(batch: PayoutBatch, *, as_json: bool) -> None:
    print_json(_batch_json(batch)) if as_json else click.echo(_summary(batch))


def _tell_trustee(account: TrusteeAccount, *, as_json: bool) -> None:
    state = "approved" if account.approved_at else "proposed"
    if as_json:
        print_json({"id": account.id, "holder": account.holder, "iban": account.iban, "state": state})
    else:
        click.echo(f"trustee's account {account.id}: {account.holder}, {account.iban}, {state}")


def _summary(batch: PayoutBatch) -> str:
    told = f", message {batch.message_id}" if batch.message_id else ""
    return (
        f"batch {batch.id}: {batch.transfer_count} transfers, {batch.total_cents / 100:.2f} €,"
        f" {batch.state}{told}"
    )


def _batch_json(batch: PayoutBatch) -> dict[str, Any]:
    return {
        "id": batch.id,
        "state": batch.state.value,
        "transfer_count": batch.transfer_count,
        "total_cents": batch.total_cents,
        "prepared_at": batch.prepared_at,
        "approved_at": batch.approved_at,
        "message_id": batch.message_id,
        "requested_on": batch.requested_on,
        "file_sha256": batch.file_sha256.hex() if batch.file_sha256 else None,
        "sent_at": batch.sent_at,
    }


def _attempt_json(one: Attempt) -> dict[str, Any]:
    return {
        "end_to_end_id": one.end_to_end_id,
        "operator_id": one.operator_id,
        "operator": one.operator,
        "remittance": one.number,
        "portion": one.portion,
        "amount_cents": one.amount_cents,
        "state": one.state.value,
        "holder": one.holder,
        "iban": one.iban,
        "reason": one.reason,
    }
