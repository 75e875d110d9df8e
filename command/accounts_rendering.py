"""`poincon accounts render|verify|frozen`: the accounts of a period as one archive, recomputed, and kept."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from command.surroundings import Surroundings, data_option, print_json, run
from ledger.rendering_rows import Period

if TYPE_CHECKING:
    from ledger.rendering_rows import Frozen
    from payouts.rendering import Rendered
    from payouts.rendering_run import Progress

DAY = click.DateTime(["%Y-%m-%d"])
DIFFERENCES_TOLD_MAX = 20


@click.command("render")
@click.option("--since", type=DAY, required=True, help="First day of the period, Europe/Paris.")
@click.option("--until", type=DAY, required=True, help="Last day of the period, included; it must be over.")
@click.option("--funder", help="Only the programmes of this funder, by its name; all of them unless told.")
@click.option("--programme", type=click.IntRange(1), help="Only this programme.")
@click.option(
    "--freeze", is_flag=True, help="Keep what they say: the audit tells if the record ever says else."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The archive; reddition-<first day>-<last day>[-<funder>].zip unless told.",
)
@click.option("--json", "as_json", is_flag=True, help="Tell hash and totals as JSON.")
@data_option
def render(
    since: datetime,
    until: datetime,
    funder: str | None,
    programme: int | None,
    freeze: bool,
    out: Path | None,
    as_json: bool,
    data: Path | None,
) -> None:
    """Render the accounts of a period: every operation, balances, cash position, unpaid list, documents.

    The same facts give the same bytes; `poincon accounts verify` recomputes them from the archive alone.
    """
    from ledger.frozen_renderings import FrozenOtherwise, freeze_rendering
    from ledger.renderings import TooMuch
    from payouts.archive import NotAnArchive
    from payouts.rendering import UnknownFunder, archive_name, render_to_file

    if out is not None and not out.parent.is_dir():
        raise click.UsageError(f"--out: there is no folder {out.parent}; make it first, or name another")
    if funder and programme:
        raise click.UsageError("give --funder or --programme, not both")
    now = datetime.now(UTC)
    period = _period(since, until, now)
    path = out or Path(archive_name(period, funder, programme))
    around = Surroundings(data)

    async def work() -> "Rendered":
        async with around.database() as connection:
            scope = {"funder": funder, "programme_id": programme}
            rendered = await render_to_file(connection, path, period, **scope, progress=_progress())
            if freeze:
                await freeze_rendering(connection, rendered.facts, actor=around.actor, at=now)
        return rendered

    try:
        rendered = run(work())
    except UnknownFunder as error:
        raise click.UsageError(str(error)) from None
    except (TooMuch, NotAnArchive, FrozenOtherwise) as error:
        raise click.ClickException(str(error)) from None
    _tell(path, rendered, is_frozen=freeze, as_json=as_json)


@click.command("frozen")
@click.option("--json", "as_json", is_flag=True)
@data_option
def list_frozen(as_json: bool, data: Path | None) -> None:
    """List the accounts that were rendered and frozen, newest period first."""
    from ledger.frozen_renderings import frozen_renderings

    async def work() -> "list[Frozen]":
        async with Surroundings(data).database() as connection:
            return await frozen_renderings(connection)

    found = run(work())
    if as_json:
        print_json([_frozen_facts(one) for one in found])
        return
    for one in found:
        click.echo(
            f"{one.period.first} to {one.period.last}  {one.funder or 'all funders'}: {one.entries} entries,"
            f" held {_euros(one.held_cents)}, owed {_euros(one.unpaid_cents)}, {one.archive_sha256.hex()}"
        )


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


def _period(since: datetime, until: datetime, now: datetime) -> Period:
    if until < since:
        raise click.UsageError("--until is before --since")
    period = Period(since.date(), until.date())
    if not period.is_over(now):
        raise click.UsageError("--until is not over, or not for an hour yet: its accounts may still change")
    return period


def _tell(path: Path, rendered: "Rendered", *, is_frozen: bool, as_json: bool) -> None:
    facts = rendered.facts
    if as_json:
        print_json(
            {
                "file": str(path),
                "sha256": rendered.sha256,
                "files": rendered.files,
                "entries": facts.entries,
                "held_cents": facts.held_cents,
                "unpaid_cents": facts.unpaid_cents,
                "frozen": is_frozen,
            }
        )
        return
    click.echo(f"{path}: {facts.entries} entries, {rendered.files} files")
    click.echo(f"held at the end: {_euros(facts.held_cents)}; still owed: {_euros(facts.unpaid_cents)}")
    click.echo(f"SHA-256 of the whole: {rendered.sha256}{'; frozen' if is_frozen else ''}")


def _frozen_facts(one: "Frozen") -> dict[str, object]:
    return {
        "first_day": one.period.first.isoformat(),
        "last_day": one.period.last.isoformat(),
        "funder": one.funder,
        "programmes": one.programme_ids,
        "entries": one.entries,
        "held_cents": one.held_cents,
        "unpaid_cents": one.unpaid_cents,
        "sha256": one.archive_sha256.hex(),
        "frozen_at": one.frozen_at,
        "frozen_by": one.frozen_by,
    }


def _euros(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d} €"
