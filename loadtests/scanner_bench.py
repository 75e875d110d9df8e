"""`make bench-scanner`: what each decoder reads by itself and what each stage of the cascade adds.

Run as `python -m loadtests.scanner_bench [--photos N] [--sets DIR]`; writes loadtests/results/scanner.json
and scanner.md. Times are of this machine and of CPU, so that a busy neighbour does not count.
"""

import argparse
import json
import platform
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from loadtests.scanner_sets import SEED, write_sets
from scanner.bench import Score, percentiles
from scanner.decoders import decoders, look_with_tapirscan, look_with_zbar, look_with_zxing
from scanner.found import FoundCode
from scanner.picture import Grey, open_picture
from scanner.read import read_picture
from scanner.stages import STAGES, Stage

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data" / "photos" / "manifest.json"
RESULTS = ROOT / "loadtests" / "results"
CASCADE = "cascade"

Reader = Callable[[Grey], list[FoundCode]]


def _doubled(picture: Grey) -> list[FoundCode]:
    enlarged = cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
    return list(look_with_zxing(enlarged.astype("uint8", copy=False)).scaled(0.5).codes)


SINGLE_READERS: dict[str, tuple[str, Reader]] = {
    "zxing-cpp": ("zxing-cpp", lambda picture: list(look_with_zxing(picture).codes)),
    "zxing-cpp ×2": ("zxing-cpp", _doubled),
    "zbar": ("zbar", lambda picture: list(look_with_zbar(picture).codes)),
    "tapirscan high": ("tapirscan", lambda picture: list(look_with_tapirscan(picture).codes)),
}


@dataclass
class Measured:
    """Per reader the score and its CPU time, and for the cascade how much was known after each stage."""

    scores: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    after_stage: dict[str, Score] = field(default_factory=lambda: defaultdict(Score))
    stage_ms: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    # CPU of cascade over CPU of zxing-cpp, on photos that zxing-cpp reads whole.
    easy_ratios: list[float] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadtests.scanner_bench", description=__doc__)
    parser.add_argument("--photos", type=int, default=12, help="simulated photos of each kind")
    parser.add_argument("--sets", type=Path, default=ROOT / "build" / "scanner", help="where they are drawn")
    arguments = parser.parse_args()
    manifests = [write_sets(arguments.sets, arguments.photos)]
    if SHARED.is_file():
        manifests.insert(0, SHARED)
    else:
        print(f"{SHARED} is missing: only simulated photos are measured", file=sys.stderr)
    measured = Measured()
    for manifest in manifests:
        for photo in tqdm(json.loads(manifest.read_text()), unit="photo", desc=manifest.parent.name):
            _measure(photo, manifest.parent, measured)
    document = _document(measured, arguments.photos)
    RESULTS.mkdir(exist_ok=True)
    suffix = "-tapirscan" if "tapirscan" in decoders() else ""
    (RESULTS / f"scanner{suffix}.json").write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    (RESULTS / f"scanner{suffix}.md").write_text(_markdown(document))
    print(f"{RESULTS}/scanner{suffix}.md", file=sys.stderr)


def _measure(photo: dict[str, Any], beside: Path, measured: Measured) -> None:
    picture = open_picture((beside / photo["file"]).read_bytes())
    name, truth = str(Path(photo["file"]).parent), photo["truth"]
    spent: dict[str, float] = {}
    for reader_name, (decoder, reader) in SINGLE_READERS.items():
        if decoder in decoders():
            codes, spent[reader_name] = _timed(reader, picture)
            measured.scores[reader_name].add(name, truth, codes)
            measured.scores[reader_name].ms.append(spent[reader_name])
            if reader_name == "zxing-cpp":
                is_easy = 0 < len(truth) == len(codes)
    codes, spent[CASCADE] = _cascade(picture, name, truth, measured)
    measured.scores[CASCADE].add(name, truth, codes)
    measured.scores[CASCADE].ms.append(spent[CASCADE])
    if is_easy:
        measured.easy_ratios.append(spent[CASCADE] / max(spent["zxing-cpp"], 0.01))


def _timed(reader: Reader, picture: Grey) -> tuple[list[FoundCode], float]:
    started = time.process_time()
    codes = reader(picture)
    return codes, (time.process_time() - started) * 1000


