"""The print-ready PDF of a run: for each booklet its cover, then its passes, one page each."""

from collections.abc import Callable, Iterable
from typing import IO

from programmes.print import cover_page, pass_page, practice_page
from programmes.print.pen import Pen
from programmes.print.printed import PrintedBooklet, PrintRun, ascending
from programmes.print.wording import PRACTICE_TITLE

# reportlab keeps a file in memory until it is whole: about 0.16 MB a booklet, 356 MB measured for this many.
BOOKLETS_PER_FILE_MAX = 2_000


def write_booklets_pdf(
    run: PrintRun,
    booklets: Iterable[PrintedBooklet],
    count: int,
    target: IO[bytes],
    progress: Callable[[int], object] = lambda drawn: None,
) -> None:
    """Write the run's `count` booklets; the same facts make the same bytes.

    `progress` is told of each booklet drawn, as tqdm's `update` is: with 1. Nothing is written to the target
    before the last booklet is drawn, so whatever is refused on the way leaves it empty.
    """
    refuse_too_many(count)
    pen = Pen(target, title=f"{run.programme} — lot {run.batch}")
    cover_page.draw_template(pen, run)
    pass_page.draw_template(pen, run)

    def draw_booklet(booklet: PrintedBooklet) -> None:
        cover_page.draw_cover(pen, run, booklet)
        for printed in booklet.passes:
            pass_page.draw_pass(pen, booklet, printed)

    draw_all(pen, booklets, count, draw_booklet, progress)


def write_practice_pdf(booklets: Iterable[PrintedBooklet], count: int, target: IO[bytes]) -> None:
    """The same paper for training: symbols in their places, and nothing that could pass for money."""
    refuse_too_many(count)
    pen = Pen(target, title=PRACTICE_TITLE)
    practice_page.draw_templates(pen)

    def draw_booklet(booklet: PrintedBooklet) -> None:
        practice_page.draw_cover(pen, booklet)
        for printed in booklet.passes:
            practice_page.draw_pass(pen, booklet, printed)

    draw_all(pen, booklets, count, draw_booklet)


def refuse_too_many(count: int) -> None:
    if not 1 <= count <= BOOKLETS_PER_FILE_MAX:
        raise ValueError(
            f"a file holds 1 to {BOOKLETS_PER_FILE_MAX} booklets, not {count}: print several runs"
        )


def draw_all(
    pen: Pen,
    booklets: Iterable[PrintedBooklet],
    count: int,
    draw_booklet: Callable[[PrintedBooklet], None],
    progress: Callable[[int], object] = lambda drawn: None,
) -> None:
    drawn = 0
    for booklet in ascending(booklets):
        draw_booklet(booklet)
        drawn += 1
        progress(1)
    if drawn != count:
        raise ValueError(f"{count} booklets were to be printed, {drawn} came")
    pen.save()
