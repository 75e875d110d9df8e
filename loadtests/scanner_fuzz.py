"""`make fuzz-scanner`: broken, lying and hostile pictures through the reader's processes, for some minutes.

Counts answers, refusals and lost workers, and how long and how large the worst became. Seeded; proves
nothing, finds what falls over.
"""

import argparse
import asyncio
import io
import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import segno
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from scanner.found import ImageRefused
from scanner.pool import ReaderFailed, ReaderPool

ROOT = Path(__file__).resolve().parents[1]
PHOTOS = ROOT.parent / "shared" / "data" / "photos"
# Pictures that cost a worker its life, to be looked into.
KEPT = ROOT / "build" / "fuzz"
SEED = 20_261_121
MUTATIONS_MAX = 8


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadtests.scanner_fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    report = asyncio.run(_fuzz(arguments.minutes * 60, random.Random(arguments.seed)))
    print(json.dumps({"seed": arguments.seed, "minutes": arguments.minutes, **report}, indent=1))
    sys.exit(0 if not report["lost"] else 1)


async def _fuzz(seconds: float, chance: random.Random) -> dict[str, object]:
    outcomes: Counter[str] = Counter()
    lost: list[str] = []
    cpu_ms_max, memory_max = 0.0, 0
    seeds = list(_seed_files())
    pool = ReaderPool()
    await pool.start()
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            image_bytes = _hostile(chance) if chance.random() < 0.2 else _mutated(seeds, chance)
            cpu_before = _cpu_seconds()
            try:
                outcomes["read" if await pool.read(image_bytes) else "nothing"] += 1
            except ImageRefused as refused:
                outcomes[refused.refusal.value] += 1
            except ReaderFailed as failed:
                # Ended for its time, as it should be, or dead of something that nobody foresaw.
                KEPT.mkdir(parents=True, exist_ok=True)
                (KEPT / f"{outcomes.total():06}").write_bytes(image_bytes)
                is_late = "spent all the time" in str(failed)
                outcomes["ended for its time" if is_late else "lost"] += 1
                if not is_late:
                    lost.append(str(failed))
            # A worker that was replaced has begun to count again, and its end was counted above.
            cpu_ms_max = max(cpu_ms_max, (_cpu_seconds() - cpu_before) * 1000)
            memory_max = max([memory_max, *(child.memory_info().rss for child in _workers())])
    finally:
        await pool.close()
    return {
        "pictures": outcomes.total(),
        "outcomes": dict(outcomes),
        "lost": lost[:20],
        "cpu_ms_max": round(cpu_ms_max),
        "worker_mib_max": memory_max // 2**20,
    }


def _workers() -> list[psutil.Process]:
    return psutil.Process().children()


def _cpu_seconds() -> float:
    times = [worker.cpu_times() for worker in _workers()]
    return float(sum(each.user + each.system for each in times))


def _seed_files() -> Iterator[bytes]:
    """Small files of every kind that is read, real ones where the shared data is."""
    yield from (path.read_bytes() for path in sorted(PHOTOS.glob("*/*/*")) if path.suffix in {".jpg", ".png"})
    pattern = np.kron(np.random.default_rng(SEED).integers(0, 2, (40, 40)) * 255, np.ones((6, 6)))
    drawn = Image.fromarray(pattern.astype(np.uint8))
    kinds: list[tuple[str, Image.Image, dict[str, object]]] = [
        ("JPEG", drawn.convert("CMYK"), {}),
        ("JPEG", drawn, {"progressive": True}),
        ("PNG", drawn.convert("P"), {}),
        ("PNG", drawn.convert("RGBA"), {}),
        ("PNG", Image.fromarray(pattern.astype(np.uint16) * 257), {}),
        ("WEBP", drawn.convert("RGB"), {"lossless": True}),
        ("WEBP", drawn.convert("RGBA"), {"quality": 40}),
    ]
    for kind, image, how in kinds:
        file = io.BytesIO()
        image.save(file, kind, **how)
        yield file.getvalue()


