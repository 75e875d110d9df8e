"""Where QR symbols may be, by finders that are too blurred or too damaged for a decoder to see. Reads none.

A finder is looked for as a whole, light and dark rings around a dark middle, not as runs of 1:1:3:1:1 along
a line, which blur merges and glare breaks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from scanner.picture import Grey
from scanner.qr_grid import Quad
from scanner.qr_symbol import FINDER, SIDES

# Longer side of the picture searched, and how its scales follow each other.
SEARCHED_PIXELS = 1_200
ENLARGED_MAX = 1.6
SCALE_STEP = 1.35
PATTERN_PIXELS = 15
LIKENESS_MIN = 0.55
CONTRAST_MIN = 6
FINDERS_MAX = 24
# Of one scale; a photograph has dozens, a picture of nothing but finders ten thousand.
PEAKS_MAX = 500
# A finder's dark middle looks like a finder, two and a half times smaller: of two sizes as likely the larger.
GROWTHS = tuple(0.8 * 1.22**step for step in range(8))
LARGER_IS_LIKELIER = 0.2
PATCH_SCALE = 3
PATCH_SIDE = 14 * PATCH_SCALE
TRIOS_MAX = 12
# Sum of what speaks against three finders belonging together, see _trio.
ODDNESS_MAX = 1.9
# A finder's size is measured in steps, and perspective makes the three differ.
SIDE_ASTRAY = 0.3
# Perspective and curl, within reason.
SIZES_RATIO_MAX = 1.9
LEGS_RATIO_MAX = 1.8
COSINE_MAX = 0.6


@dataclass(frozen=True)
class Finder:
    x: float
    y: float
    module: float
    likeness: float

    def away(self, other: "Finder") -> float:
        return float(np.hypot(self.x - other.x, self.y - other.y))


@dataclass(frozen=True)
class Trio:
    """Three finders that may belong together: corner, then the ones to its right and below it."""

    finders: tuple[Finder, Finder, Finder]
    oddness: float

    def corners(self) -> Quad:
        """As on a flat picture seen from straight above; what is not so shows once modules are looked at."""
        corner, right, below = (np.array([finder.x, finder.y]) for finder in self.finders)
        between = self._modules_between()
        across, down = (right - corner) / between, (below - corner) / between
        origin = corner - (across + down) * FINDER / 2
        side = between + FINDER
        ways = (0 * across, across * side, (across + down) * side, down * side)
        return np.array([origin + way for way in ways], np.float32)

    def sides(self) -> list[int]:
        """The sizes that the finders' own size lets expect."""
        side = self._modules_between() + FINDER
        return [known for known in SIDES if abs(np.log(known / side)) < SIDE_ASTRAY]

    def _modules_between(self) -> float:
        corner, right, below = self.finders
        module = (corner.module * right.module * below.module) ** (1 / 3)
        return max(1.0, (corner.away(right) + corner.away(below)) / 2 / float(module))


def trios(picture: Grey, is_time_up: Callable[[], bool]) -> list[Trio]:
    """Likeliest first."""
    found = [_trio(three) for three in combinations(_finders(picture, is_time_up), 3)]
    likely = (trio for trio in found if trio is not None and trio.oddness <= ODDNESS_MAX)
    return sorted(likely, key=lambda trio: trio.oddness)[:TRIOS_MAX]


def _finders(picture: Grey, is_time_up: Callable[[], bool]) -> list[Finder]:
    seen: list[Finder] = []
    scale = min(ENLARGED_MAX, SEARCHED_PIXELS / max(picture.shape))
    while min(picture.shape) * scale > 2 * PATTERN_PIXELS and not is_time_up():
        interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        scaled = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=interpolation)
        likeness = cv2.matchTemplate(scaled, _pattern(), cv2.TM_CCOEFF_NORMED)
        peaks = (likeness > LIKENESS_MIN) & (likeness >= cv2.dilate(likeness, np.ones((7, 7), np.uint8)))
        for y, x in _highest(likeness, peaks):
            if scaled[y : y + PATTERN_PIXELS, x : x + PATTERN_PIXELS].std() >= CONTRAST_MIN:
                centre_x, centre_y = ((at + PATTERN_PIXELS / 2) / scale for at in (x, y))
                module = PATTERN_PIXELS / (FINDER + 2) / scale
                seen.append(Finder(centre_x, centre_y, module, float(likeness[y, x])))
        scale /= SCALE_STEP
    return [] if is_time_up() else _best([_measured(picture, finder) for finder in _best(seen)])


def _highest(likeness: NDArray[Any], peaks: NDArray[np.bool_]) -> NDArray[np.intp]:
    places = np.argwhere(peaks)
    if len(places) <= PEAKS_MAX:
        return places
    return places[np.argpartition(-likeness[peaks], PEAKS_MAX)[:PEAKS_MAX]]


