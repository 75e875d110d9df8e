"""`poincon bench`: speed beside what bounds it, measured on this machine with servers of its own."""

import json
from pathlib import Path

import click

SECONDS = 6.0
ROUNDS = 3
CONNECTIONS = 64
ROWS = 10_000_000
PRINTED_PASSES = 5_000
HOUR_SCANS = 120_000  # a twentieth of all that five years of the programme printed
COLD_STARTS = 3
QUICK_SECONDS = 1.5
QUICK_ROWS = 300_000
QUICK_PRINTED_PASSES = 250
QUICK_HOUR_SCANS = 6_000
QUICK_COLD_STARTS = 1


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
    "--rows",
    type=click.IntRange(0, 100_000_000),
    default=0,
    show_default=True,
    help="Acceptances of years, put into the record after the audit, to measure again beside them.",
)
@click.option(
    "--printed-passes",
    type=click.IntRange(0, 20_000),
    default=0,
    show_default=True,
    help="Passes drawn to tell the CPU seconds of a PDF of 5,000.",
)
@click.option(
    "--hour-scans",
    type=click.IntRange(0, 2_000_000),
    default=0,
    show_default=True,
    help="Scans, as many as an hour brings, between two looks at a process's memory.",
)
@click.option(
    "--cold-starts",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    help="Validators that are started, until each has taken its first scan.",
)
@click.option(
    "--all",
    "is_all",
    is_flag=True,
    help=f"--rows {ROWS} --printed-passes {PRINTED_PASSES} --hour-scans {HOUR_SCANS}"
    f" --cold-starts {COLD_STARTS}",
)
@click.option(
    "--quick", is_flag=True, help="All figures in under three minutes, from fewer seconds and rows."
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures here too."
)
def scans(
    seconds: float,
    rounds: int,
    connections: int,
    rows: int,
    printed_passes: int,
    hour_scans: int,
    cold_starts: int,
    is_all: bool,
    quick: bool,
    json_file: Path | None,
) -> None:
    """Scans per second through HTTP, beside handlers that store nothing, Ed25519 and pgbench.

    Starts servers of its own, verifies every answer, and ends with an audit. Trust the ratios, not the rates.
    """
    from loadtests.bench import Extent, run_bench
    from loadtests.bench_failure import BenchFailed

    if quick:
        seconds, rows, printed_passes = min(seconds, QUICK_SECONDS), QUICK_ROWS, QUICK_PRINTED_PASSES
        hour_scans, cold_starts = QUICK_HOUR_SCANS, QUICK_COLD_STARTS
    elif is_all:
        rows, printed_passes, hour_scans, cold_starts = ROWS, PRINTED_PASSES, HOUR_SCANS, COLD_STARTS
    try:
        report = run_bench(
            Extent(seconds, rounds, connections, rows, printed_passes, hour_scans, cold_starts),
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
    "--profile",
    "profiles",
    type=click.Choice(
        ["day", "ceiling", "storm", "evening", "duplicates", "photos", "checks", "cold-start", "slow"]
    ),
    multiple=True,
    help="May be given several times; all of them unless told.",
)
@click.option("--users", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Phones at once.")
@click.option(
    "--seconds", type=click.FloatRange(1, 36_000), default=10.0, show_default=True, help="Of each profile."
)
@click.option("--url", help="Load this server instead of one of our own; needs --ready-file.")
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Devices and codes of that server, as `poincon demo --ready-file` writes it.",
)
@click.option(
    "--web", is_flag=True, help="Open locust's page (port 8089), where the run is started and watched."
)
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, dir_okay=False), help="Write the figures here too."
)
def load(
    profiles: tuple[str, ...],
    users: int,
    seconds: float,
    url: str | None,
    ready_file: Path | None,
    web: bool,
    json_file: Path | None,
) -> None:
    """Phones of many kinds by locust, each answer verified, then `poincon audit`.

    Starts servers of its own unless told a URL. The audit of another server needs its DATABASE_URL and keys
    in the environment, as `poincon audit` does. Exit status 1: an answer or the audit was wrong.
    """
    from loadtests.bench_failure import BenchFailed
    from loadtests.load.run import PROFILES, Load, run_load, table

    if (url is None) != (ready_file is None):
        raise click.UsageError("--url and --ready-file go together: a server, and its devices and codes")
    try:
        told = run_load(
            profiles or tuple(PROFILES),
            Load(users=users, seconds=seconds, web=web),
            url=url,
            ready_file=ready_file,
            say=lambda text: click.echo(text, err=True),
        )
    except BenchFailed as error:
        raise click.ClickException(str(error)) from error
    click.echo(table(told))
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        json_file.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    if any(run["wrong"] for run in told):
        raise SystemExit(1)


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
