"""The cascade's stages, cheapest first: each looks at the picture in one way.

A stage is here because it reads what the ones before it do not, and says what that is. What each adds is
measured: loadtests/results/scanner.md.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from scanner.bars import read_bars
from scanner.crowd import less_crowded
from scanner.decoders import found_code, look_with_tapirscan, look_with_zbar, look_with_zxing
from scanner.picture import Grey
from scanner.qr_finders import trios
from scanner.redrawn import read_symbol
from scanner.sighting import CODE_128, QR, Corners, Progress, Sighting, same_place

# Workers are processes already, one a core; threads below them would only fight.
cv2.setNumThreads(1)

NO_LIMIT = 2**31
# Places worked on in one stage; a photograph has a few, a picture made to cost time has thousands.
PLACES_MAX = 24


@dataclass(frozen=True)
class Stage:
    """`look` is asked only about pictures of more than pixels_min and at most pixels_max, while so much
    of the time is left.

    A table of many codes has been looked at for small ones once it is past the first late stage; thin bars
    in a small picture, once it is past the early ones.
    """

    name: str
    look: Callable[[Grey, Progress], Sighting]
    pixels_min: int = 0
    pixels_max: int = NO_LIMIT
    cpu_seconds_left_min: float = 0.0
    is_early: bool = False
    is_late: bool = False

    def suits(self, picture: Grey, progress: Progress) -> bool:
        is_affordable = progress.cpu_seconds_left() >= self.cpu_seconds_left_min
        return is_affordable and self.pixels_min < picture.size <= self.pixels_max


def look_halved(picture: Grey, _: Progress) -> Sighting:
    """Above 16 megapixels a sensor's pixels are finer than its lens: a quarter of them reads the same."""
    return _look(_resized(picture, 0.5, cv2.INTER_AREA)).scaled(2)


def look_as_taken(picture: Grey, _: Progress) -> Sighting:
    return _look(picture)


def look_redrawn(picture: Grey, progress: Progress) -> Sighting:
    """Crumpled, curled or blurred: symbols that a decoder saw and could not read, module by module."""
    codes = []
    for corners in progress.unread[:PLACES_MAX]:
        if progress.is_time_up():
            break
        content = read_symbol(picture, np.array(corners, np.float32), progress.is_time_up)
        if content is not None:
            codes.append(found_code(content, QR, corners))
    return Sighting(tuple(codes))


def look_along_bars(picture: Grey, progress: Progress) -> Sighting:
    """Code 128 at an odd angle, in noise or half under glare: bars averaged along their length."""
    return Sighting(
        tuple(
            found_code(content, CODE_128, _whole(area.corners()))
            for area, content in read_bars(picture, progress.is_time_up)
        )
    )


def look_doubled(picture: Grey, _: Progress) -> Sighting:
    """Modules of one or two pixels fall between the samples of the binarizer."""
    return _look(_resized(picture, 2, cv2.INTER_CUBIC)).scaled(0.5)


def look_for_finders(picture: Grey, progress: Progress) -> Sighting:
    """Blurred or damaged so that no decoder sees a symbol: finders are looked for as a whole."""
    sighting = Sighting()
    for trio in trios(picture, progress.is_time_up):
        corners = _whole(trio.corners())
        read_there = any(same_place(corners, code.corners) for code in sighting.codes)
        if read_there or progress.covers(corners):
            continue
        if progress.is_time_up():
            break
        content = read_symbol(picture, trio.corners(), progress.is_time_up, sides=trio.sides())
        if content is not None:
            sighting = Sighting((*sighting.codes, found_code(content, QR, corners)))
    return sighting


def look_equalised(picture: Grey, _: Progress) -> Sighting:
    """Dim light, shadows and glare: contrast is stretched tile by tile."""
    return _look(_grey(cv2.createCLAHE(clipLimit=3, tileGridSize=(8, 8)).apply(picture)))


def look_with_zbar_too(picture: Grey, _: Progress) -> Sighting:
    """zbar joins scan lines differently and so reads some steep perspectives that zxing-cpp does not."""
    return _look(picture, look_with_zbar)


def look_with_tapirscan_too(picture: Grey, _: Progress) -> Sighting:
    """tapirscan, where it is installed: symbols that lack a finder, and more at odd angles."""
    return look_with_tapirscan(picture)


def look_smoothed(picture: Grey, _: Progress) -> Sighting:
    """Noise of a dim room, or the grid of a monitor: finer than modules, so it can be smoothed away."""
    return _look(_resized(picture, 0.5, cv2.INTER_AREA)).scaled(2)


STAGES = (
    Stage("halved", look_halved, pixels_min=16_000_000, is_early=True),
    Stage("as taken", look_as_taken, is_early=True),
    Stage("redrawn", look_redrawn, is_early=True),
    Stage("along bars", look_along_bars),
    Stage("doubled", look_doubled, pixels_max=8_000_000, is_late=True),
    Stage("smoothed", look_smoothed, is_late=True),
    Stage("equalised", look_equalised, pixels_max=16_000_000, is_late=True),
    Stage("zbar", look_with_zbar_too, pixels_max=4_000_000, is_late=True),
    Stage("tapirscan", look_with_tapirscan_too, pixels_max=8_000_000, cpu_seconds_left_min=0.2, is_late=True),
    Stage("finders", look_for_finders, is_late=True),
)


def _look(picture: Grey, look: Callable[[Grey], Sighting] = look_with_zxing) -> Sighting:
    bearable, divisor = less_crowded(picture)
    sighting = look(bearable)
    return sighting if divisor == 1 else sighting.scaled(divisor)


def _resized(picture: Grey, factor: float, interpolation: int) -> Grey:
    # A line of one pixel can be enlarged, not halved to nothing.
    height, width = (max(1, round(side * factor)) for side in picture.shape)
    return _grey(cv2.resize(picture, (width, height), interpolation=interpolation))


def _grey(pixels: NDArray[Any]) -> Grey:
    """OpenCV keeps the kind of pixel; its types do not say so."""
    return pixels.astype(np.uint8, copy=False)


def _whole(corners: NDArray[np.float32]) -> Corners:
    one, two, three, four = ((round(x), round(y)) for x, y in corners.tolist())
    return one, two, three, four
