"""`poincon demo`."""

import logging
from pathlib import Path

import click

from command.surroundings import Surroundings, run
from ledger.connect import UNREACHABLE
from validator.log import set_up_log
from validator.settings import SettingsError


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("data/demo"),
    show_default=True,
    help="Folder that keeps everything between two runs.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=8080, show_default=True, help="0: a free one.")
@click.option(
    "--booklets", type=click.IntRange(1, 20_000), default=40, show_default=True, help="If DIR is new."
)
@click.option(
    "--ready-file", type=click.Path(path_type=Path, dir_okay=False), help="JSON, written once it answers."
)
@click.option(
    "--clock", metavar="TIME", help="Move the clock of the demo that runs there: +30d, +12h, 2027-01-31."
)
def demo(data: Path, port: int, booklets: int, ready_file: Path | None, clock: str | None) -> None:
    """Start everything on this machine, with a seeded programme, until Ctrl-C.

    With --clock, move the time of the demo that runs already, and do what the days on the way bring by
    themselves: months that freeze, alerts, passes that expire. Nothing but a demo has such a clock.
    """
    if clock is not None:
        _move_clock(data.resolve(), clock)
        return
    from demo.run import run_demo

    run_demo(data.resolve(), port=port, booklet_count=booklets, ready_file=ready_file)


def _move_clock(data: Path, wanted: str) -> None:
    from demo import skipping
    from demo.clock import ClockRefused, DemoClock
    from demo.folder import DemoFolder
    from demo.story import PARIS

    set_up_log(logging.WARNING)  # what is told of each day is below
    around = Surroundings(data)
    clock = DemoClock(DemoFolder(data).clock)
    try:
        target = skipping.read_target(wanted, clock.now())
        run(skipping.skip(around.variables["DATABASE_URL"], clock, target, click.echo))
    except ClockRefused as error:
        raise click.UsageError(str(error)) from None
    except UNREACHABLE as error:
        raise SettingsError(f"no demo runs in {data}: {error}") from error
    click.echo(f"Dans la démonstration, il est {clock.now().astimezone(PARIS):%d/%m/%Y %H:%M}.")
