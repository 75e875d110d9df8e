"""`poincon demo`."""

from pathlib import Path

import click


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
def demo(data: Path, port: int, booklets: int, ready_file: Path | None) -> None:
    """Start everything on this machine, with a seeded programme, until Ctrl-C."""
    from demo.run import run_demo

    run_demo(data.resolve(), port=port, booklet_count=booklets, ready_file=ready_file)
