"""What a reader is given and gives back: the size limit, the code found, the refusal. No decoding."""

from dataclasses import dataclass
from enum import StrEnum

IMAGE_BYTES_MAX = 16 * 1024 * 1024

Point = tuple[int, int]


@dataclass(frozen=True)
class FoundCode:
    """A code read on a picture; corners are pixels of the upright picture, clockwise as the code is read."""

    text: str
    format: str
    corners: tuple[Point, Point, Point, Point]


class ImageRefusal(StrEnum):
    """Why a picture is not read. The first that holds is told."""

    TOO_MANY_BYTES = "too_many_bytes"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_COSTLY = "too_costly"
    DAMAGED = "damaged"


class ImageRefused(Exception):
    """The picture will not be read, now or later; the message says what to do instead."""

    def __init__(self, refusal: ImageRefusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal
        self.message = message


def refuse_too_many_bytes(image_bytes_count: int) -> None:
    if image_bytes_count > IMAGE_BYTES_MAX:
        raise ImageRefused(
            ImageRefusal.TOO_MANY_BYTES,
            f"The picture has more than {IMAGE_BYTES_MAX // 1024**2} MiB. "
            "Send a smaller one: 12 megapixels as JPEG are plenty.",
        )
