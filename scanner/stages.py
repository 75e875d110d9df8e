"""The cascade's stages, cheapest first: each alters the picture in one way and lets one decoder look.

A stage is here because it reads what the ones before it do not, and says what that is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from scanner.decoders import Corners, Sighting, look_with_zbar, look_with_zxing
from scanner.picture import Grey

# Workers are processes already, one a core; threads below them would only fight.
cv2.setNumThreads(1)

NO_LIMIT = 2**31


@dataclass(frozen=True)
class Stage:
    """`look` is asked only about pictures of more than pixels_min and at most pixels_max."""

    name: str
    look: Callable[[Grey], Sighting]
    pixels_min: int = 0
    pixels_max: int = NO_LIMIT

    def suits(self, picture: Grey) -> bool:
        return self.pixels_min < picture.size <= self.pixels_max


def look_halved(picture: Grey) -> Sighting:
    """Above 16 megapixels a sensor's pixels are finer than its lens: a quarter of them reads the same."""
    return _scaled(look_with_zxing(_resized(picture, 0.5, cv2.INTER_AREA)), 2)


def look_doubled(picture: Grey) -> Sighting:
    """Modules of one or two pixels fall between the samples of the binarizer."""
    return _scaled(look_with_zxing(_resized(picture, 2, cv2.INTER_CUBIC)), 0.5)


def look_equalised(picture: Grey) -> Sighting:
    """Dim light, shadows and glare: contrast is stretched tile by tile."""
    return look_with_zxing(_grey(cv2.createCLAHE(clipLimit=3, tileGridSize=(8, 8)).apply(picture)))


def look_sharpened(picture: Grey) -> Sighting:
    """Out of focus or moved: an unsharp mask, on the doubled picture so that it does not ring in modules."""
    doubled = _resized(picture, 2, cv2.INTER_CUBIC)
    soft = cv2.GaussianBlur(doubled, (0, 0), 3)
    return _scaled(look_with_zxing(_grey(cv2.addWeighted(doubled, 2, soft, -1, 0))), 0.5)


STAGES = (
    Stage("halved", look_halved, pixels_min=16_000_000),
    Stage("as taken", look_with_zxing),
    Stage("doubled", look_doubled, pixels_max=8_000_000),
    Stage("equalised", look_equalised, pixels_max=16_000_000),
    # zbar joins scan lines differently and so reads bars that blur or noise has broken up.
    Stage("zbar", look_with_zbar, pixels_max=4_000_000),
    Stage("sharpened", look_sharpened, pixels_max=4_000_000),
)


def _resized(picture: Grey, factor: float, interpolation: int) -> Grey:
    return _grey(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=interpolation))


def _grey(pixels: NDArray[Any]) -> Grey:
    """OpenCV keeps the kind of pixel; its types do not say so."""
    return pixels.astype(np.uint8, copy=False)


def _scaled(sighting: Sighting, factor: float) -> Sighting:
    """The sighting with its places in pixels of the picture as it was before the stage."""

    def place(corners: Corners) -> Corners:
        one, two, three, four = ((round(x * factor), round(y * factor)) for x, y in corners)
        return one, two, three, four

    return Sighting(
        tuple(replace(code, corners=place(code.corners)) for code in sighting.codes),
        tuple(place(corners) for corners in sighting.unread),
    )