def _cascade(
    picture: Grey, name: str, truth: list[dict[str, Any]], measured: Measured
) -> tuple[list[FoundCode], float]:
    """Codes are found in turn, so the first of them are those that were known after each stage."""
    counts: dict[str, int] = {}
    last = started = time.process_time()

    def told(stage: Stage, found: list[FoundCode]) -> None:
        nonlocal last
        now = time.process_time()
        measured.stage_ms[stage.name].append((now - last) * 1000)
        counts[stage.name], last = len(found), now

    codes = read_picture(picture, told=told)
    spent = (time.process_time() - started) * 1000
    known = 0
    for stage in STAGES:
        known = counts.get(stage.name, known)
        measured.after_stage[stage.name].add(name, truth, codes[:known])
    return codes, spent


def _document(measured: Measured, photos: int) -> dict[str, Any]:
    names = ("zxing-cpp", "pyzbar", "opencv-python-headless", "pillow", "numpy", "tapirscan")
    return {
        "seed": SEED,
        "photos_per_kind": photos,
        "versions": {"python": platform.python_version(), **{name: _version(name) for name in names}},
        "readers": {name: _summary(score) for name, score in measured.scores.items()},
        "stages": {
            stage.name: {
                "rate": _rate(measured.after_stage[stage.name]),
                "asked": len(measured.stage_ms[stage.name]),
                "cpu_ms": percentiles(measured.stage_ms[stage.name]),
            }
            for stage in STAGES
        },
        "easy_ratio_median": percentiles(measured.easy_ratios)["median"],
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _summary(score: Score) -> dict[str, Any]:
    document = score.document()
    return {"rate": _rate(score), "cpu_ms": document["ms"], "folders": document["folders"]}


def _rate(score: Score) -> float:
    """The mean over folders, so that a large one does not count for more than a hard one."""
    shares = [folder.read / folder.codes for folder in score.folders.values() if folder.codes]
    return round(100 * sum(shares) / max(1, len(shares)), 1)


def _markdown(document: dict[str, Any]) -> str:
    readers = document["readers"]
    folders = readers[CASCADE]["folders"]
    used = ", ".join(f"{name} {number}" for name, number in document["versions"].items() if number)
    lines = [
        "# What the scanner reads",
        "",
        f"Seed `{document['seed']}`, {document['photos_per_kind']} simulated photos of each kind; {used}.",
        "Codes read of those that are there; times are milliseconds of CPU without opening the file.",
        "",
        f"| set | codes | {' | '.join(readers)} |",
        "| --- | ---: |" + " ---: |" * len(readers),
    ]
    for name, facts in folders.items():
        cells = " | ".join(str(reader["folders"][name]["read"]) for reader in readers.values())
        lines.append(f"| {name} | {facts['codes']} | {cells} |")
    wrong = {name: Counter(_wrong(reader)).total() for name, reader in readers.items()}
    lines.append(f"| mean of sets, % | | {' | '.join(str(reader['rate']) for reader in readers.values())} |")
    lines.append(f"| wrong texts | | {' | '.join(str(count) for count in wrong.values())} |")
    lines += [
        f"| {key} ms | | {' | '.join(str(reader['cpu_ms'][key]) for reader in readers.values())} |"
        for key in ("median", "p95", "max")
    ]
    lines += ["", "| after stage | mean of sets, % | photos asked | median ms | p95 | max |"]
    lines.append("| --- |" + " ---: |" * 5)
    for name, stage in document["stages"].items():
        times = " | ".join(str(stage["cpu_ms"][key]) for key in ("median", "p95", "max"))
        lines.append(f"| {name} | {stage['rate']} | {stage['asked']} | {times} |")
    ratio = document["easy_ratio_median"]
    lines += [
        "",
        f"On photos that zxing-cpp reads whole, the cascade costs {ratio} times its CPU (median).",
        "",
    ]
    return "\n".join(lines)


def _wrong(reader: dict[str, Any]) -> dict[str, int]:
    return {name: facts["wrong"] for name, facts in reader["folders"].items()}


if __name__ == "__main__":
    main()
