"""The typefaces on paper, what a text measures in them and whether it can be set at all. No places.

Lexend was drawn for people who read with effort. The short code is typed by hand, so it is set in Atkinson
Hyperlegible Mono, whose zero is slashed. Both are free: fonts/ holds their licences.
"""

import re
import unicodedata
from enum import StrEnum
from functools import cache
from pathlib import Path

from reportlab.pdfbase.pdfmetrics import registerFont
from reportlab.pdfbase.ttfonts import TTFont

from programmes.print.french import NBSP

NARROW_NBSP = "\u202f"


class Face(StrEnum):
    REGULAR = "Lexend-Regular"
    BOLD = "Lexend-Bold"
    MONO = "AtkinsonHyperlegibleMono-Bold"


@cache
def loaded(face: Face) -> TTFont:
    font = TTFont(face.value, Path(__file__).with_name("fonts") / f"{face.value}.ttf")
    registerFont(font)
    return font


def printable(text: str, face: Face) -> str:
    """The text as the face can set it; ValueError if it has no glyph for one of its characters."""
    composed = unicodedata.normalize("NFC", text).replace(NARROW_NBSP, NBSP)
    glyphs = loaded(face).face.charToGlyph
    for character in composed:
        if ord(character) not in glyphs:
            raise ValueError(
                f"no glyph to print {character!r} (U+{ord(character):04X}) in {text!r}: spell it otherwise"
            )
    return composed


def settable(text: str, face: Face) -> str:
    """Of what somebody else wrote: what the face has no glyph for is left out, and one space is enough."""
    glyphs = loaded(face).face.charToGlyph
    composed = unicodedata.normalize("NFC", text).replace(NARROW_NBSP, NBSP)
    kept = "".join(
        " " if one in "\t\r\n" else one for one in composed if ord(one) in glyphs or one in "\t\r\n"
    )
    return re.sub(r" {2,}", " ", kept).strip(" ")


def width_points(text: str, face: Face, size_points: float) -> float:
    return loaded(face).stringWidth(text, size_points)


def fitted_points(text: str, face: Face, *, size_points: float, width_max_points: float) -> float:
    """The size at which the text fits the width, never above the one asked for."""
    return min(size_points, size_points * width_max_points / width_points(text, face, size_points))


def broken_lines(text: str, face: Face, *, size_points: float, width_max_points: float) -> list[str]:
    """Lines broken at ordinary spaces only; a word wider than the line stands alone on its own."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".lstrip(" ")
        if lines[-1] and width_points(longer, face, size_points) > width_max_points:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
