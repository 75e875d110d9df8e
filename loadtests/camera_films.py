"""What a phone's camera would film: prints on a desk, still, passing by or overlapping, and in bad light.

Frames are Pillow pictures; a film is what Chromium plays as its camera. Knows no pass.
"""

import io
import random
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import segno
from PIL import Image, ImageDraw, ImageFilter

FRAME: Final = (1_280, 720)
DESK: Final = (125, 105, 90)
JPEG_QUALITY: Final = 75
# Chromium shows this many frames of a film each second, whatever the film says.
SHOWN_FPS: Final = 30
FILM_SECONDS_MAX: Final = 60

TILT_DEGREES: Final = 6
HAND_PIXELS: Final = 3
# Of a print that lies under others, this much stays in sight: its code is at its right, near the top.
OVERLAP_STEP: Final = (250, 330)
OVERLAP_SCALE: Final = 0.95
# As much light as a sensor has levels between ink and paper; the radius is a part of the frame's width.
GLARE: Final = 150.0
GLARE_RADIUS: Final = 0.12


def write_film(frames: Iterable[Image.Image], path: Path, *, fps: int = 15) -> Path:
    """JPEG after JPEG, which is all that MJPEG is; it starts again when it ends."""
    assert SHOWN_FPS % fps == 0, f"{fps} frames a second do not fit into {SHOWN_FPS}"
    repeated, count = SHOWN_FPS // fps, 0
    with path.open("wb") as film:
        for frame in frames:
            count += repeated
            assert count <= FILM_SECONDS_MAX * SHOWN_FPS, "a film of over a minute"
            held = io.BytesIO()
            frame.save(held, "JPEG", quality=JPEG_QUALITY)
            film.write(held.getvalue() * repeated)
    assert count, "a film without a frame"
    return path


def desk(size: tuple[int, int] = FRAME) -> Image.Image:
    """Wood, more or less: large soft spots, since fine grain would make films four times as long to read."""
    return _spotted(size).copy()


@cache
def _spotted(size: tuple[int, int]) -> Image.Image:
    spots = np.random.default_rng(1).normal(0, 10, (size[1] // 40, size[0] // 40, 1))
    small = Image.fromarray((np.array(DESK) + spots).clip(0, 255).astype(np.uint8), "RGB")
    return small.resize(size, Image.Resampling.BICUBIC)


def still(
    print_: Image.Image, *, width: int = 800, turn: float = 2.0, size: tuple[int, int] = FRAME
) -> Image.Image:
    """One print in the middle of the frame."""
    frame = desk(size)
    _lay(frame, _sized(print_, width), (size[0] // 2, size[1] // 2), turn)
    return frame


def shaken(frame: Image.Image, *, frames: int = 15) -> Iterator[Image.Image]:
    """A hand holds the phone: no two frames are the same."""
    hand = random.Random(2)
    for _ in range(frames):
        moved = desk(frame.size)
        moved.paste(frame, (hand.randint(-HAND_PIXELS, HAND_PIXELS), hand.randint(-HAND_PIXELS, HAND_PIXELS)))
        yield moved


def passing(
    prints: Sequence[Image.Image], *, seconds_each: float = 0.6, fps: int = 15, width: int = 800
) -> Iterator[Image.Image]:
    """One after the other through the frame: in fast, slower before the lens, out fast."""
    hand = random.Random(3)
    steps = round(seconds_each * fps)
    for print_ in prints:
        sheet, turn = _sized(print_, width), hand.uniform(-TILT_DEGREES, TILT_DEGREES)
        for step in range(steps):
            offset = (2 * (step + 0.5) / steps - 1) ** 3 * (FRAME[0] + width) / 2
            frame = desk()
            across = FRAME[0] // 2 - round(offset) + hand.randint(-HAND_PIXELS, HAND_PIXELS)
            _lay(frame, sheet, (across, FRAME[1] // 2 + hand.randint(-HAND_PIXELS, HAND_PIXELS)), turn)
            yield frame


def overlapping(prints: Sequence[Image.Image], *, columns: int = 5) -> Image.Image:
    """Laid like cards, each over the left of the one before: all their codes in one frame."""
    frame, hand = desk(), random.Random(4)
    across, down = OVERLAP_STEP
    for place, print_ in enumerate(prints):
        row, column = divmod(place, columns)
        sheet = _sized(print_, round(print_.width * OVERLAP_SCALE))
        right, top = FRAME[0] - 10 - across * column, 15 + down * row
        middle = (right - sheet.width // 2, top + sheet.height // 2)
        _lay(frame, sheet, middle, hand.uniform(-0.5, 0.5))
    return frame


def blurred(frame: Image.Image, radius: float = 1.6) -> Image.Image:
    return frame.filter(ImageFilter.GaussianBlur(radius))


def dark(frame: Image.Image, light: float = 0.12, noise: float = 4.0) -> Image.Image:
    """Little light, and the grain that a sensor adds when it makes the most of it."""
    grain = np.random.default_rng(5).normal(0, noise, (frame.height, frame.width, 1))
    return Image.fromarray((np.asarray(frame) * light + 8 + grain).clip(0, 255).astype(np.uint8), "RGB")


def glaring(frame: Image.Image, *, across: float = 0.68, down: float = 0.4) -> Image.Image:
    """A lamp's reflection on shiny paper, brightest at a place given in parts of the frame."""
    rows, columns = np.mgrid[0 : frame.height, 0 : frame.width] / frame.width
    distance = np.hypot(columns - across, rows - down * frame.height / frame.width)
    lamp = GLARE * np.exp(-((distance / GLARE_RADIUS) ** 2))[..., None]
    return Image.fromarray((np.asarray(frame) + lamp).clip(0, 255).astype(np.uint8), "RGB")


def without(print_: Image.Image, box: tuple[int, int, int, int]) -> Image.Image:
    """The same print with one of its codes painted over."""
    painted = print_.copy()
    ImageDraw.Draw(painted).rectangle(box, fill="white")
    return painted


def symbol(text: str, *, pixels_per_module: int = 6) -> Image.Image:
    """A bare QR of any text, as somebody else might print it."""
    drawn = io.BytesIO()
    segno.make_qr(text, error="m").save(drawn, kind="png", scale=pixels_per_module, border=4)
    return Image.open(drawn).convert("RGB")


def _sized(print_: Image.Image, width: int) -> Image.Image:
    height = round(print_.height * width / print_.width)
    return print_.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)


def _lay(frame: Image.Image, sheet: Image.Image, middle: tuple[int, int], turn: float) -> None:
    turned = sheet.convert("RGBA").rotate(turn, Image.Resampling.BICUBIC, expand=True)
    corner = (middle[0] - turned.width // 2, middle[1] - turned.height // 2)
    frame.paste(turned, corner, turned)
