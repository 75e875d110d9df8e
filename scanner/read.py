"""Reads the codes of one picture: runs the stages in turn until nothing is left to read. Alters no pixel.

Synchronous and unprotected; scanner.pool runs it in processes that may hang or die.
"""

import time
from collections.abc import Iterable

from scanner.decoders import Corners
from scanner.found import FoundCode
from scanner.picture import Grey, open_picture
from scanner.stages import STAGES

# A picture tiled with codes must not turn the comparing of places into the main expense.
CODES_MAX = 200
# No stage is begun once this much is spent; a photograph that reads at all reads in a tenth of it.
CPU_SECONDS_MAX = 0.6


def read_codes(image_bytes: bytes) -> list[FoundCode]:
    return read_picture(open_picture(image_bytes))


def read_picture(picture: Grey) -> list[FoundCode]:
    """Codes in the order they were found. The stages end at the first that leaves no code seen but unread."""
    found: list[FoundCode] = []
    unread: list[Corners] = []
    until = time.process_time() + CPU_SECONDS_MAX
    for stage in STAGES:
        if not stage.suits(picture):
            continue
        sighting = stage.look(picture)
        found = _merged(found, sighting.codes[:CODES_MAX])
        seen = (*unread, *sighting.unread[:CODES_MAX])
        unread = [place for place in seen if not _covered(place, found)]
        if (found and not unread) or time.process_time() > until:
            break
    return [_within(code, picture) for code in found[:CODES_MAX]]


def _merged(found: list[FoundCode], more: Iterable[FoundCode]) -> list[FoundCode]:
    """Same text and format in the same place is one code; the earlier stage altered the picture less."""
    merged = list(found)
    for code in more:
        twins = (known for known in merged if (known.text, known.format) == (code.text, code.format))
        if not any(_same_place(code.corners, twin.corners) for twin in twins):
            merged.append(code)
    return merged


def _covered(place: Corners, found: Iterable[FoundCode]) -> bool:
    return any(_same_place(place, code.corners) for code in found)


def _same_place(one: Corners, other: Corners) -> bool:
    """The middle of one lies in the other, with a margin: bars are found as a line of any height."""
    middle_x, middle_y = (sum(values) / 4 for values in zip(*one, strict=True))
    (left, right), (top, bottom) = ((min(values), max(values)) for values in zip(*other, strict=True))
    margin = max(right - left, bottom - top) / 4
    return left - margin <= middle_x <= right + margin and top - margin <= middle_y <= bottom + margin


def _within(code: FoundCode, picture: Grey) -> FoundCode:
    height, width = picture.shape
    one, two, three, four = ((min(max(x, 0), width - 1), min(max(y, 0), height - 1)) for x, y in code.corners)
    return FoundCode(code.text, code.format, (one, two, three, four))
