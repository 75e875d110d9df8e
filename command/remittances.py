"""`poincon remittances`: what operators put into counter-payment: read, closed when a calendar asks for it;
a CSV verified without any server."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import click
import msgspec

from command.surroundings import Surroundings, data_option, print_json, run
from ledger.remittance_rows import PARIS, ClosedRemittance, Remittance

CSV_BYTES_MAX = 16 * 1024 * 1024  # 10,000 lines of over 1,000 bytes


@click.group()
def remittances() -> None:
    """Remittances (bordereaux de remise): what operators put into counter-payment."""


@remittances.command("list")
@click.argument("siret")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 200), help="How many at most.")
@click.option("--offset", default=0, type=click.IntRange(0), help="How many of the newest to leave out.")
@click.option("--json", "as_json", is_flag=True)
@data_option
def list_of_operator(siret: str, limit: int, offset: int, as_json: bool, data: Path | None) -> None:
    """List the remittances of the operator with this SIRET, newest first."""
    from ledger.remittances import list_remittances

    async def work() -> tuple[list[Remittance], int]:
        async with Surroundings(data).database() as connection:
            operator_id = await _operator_id(connection, siret)
            return await list_remittances(connection, operator_id, limit=limit, offset=offset)

    page, count = run(work())
    if as_json:
        print_json([_facts(one) for one in page])
        return
    for one in page:
        click.echo(_summary(one))
    click.echo(f"{count} remittances in all")


@remittances.command("show")
@click.argument("siret")
@click.argument("number", type=click.IntRange(1))
@click.option("--pdf", type=click.File("wb", lazy=True), help="Write the bordereau to this file.")
@click.option("--csv", type=click.File("wb", lazy=True), help="Write its lines to this file.")
@click.option("--json", "as_json", is_flag=True)
@data_option
def show(
    siret: str, number: int, pdf: IO[bytes] | None, csv: IO[bytes] | None, as_json: bool, data: Path | None
) -> None:
    """Show one remittance of the operator with this SIRET."""
    from ledger.remittances import read_remittance

    async def work() -> ClosedRemittance | None:
        async with Surroundings(data).database() as connection:
            return await read_remittance(connection, await _operator_id(connection, siret), number)

    closed = run(work())
    if closed is None:
        raise click.UsageError(f"{siret} has no remittance {number}; `poincon remittances list` shows them")
    _write_files(closed, pdf, csv)
    if as_json:
        lines, corrections = msgspec.to_builtins((closed.lines, closed.corrections))
        print_json(_facts(closed.remittance) | {"lines": lines, "corrections": corrections})
        return
    for line in _words(closed):
        click.echo(line)


@remittances.command("close-due")
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z"]),
    help="The day (Europe/Paris) or the instant whose closings are wanted; now unless told.",
)
@click.option("--json", "as_json", is_flag=True)
@data_option
def close_what_is_due(at: datetime | None, as_json: bool, data: Path | None) -> None:
    """Close what the programmes' calendars ask for. Safe to run again, and beside `poincon serve`.

    A run that was missed is made good by the next. What was accepted on the day itself waits for the next day
    of the calendar.
    """
    from ledger.calendars import due_closings
    from payouts.calendar_closing import close_by_calendar

    now = datetime.now(UTC)
    wanted = now if at is None else at if at.tzinfo else at.replace(tzinfo=PARIS)
    if wanted > now:
        raise click.UsageError("--at is yet to come: more passes may be accepted before it")

    async def work() -> list[Remittance]:
        closed: list[Remittance] = []
        async with Surroundings(data).database() as connection:
            for due in await due_closings(connection, at=wanted):
                closed += await close_by_calendar(connection, due, at=datetime.now(UTC))
        return closed

    closed = run(work())
    if as_json:
        print_json([_facts(one) for one in closed])
        return
    for one in closed:
        click.echo(f"{one.siret}  {_summary(one)}")
    click.echo(f"{len(closed)} remittances closed by the calendar")


async def _operator_id(connection: Any, siret: str) -> int:
    from ledger.parties import find_operator

    operator_id = await find_operator(connection, siret)
    if operator_id is None:
        raise click.UsageError(f"no operator has the SIRET {siret}")
    return operator_id


def _write_files(closed: ClosedRemittance, pdf: IO[bytes] | None, csv: IO[bytes] | None) -> None:
    from payouts.remittance_csv import remittance_csv
    from payouts.remittance_pdf import draw_remittance

    if csv:
        csv.write(remittance_csv(closed))
    if pdf:
        pdf.write(draw_remittance(closed))


def _facts(remittance: Remittance) -> dict[str, Any]:
    facts: dict[str, Any] = msgspec.to_builtins(remittance)
    return facts | {
        "lines_sha256": remittance.lines_sha256.hex(),
        "state": remittance.state.value,
        "expected_payment_on": remittance.expected_payment_on,
        "payable_cents": remittance.payable_cents,
    }


def _summary(one: Remittance) -> str:
    return (
        f"{one.number}  closed {one.closed_at:%Y-%m-%d %H:%M} UTC: {one.line_count} passes,"
        f" {one.total_cents / 100:.2f} €, to be paid by {one.expected_payment_on}"
    )


def _words(closed: ClosedRemittance) -> Iterator[str]:
    remittance = closed.remittance
    yield _summary(remittance)
    yield f"{remittance.names.operator}, SIRET {remittance.siret}; closed by {remittance.closed_by}"
    for part in remittance.parts:
        name = remittance.names.programmes[part.programme_id]
        yield f"  {name}: {part.line_count} passes, {part.total_cents / 100:.2f} €"
    for one in closed.corrections:
        yield f"  correction {one.id} ({one.cause.value}): {one.amount_cents / 100:.2f} €, {one.reason}"
    if closed.corrections:
        yield f"  to be paid: {remittance.payable_cents / 100:.2f} €"
    yield f"SHA-256 of its lines: {remittance.lines_sha256.hex()}"
    yield remittance.certification


@remittances.command("verify")
@click.argument("file", type=click.File("rb"))
@click.option("--sha256", help="The hash on the bordereau: exit 1 when the lines have another.")
@click.option("--json", "as_json", is_flag=True)
def verify(file: IO[bytes], sha256: str | None, as_json: bool) -> None:
    """Recompute count, total and hash from the CSV of a remittance, without any server.

    Exit 0 when it is whole (and has the hash given), 1 when it is not.
    """
    from payouts.remittance_csv import NotARemittance, read_remittance_csv

    content = file.read(CSV_BYTES_MAX + 1)
    try:
        if len(content) > CSV_BYTES_MAX:
            raise NotARemittance(f"over {CSV_BYTES_MAX} bytes")
        read = read_remittance_csv(content.decode("utf-8-sig"))
    except (NotARemittance, UnicodeDecodeError) as error:
        raise click.ClickException(f"{os.fspath(file.name)}: {error}") from None
    found = read.lines_sha256.hex()
    is_good = sha256 is None or sha256.strip().lower() == found
    if as_json:
        print_json(msgspec.to_builtins(read) | {"lines_sha256": found, "good": is_good})
    else:
        click.echo(f"{read.siret} remittance {read.number}: {read.line_count} passes, {read.total_cents} c")
        click.echo(f"SHA-256 of its lines: {found}")
        click.echo("compare it with the bordereau" if sha256 is None else "good" if is_good else "DIFFERENT")
    raise SystemExit(0 if is_good else 1)
