"""`poincon serve` and `poincon migrate`."""

from dataclasses import replace
from pathlib import Path

import click

from command.surroundings import Surroundings, data_option, run


@click.command()
@click.option("--host", help="Address to listen on (POINCON_HOST).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on (POINCON_PORT).")
@click.option("--processes", type=click.IntRange(1, 64), help="Validators that share the port.")
@click.option("--share-port", is_flag=True, hidden=True)
@data_option
def serve(
    host: str | None, port: int | None, processes: int | None, share_port: bool, data: Path | None
) -> None:
    """Run the validator until SIGTERM; scans in flight are answered first.

    Needs DATABASE_URL, POINCON_KEYS and POINCON_PASSPHRASE_FILE; VALKEY_URL makes it faster.
    """
    from validator.log import set_up_log
    from validator.serve import serve as serve_one
    from validator.serve import supervise
    from validator.settings import Settings

    variables = Surroundings(data).variables
    settings = Settings.from_environment(variables)
    settings = replace(
        settings,
        host=host or settings.host,
        port=settings.port if port is None else port,
        processes=processes or settings.processes,
    )
    set_up_log()
    if settings.processes == 1:
        serve_one(settings, share_port=share_port)
    else:
        supervise(settings, variables)


@click.command()
@data_option
def migrate(data: Path | None) -> None:
    """Bring the database's schema to this version; safe while the old version is still running.

    Needs MIGRATION_DATABASE_URL: a login of the role that owns the schema.
    """
    from ledger.migrate import migrate as migrate_schema

    async def work() -> None:
        async with Surroundings(data).database(as_owner=True) as connection:
            applied = await migrate_schema(connection)
        for migration in applied:
            click.echo(f"applied {migration.version:04d} {migration.name}")
        if not applied:
            click.echo("nothing to apply")

    run(work())
