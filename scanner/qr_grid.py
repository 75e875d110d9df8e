"""Where the modules of a QR symbol lie, from its four corners roughly known, on flat or crumpled paper.

Knows the symbol's size by trying; samples grey, decides nothing about dark and light.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from scanner.picture import Grey
from scanner.qr_modules import RIM, Levels
from scanner.qr_symbol import FINDER, QUIET, SIDES

# Pixels per module of the flattened picture, and of the smaller ones that only tell the size.
FINE, COARSE = 6, 4
PIXELS_PER_MODULE_MIN = 1.2
# How far, in modules, a finder may be from where the corners say.
FINDER_ASTRAY = 3
FINDERS_LIKENESS_MIN = 1.2
# Distance of the places where the displacement is followed, in modules: it changes slowly.
STRIDE = 2

ALIGNMENT_LIKENESS_MIN = 0.45

_AROUND = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right]

Matrix = NDArray[np.float64]
Quad = NDArray[np.float32]
Waves = NDArray[np.complex128]


@dataclass(frozen=True)
class Flattened:
    """The symbol seen from straight above as if it were flat, QUIET modules around, FINE pixels a module."""

    pixels: Grey
    side: int

    def sampled(self, right: Levels, down: Levels, softness: float) -> Levels:
        """Grey of each module and RIM around, each displaced by so many modules."""
        places = (np.arange(-RIM, self.side + RIM) + QUIET + 0.5) * FINE - 0.5
        columns = places[None, :] + np.pad(right, RIM, mode="edge") * FINE
        rows = places[:, None] + np.pad(down, RIM, mode="edge") * FINE
        soft = cv2.GaussianBlur(self.pixels, (0, 0), softness * FINE)
        grey = cv2.remap(
            soft,
            columns.astype(np.float32),
            rows.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return grey.astype(np.float32)

    def moved(self, right: Levels, down: Levels) -> "Flattened":
        """Flatter: each module, and what is between modules, brought back by its displacement."""
        size = self.pixels.shape
        across, along = (
            cv2.resize(np.pad(way, QUIET, mode="edge"), size, interpolation=cv2.INTER_LINEAR) * FINE
            for way in (right, down)
        )
        places = np.arange(size[0], dtype=np.float32)
        columns, rows = places[None, :] + across, places[:, None] + along
        pixels = cv2.remap(self.pixels, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return Flattened(pixels.astype(np.uint8, copy=False), self.side)


def sides_likely(picture: Grey, corners: Quad, sides: Iterable[int], count: int) -> list[int]:
    """Of these sizes those for which something like a finder is in three corners, likeliest first."""
    length = float(np.sqrt(abs(cv2.contourArea(corners))))
    scored = []
    for side in sides:
        if length / side < PIXELS_PER_MODULE_MIN:
            break
        likeness = sum(_finder_in_patch(picture, corners, side, place) for place in _finder_centres(side))
        if likeness >= FINDERS_LIKENESS_MIN:
            scored.append((likeness, side))
    return [side for _, side in sorted(scored, reverse=True)[:count]]


def flattened(picture: Grey, corners: Quad, side: int) -> Flattened:
    """By the corners, then put right by where the three finders and the pattern opposite them are."""
    to_flat = _to_flat(corners, side)
    pixels = _warped(picture, to_flat, side)
    centres = np.array(_finder_centres(side), np.float32)
    moves = np.array([_move(pixels, centre, _finder_picture(FINE))[0] for centre in centres], np.float32)
    ideal = (centres + QUIET) * FINE
    to_flat = np.vstack([cv2.getAffineTransform(ideal + moves, ideal), [0, 0, 1]]) @ to_flat
    pixels = _warped(picture, to_flat, side)
    if side in SIDES[1:]:
        fourth = np.array([side - 6.5, side - 6.5], np.float32)
        move, likeness = _move(pixels, fourth, _alignment_picture())
        if likeness >= ALIGNMENT_LIKENESS_MIN:
            ideal = np.vstack([ideal, (fourth + QUIET) * FINE]).astype(np.float32)
            seen = ideal + np.array([(0, 0), (0, 0), (0, 0), move], np.float32)
            pixels = _warped(picture, cv2.getPerspectiveTransform(seen, ideal) @ to_flat, side)
    return Flattened(pixels, side)


def displacements(flat: Flattened, breadth: float) -> tuple[Levels, Levels]:
    """How far each module lies to the right and down of where it would on flat paper, in modules.

    Edges between modules repeat once a module: their phase, taken over `breadth` modules around, is the
    displacement up to whole modules, and following it outwards from the finders tells those.
    """
    right, down = _waves(flat, breadth)
    return _followed(right, flat.side), _followed(down, flat.side)


def _finder_centres(side: int) -> list[tuple[float, float]]:
    near, far = FINDER / 2, side - FINDER / 2
    return [(near, near), (far, near), (near, far)]


@cache
def _finder_picture(pixels_per_module: int) -> Grey:
    """A finder in its light border, slightly soft."""
    rings = np.full((9, 9), 255, np.uint8)
    rings[1:8, 1:8], rings[2:7, 2:7], rings[3:6, 3:6] = 0, 255, 0
    size = 9 * pixels_per_module
    large = cv2.resize(rings, (size, size), interpolation=cv2.INTER_NEAREST)
    return cv2.GaussianBlur(large, (0, 0), pixels_per_module / 3).astype(np.uint8, copy=False)


def _finder_in_patch(picture: Grey, corners: Quad, side: int, centre: tuple[float, float]) -> float:
    """How much a finder the surroundings of this place look, at best, from -1 to 1."""
    reach = 4.5 + FINDER_ASTRAY
    left, top = centre[0] - reach, centre[1] - reach
    size = int(2 * reach * COARSE)
    square = (np.array([[0, 0], [side, 0], [side, side], [0, side]]) - (left, top)) * COARSE
    to_patch = cv2.getPerspectiveTransform(corners, square.astype(np.float32))
    patch = cv2.warpPerspective(picture, to_patch, (size, size), borderMode=cv2.BORDER_REPLICATE)
    return float(cv2.matchTemplate(patch, _finder_picture(COARSE), cv2.TM_CCOEFF_NORMED).max())


@cache
def _alignment_picture() -> Grey:
    rings = np.full((7, 7), 255, np.uint8)
    rings[1:6, 1:6], rings[2:5, 2:5], rings[3, 3] = 0, 255, 0
    large = cv2.resize(rings, (7 * FINE, 7 * FINE), interpolation=cv2.INTER_NEAREST)
    inner = slice(FINE // 2, -FINE // 2)
    return cv2.GaussianBlur(large, (0, 0), FINE / 3)[inner, inner].astype(np.uint8, copy=False)


def _to_flat(corners: Quad, side: int) -> Matrix:
    square = (np.array([[0, 0], [side, 0], [side, side], [0, side]], np.float32) + QUIET) * FINE
    return cv2.getPerspectiveTransform(corners, square).astype(np.float64)


def _warped(picture: Grey, to_flat: Matrix, side: int) -> Grey:
    size = (side + 2 * QUIET) * FINE
    pixels = cv2.warpPerspective(picture, to_flat, (size, size), borderMode=cv2.BORDER_REPLICATE)
    return pixels.astype(np.uint8, copy=False)


def _move(pixels: Grey, centre: NDArray[np.float32], template: Grey) -> tuple[tuple[int, int], float]:
    """How many pixels the likest place around is away, and how alike it is."""
    size = len(template)
    left, top = ((centre + QUIET) * FINE - size / 2).astype(int)
    astray = FINDER_ASTRAY * FINE
    from_x, from_y = max(0, left - astray), max(0, top - astray)
    around = pixels[from_y : top + size + astray, from_x : left + size + astray]
    soft = cv2.GaussianBlur(around, (0, 0), FINE / 4)
    _, likeness, _, (x, y) = cv2.minMaxLoc(cv2.matchTemplate(soft, template, cv2.TM_CCOEFF_NORMED))
    return (from_x + x - left, from_y + y - top), float(likeness)


def _waves(flat: Flattened, breadth: float) -> tuple[Waves, Waves]:
    """For each place followed, the phase of the edges across and down; its length is how sure it is."""
    grey = cv2.GaussianBlur(flat.pixels.astype(np.float32), (0, 0), FINE / 8)
    window = (8 * FINE + 1, 8 * FINE + 1)
    level = cv2.blur(grey, window)
    contrast = np.sqrt(np.maximum(cv2.blur(grey * grey, window) - level * level, 0)) + 4
    even = (grey - level) / contrast
    turn = np.exp(2j * np.pi * np.arange(len(grey)) / FINE)
    modules = flat.side + 2 * QUIET
    inside = slice(QUIET, QUIET + flat.side, STRIDE)
    waves = []
    for across in (True, False):
        edges = np.abs(cv2.Sobel(even, cv2.CV_32F, int(across), int(not across), ksize=3))
        wave = edges * (turn[None, :] if across else turn[:, None])
        real, imaginary, weight = (
            cv2.GaussianBlur(
                cv2.resize(part, (modules, modules), interpolation=cv2.INTER_AREA), (0, 0), breadth
            )[inside, inside]
            for part in (wave.real, wave.imag, edges)
        )
        waves.append((real + 1j * imaginary) / (weight + 1e-3))
    return waves[0], waves[1]


def _followed(waves: Waves, side: int) -> Levels:
    """Displacement per module: next the surest beside what is known, as near to its neighbours as can be."""
    count = len(waves)
    phase: list[list[float]] = (np.angle(waves) / (2 * np.pi)).tolist()
    sureness: list[list[float]] = np.abs(waves).tolist()
    known: dict[tuple[int, int], float] = {}
    # Sum and number of what is known around each place.
    around: dict[tuple[int, int], tuple[float, int]] = {}
    near, far = 3 // STRIDE, (side - 4) // STRIDE
    waiting = [(-1.0, place) for place in ((near, near), (near, far), (far, near))]
    heapq.heapify(waiting)
    while waiting:
        _, place = heapq.heappop(waiting)
        if place in known:
            continue
        row, column = place
        total, number = around.get(place, (0.0, 1))
        here = phase[row][column]
        known[place] = here = here + round(total / number - here)
        for down, right in _AROUND:
            beside = row + down, column + right
            if 0 <= beside[0] < count and 0 <= beside[1] < count and beside not in known:
                total, number = around.get(beside, (0.0, 0))
                around[beside] = total + here, number + 1
                if not (down and right):
                    heapq.heappush(waiting, (-sureness[beside[0]][beside[1]], beside))
    levels = np.array([[known[row, column] for column in range(count)] for row in range(count)], np.float32)
    places = np.arange(side, dtype=np.float32) / STRIDE
    columns, rows = np.meshgrid(places, places)
    each = cv2.remap(levels, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return each.astype(np.float32, copy=False)
