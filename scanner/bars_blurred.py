"""Code 128 whose bars have run into each other: the row of characters that explains their grey best.

Out of focus by more than a module no single bar is left to be seen, but a character is one of 106, and its
blurred picture is like no other's. What comes out is drawn anew, and zxing-cpp has the last word.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from scanner.code_128 import CHARACTER_MODULES, CHARACTERS, FIRST_START, STOP, STOP_MODULES, is_checked
from scanner.code_128_seen import (
    FINE,
    HALF,
    START_PLACES,
    STOP_PLACES,
    WINDOW,
    Windows,
    characters_seen,
    ends_of_row,
    ends_seen,
    pairs_seen,
)
from scanner.picture import Grey

# Radius, in modules, of the disc that a point becomes: in focus, beginning to blur, far out.
RADII = (0.8, 1.3, 1.9)
RADII_BESIDE = (-0.25, 0.25)
# Characters between stop and quiet zone, start and check included.
LENGTHS = range(5, 33)
# So many that explain start and stop go on to have their first characters looked at, so many to the end.
FITS_BEGUN, BEGUN_LENGTH, FITS_ENDED = 20, 5, 3
# Characters that a place alone leaves likely.
LIKELY = 24
# By how much of a module a character may lie off its place, and that from one to the next it changes little.
SHIFT, SHIFTS = 0.2, 15
DRIFT_DEGREE = 3
SHIFT_COST = np.float32(0.15)
# Of a strip's length: the window in which light and dark are told apart.
EVEN_OUT = 1 / 7
CONTRAST_MIN, CONTRAST_SHARE_MIN = 12.0, 0.4
# Of a strip's length, what is light and may be a quiet zone; the shorter ones may be in the code as well.
QUIETS = (0.05, 0.03)
# Mean square of what is left unexplained, from 0 for light to 1 for dark: stripes that are no code are above.
PROMISING_MAX, UNEXPLAINED_MAX = 0.05, 0.024
# Start and stop together; most textures that are no code are told by it, and cost no more.
ENDS_UNEXPLAINED_MAX = 0.04
# How much less the best other row explains, in such mean squares.
MARGIN_MIN = 12.0

Ink = NDArray[np.float32]
Values = NDArray[np.intp]

_SHIFTS = (np.arange(SHIFTS) - SHIFTS // 2) * SHIFT
_CODE_128 = zxingcpp.BarcodeFormats((zxingcpp.BarcodeFormat.Code128,))


@dataclass(frozen=True)
class Fit:
    """Where so many characters would lie on the ink, and how blurred.

    `drift`, a polynomial along the row, is by how many modules perspective or curl moves each place.
    """

    ink: Ink
    start: float
    module: float
    length: int
    radius: float
    drift: tuple[float, ...] = (0.0,)

    def windows(self, first_module: float, count: int) -> Windows:
        """Ink at `count` places from there, once for each shift."""
        places = first_module + (np.arange(count) + 0.5) / FINE
        places = places + np.polyval(self.drift, places / CHARACTER_MODULES)
        at = self.start + (places + _SHIFTS[:, None]) * self.module - 0.5
        return np.interp(at, np.arange(len(self.ink)), self.ink).astype(np.float32)


@dataclass(frozen=True)
class Row:
    """The likeliest values for a fit, the mean square they leave unexplained, by how many such the next best
    leaves more, and how far each value lies from its place."""

    values: list[int]
    unexplained: float
    margin: float
    shifts: list[float]

    def is_certain(self) -> bool:
        is_clear = self.unexplained <= UNEXPLAINED_MAX and self.margin >= MARGIN_MIN
        return is_clear and is_checked(self.values)


def content_likeliest(upright: Grey) -> bytes | None:
    """The content of a strip whose bars stand upright."""
    fits = sorted(_fits(_ink(upright)), key=lambda each: each[0])[:FITS_BEGUN]
    if not fits or fits[0][0] > ENDS_UNEXPLAINED_MAX:
        return None
    for fit in sorted((fit for _, fit in fits), key=_unexplained_at_first)[:FITS_ENDED]:
        row = _row(fit)
        if row.unexplained > PROMISING_MAX:
            continue
        row = _refined(fit, row)
        if row.is_certain() and (content := _read_redrawn(row.values)):
            return content
    return None


def _refined(fit: Fit, row: Row) -> Row:
    """The best after the places and the blur were adapted to what was found."""
    drift = np.polyfit(np.arange(fit.length) + 0.5, row.shifts, DRIFT_DEGREE)
    fit = replace(fit, drift=tuple(drift.tolist()))
    rows = [row, _row(fit)]
    rows += [_row(replace(fit, radius=fit.radius + beside)) for beside in RADII_BESIDE]
    return min(rows, key=lambda one: one.unexplained)


def _ink(upright: Grey) -> Ink:
    """From 0 on light to 1 on dark along the strip, its upper and lower edge left out."""
    height, width = upright.shape
    edge = height // 5
    row = upright[edge : height - edge].mean(0, dtype=np.float32)[None]
    window = int(width * EVEN_OUT) | 1
    around = np.ones((1, window), np.uint8)
    dark = cv2.blur(cv2.erode(row, around), (window, 1))
    light = cv2.blur(cv2.dilate(row, around), (window, 1))
    contrast = light - dark
    # Beside the bars there is only noise, which is not to be made bars of.
    least = max(CONTRAST_MIN, float(np.median(contrast)) * CONTRAST_SHARE_MIN)
    return np.asarray(((light - row) / np.maximum(contrast, least))[0], np.float32)


def _fits(ink: Ink) -> Iterator[tuple[float, Fit]]:
    """All lengths and blurs, read either way, on each span that may be the bars', with what their ends leave
    unexplained."""
    for first, last in _spans(ink):
        for way, start in ((ink, first), (np.ascontiguousarray(ink[::-1]), len(ink) - 1 - last)):
            for length in LENGTHS:
                module = (last - first) / (length * CHARACTER_MODULES + STOP_MODULES)
                fit = Fit(way, start, module, length, 0.0)
                at_start = fit.windows(-CHARACTER_MODULES, START_PLACES)
                at_stop = fit.windows(length * CHARACTER_MODULES, STOP_PLACES)
                for radius in RADII:
                    starts, stop = ends_seen(radius)
                    best_start = float(((at_start[:, None] - starts) ** 2).mean(2).min())
                    best_stop = float(((at_stop - stop) ** 2).mean(1).min())
                    yield best_start + best_stop, replace(fit, radius=radius)


def _spans(ink: Ink) -> set[tuple[float, float]]:
    """What is dark, up to what may be quiet zones: beyond them text and a desk are dark too."""
    dark = np.flatnonzero(cv2.blur(ink[None], (5, 1))[0] > 0.5)
    spans = set()
    for quiet in QUIETS:
        gaps = np.flatnonzero(np.diff(dark) > quiet * len(ink))
        before = gaps[dark[gaps] < len(ink) / 2]
        after = gaps[dark[gaps] >= len(ink) / 2]
        first = dark[before[-1] + 1] if len(before) else dark[:1].sum()
        last = dark[after[0]] if len(after) else dark[-1:].sum()
        if last - first >= len(ink) / 3:
            spans.add((float(first), float(last)))
    return spans


def _unexplained_at_first(fit: Fit) -> float:
    likely = _likely(fit, BEGUN_LENGTH)
    return float(_forwards(_at_start(fit), list(_between(fit, likely)))[-1].min())


def _row(fit: Fit) -> Row:
    likely = _likely(fit, fit.length)
    between = list(_between(fit, likely))
    to_here = _forwards(_at_start(fit), between)
    from_here = [_at_stop(fit, likely[-1])]
    for each in reversed(between):
        from_here.append(_near_shifts((from_here[-1][:, :, None] + each).min(1)))
    # For each place, by shift and value, what the best row through it leaves unexplained.
    through = [to + back for to, back in zip(to_here, reversed(from_here), strict=True)]
    bests = [np.unravel_index(costs.argmin(), costs.shape) for costs in through]
    least = float(through[0].min())
    other = min(float(np.partition(costs.min(0), 1)[1]) for costs in through)
    unexplained = least / (WINDOW * (fit.length + 1))
    return Row(
        [int(known[value]) for known, (_, value) in zip(likely, bests, strict=True)],
        unexplained,
        (other - least) / max(unexplained, 1e-9),
        [float(_SHIFTS[shift]) for shift, _ in bests],
    )


def _likely(fit: Fit, count: int) -> list[Values]:
    """For each of the first places the values to be compared, by what is seen of it alone."""
    alone = characters_seen(fit.radius)
    likely = [np.arange(FIRST_START, len(CHARACTERS))]
    for number in range(1, count):
        seen = fit.windows(number * CHARACTER_MODULES, WINDOW)
        unexplained = ((alone**2).sum(1)[None] - 2 * seen @ alone.T + (seen**2).sum(1)[:, None]).min(0)
        likely.append(np.argpartition(unexplained, LIKELY)[:LIKELY])
    return likely


def _at_start(fit: Fit) -> Windows:
    """What each start leaves unexplained up to its middle, by shift."""
    starts, _ = ends_of_row(fit.radius)
    seen = fit.windows(HALF / FINE - CHARACTER_MODULES, WINDOW)
    return np.asarray(((seen[:, None] - starts) ** 2).sum(2), np.float32)


def _between(fit: Fit, likely: list[Values]) -> Iterator[NDArray[np.float32]]:
    """What each two values leave unexplained from middle to middle: by shift, value and value before."""
    lefts, rights, together = pairs_seen(fit.radius)
    for number, (before, values) in enumerate(pairwise(likely)):
        seen = fit.windows(number * CHARACTER_MODULES + HALF / FINE, WINDOW)
        alone = (seen**2).sum(1)[:, None, None] + together[np.ix_(values, before)]
        mixed = (seen @ rights[values].T)[:, :, None] + (seen @ lefts[before].T)[:, None, :]
        yield alone - 2 * mixed


def _at_stop(fit: Fit, values: Values) -> Windows:
    _, stops = ends_of_row(fit.radius)
    seen = fit.windows((fit.length - 1) * CHARACTER_MODULES + HALF / FINE, stops.shape[1])
    return np.asarray(((seen[:, None] - stops[values]) ** 2).sum(2), np.float32)


def _forwards(start: Windows, between: list[NDArray[np.float32]]) -> list[Windows]:
    """What the best row up to each place leaves unexplained, by shift and value."""
    costs = [start]
    for each in between:
        costs.append((_near_shifts(costs[-1])[:, None, :] + each).min(2))
    return costs


def _near_shifts(costs: Windows) -> Windows:
    """The least of the same shift and, at a price, the ones beside it."""
    changed = np.full_like(costs, np.inf)
    changed[1:] = costs[:-1] + SHIFT_COST
    changed[:-1] = np.minimum(changed[:-1], costs[1:] + SHIFT_COST)
    return np.minimum(costs, changed)


def _read_redrawn(values: list[int]) -> bytes | None:
    dark = np.concatenate([*CHARACTERS[values], STOP])
    row = np.pad(np.where(dark, 0, 255).astype(np.uint8), 10, constant_values=255)
    pixels = np.tile(np.repeat(row, 2), (20, 1))
    barcodes = zxingcpp.read_barcodes(
        pixels,
        formats=_CODE_128,
        text_mode=zxingcpp.TextMode.Plain,
        try_rotate=False,
        try_downscale=False,
        try_invert=False,
    )
    return next((bytes(barcode.bytes) for barcode in barcodes if barcode.valid and barcode.bytes), None)
