"""`poincon booklets`: issue, print, activate, cancel."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click
from tqdm import tqdm

from command import booklet_life
from command.surroundings import TEXT, Surroundings, data_option, print_json, run
from keys.sealed import KeyFolder
from ledger.rows import Batch, CancelCause, Programme

BOOKLETS_PER_CANCEL_MAX = 1_000
BESIDE = Path("-")  # the CSV takes its name from the PDF


@click.group()
def booklets() -> None:
    """Booklets: issued and printed by batch, activated when their money is received, cancelled when lost."""


booklets.add_command(booklet_life.show)
booklets.add_command(booklet_life.replace)


@booklets.command("issue")
@click.option("--programme", type=int, help="Number of the programme.")
@click.option("--count", required=True, type=click.IntRange(1), help="How many booklets.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder of the files.")
@click.option("--practice", is_flag=True, help="For training: worth nothing, and no booklet is recorded.")
@click.option("--pdf", type=click.Path(path_type=Path, dir_okay=False), help="With --practice: the file.")
@click.option(
    "--csv",
    type=click.Path(path_type=Path, dir_okay=False),
    is_flag=False,
    flag_value=BESIDE,
    help="With --practice: also a CSV for the printer, beside the PDF unless a file is named.",
)
@click.option("--json", "as_json", is_flag=True)
@data_option
def issue(
    programme: int | None,
    count: int,
    out: Path | None,
    practice: bool,
    pdf: Path | None,
    csv: Path | None,
    as_json: bool,
    data: Path | None,
) -> None:
    """Record a batch of booklets, all or none, then write its PDF and CSV for the printer.

    If the printing is cut short, `poincon booklets print` writes the same files again.
    """
    if practice:
        if programme is not None or out is not None or pdf is None:
            raise click.UsageError("practice booklets take --count and --pdf, and no --programme or --out")
        _issue_practice(count, pdf, pdf.with_suffix(".csv") if csv == BESIDE else csv, as_json, data)
        return
    if programme is None or out is None or pdf is not None or csv is not None:
        raise click.UsageError("give --programme and --out, or else --practice with --pdf")
    _issue(programme, count, out, as_json, data)


def _issue(programme: int, count: int, out: Path, as_json: bool, data: Path | None) -> None:
    from ledger.booklets import issue_batch
    from ledger.facts import load_facts

    around = Surroundings(data)
    folder = around.key_folder

    async def work() -> tuple[Batch, Programme]:
        async with around.database() as connection:
            batch = await issue_batch(connection, programme, count, actor=around.actor)
            return batch, (await load_facts(connection)).programmes[programme]

    batch, facts = run(work())
    _print(batch, facts, folder, out, as_json)


def _issue_practice(count: int, pdf: Path, csv: Path | None, as_json: bool, data: Path | None) -> None:
    from programmes.practice import note_practice, print_practice

    around = Surroundings(data)
    folder = around.key_folder

    async def work() -> bytes:
        async with around.database() as connection:
            return await note_practice(connection, count, actor=around.actor)

    print_practice(count, run(work()), folder, pdf=pdf, csv=csv)
    if as_json:
        print_json({"practice": True, "booklets": count, "pdf": str(pdf), "csv": csv and str(csv)})
    else:
        click.echo(f"{count} practice booklets, worth nothing: {pdf}{f' and {csv}' if csv else ''}")


@booklets.command("print")
@click.argument("batch", type=int)
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder of the files."
)
@click.option("--json", "as_json", is_flag=True)
@data_option
def print_again(batch: int, out: Path, as_json: bool, data: Path | None) -> None:
    """Write the PDF and CSV of a batch again: the same bytes as the first time."""
    from ledger.booklets import find_batch
    from ledger.facts import load_facts

    around = Surroundings(data)

    async def work() -> tuple[Batch, Programme]:
        async with around.database() as connection:
            found = await find_batch(connection, batch)
            return found, (await load_facts(connection)).programmes[found.programme_id]

    found, programme = run(work())
    _print(found, programme, around.key_folder, out, as_json)


def _print(batch: Batch, programme: Programme, folder: KeyFolder, out: Path, as_json: bool) -> None:
    from programmes.printing import print_batch

    pdf, csv = out / f"lot-{batch.id:05d}.pdf", out / f"lot-{batch.id:05d}.csv"
    with tqdm(total=batch.booklet_count, unit=" booklets", disable=not sys.stderr.isatty()) as bar:
        print_batch(batch, programme, folder, pdf=pdf, csv=csv, progress=bar.update)
    if as_json:
        print_json(
            {
                "batch": batch.id,
                "first_booklet": batch.first_booklet,
                "booklets": batch.booklet_count,
                "pdf": str(pdf),
                "csv": str(csv),
            }
        )
    else:
        last = batch.booklets[-1]
        click.echo(f"batch {batch.id}: booklets {batch.first_booklet} to {last}, {pdf} and {csv}")


@booklets.command("list")
@click.option("--json", "as_json", is_flag=True)
@data_option
def list_all(as_json: bool, data: Path | None) -> None:
    """List the batches."""
    from ledger.booklets import list_batches

    async def work() -> list[Batch]:
        async with Surroundings(data).database() as connection:
            return await list_batches(connection)

    for batch in run(work()):
        first, last = batch.first_booklet, batch.booklets[-1]
        if as_json:
            print_json({"batch": batch.id, "programme": batch.programme_id, "first": first, "last": last})
        else:
            click.echo(f"batch {batch.id}: programme {batch.programme_id}, booklets {first} to {last}")


@booklets.command("activate")
@click.argument("batch", type=int)
@click.option("--reason", required=True, type=TEXT, help="The payment that covers it.")
@data_option
def activate(batch: int, reason: str, data: Path | None) -> None:
    """Make the passes of a batch acceptable, once their money was received."""
    from ledger.booklets import activate_batch

    around = Surroundings(data)

    async def work() -> int:
        async with around.database() as connection:
            return await activate_batch(
                connection, batch, at=datetime.now(UTC), actor=around.actor, reason=reason
            )

    click.echo(f"batch {batch}: {run(work())} booklets activated")


@booklets.command("cancel")
@click.argument("numbers", nargs=-1, required=True, type=click.IntRange(1))
@click.option(
    "--cause",
    required=True,
    type=click.Choice([cause.value for cause in CancelCause]),
    help="Why they are void.",
)
@click.option("--reason", help="What happened: kept with the event.")
@data_option
def cancel(numbers: tuple[int, ...], cause: str, reason: str | None, data: Path | None) -> None:
    """Refuse the passes of these booklets from now on; what was accepted before stays accepted."""
    from ledger.booklets import cancel_booklets

    if len(numbers) > BOOKLETS_PER_CANCEL_MAX:
        raise click.UsageError(f"at most {BOOKLETS_PER_CANCEL_MAX} booklets at once")
    around = Surroundings(data)

    async def work() -> int:
        async with around.database() as connection:
            return await cancel_booklets(
                connection,
                numbers,
                cause=CancelCause(cause),
                at=datetime.now(UTC),
                actor=around.actor,
                reason=reason,
            )

    click.echo(f"{run(work())} booklets cancelled")
