"""QR symbols read module by module where a decoder saw them and could not read them, or did not see them.

Paper that is crumpled or curled moves modules by more than a decoder's one perspective allows; a lens out of
focus mixes each with its neighbours. Both show in what the symbol has in common with all others.
"""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from scanner.picture import Grey
from scanner.qr_grid import Flattened, Quad, displacements, flattened, sides_likely
from scanner.qr_modules import Bits, Levels, agreement, deblurred_bits, plain_bits, read_redrawn
from scanner.qr_symbol import SIDES

SIDES_TRIED = 3
# Modules around, over which the phase of edges is taken: wide holds noise out, narrow follows folds.
BREADTHS = (2.2, 1.5, 1.5)
# Shares of known modules that agree: below, the grid is not on a symbol at all, or not yet to be deblurred.
ON_SYMBOL_MIN = 0.75
WORTH_FOLLOWING_MIN = 0.6
BLURRED_MIN = 0.55

IsTimeUp = Callable[[], bool]


def read_symbol(
    picture: Grey, corners: Quad, is_time_up: IsTimeUp, *, sides: Iterable[int] = SIDES
) -> bytes | None:
    """The content of the symbol about these corners, first the upper left as the symbol is read."""
    for side in sides_likely(picture, corners, sides, SIDES_TRIED):
        for bits in _looks(flattened(picture, corners, side)):
            if content := read_redrawn(bits):
                return content
            if is_time_up():
                return None
        if is_time_up():
            return None
    return None


def _looks(flat: Flattened) -> Iterator[Bits]:
    """Ever costlier ways to tell dark from light."""
    still: Levels = np.zeros((flat.side, flat.side), np.float32)
    as_flat = flat.sampled(still, still, softness=0.16)
    agreed = agreement(plain_bits(as_flat))
    for breadth in BREADTHS if agreed >= WORTH_FOLLOWING_MIN else ():
        flat = flat.moved(*displacements(flat, breadth))
        levels = flat.sampled(still, still, softness=0.2)
        bits = plain_bits(levels)
        if agreement(bits) >= ON_SYMBOL_MIN:
            yield bits
            yield from deblurred_bits(levels)
    # Strong blur hides the edges that displacement is told by: the paper is then taken to be flat.
    if agreed >= BLURRED_MIN:
        yield from deblurred_bits(as_flat)
