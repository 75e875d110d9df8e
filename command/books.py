"""`poincon books`: what every account holds, and the entries as FEC, hledger journal or CSV."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO

import click

from command.surroundings import Surroundings, data_option, print_json, run
from ledger.book_rows import BookAccount, account_name
from payouts.books_export import BookNames, BooksWriter, CsvWriter, FecWriter, HledgerWriter
from programmes.print.french import PARIS

DAY = click.DateTime(["%Y-%m-%d"])
FORMATS = ("fec", "hledger", "csv")


@click.group()
def books() -> None:
    """The books: double entry, append-only."""


@books.command("show")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@data_option
def show(as_json: bool, data: Path | None) -> None:
    """Show what every account holds. A debit is positive, a credit negative: they sum to zero."""
    from ledger.books import balances

    async def work() -> Mapping[BookAccount, int]:
        async with Surroundings(data).database() as connection:
            return await balances(connection)

    held = run(work())
    if as_json:
        print_json({account_name(account): held[account] for account in sorted(held)})
        return
    for account in sorted(held):
        click.echo(f"{account_name(account):24}{_euros(held[account]):>20}")


@books.command("export")
@click.option(
    "--format",
    "wanted",
    required=True,
    type=click.Choice(FORMATS),
    help="fec for the tax administration, hledger for a journal, csv for a spreadsheet.",
)
@click.option("--since", type=DAY, help="First day, Europe/Paris; from the beginning unless told.")
@click.option("--until", type=DAY, help="Last day, included.")
@click.option("--programme", type=click.IntRange(1), help="Only entries that touch this programme.")
@click.option(
    "--out",
    type=click.File("w", encoding="utf-8", lazy=True),
    default="-",
    help="A file; stdout unless told.",
)
@data_option
def export(
    wanted: str,
    since: datetime | None,
    until: datetime | None,
    programme: int | None,
    out: IO[str],
    data: Path | None,
) -> None:
    """Write the entries of a period, in their order.

    FEC: the 18 columns of article A47 A-1 of the LPF, tabs, UTF-8; name it <SIREN>FEC<YYYYMMDD>.txt.
    """
    from ledger.books import balances, entries

    async def work() -> None:
        async with Surroundings(data).database() as connection:
            writer = _writer(wanted, await _names(connection), await balances(connection))
            out.write(writer.head())
            period = {"since": _midnight(since), "until": _midnight(until, days=1)}
            async for entry in entries(connection, programme_id=programme, **period):
                out.write(writer.entry(entry))

    run(work())


def _writer(wanted: str, names: BookNames, held: Mapping[BookAccount, int]) -> BooksWriter:
    if wanted == "hledger":
        return HledgerWriter(names, held)
    return FecWriter(names) if wanted == "fec" else CsvWriter(names)


async def _names(connection: object) -> BookNames:
    from ledger.facts import load_facts

    facts = await load_facts(connection)
    return BookNames(
        {programme.id: programme.name for programme in facts.programmes.values()},
        {operator.id: (operator.siret, operator.name) for operator in facts.operators.values()},
    )


def _midnight(day: datetime | None, *, days: int = 0) -> datetime | None:
    if day is None:
        return None
    wanted: date = day.date() + timedelta(days=days)
    return datetime.combine(wanted, time(), PARIS)


def _euros(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d} €"
