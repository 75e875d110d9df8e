"""`poincon places`: the open data of places, and which service of the national schema ours are."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from command.surroundings import Surroundings, data_option, run


@click.group()
def places() -> None:
    """Places where passes are accepted today, as open data.

    Exit status: 0 done, 1 refused, 2 wrong usage.
    """


@places.command("export")
@click.option("--json", "as_json", is_flag=True, help="JSON instead of CSV.")
@data_option
def export(as_json: bool, data: Path | None) -> None:
    """Print the places in the national schema of places; what is left out is told on stderr."""
    from ledger.site_details import Place, places_on, publishers
    from programmes.mednum import as_csv_bytes, as_json_bytes, record_of

    async def work() -> tuple[list[Place], str]:
        async with Surroundings(data).database() as connection:
            found = await places_on(connection, now=datetime.now(UTC))
            return found, ", ".join(await publishers(connection))

    found, source = run(work())
    records = {place.site_id: record_of(place, source=source or "Pass numériques") for place in found}
    told = [record for record in records.values() if record is not None]
    sys.stdout.buffer.write(as_json_bytes(told) + b"\n" if as_json else as_csv_bytes(told))
    for place in found:
        if records[place.site_id] is None:
            click.echo(
                f"left out: {place.name} ({place.operator}): no address, or no known service", err=True
            )


@places.command("service")
@click.argument("code")
@click.argument("name")
@data_option
def service(code: str, name: str, data: Path | None) -> None:
    """Say that our service CODE is NAME in the words of the national schema."""
    from ledger.site_details import name_service
    from programmes.mednum import SERVICES

    if name not in SERVICES:
        raise click.UsageError(f"the schema knows: {'; '.join(SERVICES)}")

    async def work(around: Surroundings) -> bool:
        async with around.database() as connection:
            return await name_service(connection, code, name, actor=around.actor)

    if not run(work(Surroundings(data))):
        raise click.UsageError(f"no service has the code {code}")
