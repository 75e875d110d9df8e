"""Bytes of a picture file to upright grey pixels, within limits. Reads no code."""

from collections.abc import Callable
from io import BytesIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from scanner.container import Container, refuse_costly, refuse_damaged
from scanner.exif import UPRIGHT
from scanner.found import ImageRefused, refuse_too_many_bytes
from scanner.jpeg import open_jpeg
from scanner.png import open_png
from scanner.signature import read_format_of
from scanner.webp import open_webp

Grey = NDArray[np.uint8]

_OPEN_CONTAINER = {"JPEG": open_jpeg, "PNG": open_png, "WebP": open_webp}
# Pillow's own classes rather than Image.open: no other of its forty formats can be reached.
_DECODER: dict[str, Callable[[BytesIO], ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WebP": WebPImagePlugin.WebPImageFile,
}


def open_picture(image_bytes: bytes) -> Grey:
    """Height × width of uint8, turned upright; transparent becomes white, an animation its first frame."""
    refuse_too_many_bytes(len(image_bytes))
    container = _OPEN_CONTAINER[read_format_of(image_bytes)](image_bytes)
    return _upright(_decode(container), container.orientation)


def _decode(container: Container) -> Grey:
    try:
        with _DECODER[container.format](BytesIO(container.pixel_bytes)) as image:
            if image.size != (container.width, container.height):
                refuse_damaged("it contradicts itself about its size")
            # A JPEG then unpacks its brightness only, without making colours first.
            image.draft("L", None)
            return _grey_of(image)
    except ImageRefused:
        raise
    except MemoryError:
        refuse_costly("it does not fit into memory")
    except Exception as cause:  # Pillow raises a dozen unrelated kinds on bad data, SyntaxError among them.
        refuse_damaged(f"its pixels cannot be decoded ({type(cause).__name__})")


def _grey_of(image: Image.Image) -> Grey:
    image.load()
    if image.mode.startswith("I"):
        # Sensors of 10 to 14 bits are stored in 16: stretched, or the picture would come out black.
        grey = np.empty(image.size[::-1], np.uint8)
        cv2.normalize(np.asarray(image), grey, 0, 255, cv2.NORM_MINMAX, cv2.CV_8U)
        return grey
    if not image.has_transparency_data:
        return np.asarray(image if image.mode == "L" else image.convert("L"))
    shown = image.convert("RGBA")
    paper = Image.new("L", image.size, 255)
    paper.paste(shown.convert("L"), mask=shown.getchannel("A"))
    return np.asarray(paper)


def _upright(grey: Grey, orientation: int) -> Grey:
    """Turn as EXIF says: 3, 6 and 8 are turns, 2, 4, 5 and 7 the same mirrored."""
    if orientation == UPRIGHT:
        return grey
    match orientation:
        case 2:
            turned = np.fliplr(grey)
        case 3:
            turned = np.rot90(grey, 2)
        case 4:
            turned = np.flipud(grey)
        case 5:
            turned = grey.T
        case 6:
            turned = np.rot90(grey, -1)
        case 7:
            turned = np.rot90(grey, 2).T
        case _:
            turned = np.rot90(grey)
    return np.ascontiguousarray(turned)
