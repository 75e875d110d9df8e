"""Reads the codes of one picture: runs the stages in turn until nothing is left to read. Alters no pixel.

Synchronous and unprotected; scanner.pool runs it in processes that may hang or die.
"""

import logging
import time
from collections.abc import Callable

import cv2
import numpy as np

from scanner.found import FoundCode
from scanner.picture import Grey, open_picture
from scanner.sighting import CODE_128, CODES_MAX, IsGood, Progress
from scanner.stages import STAGES, Stage

# No stage is begun once this much is spent, opening included; a photograph that reads reads in a tenth.
CPU_SECONDS_MAX = 0.6
# A picture of so many codes is a table of them, and some may be too small to be seen at first.
MANY_CODES = 3
# In so small a picture, bars beside a symbol may be a pixel wide and not seen at first; a search is cheap.
SMALL_PIXELS = 200_000

_log = logging.getLogger(__name__)


Told = Callable[[Stage, list[FoundCode]], object]


def read_codes(
    image_bytes: bytes,
    *,
    is_good: IsGood | None = None,
    cpu_seconds_max: float = CPU_SECONDS_MAX,
    told: Told = lambda stage, found: None,
) -> list[FoundCode]:
    started = time.process_time()
    picture = open_picture(image_bytes)
    left = cpu_seconds_max - (time.process_time() - started)
    return read_picture(picture, is_good=is_good, cpu_seconds_max=left, told=told)


def read_picture(
    picture: Grey,
    *,
    is_good: IsGood | None = None,
    cpu_seconds_max: float = CPU_SECONDS_MAX,
    told: Told = lambda stage, found: None,
) -> list[FoundCode]:
    """Codes in the order they were found.

    With `is_good` the stages end as soon as a code is good, and not before. Without, they end at the first
    that leaves no code seen but unread, in a small picture no early one; where there are many codes, at a
    late one that adds none.
    `told` hears after each stage which codes are known by then.
    """
    progress = Progress(cpu_seconds_max=cpu_seconds_max)
    for stage in STAGES:
        if not stage.suits(picture, progress):
            continue
        known = len(progress.found)
        try:
            progress.add(stage.look(picture, progress))
        except (cv2.error, np.linalg.LinAlgError, ArithmeticError) as cause:
            # Places guessed on an odd picture can lie on one line or at infinity: the other stages go on.
            _log.warning("stage %s gave up on a picture: %s", stage.name, cause)
        told(stage, _found(progress, picture))
        if is_good is not None:
            is_enough = any(is_good(code) for code in progress.found)
        else:
            has_grown = len(progress.found) > known
            is_enough = _is_all_seen(progress, stage, picture, has_grown=has_grown)
        if is_enough or progress.is_time_up():
            break
    return _found(progress, picture)


def _is_all_seen(progress: Progress, stage: Stage, picture: Grey, *, has_grown: bool) -> bool:
    if not progress.found or progress.unread:
        return False
    has_bars = any(code.format == CODE_128 for code in progress.found)
    if stage.is_early and picture.size <= SMALL_PIXELS and not has_bars:
        return False
    return len(progress.found) < MANY_CODES or (stage.is_late and not has_grown)


def _found(progress: Progress, picture: Grey) -> list[FoundCode]:
    return [_within(code, picture) for code in progress.found[:CODES_MAX]]


def _within(code: FoundCode, picture: Grey) -> FoundCode:
    height, width = picture.shape
    one, two, three, four = ((min(max(x, 0), width - 1), min(max(y, 0), height - 1)) for x, y in code.corners)
    return FoundCode(code.text, code.format, (one, two, three, four))
