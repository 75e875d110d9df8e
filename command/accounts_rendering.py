"""`poincon accounts render|verify`: the accounts of a period (reddition) as one archive, and recomputed."""

import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from command.surroundings import Surroundings, data_option, print_json, run
from ledger.remittance_rows import PARIS
from ledger.rendering_rows import Period

if TYPE_CHECKING:
    from payouts.rendering import Progress, Rendered

DAY = click.DateTime(["%Y-%m-%d"])
DIFFERENCES_TOLD_MAX = 20


@click.command("render")
@click.option("--since", type=DAY, required=True, help="First day of the period, Europe/Paris.")
@click.option("--until", type=DAY, required=True, help="Last day of the period, included; it must be over.")
@click.option("--funder", help="Only the programmes of this funder, by its name; all of them unless told.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The archive; reddition-<first day>-<last day>[-<funder>].zip unless told.",
)
@click.option("--json", "as_json", is_flag=True, help="Tell hash and totals as JSON.")
@data_option
def render(
    since: datetime, until: datetime, funder: str | None, out: Path | None, as_json: bool, data: Path | None
) -> None:
    """Render the accounts of a period: every operation, balances, cash position, unpaid list, documents.

    The same facts give the same bytes; `poincon accounts verify` recomputes them from the archive alone.
    """
    from ledger.renderings import TooMuch
    from payouts.archive import NotAnArchive
    from payouts.rendering import UnknownFunder, render_to_file

    if until < since:
        raise click.UsageError("--until is before --since")
    if until.date() >= datetime.now(UTC).astimezone(PARIS).date():
        raise click.UsageError("--until is not over yet: its accounts may still change")
    period = Period(since.date(), until.date())
    path = out or Path(_name(period, funder))

    async def work() -> "Rendered":
        async with Surroundings(data).database() as connection:
            return await render_to_file(connection, path, period, funder=funder, progress=_progress())

    try:
        rendered = run(work())
    except UnknownFunder as error:
        raise click.UsageError(str(error)) from None
    except (TooMuch, NotAnArchive) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json({"file": str(path), **{name: getattr(rendered, name) for name in rendered.__slots__}})
        return
    click.echo(f"{path}: {rendered.entries} entries, {rendered.files} files")
    click.echo(f"held at the end: {_euros(rendered.held_cents)}; still owed: {_euros(rendered.unpaid_cents)}")
    click.echo(f"SHA-256 of the whole: {rendered.sha256}")


@click.command("verify")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--sha256", help="The hash told when it was rendered: exit 1 when the archive has another.")
@click.option("--json", "as_json", is_flag=True, help="Tell hash and differences as JSON.")
def verify(file: Path, sha256: str | None, as_json: bool) -> None:
    """Recompute an archive's hashes and totals from its own tables, without any server.

    Exit 0 when all agree, 1 when something does not.
    """
    from payouts.archive import NotAnArchive
    from payouts.rendering_verify import verify_accounts

    try:
        verified = verify_accounts(file)
    except NotAnArchive as error:
        raise click.ClickException(f"{file}: {error}") from None
    differences = verified.differences
    if sha256 is not None and sha256.strip().lower() != verified.sha256:
        differences.append(f"SHA-256 of the whole: {verified.sha256}, not the one given")
    if as_json:
        print_json({"sha256": verified.sha256, "files": verified.files, "differences": differences})
    else:
        click.echo(
            f"{verified.files} files, {verified.entries} entries; SHA-256 of the whole: {verified.sha256}"
        )
        for difference in differences[:DIFFERENCES_TOLD_MAX]:
            click.echo(f"  {difference}")
        click.echo(f"{len(differences)} differences" if differences else "all totals agree")
    raise SystemExit(1 if differences else 0)


def _progress() -> "Progress":
    """A counter on stderr, for people only."""
    if not sys.stderr.isatty():
        return lambda what, done, of: None

    def tell(what: str, done: int, of: int) -> None:
        click.echo(f"\r{what}: {done}/{of}", err=True, nl=done == of)

    return tell


def _name(period: Period, funder: str | None) -> str:
    plain = re.sub(r"\W+", "-", funder).strip("-").lower() if funder else ""
    return "-".join(filter(None, ("reddition", str(period.first), str(period.last), plain))) + ".zip"


def _euros(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d} €"
