"""`poincon bench`: speed beside what bounds it, measured on this machine with servers of its own."""

import json
from pathlib import Path

import click

SECONDS = 6.0
ROUNDS = 3
CONNECTIONS = 64


@click.group(invoke_without_command=True)
@click.pass_context
def bench(context: click.Context) -> None:
    """Measure this machine; without a subcommand, `scans`."""
    if context.invoked_subcommand is None:
        context.invoke(scans)


@bench.command()
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 600),
    default=SECONDS,
    show_default=True,
    help="Measured seconds of each subject.",
)
@click.option(
    "--rounds", type=click.IntRange(1, 100), default=ROUNDS, show_default=True, help="Turns of each."
)
@click.option(
    "--connections",
    type=click.IntRange(1, 64),
    default=CONNECTIONS,
    show_default=True,
    help="Clients at once.",
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures here too."
)
def scans(seconds: float, rounds: int, connections: int, json_file: Path | None) -> None:
    """Scans per second through HTTP, beside handlers that store nothing, Ed25519 and pgbench.

    Starts servers of its own, verifies every answer, and ends with an audit. Trust the ratios, not the rates.
    """
    from loadtests.bench import run_bench
    from loadtests.bench_failure import BenchFailed

    try:
        report = run_bench(
            seconds=seconds,
            rounds=rounds,
            connections=connections,
            say=lambda text: click.echo(text, err=True),
        )
    except BenchFailed as error:
        raise click.ClickException(str(error)) from error
    click.echo(report.text)
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(report.results, indent=2) + "\n", encoding="utf-8")


@bench.command()
@click.option(
    "--remittances", type=click.IntRange(1, 10_000), default=5_000, show_default=True, help="In one batch."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
def payouts(remittances: int, as_json: bool) -> None:
    """Seconds and megabytes from a draft of many transfers to its last line explained, with a model bank."""
    from loadtests.bench_failure import BenchFailed
    from loadtests.payout_bench import run_payout_bench

    try:
        told = run_payout_bench(remittances, say=lambda text: click.echo(text, err=True))
    except BenchFailed as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    click.echo(
        f"{told['remittances']} remittances of {told['operators']} operators in one batch;"
        f" its file: {told['file_bytes'] / 1e6:.2f} MB"
    )
    for stage in told["stages"]:
        click.echo(f"{stage['seconds']:8.2f} s {stage['peak_mib']:8.1f} MiB at most  {stage['name']}")
