"""Prints a batch: PDF and printers' CSV, each whole or not there, the same bytes every time."""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from keys.sealed import KeyFolder
from ledger.rows import Batch, Programme
from programmes.codes import batch_codes
from programmes.print.booklet_pdf import write_booklets_pdf
from programmes.print.printed import PrintRun
from programmes.print.printer_csv import write_printer_csv

PARIS = ZoneInfo("Europe/Paris")


def print_batch(
    batch: Batch,
    programme: Programme,
    folder: KeyFolder,
    *,
    pdf: Path,
    csv: Path | None,
    progress: Callable[[int], object] = lambda booklets: None,
) -> None:
    """Write the files; what is printed is what was signed, whatever amendments came since."""
    run = print_run(batch, programme)
    with appearing_whole(pdf) as target:
        write_booklets_pdf(run, batch_codes(batch, folder), batch.booklet_count, target, progress)
    if csv is not None:
        with appearing_whole(csv) as target:
            write_printer_csv(run, batch_codes(batch, folder), target)


def print_run(batch: Batch, programme: Programme) -> PrintRun:
    last_instant = batch.expires_at - timedelta(microseconds=1)
    return PrintRun(
        programme=programme.name,
        funder=programme.funder,
        face_value_cents=programme.face_value_cents,
        last_day=last_instant.astimezone(PARIS).date(),
        batch=f"L{batch.id:05d}",
        contact=programme.contact,
    )


@contextmanager
def appearing_whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name once it is written to the end and on the disk; codes are money: 0600."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
