"""`poincon booklets show` and `replace`: one booklet's life. The group is in booklets.py."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from command.surroundings import TEXT, Surroundings, data_option, print_json, run
from ledger.booklet_history import BookletLife
from ledger.registers import Event
from ledger.replacements import CAUSES, Replacement
from ledger.rows import CancelCause

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


@click.command("show")
@click.argument("number", type=click.IntRange(1))
@json_option
@data_option
def show(number: int, as_json: bool, data: Path | None) -> None:
    """Show how far booklet NUMBER is in its life, and what was done to it, by whom and why."""
    from ledger.booklet_history import events_of, read_life
    from ledger.booklets import IssueRefused
    from programmes.booklet_life import stage_of

    async def work() -> tuple[BookletLife, list[Event]]:
        async with Surroundings(data).database() as connection:
            life = await read_life(connection, number, now=datetime.now(UTC))
            if life is None:
                raise IssueRefused(f"booklet {number} was never issued")
            return life, await events_of(connection, life)

    life, events = run(work())
    if as_json:
        print_json(asdict(life) | {"stage": stage_of(life), "events": [asdict(one) for one in events]})
        return
    click.echo(
        f"booklet {number}: {stage_of(life).value}, {life.handed_out} passes handed out,"
        f" {life.accepted} accepted of {life.pass_count}, {life.territory or 'in no territory'}"
    )
    for one in events:
        why = f": {one.reason}" if one.reason else ""
        click.echo(f"  {one.at:%Y-%m-%d %H:%M} UTC  {one.action}, {one.actor}{why}")


@click.command("replace")
@click.argument("number", type=click.IntRange(1))
@click.option(
    "--cause",
    required=True,
    type=click.Choice(sorted(cause.value for cause in CAUSES)),
    help="What happened to it; replaced: spoiled.",
)
@click.option("--reason", required=True, type=TEXT, help="Kept with the event.")
@json_option
@data_option
def replace(number: int, cause: str, reason: str, as_json: bool, data: Path | None) -> None:
    """Shut booklet NUMBER for good, and issue what is left of it again, once, on the same money.

    Safe to run again: a repeat finishes what was begun, or tells what was done.
    """
    from ledger.replacements import replace_booklet

    around = Surroundings(data)

    async def work() -> Replacement:
        async with around.database() as connection:
            return await replace_booklet(
                connection,
                number,
                cause=CancelCause(cause),
                at=datetime.now(UTC),
                actor=around.actor,
                reason=reason,
            )

    done = run(work())
    if as_json:
        print_json(asdict(done))
    elif done.new_booklet is None:
        click.echo(f"booklet {number} is shut; nothing was left of it")
    else:
        click.echo(
            f"booklet {number} is replaced by {done.new_booklet}, of {done.passes} passes; print its batch"
        )
