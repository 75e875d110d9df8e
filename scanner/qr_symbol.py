"""What every QR symbol of a size has in common, as modules: finders, timing, alignment. Reads no picture."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

SIDES = range(21, 178, 4)
FINDER = 7
QUIET = 4
LIGHT, DARK, DATA = 0, 1, -1

Modules = NDArray[np.int8]


@cache
def fixed_modules(side: int) -> Modules:
    """LIGHT or DARK where the standard decides, DATA where the content does (format and version included)."""
    modules = np.full((side, side), DATA, np.int8)
    modules[6, 8 : side - 8] = modules[8 : side - 8, 6] = np.arange(9, side - 7) % 2
    for row, column in _alignment_centres(side):
        modules[row - 2 : row + 3, column - 2 : column + 3] = _rings(5)
    corner = np.pad(_rings(FINDER), ((0, 1), (0, 1)), constant_values=LIGHT)
    modules[:8, :8], modules[:8, -8:], modules[-8:, :8] = corner, corner[:, ::-1], corner[::-1]
    modules[side - 8, 8] = DARK
    modules.flags.writeable = False
    return modules


def _rings(size: int) -> Modules:
    """A dark ring around a light one around a dark centre."""
    rings = np.full((size, size), DARK, np.int8)
    rings[1:-1, 1:-1] = LIGHT
    rings[2:-2, 2:-2] = DARK
    return rings


def _alignment_centres(side: int) -> list[tuple[int, int]]:
    version = (side - 17) // 4
    if version == 1:
        return []
    count, last = version // 7 + 2, side - 7
    # Even steps back from the last centre; the first step takes up what is left. Version 32 is the exception.
    step = 26 if version == 32 else 2 * -(-(last - 6) // (2 * (count - 1)))
    places = [6, *range(last - step * (count - 2), last + 1, step)]
    in_finders = {(6, 6), (6, last), (last, 6)}
    return [(row, column) for row in places for column in places if (row, column) not in in_finders]
