"""The booklet's cover: what it is, what it is worth and until when, how it is used and whom to ask."""

from programmes.print.ornament import MARK_WIDTH_BY_HEIGHT, draw_mark, draw_ribbon, draw_rosette
from programmes.print.pen import TRIM_HEIGHT, Pen
from programmes.print.printed import PrintedBooklet, PrintRun
from programmes.print.typeface import Face
from programmes.print.wording import (
    STEPS,
    WHERE_TO_ASK,
    batch_name,
    booklet_name,
    booklet_title,
    booklet_value,
    funded_by,
    validity,
)

TEMPLATE = "cover"

PANEL_MIDDLE, PANEL_CENTRE = 26.0, 39.8
LEFT, RIGHT = 53.0, 192.0
WIDTH = RIGHT - LEFT


def draw_template(pen: Pen, run: PrintRun) -> None:
    """What all covers of a run have in common."""
    with pen.template(TEMPLATE):
        draw_ribbon(pen, y=TRIM_HEIGHT - 1.0, amplitude=2.6)
        draw_ribbon(pen, y=1.0, amplitude=2.6)
        draw_rosette(pen, x=PANEL_MIDDLE, y=PANEL_CENTRE, radius=20.0)
        height = 24.0
        draw_mark(
            pen,
            x=PANEL_MIDDLE - height * MARK_WIDTH_BY_HEIGHT / 2,
            y=PANEL_CENTRE - height / 2,
            height=height,
        )
        pen.write(run.programme, x=LEFT, y=60.0, face=Face.REGULAR, points=11, width=WIDTH)
        pen.write(validity(run), x=LEFT, y=47.6, face=Face.BOLD, points=13, width=WIDTH)
        for rank, step in enumerate(STEPS, start=1):
            y = 46.0 - 5.3 * rank
            pen.write(f"{rank}.", x=LEFT, y=y, face=Face.BOLD, points=11)
            pen.write(step, x=LEFT + 5.0, y=y, face=Face.REGULAR, points=11, width=WIDTH - 5.0)
        pen.write(WHERE_TO_ASK, x=LEFT, y=22.8, face=Face.REGULAR, points=9.5)
        pen.write(run.contact, x=LEFT, y=17.9, face=Face.BOLD, points=12, width=WIDTH)
        pen.write(funded_by(run), x=LEFT, y=11.6, face=Face.REGULAR, points=9.5, width=WIDTH)
        pen.write(batch_name(run), x=LEFT, y=6.8, face=Face.REGULAR, points=7, width=80)


def draw_cover(pen: Pen, run: PrintRun, booklet: PrintedBooklet) -> None:
    with pen.page():
        pen.stamp(TEMPLATE)
        pen.write(booklet_title(booklet), x=LEFT, y=66.0, face=Face.BOLD, points=22, width=WIDTH)
        pen.write(booklet_value(run, booklet), x=LEFT, y=53.4, face=Face.BOLD, points=13, width=WIDTH)
        pen.write(booklet_name(booklet), x=RIGHT, y=6.8, face=Face.BOLD, points=12, width=55, side="right")