def _measured(picture: Grey, seen: Finder) -> Finder:
    """Its size and how much a finder it is, by patterns at several sizes and turns: the first look knows
    only that there is something dark, in something light, in something dark."""
    best = (-1.0, seen)
    for growth in GROWTHS:
        module = seen.module * growth
        to_patch = np.array([[1, 0, -seen.x], [0, 1, -seen.y]]) * (PATCH_SCALE / module)
        to_patch[:, 2] += PATCH_SIDE / 2
        patch = cv2.warpAffine(picture, to_patch, (PATCH_SIDE, PATCH_SIDE), borderMode=cv2.BORDER_REPLICATE)
        for pattern in _patterns():
            likeness = cv2.matchTemplate(patch, pattern, cv2.TM_CCOEFF_NORMED)
            _, most, _, (x, y) = cv2.minMaxLoc(likeness)
            likelihood = most * growth**LARGER_IS_LIKELIER
            if likelihood > best[0]:
                middle = len(pattern) / 2 - PATCH_SIDE / 2
                shift_x, shift_y = ((at + middle) * module / PATCH_SCALE for at in (x, y))
                best = (likelihood, Finder(seen.x + shift_x, seen.y + shift_y, module, float(most)))
    return best[1]


def _best(seen: list[Finder]) -> list[Finder]:
    """Of what overlaps, the likest."""
    kept: list[Finder] = []
    for finder in sorted(seen, key=lambda finder: -finder.likeness):
        if all(finder.away(other) > FINDER / 2 * max(finder.module, other.module) for other in kept):
            kept.append(finder)
            if len(kept) == FINDERS_MAX:
                break
    return kept


@cache
def _pattern() -> Grey:
    """A finder in its light border as it looks on average over all turns."""
    rings = np.full((90, 90), 255, np.uint8)
    rings[10:80, 10:80], rings[20:70, 20:70], rings[30:60, 30:60] = 0, 255, 0
    turned = [
        cv2.warpAffine(rings, cv2.getRotationMatrix2D((44.5, 44.5), angle, 1), (90, 90), borderValue=255)
        for angle in range(0, 90, 15)
    ]
    average = cv2.GaussianBlur(np.mean(turned, 0), (0, 0), 90 / PATTERN_PIXELS / 2)
    size = (PATTERN_PIXELS, PATTERN_PIXELS)
    return cv2.resize(average, size, interpolation=cv2.INTER_AREA).astype(np.uint8)


@cache
def _patterns() -> tuple[Grey, ...]:
    rings = np.full((90, 90), 255, np.uint8)
    rings[10:80, 10:80], rings[20:70, 20:70], rings[30:60, 30:60] = 0, 255, 0
    size = (9 * PATCH_SCALE, 9 * PATCH_SCALE)
    turned = []
    for angle in range(0, 90, 18):
        turn = cv2.getRotationMatrix2D((44.5, 44.5), angle, 1)
        soft = cv2.GaussianBlur(cv2.warpAffine(rings, turn, (90, 90), borderValue=255), (0, 0), 4)
        turned.append(cv2.resize(soft, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False))
    return tuple(turned)


def _trio(three: tuple[Finder, Finder, Finder]) -> Trio | None:
    """The one opposite the longest side is the corner; none where the three can't be of one symbol."""
    modules = [finder.module for finder in three]
    if max(modules) > SIZES_RATIO_MAX * min(modules):
        return None
    corner, one, other = max(
        ((three[i], three[i - 1], three[i - 2]) for i in range(3)), key=lambda trio: trio[1].away(trio[2])
    )
    one_x, one_y = one.x - corner.x, one.y - corner.y
    other_x, other_y = other.x - corner.x, other.y - corner.y
    legs = corner.away(one), corner.away(other)
    cosine = abs(one_x * other_x + one_y * other_y) / (legs[0] * legs[1])
    module = float(np.prod(modules)) ** (1 / 3)
    if max(legs) > LEGS_RATIO_MAX * min(legs) or cosine > COSINE_MAX:
        return None
    if min(legs) < (SIDES[0] - FINDER) * 0.75 * module or max(legs) > SIDES[-1] * 1.1 * module:
        return None
    clockwise = one_x * other_y > one_y * other_x
    oddness = (
        abs(np.log(legs[0] / legs[1]))
        + cosine
        + 0.7 * np.log(max(modules) / min(modules))
        + 1.5 * sum(1 - finder.likeness for finder in three)
    )
    return Trio((corner, one, other) if clockwise else (corner, other, one), float(oddness))
