"""What one look at a picture gave, and what all looks so far did. Looks at nothing itself."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from scanner.found import FoundCode, Point

# A picture tiled with codes must not turn the comparing of places into the main expense.
CODES_MAX = 200

QR = "QR"
CODE_128 = "C128"

Corners = tuple[Point, Point, Point, Point]
IsGood = Callable[[FoundCode], bool]


@dataclass(frozen=True)
class Sighting:
    """What one look at a picture gave: codes read, and places where a QR code was seen but not read."""

    codes: tuple[FoundCode, ...] = ()
    unread: tuple[Corners, ...] = ()

    def scaled(self, factor: float) -> "Sighting":
        """With its places in pixels of the picture as it was before the stage."""

        def place(corners: Corners) -> Corners:
            one, two, three, four = ((round(x * factor), round(y * factor)) for x, y in corners)
            return one, two, three, four

        return Sighting(
            tuple(replace(code, corners=place(code.corners)) for code in self.codes),
            tuple(place(corners) for corners in self.unread),
        )


class Progress:
    """Of one picture: found so far, seen but unread, and how much of the time is left."""

    def __init__(self, *, cpu_seconds_max: float) -> None:
        self.found: list[FoundCode] = []
        self.unread: list[Corners] = []
        self._until = time.process_time() + cpu_seconds_max

    def cpu_seconds_left(self) -> float:
        return max(0.0, self._until - time.process_time())

    def is_time_up(self) -> bool:
        return self.cpu_seconds_left() == 0

    def add(self, sighting: Sighting) -> None:
        self._merge(sighting.codes[:CODES_MAX])
        seen = [*self.unread, *sighting.unread[:CODES_MAX]]
        self.unread = []
        for place in seen:
            if not self.covers(place) and not any(same_place(place, other) for other in self.unread):
                self.unread.append(place)

    def covers(self, place: Corners) -> bool:
        """Whether something was read there."""
        return any(same_place(place, code.corners) for code in self.found)

    def _merge(self, more: Iterable[FoundCode]) -> None:
        """Same text and format in the same place is one code; the earlier stage altered the picture less."""
        for code in more:
            twins = (known for known in self.found if (known.text, known.format) == (code.text, code.format))
            if not any(same_place(code.corners, twin.corners) for twin in twins):
                self.found.append(code)


def same_place(one: Corners, other: Corners) -> bool:
    """The middle of one lies in the other, with a margin: bars are found as a line of any height."""
    middle_x, middle_y = (sum(values) / 4 for values in zip(*one, strict=True))
    (left, right), (top, bottom) = ((min(values), max(values)) for values in zip(*other, strict=True))
    margin = max(right - left, bottom - top) / 4
    return left - margin <= middle_x <= right + margin and top - margin <= middle_y <= bottom + margin
