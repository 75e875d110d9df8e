"""`poincon funds`: a funder's money, typed in from the bank's own statement where no file is imported."""

import re
from datetime import UTC, datetime
from pathlib import Path

import click

from command.surroundings import TEXT, Surroundings, data_option, print_json, run

AMOUNT = re.compile(r"(\d{1,10})(?:[.,](\d{2}))?")


class Amount(click.ParamType[int]):
    """Euros as people write them, to cents: `1234`, `1234,50` or `1234.50`."""

    name = "euros"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        match = AMOUNT.fullmatch(value.strip())
        if match is None or not int(match[1] + (match[2] or "00")):
            self.fail(f"{value!r} is not an amount like 1234,50", param, ctx)
        return int(match[1]) * 100 + int(match[2] or 0)


@click.group()
def funds() -> None:
    """Money received from funders."""


@funds.command("receive")
@click.option("--programme", required=True, type=click.IntRange(1), help="Whose money it is.")
@click.option("--amount", required=True, type=Amount(), help="In euros: 1234,50.")
@click.option("--reference", required=True, type=TEXT, help="The bank's own, from its statement.")
@click.option("--on", "booked_on", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Booking day.")
@click.option("--label", default="", help="What the bank wrote beside it.")
@click.option("--json", "as_json", is_flag=True)
@data_option
def receive(
    programme: int,
    amount: int,
    reference: str,
    booked_on: datetime,
    label: str,
    as_json: bool,
    data: Path | None,
) -> None:
    """Book a credit line of the bank's statement as this programme's money. Safe to repeat.

    The reference names the line: the same one is booked once, and refused with another amount or day.
    """
    from ledger.book_rows import funds_of
    from ledger.books import balance_of
    from ledger.funding import receive as book

    around = Surroundings(data)

    async def work() -> int:
        async with around.database() as connection:
            await book(
                connection,
                programme,
                reference=reference,
                booked_on=booked_on.date(),
                amount_cents=amount,
                label=label,
                actor=around.actor,
                at=datetime.now(UTC),
            )
            return -await balance_of(connection, funds_of(programme))

    free_cents = run(work())
    if as_json:
        print_json({"programme": programme, "received_cents": amount, "free_cents": free_cents})
    else:
        click.echo(
            f"programme {programme}: {amount / 100:.2f} € booked, {free_cents / 100:.2f} € not engaged"
        )


@funds.command("release")
@data_option
def release(data: Path | None) -> None:
    """Give back to their programmes' funds the passes of booklets cancelled over 73 hours ago.

    Activating a batch does the same for its programme.
    """
    from ledger.releases import release_cancelled

    around = Surroundings(data)

    async def work() -> int:
        async with around.database() as connection:
            return await release_cancelled(connection, None, now=datetime.now(UTC), actor=around.actor)

    click.echo(f"{run(work()) / 100:.2f} € released")
