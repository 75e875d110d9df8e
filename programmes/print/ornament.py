"""Poinçon's mark and the engraved lines around it. Nothing here is read by a machine."""

from math import cos, pi, sin

from reportlab.lib.units import mm

from programmes.print.pen import BLEED, TRIM_HEIGHT, TRIM_WIDTH, Pen

HAIRLINE_POINTS = 0.3
HATCHING_POINTS = 0.4
MARK_WIDTH_BY_HEIGHT = 0.78

# Handle length of the Bézier arcs that come closest to a quarter of a circle and to half a wave of a sine.
CIRCLE_HANDLE = 0.5523
SINE_HANDLE = 0.3642


def draw_mark(pen: Pen, *, x: float, y: float, height: float) -> None:
    """The lozenge of a French maker's hallmark, struck with a P whose eye is the hole of a ticket punch."""
    pen.canvas.saveState()
    pen.canvas.translate(x * mm, y * mm)
    pen.canvas.scale(height * mm, height * mm)
    path = pen.begin_path()
    middle = MARK_WIDTH_BY_HEIGHT / 2
    for reach in (0.5, 0.455, 0.425):
        path.moveTo(middle, 0.5 - reach)
        for dx, dy in ((reach, 0.0), (0.0, reach), (-reach, 0.0)):
            path.lineTo(middle + dx * MARK_WIDTH_BY_HEIGHT, 0.5 + dy)
        path.close()
    left, right, foot, eye, bowl = middle - 0.13, middle - 0.025, 0.26, 0.605, 0.135
    handle = bowl * CIRCLE_HANDLE
    turn = middle + 0.03
    path.moveTo(left, foot)
    path.lineTo(left, eye + bowl)
    path.lineTo(turn, eye + bowl)
    path.curveTo(turn + handle, eye + bowl, turn + bowl, eye + handle, turn + bowl, eye)
    path.curveTo(turn + bowl, eye - handle, turn + handle, eye - bowl, turn, eye - bowl)
    path.lineTo(right, eye - bowl)
    path.lineTo(right, foot)
    path.close()
    path.circle(turn, eye, 0.062)
    pen.canvas.drawPath(path, stroke=0, fill=1)
    pen.canvas.restoreState()


def draw_ribbon(pen: Pen, *, y: float, amplitude: float, period: float = 12.0, strands: int = 6) -> None:
    """Interlaced waves from bleed to bleed around the height `y`."""
    path = pen.begin_path()
    for strand in range(strands):
        x = -BLEED - period * (1 + strand / strands)
        top = amplitude
        path.moveTo(x * mm, (y + top) * mm)
        while x < TRIM_WIDTH + BLEED:
            reach = period / 2
            path.curveTo(
                (x + reach * SINE_HANDLE) * mm,
                (y + top) * mm,
                (x + reach * (1 - SINE_HANDLE)) * mm,
                (y - top) * mm,
                (x + reach) * mm,
                (y - top) * mm,
            )
            x, top = x + reach, -top
    pen.canvas.setLineWidth(HAIRLINE_POINTS)
    pen.canvas.drawPath(path, stroke=1, fill=0)


def draw_hatching(pen: Pen, *, step: float = 3.2) -> None:
    """Slanting lines over the whole paper, against the slant of the words."""
    path = pen.begin_path()
    height = TRIM_HEIGHT + 2 * BLEED
    x = -BLEED - height
    while x < TRIM_WIDTH + BLEED:
        path.moveTo(x * mm, (TRIM_HEIGHT + BLEED) * mm)
        path.lineTo((x + height) * mm, -BLEED * mm)
        x += step
    pen.canvas.setLineWidth(HATCHING_POINTS)
    pen.canvas.drawPath(path, stroke=1, fill=0)


def draw_rosette(
    pen: Pen, *, x: float, y: float, radius: float, depth: float = 0.16, petals: int = 12, strands: int = 6
) -> None:
    """Interlaced rings around a centre, as on the back of a watch."""
    path = pen.begin_path()
    steps = petals * 24
    for strand in range(strands):
        for step in range(steps + 1):
            angle = 2 * pi * step / steps
            reach = radius * (1 - depth + depth * cos(petals * angle + 2 * pi * strand / strands))
            point = ((x + reach * cos(angle)) * mm, (y + reach * sin(angle)) * mm)
            (path.lineTo if step else path.moveTo)(*point)
        path.close()
    pen.canvas.setLineWidth(HAIRLINE_POINTS)
    pen.canvas.drawPath(path, stroke=1, fill=0)
