"""CPU seconds of the print-ready PDF of 5,000 passes: a sample is drawn, and said as 5,000 of them."""

import io
import time
from datetime import date

from keys.passes import PassId
from keys.short_code import short_code
from loadtests.bench_passes import BOOKLET_SIZE, PassSupply
from programmes.print.booklet_pdf import write_booklets_pdf
from programmes.print.printed import PrintedBooklet, PrintedPass, PrintRun

PASSES_TOLD = 5_000
SECRET = bytes(32)  # what a short code says is not looked at here
RUN = PrintRun("Banc d’essai", "Banc d’essai", 1_000, date(2099, 12, 31), "lot 1", "aucun")


def pdf_cpu_seconds(supply: PassSupply, passes: int) -> float:
    """Of this thread, for 5,000 passes; `supply` must have issued some."""
    booklets = [_booklet(supply, number) for number in range(1, passes // BOOKLET_SIZE + 1)]
    started = time.thread_time()
    write_booklets_pdf(RUN, booklets, len(booklets), io.BytesIO())
    return (time.thread_time() - started) * PASSES_TOLD / (len(booklets) * BOOKLET_SIZE)


def _booklet(supply: PassSupply, booklet: int) -> PrintedBooklet:
    passes = [PassId(booklet, number) for number in range(1, BOOKLET_SIZE + 1)]
    return PrintedBooklet(
        booklet,
        tuple(PrintedPass(one.number, supply.code(one), short_code(one, SECRET)) for one in passes),
    )
