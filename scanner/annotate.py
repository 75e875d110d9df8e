"""A picture with the codes found on it drawn in, for people to look at. Reads no code.

Boxes and numbers in orange, and in its margin each number's format and text.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from scanner.found import FoundCode
from scanner.picture import open_picture

LONG_SIDE_MAX = 2_400
TEXT_CHARS_MAX = 60
_COLOUR = (230, 90, 0)


def draw_found(image_bytes: bytes, codes: Sequence[FoundCode], target: Path) -> None:
    grey = Image.fromarray(open_picture(image_bytes))
    scale = min(1.0, LONG_SIDE_MAX / max(grey.size))
    size = (max(1, round(grey.width * scale)), max(1, round(grey.height * scale)))
    letters = max(14, max(size) // 70)
    font = ImageFont.load_default(letters)
    legend = [f"{number}  {code.format}  {_short(code.text)}" for number, code in enumerate(codes, start=1)]
    lines = legend or ["nothing found"]
    page = Image.new(
        "RGB", (max(size[0], 40 * letters), size[1] + (len(lines) + 1) * letters * 3 // 2), "white"
    )
    page.paste(grey.resize(size), (0, 0))
    draw = ImageDraw.Draw(page)
    for number, code in enumerate(codes, start=1):
        corners = [(x * scale, y * scale) for x, y in code.corners]
        draw.polygon(corners, outline=_COLOUR, width=max(2, letters // 5))
        middle_x, middle_y = np.mean(corners, axis=0)
        place = (float(middle_x), float(middle_y))
        draw.circle(place, letters, fill=_COLOUR)
        draw.text(place, str(number), fill="white", font=font, anchor="mm")
    for row, line in enumerate(lines):
        draw.text((letters, size[1] + letters // 2 + row * letters * 3 // 2), line, fill="black", font=font)
    page.save(target)


def _short(text: str) -> str:
    """One line, without what a font can't show or a terminal would act on."""
    shown = "".join(letter if letter.isprintable() else "·" for letter in text)
    return shown if len(shown) <= TEXT_CHARS_MAX else shown[: TEXT_CHARS_MAX - 1] + "…"
