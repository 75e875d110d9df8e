"""The sheet that goes with a booklet: what passes are for and where to go, on one page in large type."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from programmes.print.french import NBSP, euros, long_day
from programmes.print.typeface import Face, broken_lines, fitted_points, loaded, settable
from programmes.print.wording import STEPS, WHERE_TO_ASK

LEFT, RIGHT, TOP, FOOT = 20.0, 190.0, 277.0, 22.0
WIDTH = RIGHT - LEFT
TITLE, LARGE, PLACE, SMALL = 30.0, 18.0, 16.0, 14.0  # points: read without glasses


@dataclass(frozen=True, slots=True)
class SheetPlace:
    name: str
    address: str  # empty when nobody has said it
    phone: str
    services: str


@dataclass(frozen=True, slots=True)
class GuidanceSheet:
    programme: str
    contact: str
    face_value_cents: int
    passes: int
    last_day: date
    territory: str
    places: Sequence[SheetPlace]


def draw_guidance(sheet: GuidanceSheet) -> bytes:
    for face in Face:
        loaded(face)
    target = BytesIO()
    canvas = Canvas(target, pagesize=A4, pageCompression=1, invariant=1, lang="fr-FR")
    canvas.setTitle(f"Vos pass numériques — {sheet.programme}")
    _Page(canvas).draw(sheet)
    canvas.save()
    return target.getvalue()


class _Page:
    """Lines from the top downwards; what does not fit ends the list of places, and is not cut in two."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._y = TOP

    def draw(self, sheet: GuidanceSheet) -> None:
        worth = euros(sheet.passes * sheet.face_value_cents)
        self._write("Vos pass numériques", Face.BOLD, TITLE)
        self._write(
            f"{sheet.passes}{NBSP}pass, soit {worth} pour apprendre à utiliser un ordinateur, un téléphone ou"
            " internet. C’est gratuit pour vous.",
            Face.REGULAR,
            LARGE,
            gap=4,
        )
        for rank, step in enumerate(STEPS, start=1):
            self._write(f"{rank}. {step}", Face.REGULAR, LARGE, gap=2)
        self._write(f"Jusqu’au {long_day(sheet.last_day)} inclus", Face.BOLD, LARGE, gap=5)
        if sheet.places:
            self._write(f"Où aller près de chez vous ({sheet.territory})", Face.BOLD, LARGE, gap=6)
        for place in sheet.places:
            if self._y - 3 * PLACE * 1.3 / mm < FOOT + 14:
                break
            self._write(place.name, Face.BOLD, PLACE, gap=3)
            told = [part for part in (place.address, place.phone) if part]
            self._write(" – ".join(told) or place.services, Face.REGULAR, SMALL)
        if sheet.contact:
            self._y = FOOT + 8
            self._write(f"{WHERE_TO_ASK} {sheet.contact}", Face.BOLD, SMALL)

    def _write(self, text: str, face: Face, points: float, *, gap: float = 0.0) -> None:
        self._y -= gap
        # Places are named by their operators: what one of them wrote keeps no prescriber from its sheet.
        text = settable(text, face)
        if not text:
            return
        for line in broken_lines(text, face, size_points=points, width_max_points=WIDTH * mm):
            size = fitted_points(line, face, size_points=points, width_max_points=WIDTH * mm)
            self._y -= size * 1.3 / mm
            self._canvas.setFont(face.value, size)
            self._canvas.drawString(LEFT * mm, self._y * mm, line)
