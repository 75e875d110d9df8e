"""`poincon counters`: the public counters, with what each of them counts."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from command.surroundings import Surroundings, data_option, print_json, run
from ledger.counters import PlacedCounters


@click.command()
@click.option("--programme", type=click.IntRange(1), help="Number of one programme; left out: all of them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@data_option
def counters(programme: int | None, as_json: bool, data: Path | None) -> None:
    """Count passes issued, handed out, started, scanned, consumed, paid, expired and remaining.

    Exit status: 0 done, 1 the counters do not add up.
    """
    from ledger.counters import read_counters
    from programmes.counters import DEFINITIONS, IDENTITY

    async def work() -> list[PlacedCounters]:
        async with Surroundings(data).database() as connection:
            return await read_counters(connection, now=datetime.now(UTC), programme_id=programme)

    found = run(work())
    for one in found:
        if as_json:
            told = asdict(one)
            told["counters"] = {name: count._asdict() for name, count in asdict(one.counters).items()} | {
                "started_booklets": one.counters.started
            }
            print_json(told)
            continue
        click.echo(f"{one.programme}, {one.territory or 'livré à aucun territoire'}")
        for definition in DEFINITIONS:
            figure = (
                f"{one.counters.started} carnets"
                if definition.counts_booklets
                else f"{getattr(one.counters, definition.counter).passes} pass"
            )
            click.echo(f"  {definition.name}: {figure} — {definition.sentence}")
    if not as_json:
        click.echo(IDENTITY)
    if not all(one.counters.adds_up for one in found):
        raise click.ClickException("the counters do not add up: run `poincon audit`")
