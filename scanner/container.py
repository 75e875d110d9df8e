"""A picture file cut down to its pixels, and the limits on its size. Knows no format.

Image libraries act on whatever a file carries: they inflate text chunks, follow EXIF offsets, allocate a
canvas as soon as they open it. So sizes are judged on the first bytes, by us, and only what makes up the
(first) picture goes on to a library.
"""

from dataclasses import dataclass
from typing import NoReturn

from scanner.found import ImageRefusal, ImageRefused

SIDE_PIXELS_MAX = 16_384
IMAGE_PIXELS_MAX = 64_000_000
# What can't be unpacked straight to grey, row by row, takes four bytes a pixel or more on its way.
COLOUR_PIXELS_MAX = 24_000_000


@dataclass(frozen=True)
class Container:
    """`pixel_bytes` is a file of the same format without metadata; `orientation` is EXIF's, 1 to 8."""

    format: str
    width: int
    height: int
    orientation: int
    pixel_bytes: bytes


def check_size(width: int, height: int, *, pixels_max: int) -> None:
    if width == 0 or height == 0:
        refuse_damaged("it says that it has no pixels")
    if max(width, height) > SIDE_PIXELS_MAX or width * height > pixels_max:
        raise ImageRefused(
            ImageRefusal.TOO_MANY_PIXELS,
            f"The picture is {width} × {height} pixels; at most {pixels_max // 10**6} megapixels and "
            f"{SIDE_PIXELS_MAX} pixels a side are read. Reduce it and send it again.",
        )


def refuse_damaged(what: str) -> NoReturn:
    raise ImageRefused(
        ImageRefusal.DAMAGED, f"The picture is damaged or incomplete: {what}. Take it or send it again."
    )


def refuse_costly(what: str) -> NoReturn:
    raise ImageRefused(
        ImageRefusal.TOO_COSTLY,
        f"The picture asks for more work than a photograph should: {what}. Save it again as a plain JPEG.",
    )
