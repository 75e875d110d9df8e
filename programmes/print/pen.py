"""A pen over reportlab's canvas: millimetres from the trimmed paper's lower left corner, black ink only."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import floor
from typing import IO, Literal

from reportlab import rl_config
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.pdfgen.pathobject import PDFPathObject

from programmes.print.symbols import Rectangle
from programmes.print.typeface import Face, broken_lines, fitted_points, loaded, printable, width_points

TRIM_WIDTH, TRIM_HEIGHT = 200.0, 80.0
BLEED = 3.0
SIZE_POINTS_MIN = 6.0
CAPITAL_HEIGHT = 0.7  # of the type size
EVEN_ODD = 0  # reportlab's FILL_EVEN_ODD, which its stubs leave out

Side = Literal["left", "centre", "right"]
Point = tuple[float, float]

# Page streams as plain deflate: by default reportlab also writes them as ASCII, a quarter larger.
rl_config.useA85 = 0


class Pen:
    def __init__(self, target: IO[bytes], *, title: str) -> None:
        for face in Face:
            loaded(face)
        paper = (0.0, 0.0, (TRIM_WIDTH + 2 * BLEED) * mm, (TRIM_HEIGHT + 2 * BLEED) * mm)
        trim = (BLEED * mm, BLEED * mm, (BLEED + TRIM_WIDTH) * mm, (BLEED + TRIM_HEIGHT) * mm)
        self.canvas = Canvas(
            target,
            pagesize=paper[2:],
            pageCompression=1,
            invariant=1,
            enforceColorSpace="CMYK",
            initialFontName=Face.REGULAR.value,  # type: ignore[arg-type]  # the stubs take it for a number
            bleedBox=paper,
            trimBox=trim,
            lang="fr-FR",
        )
        self.canvas.setTitle(title)
        self.canvas.setCreator("Poinçon")

    @contextmanager
    def page(self) -> Iterator[None]:
        self.canvas.translate(BLEED * mm, BLEED * mm)
        self._take_ink()
        yield
        self.canvas.showPage()

    @contextmanager
    def template(self, name: str) -> Iterator[None]:
        """What is drawn inside is kept once in the file and stamped on any number of pages."""
        corner = floor(-BLEED * mm)
        self.canvas.beginForm(name, corner, corner, (TRIM_WIDTH + BLEED) * mm, (TRIM_HEIGHT + BLEED) * mm)
        self._take_ink()
        yield
        self.canvas.endForm()

    def stamp(self, name: str) -> None:
        self.canvas.doForm(name)

    def _take_ink(self) -> None:
        self.canvas.setFillColorCMYK(0, 0, 0, 1)
        self.canvas.setStrokeColorCMYK(0, 0, 0, 1)

    def save(self) -> None:
        self.canvas.save()

    def write(
        self,
        text: str,
        *,
        x: float,
        y: float,
        face: Face,
        points: float,
        width: float | None = None,
        side: Side = "left",
    ) -> float:
        """One line, made smaller where it would be wider than `width`; answers its width."""
        text = printable(text, face)
        if width is not None:
            points = fitted_points(text, face, size_points=points, width_max_points=width * mm)
        if points < SIZE_POINTS_MIN:
            raise ValueError(f"{text!r} is too long to be read on paper in {width} mm: shorten it")
        self.canvas.setFont(face.value, points)
        wide = width_points(text, face, points) / mm
        shift = {"left": 0.0, "centre": wide / 2, "right": wide}[side]
        self.canvas.drawString((x - shift) * mm, y * mm, text)
        return wide

    def write_lines(
        self, text: str, *, x: float, y: float, face: Face, points: float, width: float, lines_max: int = 2
    ) -> None:
        """Lines from `y` downwards, in smaller type until they are few enough."""
        text = printable(text, face)
        size = points
        while (
            len(lines := broken_lines(text, face, size_points=size, width_max_points=width * mm)) > lines_max
        ):
            size -= 0.5
            if size < SIZE_POINTS_MIN:
                raise ValueError(f"{text!r} is too long for {lines_max} lines of {width} mm: shorten it")
        for rank, line in enumerate(lines):
            self.write(line, x=x, y=y - rank * size * 1.25 / mm, face=face, points=size, width=width)

    def fill(
        self, rectangles: Iterable[Rectangle], *, x: float, y: float, module: float, height: float
    ) -> None:
        """One path for all of them, so that no hairline shows between neighbours."""
        operators = " ".join(f"{r.x} {r.y} {r.width} {r.height} re" for r in rectangles)
        scale = f"{module * mm:.6f} 0 0 {height * mm:.6f} {x * mm:.4f} {y * mm:.4f} cm"
        self.canvas.addLiteral(f"q {scale} {operators} f Q")

    def line(self, start: Point, end: Point, *, points: float, dash: tuple[float, ...] = ()) -> None:
        self.canvas.saveState()
        self.canvas.setLineWidth(points)
        self.canvas.setDash(list(dash))
        self.canvas.line(start[0] * mm, start[1] * mm, end[0] * mm, end[1] * mm)
        self.canvas.restoreState()

    def write_slanted(self, text: str, *, x: float, y: float, degrees: float, points: float) -> None:
        """One bold line around its middle."""
        text = printable(text, Face.BOLD)
        self.canvas.saveState()
        self.canvas.translate(x * mm, y * mm)
        self.canvas.rotate(degrees)
        self.canvas.setFont(Face.BOLD.value, points)
        self.canvas.drawString(-width_points(text, Face.BOLD, points) / 2, -points * CAPITAL_HEIGHT / 2, text)
        self.canvas.restoreState()

    @contextmanager
    def spared(self, *areas: Sequence[Point]) -> Iterator[None]:
        """What is drawn inside leaves these areas, given by their corners, blank. They must not overlap."""
        path = self.begin_path()
        path.rect(-BLEED * mm, -BLEED * mm, (TRIM_WIDTH + 2 * BLEED) * mm, (TRIM_HEIGHT + 2 * BLEED) * mm)
        for first, *others in areas:
            path.moveTo(first[0] * mm, first[1] * mm)
            for corner in others:
                path.lineTo(corner[0] * mm, corner[1] * mm)
            path.close()
        self.canvas.saveState()
        self.canvas.clipPath(path, stroke=0, fill=0, fillMode=EVEN_ODD)
        yield
        self.canvas.restoreState()

    def begin_path(self) -> PDFPathObject:
        return self.canvas.beginPath()
