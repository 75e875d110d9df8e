"""`poincon guard`: rebuild it from PostgreSQL, or make all its marks vanish."""

from pathlib import Path

import click

from command.surroundings import TEXT, Surroundings, data_option, run


@click.group()
def guard() -> None:
    """The guard in Valkey: early refusals. It heals by itself; these hurry it."""


@guard.command("rebuild")
@data_option
def rebuild(data: Path | None) -> None:
    """Write the marks of all acceptances again, and drop those of earlier generations."""
    from validator.guard_rebuild import rebuild_guard
    from validator.settings import required_secret

    around = Surroundings(data)
    valkey_url = required_secret(around.variables, "VALKEY_URL")

    async def work() -> tuple[int, int]:
        async with around.database() as connection:
            return await rebuild_guard(connection, valkey_url)

    marks, dropped = run(work())
    click.echo(f"{marks} marks written, {dropped} booklets of earlier generations dropped")


@guard.command("raise")
@click.option("--reason", required=True, type=TEXT, help="Why: kept with the event.")
@data_option
def raise_generation(reason: str, data: Path | None) -> None:
    """Make every mark vanish at once: after a restore that the database itself does not show."""
    from ledger.generation import raise_generation as raise_guard

    around = Surroundings(data)

    async def work() -> int:
        async with around.database() as connection:
            return await raise_guard(connection, actor=around.actor, reason=reason)

    click.echo(f"the guard's generation is {run(work())}")
