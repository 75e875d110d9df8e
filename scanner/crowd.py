"""Pictures crowded with what looks like QR finders, which cost a decoder seconds. Finds no finder.

zxing-cpp holds each finder against all others: a hundred thousand of a few pixels kept it busy for 23 s.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from scanner.picture import Grey

# A sheet of five hundred symbols has 1,500. Turned ones are seen less often: an estimate of 4,700 took
# zxing-cpp 1.1 s.
FINDERS_MAX = 2_000
# Three rows in a row: in noise one often has a finder's runs, three in one place rarely.
SAMPLES, ROWS_PER_SAMPLE = 24, 3
FINDER_PIXELS = 9
# Pixels over which light and dark are told apart, as wide as the decoder's own blocks together.
WINDOW = 41
# Of a module, by how much a run may be off.
RUN_ASTRAY = 0.6


def less_crowded(picture: Grey) -> tuple[Grey, int]:
    """The picture, halved as often as it takes, and by what it was divided."""
    divisor = 1
    while is_crowded(picture):
        half = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        picture, divisor = half.astype(np.uint8, copy=False), divisor * 2
    return picture, divisor


def is_crowded(picture: Grey) -> bool:
    """More finders than FINDERS_MAX, by an estimate that is right within a factor of two or so."""
    if min(picture.shape) < FINDER_PIXELS or picture.size <= FINDERS_MAX * FINDER_PIXELS**2:
        return False
    # Bars have a finder's runs across and hardly any down.
    return _finders_across(picture) > FINDERS_MAX and _finders_across(picture.T) > FINDERS_MAX / 4


def _finders_across(picture: Grey) -> float:
    """How many there would be if all rows were like those looked at."""
    height, width = picture.shape
    # At odd distances, or a pattern in step with them would be missed; the same each time, to be repeatable.
    tops = np.random.default_rng(0).integers(0, height - ROWS_PER_SAMPLE + 1, SAMPLES)
    rows = picture[(tops[:, None] + np.arange(ROWS_PER_SAMPLE)).ravel()]
    places, modules = _finder_middles(rows < cv2.blur(rows, (WINDOW, 1)))
    module_of = np.zeros(rows.size, np.float32)
    module_of[places] = modules
    first, *others = module_of.reshape(SAMPLES, ROWS_PER_SAMPLE, width).swapaxes(0, 1)
    near = np.ones((1, 5), np.uint8)
    for other in others:
        first = first * (cv2.dilate(other, near) > 0)
    seen = first[first > 0]
    # A finder's dark middle is three modules high, and all rows of a sample are to lie in it.
    weights = 1 / np.maximum(3 * seen - ROWS_PER_SAMPLE + 1, 1)
    return float(weights.sum()) * float(height) / SAMPLES


def _finder_middles(dark: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Where runs of 1:1:3:1:1 have their middle, as places in the flattened rows, and pixels per module."""
    ends = np.flatnonzero(np.diff(dark.ravel()))
    runs = np.diff(ends)
    # Most runs are out by this alone, and looked at no more.
    middle = 2 + np.flatnonzero((runs[2:-2] > runs[1:-3]) & (runs[2:-2] > runs[3:-1]))
    five = np.array([runs[middle + step] for step in (-2, -1, 0, 1, 2)])
    modules = five.sum(0) / 7
    off = np.abs(five - modules * np.array([[1], [1], [3], [1], [1]]))
    fits = (off <= RUN_ASTRAY * modules).all(0)
    middle = middle[fits]
    return (ends[middle] + ends[middle + 1]) // 2, modules[fits]