def _mutated(seeds: list[bytes], chance: random.Random) -> bytes:
    """Mostly near the beginning, where sizes, tables and offsets are."""
    content = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, MUTATIONS_MAX)):
        reach = len(content) if chance.random() < 0.4 else min(len(content), 700)
        at = chance.randrange(max(1, reach))
        match chance.randrange(5):
            case 0:
                content[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                content[at : at + 2] = chance.choice([b"\xff\xff", b"\0\0", b"\x7f\xff", b"\xff\xda"])
            case 2:
                del content[at : at + chance.randint(1, 64)]
            case 3:
                content[at:at] = content[at : at + chance.randint(1, 64)]
            case _:
                other = chance.choice(seeds)
                start = chance.randrange(len(other))
                content[at:at] = other[start : start + chance.randint(1, 200)]
    return bytes(content[: chance.randrange(len(content) + 1)] if chance.random() < 0.1 else content)


def _hostile(chance: random.Random) -> bytes:
    """Sound files of pictures made to cost time: symbols, finders, bars, noise as far as the eye reaches."""
    height, width = (chance.choice([1, 7, 300, 1_200, 2_400, 4_000]) for _ in range(2))
    cell = chance.choice(_CELLS)(chance, np.random.default_rng(chance.randrange(2**32)))
    pixels = np.tile(cell.astype(np.uint8), (-(-height // len(cell)), -(-width // cell.shape[1])))
    drawn = Image.fromarray(np.ascontiguousarray(pixels[:height, :width]))
    if chance.random() < 0.3:
        drawn = drawn.rotate(chance.uniform(0, 90), Image.Resampling.BILINEAR)
    file = io.BytesIO()
    drawn.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _large(modules: NDArray[Any], chance: random.Random, most: int) -> NDArray[Any]:
    return np.kron(modules, np.ones((chance.randint(1, most),) * 2))


def _finders(chance: random.Random, _: np.random.Generator) -> NDArray[Any]:
    finder = np.full((9, 9), 255)
    finder[1:8, 1:8], finder[2:7, 2:7], finder[3:6, 3:6] = 0, 255, 0
    return _large(finder, chance, 6)


def _symbols(chance: random.Random, noise: np.random.Generator) -> NDArray[Any]:
    """One symbol over and over; half of them spoilt, so that each is seen and none can be read."""
    text = "".join(chance.choices("ABCDEFGHIJ", k=chance.choice([1, 30, 140, 900])))
    symbol = np.pad(255 * (1 - np.array(segno.make(text, micro=False).matrix)), 2, constant_values=255)
    if chance.random() < 0.5:
        middle = slice(len(symbol) // 3, len(symbol) * 2 // 3)
        symbol[middle, middle] = noise.integers(0, 2, symbol[middle, middle].shape) * 255
    return _large(symbol, chance, 5)


def _bars(chance: random.Random, noise: np.random.Generator) -> NDArray[Any]:
    return np.kron(noise.integers(0, 2, (1, 500)) * 255, np.ones((80, chance.randint(1, 4))))


def _noise(chance: random.Random, noise: np.random.Generator) -> NDArray[Any]:
    return _large(noise.choice([0, 60, 200, 255], (500, 500)), chance, 4)


def _chequers(chance: random.Random, _: np.random.Generator) -> NDArray[Any]:
    return _large(np.indices((2, 2)).sum(0) % 2 * 255, chance, 9)


def _shades(_: random.Random, __: np.random.Generator) -> NDArray[Any]:
    return np.linspace(0, 255, 64 * 64).reshape(64, 64)


def _scattered(chance: random.Random, noise: np.random.Generator) -> NDArray[Any]:
    """Finders and lines of all sizes across each other."""
    picture = Image.new("L", (1_000, 1_000), 255)
    pen = ImageDraw.Draw(picture)
    for x, y, size in noise.integers(0, 1_000, (chance.choice([50, 400]), 3)).tolist():
        module = 1 + size / 150
        for side, shade in ((7, 0), (5, 255), (3, 0)):
            reach = side * module / 2
            pen.rectangle((x - reach, y - reach, x + reach, y + reach), fill=shade)
        pen.line((x, y, size, x), fill=0, width=1 + size % 4)
    return np.asarray(picture)


_CELLS = (_finders, _symbols, _symbols, _bars, _noise, _chequers, _shades, _scattered)


if __name__ == "__main__":
    main()
