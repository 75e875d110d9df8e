"""`poincon statements import|status`: a bank's files into the record, and what is left to explain."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from command.surroundings import Surroundings, data_option, print_json, run

if TYPE_CHECKING:
    from payouts.importing import Imported
    from payouts.reconciling import Reconciled


@click.command("import")
@click.argument(
    "files",
    metavar="FILE…",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for a program to read.")
@data_option
def import_files(files: tuple[Path, ...], as_json: bool, data: Path | None) -> None:
    """Import FILE… into the record and reconcile: any order, any number of times.

    Exit status: 0 all imported and nothing left to explain, 1 some file was refused or something waits for a
    person (a line in suspense, a gap between statements), 2 wrong usage.
    """
    from payouts.bank.refused import FILE_BYTES_MAX, FileRefused
    from payouts.importing import Imported, ImportRefused, import_file

    around = Surroundings(data)

    async def work() -> tuple[list[Imported], dict[str, str]]:
        done: list[Imported] = []
        refused: dict[str, str] = {}
        async with around.database() as connection:
            for path in files:
                with path.open("rb") as file:
                    content = file.read(FILE_BYTES_MAX + 1)
                try:
                    now = datetime.now(UTC)
                    done.append(
                        await import_file(connection, content, name=path.name, actor=around.actor, now=now)
                    )
                except (FileRefused, ImportRefused) as error:
                    refused[str(path)] = str(error)
        return done, refused

    done, refused = run(work())
    _tell_json(done, refused) if as_json else _tell(done, refused)
    last = done[-1] if done else None
    is_even = last is not None and last.reconciled.is_even and not last.gaps
    raise SystemExit(0 if is_even and not refused else 1)


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for a program to read.")
@data_option
def status(as_json: bool, data: Path | None) -> None:
    """Tell what of the bank's lines is left to explain. Exit status 1 when something is."""
    from payouts.reconciling import worklist

    async def work() -> "Reconciled":
        async with Surroundings(data).database() as connection:
            return await worklist(connection)

    found = run(work())
    if as_json:
        print_json(_waiting(found))
    else:
        _tell_waiting(found)
    raise SystemExit(0 if found.is_even else 1)


def _tell(done: "list[Imported]", refused: dict[str, str]) -> None:
    for one in done:
        known = "" if one.is_new else " (imported before: nothing changed)"
        click.echo(
            f"{one.name}: {one.format}, {one.lines} lines, {one.lines_booked} booked,"
            f" {one.reports} reports, {one.reconciled.explained} explained{known}"
        )
        for remark in one.remarks:
            click.echo(f"  ! {remark}")
    for path, message in refused.items():
        click.echo(f"poincon: {path}: {message}", err=True)
    if done:
        for gap in done[-1].gaps:
            click.echo(f"! {gap}")
        _tell_waiting(done[-1].reconciled)


def _tell_waiting(found: "Reconciled") -> None:
    for one in _waiting(found):
        click.echo(f"  {one['line']} {one['message']}")
    click.echo("nothing is left to explain" if found.is_even else "in suspense: see above")


def _waiting(found: "Reconciled") -> list[dict[str, Any]]:
    from payouts.words import line_sentence, match_sentence, proposal_sentence

    lines = [
        {
            "line": one.line.id,
            "booked_on": one.line.booked_on,
            "open_cents": one.line.open_cents,
            "why": one.explanation.why.value,
            "message": line_sentence(one.line, one.explanation),
            "proposals": [proposal_sentence(each) for each in one.explanation.proposals],
        }
        for one in found.in_suspense
    ]
    halves = [
        {
            "line": one.bank_line_id,
            "booked_on": one.booked_on,
            "open_cents": one.amount_cents,
            "why": "half",
            "message": match_sentence(one),
            "proposals": [],
        }
        for one in found.halves
    ]
    return lines + halves


def _tell_json(done: "list[Imported]", refused: dict[str, str]) -> None:
    print_json(
        {
            "imported": [
                {
                    "file": one.name,
                    "format": one.format,
                    "is_new": one.is_new,
                    "lines": one.lines,
                    "lines_booked": one.lines_booked,
                    "reports": one.reports,
                    "explained": one.reconciled.explained,
                    "rejected": one.reconciled.rejected,
                    "remarks": list(one.remarks),
                }
                for one in done
            ],
            "refused": [{"file": path, "message": message} for path, message in refused.items()],
            "gaps": [str(gap) for gap in done[-1].gaps] if done else [],
            "in_suspense": _waiting(done[-1].reconciled) if done else [],
        }
    )
