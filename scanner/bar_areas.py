"""Where a picture has the texture of bars, at any angle, and that area as a level strip. Reads no bars."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from scanner.picture import Grey

# The texture is judged on a picture reduced to so many pixels a side, in cells of so many; but a large one is
# not reduced further than by half, as thin bars would melt into grey, unless it is larger than is useful.
SEARCHED_PIXELS, SEARCHED_PIXELS_MAX = 1_200, 2_400
CELL = 8
CELLS_MIN = 12
AREAS_MAX = 24
# Edges all run one way where bars are; text and wood are below this.
COHERENCE_MIN = 0.7
EDGES_MIN = 400.0
TURNS = 12
TURN_REACH = np.pi / 9
# Of the rectangle around them, the share that the cells must fill.
FILLED_MIN = 0.4

STRIP_LENGTHS = (1_400, 4_000)
STRIP_HEIGHTS = (12, 160)
ENLARGED_MAX = 4.0
# Quiet zones left and right of the bars, which the texture does not show.
WIDENED = 1.3

Field = NDArray[np.float32]


@dataclass(frozen=True)
class BarArea:
    """A sheared rectangle: `along` the code, bars lean by `lean` radians more each pixel further along."""

    centre: tuple[float, float]
    angle: float
    length: float
    height: float
    slant: float
    lean: float
    weight: float

    def corners(self) -> NDArray[np.float32]:
        along, across = self._axes()
        ends = [(-1, -1), (1, -1), (1, 1), (-1, 1)]
        half_x, half_y = self.length / 2, self.height / 2
        return np.array(
            [
                np.array(self.centre) + along * x * half_x + across * (y * half_y + self.slant * x * half_x)
                for x, y in ends
            ],
            np.float32,
        )

    def strip(self, picture: Grey) -> Grey:
        """The area with its bars upright, enlarged where they are thin."""
        shortest, longest = (length / self.length for length in STRIP_LENGTHS)
        scale = min(ENLARGED_MAX, max(1.0, shortest), longest)
        width = int(self.length * WIDENED * scale)
        height = int(np.clip(self.height * scale, *STRIP_HEIGHTS))
        x = ((np.arange(width) - width / 2) / scale)[None, :]
        y = ((np.arange(height) + 0.5) / height - 0.5)[:, None] * self.height * 0.9
        leaning = x - np.tan(np.clip(self.lean * x, -0.6, 0.6)) * y
        below = y + self.slant * x
        along, across = self._axes()
        columns = self.centre[0] + along[0] * leaning + across[0] * below
        rows = self.centre[1] + along[1] * leaning + across[1] * below
        pixels = cv2.remap(
            picture,
            columns.astype(np.float32),
            rows.astype(np.float32),
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )
        return pixels.astype(np.uint8, copy=False)

    def _axes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        cosine, sine = np.cos(self.angle), np.sin(self.angle)
        return np.array([cosine, sine]), np.array([-sine, cosine])

    def is_same(self, other: "BarArea") -> bool:
        away = np.hypot(self.centre[0] - other.centre[0], self.centre[1] - other.centre[1])
        turned = abs(_turn(self.angle - other.angle))
        near = 0.3 * min(self.height, other.height) + 0.15 * min(self.length, other.length)
        return bool(away <= near and turned <= TURN_REACH)


def bar_areas(picture: Grey) -> list[BarArea]:
    """The largest and clearest first."""
    longer = max(picture.shape)
    scale = min(1.0, max(SEARCHED_PIXELS / longer, 0.5), SEARCHED_PIXELS_MAX / longer)
    if min(picture.shape) * scale < 2 * CELL:
        return []
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    xx, yy, xy = edge_field(small, tuple(side // CELL for side in small.shape))
    strength = xx + yy
    coherent = np.hypot(xx - yy, 2 * xy) > COHERENCE_MIN * (strength + 1e-3)
    clear = coherent & (strength > max(EDGES_MIN, 0.03 * float(np.percentile(strength, 99))))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    areas: list[BarArea] = []
    for step in range(TURNS):
        alike = clear & (np.abs(_turn(angle - step * np.pi / TURNS)) < TURN_REACH)
        areas += _areas_of(alike, (xx, yy, xy), CELL / scale)
    kept: list[BarArea] = []
    for area in sorted(areas, key=lambda area: -area.weight):
        if not any(area.is_same(other) for other in kept):
            kept.append(area)
    return kept[:AREAS_MAX]


def edge_field(pixels: NDArray[Any], cells: tuple[int, ...]) -> tuple[Field, Field, Field]:
    """Products of the slopes across and down, averaged in cells: which way edges run, and how strongly."""
    grey = pixels.astype(np.float32)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    rows, columns = (side // count * count for side, count in zip(pixels.shape, cells, strict=True))
    one, two, three = (
        cv2.blur(
            cv2.resize(product[:rows, :columns], cells[::-1], interpolation=cv2.INTER_AREA), (3, 3)
        ).astype(np.float32, copy=False)
        for product in (across * across, down * down, across * down)
    )
    return one, two, three


def _turn(angle: NDArray[np.floating] | float) -> NDArray[np.floating]:
    """Between a quarter turn left and right: bars have no up."""
    return np.asarray((angle + np.pi / 2) % np.pi - np.pi / 2)


def _areas_of(alike: NDArray[np.bool_], field: tuple[Field, Field, Field], cell: float) -> Iterator[BarArea]:
    closed = cv2.morphologyEx(alike.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, facts, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
    for label in range(1, count):
        if facts[label, cv2.CC_STAT_AREA] >= CELLS_MIN:
            area = _area(labels == label, field, cell)
            if area is not None:
                yield area


def _area(cells: NDArray[np.bool_], field: tuple[Field, Field, Field], cell: float) -> BarArea | None:
    xx, yy, xy = (part[cells].astype(np.float64) for part in field)
    strength = xx + yy + 1e-3
    # Cells count alike, lit or in shadow.
    angle = float(0.5 * np.arctan2((2 * xy / strength).sum(), ((xx - yy) / strength).sum()))
    rows, columns = np.nonzero(cells)
    places = np.column_stack([columns + 0.5, rows + 0.5]) * cell
    middle = places.mean(0)
    cosine, sine = np.cos(angle), np.sin(angle)
    along = (places - middle) @ (cosine, sine)
    across = (places - middle) @ (-sine, cosine)
    length = float(np.ptp(along)) + cell
    spread = float((along * along).sum()) + 1e-3
    slant = float((along * across).sum()) / spread if length > 3 * cell else 0.0
    # Of evenly filled heights, the deviation times the root of twelve is the whole.
    height = float(np.sqrt(12) * (across - slant * along).std()) + cell / 2
    if length < 0.9 * height or len(rows) * cell * cell < FILLED_MIN * length * height:
        return None
    lean = float((along * _turn(0.5 * np.arctan2(2 * xy, xx - yy) - angle)).sum()) / spread
    half_way = float(along.max() + along.min()) / 2
    x, y = middle + np.array((cosine, sine)) * half_way + np.array((-sine, cosine)) * slant * half_way
    weight = len(rows) * float(strength.mean()) ** 0.25
    return BarArea((float(x), float(y)), angle, length, height, slant, lean, weight)
