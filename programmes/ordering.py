"""An order's proof and its production file, drawn where the private pass key is.

A proof is one real booklet, signed and printed as all others will be, and void from the start: whoever looks
at the proof sees its codes.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from pathlib import Path

from keys.sealed import KeyFolder
from ledger.booklets import cancel_booklets, issue_batch
from ledger.connect import Connection
from ledger.order_rows import Order
from ledger.orders import add_proof, find_order, issue_for_order, note_production
from ledger.programmes import find_programme
from ledger.rows import CancelCause
from programmes.codes import batch_codes
from programmes.print.booklet_pdf import BOOKLETS_PER_FILE_MAX, write_booklets_pdf
from programmes.print.printer_csv import write_printer_csv
from programmes.printing import appearing_whole, print_run


async def draw_proof(
    connection: Connection, order_id: int, folder: KeyFolder, *, actor: str, at: datetime
) -> bytes:
    """Record it and return its PDF, or do nothing of it."""
    async with connection.transaction():
        order = await find_order(connection, order_id)
        batch = await issue_batch(connection, order.programme_id, 1, actor=actor)
        await cancel_booklets(
            connection,
            list(batch.booklets),
            cause=CancelCause.VOID,
            at=at,
            actor=actor,
            reason=f"épreuve de la commande n° {order_id}",
        )
        programme = await find_programme(connection, order.programme_id)
        target = BytesIO()
        write_booklets_pdf(print_run(batch, programme), batch_codes(batch, folder), 1, target)
        await add_proof(connection, order_id, batch.id, target.getvalue(), actor=actor, at=at)
    return target.getvalue()


async def produce(
    connection: Connection,
    order_id: int,
    folder: KeyFolder,
    out: Path,
    *,
    actor: str,
    at: datetime,
    progress: Callable[[int], object] = lambda booklets: None,
) -> tuple[Order, list[Path]]:
    """Issue the order's booklets and write the printer's files; safe to run again until they are written.

    The CSV is the production file, whose hash the order keeps; a PDF comes with it when one file can hold it.
    """
    batch = await issue_for_order(connection, order_id, actor=actor)
    programme = await find_programme(connection, batch.programme_id)
    run = print_run(batch, programme)
    csv, pdf = out / f"lot-{batch.id:05d}.csv", out / f"lot-{batch.id:05d}.pdf"
    with appearing_whole(csv) as target:
        write_printer_csv(run, batch_codes(batch, folder), target)
    written = [csv]
    if batch.booklet_count <= BOOKLETS_PER_FILE_MAX:
        with appearing_whole(pdf) as target:
            write_booklets_pdf(run, batch_codes(batch, folder), batch.booklet_count, target, progress)
        written.append(pdf)
    order = await note_production(connection, order_id, file_sha256=_sha256_of(csv), actor=actor, at=at)
    return order, written


def _sha256_of(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
