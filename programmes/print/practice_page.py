"""Covers and passes of practice booklets: hatched, worth nothing, their symbols where real ones are."""

from math import cos, radians, sin

from programmes.print.ornament import draw_hatching
from programmes.print.pass_page import (
    CODE_128_MIDDLE,
    CODE_128_MODULE,
    CODE_128_WIDTH,
    QR_SIDE,
    QR_X,
    QR_Y,
    STUB_WIDTH,
    draw_symbols,
)
from programmes.print.pen import TRIM_HEIGHT, TRIM_WIDTH, Pen, Point
from programmes.print.printed import PrintedBooklet, PrintedPass
from programmes.print.symbols import CODE_128_QUIET_MODULES, QR_QUIET_MODULES, QR_SIDE_MODULES
from programmes.print.typeface import Face
from programmes.print.wording import (
    PRACTICE,
    PRACTICE_USES,
    WORTHLESS,
    booklet_name,
    pass_rank,
)

COVER, PASS = "practice-cover", "practice-pass"

SLANT_DEGREES = 14.0
LINE_HEIGHT = 11.0

Area = tuple[Point, Point, Point, Point]


def rectangle(left: float, bottom: float, right: float, top: float) -> Area:
    return ((left, bottom), (right, bottom), (right, top), (left, top))


def band(x: float, y: float, *, width: float, height: float) -> Area:
    """A rectangle around its middle, slanted as the words in it are."""
    along = (cos(radians(SLANT_DEGREES)), sin(radians(SLANT_DEGREES)))
    corners = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    first, second, third, fourth = (
        (
            x + (a * width * along[0] - b * height * along[1]) / 2,
            y + (a * width * along[1] + b * height * along[0]) / 2,
        )
        for a, b in corners
    )
    return (first, second, third, fourth)


# What a reader must find white: each symbol with its quiet zone, and the code that is typed.
_QUIET = QR_QUIET_MODULES * QR_SIDE / QR_SIDE_MODULES
_BARS_REACH = CODE_128_WIDTH / 2 + CODE_128_QUIET_MODULES * CODE_128_MODULE
QR_AREA = rectangle(QR_X - _QUIET, QR_Y - _QUIET, QR_X + QR_SIDE + _QUIET, QR_Y + QR_SIDE + _QUIET)
BARS_AREA = rectangle(CODE_128_MIDDLE - _BARS_REACH, 6.5, CODE_128_MIDDLE + _BARS_REACH, QR_Y - _QUIET)

PASS_MIDDLE: Point = (101.0, 53.5)
STUB_MIDDLE: Point = (STUB_WIDTH / 2, 45.0)
COVER_MIDDLE: Point = (TRIM_WIDTH / 2, 55.0)
COVER_TEXT = rectangle(20.0, 5.0, 180.0, 29.0)
PASS_NAME = rectangle(53.0, 4.0, 92.0, 17.0)
STUB_NAME = rectangle(6.0, 4.0, 41.0, 17.0)


def draw_templates(pen: Pen) -> None:
    """What all covers, and all passes, have in common."""
    with pen.template(COVER):
        with pen.spared(band(*COVER_MIDDLE, width=102.0, height=27.0), COVER_TEXT):
            draw_hatching(pen)
        draw_words(pen, COVER_MIDDLE, points=32.0)
        for rank, use in enumerate(PRACTICE_USES):
            y = 24.0 - 5.5 * rank
            pen.write(use, x=TRIM_WIDTH / 2, y=y, face=Face.REGULAR, points=12, width=156, side="centre")
    with pen.template(PASS):
        words = (band(*PASS_MIDDLE, width=88.0, height=24.0), band(*STUB_MIDDLE, width=40.0, height=11.0))
        with pen.spared(QR_AREA, BARS_AREA, PASS_NAME, STUB_NAME, *words):
            draw_hatching(pen)
        pen.line((STUB_WIDTH, 0.0), (STUB_WIDTH, TRIM_HEIGHT), points=0.5, dash=(1.5, 2.5))
        draw_words(pen, PASS_MIDDLE, points=28.0)
        draw_words(pen, STUB_MIDDLE, points=12.0)


def draw_words(pen: Pen, middle: Point, *, points: float) -> None:
    """Both lines around a middle, slanting upwards."""
    apart = points * 0.2
    for text, side in ((PRACTICE, 1), (WORTHLESS, -1)):
        x = middle[0] - side * apart * sin(radians(SLANT_DEGREES))
        y = middle[1] + side * apart * cos(radians(SLANT_DEGREES))
        pen.write_slanted(text, x=x, y=y, degrees=SLANT_DEGREES, points=points)


def draw_cover(pen: Pen, booklet: PrintedBooklet) -> None:
    with pen.page():
        pen.stamp(COVER)
        pen.write(booklet_name(booklet), x=TRIM_WIDTH / 2, y=7.5, face=Face.BOLD, points=10, side="centre")


def draw_pass(pen: Pen, booklet: PrintedBooklet, printed: PrintedPass) -> None:
    with pen.page():
        pen.stamp(PASS)
        draw_symbols(pen, printed)
        for left, width in ((STUB_NAME[0][0] + 1, 33.0), (PASS_NAME[0][0] + 1, 37.0)):
            pen.write(booklet_name(booklet), x=left, y=12.0, face=Face.REGULAR, points=8.5, width=width)
            pen.write(pass_rank(printed, booklet), x=left, y=7.0, face=Face.BOLD, points=10, width=width)
