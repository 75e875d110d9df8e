"""`poincon notices`: the queue of notices, what a person decides about it, and the addresses they go to."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from command.surroundings import TEXT, Surroundings, data_option, print_json, run
from ledger.notice_rows import Notice, NoticeState

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
notice_argument = click.argument("notice_id", metavar="NOTICE", type=click.IntRange(1))
reason_option = click.option("--reason", required=True, type=TEXT, help="Why; it stays in the log.")


@click.group()
def notices() -> None:
    """Notices by mail, and signed calls to other systems (docs/avis.md).

    Exit status: 0 done, 1 refused or something waits for a person, 2 wrong usage.
    """


@notices.command("list")
@click.option("--stuck", is_flag=True, help="Only those that wait for a person; exit status 1 if there are.")
@json_option
@data_option
@click.pass_context
def list_notices(context: click.Context, stuck: bool, as_json: bool, data: Path | None) -> None:
    """List the newest notices."""
    from ledger.notices import recent_notices, stuck_notices

    async def work() -> list[Notice]:
        async with Surroundings(data).database() as connection:
            return await (stuck_notices if stuck else recent_notices)(connection)

    found = run(work())
    if as_json:
        print_json([asdict(one) for one in found])
    else:
        for one in found:
            click.echo(
                f"{one.id}  {one.state:10}  {one.kind:22}  {one.address or '-'}  {one.error or ''}".rstrip()
            )
    if stuck and found:
        context.exit(1)


@notices.command("show")
@notice_argument
@data_option
def show(notice_id: int, data: Path | None) -> None:
    """Print NOTICE as its recipient reads it."""
    from ledger.notice_rows import NoticeRefused
    from ledger.notices import find_notice
    from programmes.notices.letters import letter_of

    around = Surroundings(data)

    async def work() -> Notice | None:
        async with around.database() as connection:
            return await find_notice(connection, notice_id)

    notice = run(work())
    if notice is None:
        raise NoticeRefused(f"no notice {notice_id}")
    letter = letter_of(notice.kind, notice.payload, notice.audience)
    click.echo(f"{letter.subject}\n\n{letter.text(around.variables.get('POINCON_PUBLIC_URL'))}", nl=False)


@notices.command("resend")
@notice_argument
@reason_option
@data_option
def resend_one(notice_id: int, reason: str, data: Path | None) -> None:
    """Send NOTICE, which waits for a person, again: an unclear one may arrive twice."""
    from ledger.notices import resend

    async def work(around: Surroundings) -> None:
        async with around.database() as connection:
            await resend(connection, notice_id, actor=around.actor, at=datetime.now(UTC), reason=reason)

    run(work(Surroundings(data)))


@notices.command("settle")
@notice_argument
@click.argument("state", type=click.Choice([NoticeState.SENT.value, NoticeState.DROPPED.value]))
@reason_option
@data_option
def settle(notice_id: int, state: str, reason: str, data: Path | None) -> None:
    """Say what became of NOTICE: sent, as its recipient confirmed; dropped, nobody wants it any more."""
    from ledger.notices import settle_by_hand

    async def work(around: Surroundings) -> None:
        async with around.database() as connection:
            await settle_by_hand(
                connection,
                notice_id,
                NoticeState(state),
                actor=around.actor,
                at=datetime.now(UTC),
                reason=reason,
            )

    run(work(Surroundings(data)))


@notices.command("send")
@json_option
@data_option
def send(as_json: bool, data: Path | None) -> None:
    """Send what is due now, once: mail, then calls. For a cron job where the service runs POINCON_NOTICES=no.

    Needs POINCON_SMTP_URL and POINCON_MAIL_FROM, and the keys for calls.
    """
    from ledger.connect import connected
    from validator.notice_clerks import notice_clerks
    from validator.settings import Settings

    around = Surroundings(data)
    settings = Settings.from_environment(around.variables)
    clerks = notice_clerks(settings, around.key_folder.master_secret())

    async def work() -> dict[str, object]:
        async with connected(settings.database_url, purpose="command"):
            pass  # says plainly that there is no database
        return {
            clerk.name: await clerk.look() for clerk in sorted(clerks, key=lambda one: one.name != "warnings")
        }

    done = run(work())
    if as_json:
        print_json(done)
        return
    for name, count in done.items():
        click.echo(f"{name}: {count}")
    if settings.mail is None:
        click.echo("no mail server is set (POINCON_SMTP_URL): notices wait")


@notices.group("address")
def address() -> None:
    """Addresses that notices go to: of an operator, of a programme's funder, or of the trustee."""


@address.command("add")
@click.argument("text", metavar="ADDRESS")
@click.option("--operator", "operator_id", type=click.IntRange(1), help="Number of the operator.")
@click.option("--programme", "programme_id", type=click.IntRange(1), help="Of the programme: its funder's.")
@data_option
def add(text: str, operator_id: int | None, programme_id: int | None, data: Path | None) -> None:
    """Add ADDRESS; of the trustee where neither option is given."""
    from ledger.contacts import add_address

    if operator_id and programme_id:
        raise click.UsageError("give --operator or --programme, not both")

    async def work(around: Surroundings) -> None:
        async with around.database() as connection:
            await add_address(
                connection,
                text,
                operator_id=operator_id,
                programme_id=programme_id,
                actor=around.actor,
                at=datetime.now(UTC),
            )

    run(work(Surroundings(data)))


@address.command("remove")
@click.argument("address_id", metavar="NUMBER", type=click.IntRange(1))
@data_option
def remove(address_id: int, data: Path | None) -> None:
    """Remove the address of this number, as `address list` tells it."""
    from ledger.contacts import remove_address

    async def work(around: Surroundings) -> None:
        async with around.database() as connection:
            await remove_address(connection, address_id, actor=around.actor, at=datetime.now(UTC))

    run(work(Surroundings(data)))


@address.command("list")
@json_option
@data_option
def list_all(as_json: bool, data: Path | None) -> None:
    """List the addresses in use."""
    from ledger.contacts import list_addresses

    async def work() -> list[Any]:
        async with Surroundings(data).database() as connection:
            return await list_addresses(connection)

    found = run(work())
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for one in found:
        click.echo(f"{one.id}  {one.address}  {one.owner or 'trustee'}")
