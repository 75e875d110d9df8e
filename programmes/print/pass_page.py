"""One pass on its page: the stub that stays in the booklet on the left, the pass to tear off on the right."""

from programmes.print.french import euros
from programmes.print.ornament import MARK_WIDTH_BY_HEIGHT, draw_mark, draw_ribbon
from programmes.print.pen import TRIM_HEIGHT, Pen
from programmes.print.printed import PrintedBooklet, PrintedPass, PrintRun
from programmes.print.symbols import (
    CODE_128_MODULES_MAX,
    CODE_128_QUIET_MODULES,
    QR_SIDE_MODULES,
    code_128_bars,
    qr_rectangles,
)
from programmes.print.typeface import Face
from programmes.print.wording import (
    HOW_TO_USE,
    batch_name,
    booklet_number,
    last_day,
    pass_name,
    pass_rank,
    validity,
)

TEMPLATE = "pass"

STUB_WIDTH = 45.0
STUB_LEFT, STUB_COLUMN = 7.0, 33.0
LEFT, RIGHT = 53.0, 192.0

QR_SIDE = 30.0
QR_X, QR_Y = RIGHT - QR_SIDE, 38.5
TEXT_WIDTH = QR_X - 6.0 - LEFT

# 9 dots at 600 dots per inch: bars end on whole dots of common presses and office printers.
CODE_128_MODULE = 9 * 25.4 / 600
CODE_128_HEIGHT = 15.0
CODE_128_WIDTH = CODE_128_MODULES_MAX * CODE_128_MODULE
CODE_128_MIDDLE, CODE_128_Y = RIGHT - CODE_128_WIDTH / 2, 16.5
COLUMN = CODE_128_MIDDLE - CODE_128_WIDTH / 2 - CODE_128_QUIET_MODULES * CODE_128_MODULE - LEFT


def draw_template(pen: Pen, run: PrintRun) -> None:
    """What all passes of a run have in common."""
    with pen.template(TEMPLATE):
        draw_ribbon(pen, y=TRIM_HEIGHT - 1.0, amplitude=2.6)
        pen.line((STUB_WIDTH, 0.0), (STUB_WIDTH, TRIM_HEIGHT), points=0.5, dash=(1.5, 2.5))
        draw_common_stub(pen, run)
        draw_common_face(pen, run)


def draw_common_stub(pen: Pen, run: PrintRun) -> None:
    pen.write("Souche à garder", x=STUB_LEFT, y=67.0, face=Face.BOLD, points=9.5, width=STUB_COLUMN)
    pen.write("Carnet n°", x=STUB_LEFT, y=61.0, face=Face.REGULAR, points=8.5)
    pen.write(euros(run.face_value_cents), x=STUB_LEFT, y=40.8, face=Face.BOLD, points=15, width=STUB_COLUMN)
    pen.write_lines(validity(run), x=STUB_LEFT, y=35.0, face=Face.REGULAR, points=8.5, width=STUB_COLUMN)
    for y, label in ((20.5, "Utilisé le"), (11.5, "Lieu")):
        wide = pen.write(label, x=STUB_LEFT, y=y, face=Face.REGULAR, points=8.5)
        pen.line((STUB_LEFT + wide + 1.5, y - 0.5), (STUB_LEFT + STUB_COLUMN, y - 0.5), points=0.4)


def draw_common_face(pen: Pen, run: PrintRun) -> None:
    mark_height = 11.0
    draw_mark(pen, x=LEFT, y=60.5, height=mark_height)
    beside = LEFT + mark_height * MARK_WIDTH_BY_HEIGHT + 3.0
    width = LEFT + TEXT_WIDTH - beside
    pen.write("Pass numérique", x=beside, y=66.7, face=Face.BOLD, points=16)
    pen.write(run.programme, x=beside, y=61.9, face=Face.REGULAR, points=9.5, width=width)

    value_width = pen.write(euros(run.face_value_cents), x=LEFT, y=45.5, face=Face.BOLD, points=42, width=44)
    beside = LEFT + value_width + 6.0
    width = LEFT + TEXT_WIDTH - beside
    pen.write("Valable jusqu’au", x=beside, y=51.6, face=Face.REGULAR, points=11)
    pen.write(last_day(run), x=beside, y=45.5, face=Face.BOLD, points=14, width=width)

    pen.write(HOW_TO_USE, x=LEFT, y=36.5, face=Face.REGULAR, points=12, width=TEXT_WIDTH)

    pen.write("Financé par", x=LEFT, y=29.3, face=Face.REGULAR, points=8.5)
    pen.write_lines(run.funder, x=LEFT, y=25.2, face=Face.BOLD, points=10, width=COLUMN, lines_max=3)
    pen.write(batch_name(run), x=LEFT, y=7.5, face=Face.REGULAR, points=7, width=COLUMN)


def draw_pass(pen: Pen, booklet: PrintedBooklet, printed: PrintedPass) -> None:
    with pen.page():
        pen.stamp(TEMPLATE)
        draw_stub_numbers(pen, booklet, printed)
        draw_symbols(pen, printed)
        pen.write(pass_name(printed, booklet), x=LEFT, y=12.0, face=Face.BOLD, points=9.5, width=COLUMN)


def draw_symbols(pen: Pen, printed: PrintedPass) -> None:
    """All that is read by a machine or typed, in its place; a practice pass has it there too."""
    module = QR_SIDE / QR_SIDE_MODULES
    pen.fill(qr_rectangles(printed.qr), x=QR_X, y=QR_Y, module=module, height=module)
    bars, modules = code_128_bars(printed.code_128)
    bars_x = CODE_128_MIDDLE - modules * CODE_128_MODULE / 2
    pen.fill(bars, x=bars_x, y=CODE_128_Y, module=CODE_128_MODULE, height=CODE_128_HEIGHT)
    pen.write(printed.short, x=CODE_128_MIDDLE, y=9.0, face=Face.MONO, points=17, side="centre")


def draw_stub_numbers(pen: Pen, booklet: PrintedBooklet, printed: PrintedPass) -> None:
    number, rank = booklet_number(booklet), pass_rank(printed, booklet).capitalize()
    pen.write(number, x=STUB_LEFT, y=56.0, face=Face.BOLD, points=12, width=STUB_COLUMN)
    pen.write(rank, x=STUB_LEFT, y=48.8, face=Face.BOLD, points=15, width=STUB_COLUMN)
