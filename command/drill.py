"""`poincon drill`: break everything while phones scan, and check afterwards that every word was kept."""

import json
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from loadtests.drill.series import Series

VIOLATIONS_TOLD_MAX = 20


@click.command()
@click.option(
    "--minutes",
    type=click.FloatRange(0, 24 * 60),
    default=0.0,
    help="Begin drills for so long; one at least, which takes about two minutes.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Load and faults follow from it.")
@click.option("--plant", metavar="NAME", help="Drill a stack with this fault in its code; `list` names them.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
def drill(minutes: float, seed: int, plant: str | None, as_json: bool) -> None:
    """Kill, freeze, cut and starve servers of its own while phones scan; check what was told and kept.

    Exit status 1: a promise was broken. What the machine lacks for some faults is told by name.
    """
    from loadtests.drill.plants import PLANTS
    from loadtests.drill.series import run_series

    if plant == "list":
        for name, one in PLANTS.items():
            click.echo(f"{name:26} caught as {', '.join(sorted(one.caught_as))}")
        return
    if plant is not None and plant not in PLANTS:
        raise click.UsageError(f"no plant {plant!r}; `--plant list` names them")
    series = run_series(minutes, seed, plant=plant, say=_say)
    told = series.told()
    click.echo(json.dumps(told, ensure_ascii=False) if as_json else _table(told))
    for violation in told["found"][:VIOLATIONS_TOLD_MAX]:
        click.echo(f"{violation['kind']}: {violation['subject']}: {violation['detail']}", err=True)
    if told["violations"] or series.broken_off:
        sys.exit(1)


def _say(series: "Series") -> None:
    world, report = series.reports[-1]
    click.echo(f"{world}: {report}", err=True)


def _table(told: dict[str, object]) -> str:
    from loadtests.drill.table import as_table

    return as_table(told)
