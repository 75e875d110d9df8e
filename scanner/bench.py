"""`python -m scanner.bench --set MANIFEST.json [--json]`: how much of a set of photographs is read.

A set is a JSON list of {"file", "truth": [{"format", "text", "hex"?, "quad"?}]}, files relative to it.
A truth without text counts as read when a text is found inside its corners. Judges no pass.
"""

import argparse
import json
import statistics
import sys
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from scanner.found import FoundCode, ImageRefused
from scanner.read import read_codes

# Between the parts of a GS1 Code 128 some libraries tell FNC1 as this character, others leave it out.
_GROUP_SEPARATOR = "\x1d"
_MANY_IMAGES = 10


@dataclass
class Folder:
    codes: int = 0
    read: int = 0
    wrong: int = 0


@dataclass
class Score:
    folders: defaultdict[str, Folder] = field(default_factory=lambda: defaultdict(Folder))
    ms: list[float] = field(default_factory=list)

    def add(self, name: str, truths: list[dict[str, Any]], codes: list[FoundCode]) -> None:
        folder = self.folders[name]
        folder.codes += len(truths)
        folder.read += _read_count(truths, codes)
        folder.wrong += sum(not _is_told(code, truths) for code in codes)

    def document(self) -> dict[str, object]:
        folders = {name: vars(folder) for name, folder in sorted(self.folders.items())}
        return {"folders": folders, "ms": percentiles(self.ms)}


def percentiles(ms: list[float]) -> dict[str, float]:
    if not ms:
        return {"median": 0.0, "p95": 0.0, "max": 0.0}
    p95 = sorted(ms)[max(0, -(-len(ms) * 95 // 100) - 1)]
    return {"median": round(statistics.median(ms), 1), "p95": round(p95, 1), "max": round(max(ms), 1)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scanner.bench", description=__doc__)
    parser.add_argument("--set", dest="manifest", metavar="MANIFEST.json", type=Path, required=True)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    arguments = parser.parse_args()
    try:
        photos = json.loads(arguments.manifest.read_text())
    except (OSError, ValueError) as cause:
        parser.error(f"{arguments.manifest} is not a manifest of photographs: {cause}")
    score = measured(photos, arguments.manifest.parent)
    if arguments.json:
        print(json.dumps(score.document()))
    else:
        print(_table(score))


def measured(photos: list[dict[str, Any]], beside: Path) -> Score:
    """Each photograph read once, in this process, by the cascade as it is shipped."""
    score = Score()
    quiet = len(photos) < _MANY_IMAGES or not sys.stderr.isatty()
    for photo in tqdm(photos, unit="image", disable=quiet, file=sys.stderr):
        image_bytes = (beside / photo["file"]).read_bytes()
        started = time.perf_counter()
        try:
            codes = read_codes(image_bytes)
        except ImageRefused as refused:
            print(f"{photo['file']}: {refused.message}", file=sys.stderr)
            codes = []
        score.ms.append((time.perf_counter() - started) * 1000)
        score.add(str(Path(photo["file"]).parent), photo["truth"], codes)
    return score


def _read_count(truths: list[dict[str, Any]], codes: list[FoundCode]) -> int:
    """Each code found serves one truth: two copies of a code on a photo are to be found twice."""
    left = list(codes)
    count = 0
    for truth in truths:
        served = next((code for code in left if _serves(code, truth)), None)
        if served is not None:
            left.remove(served)
            count += 1
    return count


def _is_told(code: FoundCode, truths: list[dict[str, Any]]) -> bool:
    """Wrong is a text that no truth has; where a truth has no text, any text is right within its corners."""
    return any(_serves(code, truth) for truth in truths)


def _serves(code: FoundCode, truth: dict[str, Any]) -> bool:
    if truth.get("format") not in {None, code.format}:
        return False
    texts = _texts_of(truth)
    return _plain(code.text) in texts if texts else _is_inside(code, truth.get("quad"))


def _texts_of(truth: dict[str, Any]) -> set[str]:
    """As the truth has it, and as its bytes say: charsets of old photographs' codes were guessed by many."""
    texts = set()
    if truth.get("text") is not None:
        texts.add(_plain(truth["text"]))
    if truth.get("hex"):
        content = bytes.fromhex(truth["hex"])
        texts.add(_plain(content.decode("latin-1")))
        texts.add(_plain(content.decode(errors="replace")))
    return texts


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace(_GROUP_SEPARATOR, "")


def _is_inside(code: FoundCode, quad: list[list[float]] | None) -> bool:
    if not quad:
        return True
    middle_x, middle_y = (sum(values) / 4 for values in zip(*code.corners, strict=True))
    hull = cv2.convexHull(np.array(quad, np.float32))
    return cv2.pointPolygonTest(hull, (middle_x, middle_y), measureDist=False) >= 0


def _table(score: Score) -> str:
    rows = [f"{'folder':32} {'codes':>6} {'read':>6} {'wrong':>6}"]
    rows += [
        f"{name:32} {folder.codes:6} {folder.read:6} {folder.wrong:6}"
        for name, folder in sorted(score.folders.items())
    ]
    times = percentiles(score.ms)
    rows.append(f"ms: median {times['median']}, p95 {times['p95']}, max {times['max']}")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
