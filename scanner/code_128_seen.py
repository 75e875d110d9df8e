"""Code 128 as a lens out of focus shows it: rows of ink from 0 to 1, by how far out. Reads no picture."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from scanner.code_128 import CHARACTER_MODULES, CHARACTERS, FIRST_START, STOP, STOP_MODULES

# Places per module at which grey is compared; a window reaches from one character's middle to the next's.
FINE = 3
WINDOW = CHARACTER_MODULES * FINE
HALF = WINDOW // 2
# Quiet zone and start but for its last module; stop and quiet zone.
START_PLACES, STOP_PLACES = 2 * WINDOW - FINE, (STOP_MODULES + 4) * FINE

Windows = NDArray[np.float32]


@cache
def characters_seen(radius: float) -> Windows:
    """Each value between what surely is around it: a space before, a bar after."""
    light, dark = np.zeros((len(CHARACTERS), 2), np.bool_), np.ones((len(CHARACTERS), 2), np.bool_)
    return _seen(np.hstack([light, CHARACTERS, dark]), radius)[:, 2 * FINE : 2 * FINE + WINDOW]


@cache
def pairs_seen(radius: float) -> tuple[Windows, Windows, NDArray[np.float32]]:
    """What each value adds to a window as its left half and as its right; and the squares of every two."""
    blank = np.zeros_like(CHARACTERS)
    lefts = _seen(np.hstack([CHARACTERS, blank]), radius)[:, HALF : HALF + WINDOW]
    rights = _seen(np.hstack([blank, CHARACTERS]), radius)[:, HALF : HALF + WINDOW]
    together = (lefts**2).sum(1)[None, :] + (rights**2).sum(1)[:, None] + 2 * rights @ lefts.T
    return lefts, rights, together


@cache
def ends_of_row(radius: float) -> tuple[Windows, Windows]:
    """The quiet zone with the first half of each start; the second half of each value with stop and quiet."""
    starts = CHARACTERS[FIRST_START:]
    before = _seen(np.hstack([np.zeros_like(starts), starts]), radius)[:, HALF : HALF + WINDOW]
    stop = np.broadcast_to(STOP, (len(CHARACTERS), STOP_MODULES))
    after = _seen(np.hstack([CHARACTERS, stop]), radius, quiet=4)[:, HALF:]
    return before, after


@cache
def ends_seen(radius: float) -> tuple[Windows, Windows]:
    """Quiet zone and each start; the stop and a quiet zone."""
    starts = CHARACTERS[FIRST_START:]
    before = _seen(np.hstack([np.zeros_like(starts), starts]), radius)
    return before[:, :START_PLACES], _seen(STOP[None], radius, quiet=4)[:, :STOP_PLACES]


def _seen(modules: NDArray[np.bool_], radius: float, quiet: int = 0) -> Windows:
    """Rows of modules as a lens so far out of focus shows them, light beyond their ends."""
    ink = np.repeat(np.pad(modules, ((0, 0), (0, quiet))), FINE, axis=1).astype(np.float32)
    places = np.arange(-3 * FINE, 3 * FINE + 1) / FINE
    disc = np.sqrt(np.maximum(radius**2 - places**2, 0))
    lens = np.exp(-((places / 0.3) ** 2) / 2)
    line = np.convolve(disc, lens, "same")
    blur = (line / line.sum()).astype(np.float32)[None]
    return cv2.filter2D(ink, -1, blur, borderType=cv2.BORDER_CONSTANT).astype(np.float32, copy=False)
