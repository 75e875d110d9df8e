"""`poincon decode IMAGE…`: what codes are on pictures, one JSON line a picture. Judges no pass."""

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
from tqdm import tqdm

from scanner.annotate import draw_found
from scanner.found import IMAGE_BYTES_MAX, ImageRefused
from scanner.pool import ReaderFailed, ReaderPool

# What a folder may hold besides pictures is passed over; a picture of a format not read is refused by name.
_PICTURE_SUFFIX = re.compile(
    r"\.(jpe?g|jpe|jfif|a?png|webp|hei[cf]|avif|gif|bmp|tiff?|jp2|jxl)", re.IGNORECASE
)
_MANY_IMAGES = 10
_STDIN = Path("-")
# For the way of reading that is under way when the time is up, before the image is given up.
_LAST_WAY_CPU_SECONDS = 0.4


@click.command()
@click.argument(
    "images",
    metavar="IMAGE…",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
)
@click.option(
    "--annotate",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write each image to DIR with what was found drawn in.",
)
@click.option(
    "--cpu-ms",
    type=click.IntRange(1, 60_000),
    default=600,
    show_default=True,
    help="Begin no further way of reading an image once this much was spent on it.",
)
def decode(images: tuple[Path, ...], annotate: Path | None, cpu_ms: int) -> None:
    """Read QR codes and Code 128 on IMAGE… (JPEG, PNG or WebP): files, folders, or - for standard input.

    Prints one JSON line per image: {"image", "codes": [{"text", "format", "corners"}], "ms"}, with "error"
    and "message" when an image is refused. Corners are pixels of the image turned upright.

    Exit status: 0 every image gave a code, 1 some image gave none or was refused, 2 wrong usage.
    """
    paths = [path for image in images for path in _pictures_in(image)]
    if not paths:
        raise click.UsageError("these folders hold no pictures")
    if annotate is not None:
        annotate.mkdir(parents=True, exist_ok=True)
    sys.exit(0 if asyncio.run(_decode_all(paths, annotate, cpu_ms)) else 1)


def _pictures_in(path: Path) -> Iterator[Path]:
    if path == _STDIN or not path.is_dir():
        yield path
        return
    for inside in sorted(path.rglob("*")):
        if _PICTURE_SUFFIX.fullmatch(inside.suffix) and inside.is_file():
            yield inside


async def _decode_all(paths: list[Path], annotate: Path | None, cpu_ms: int) -> bool:
    """Whether every image gave a code. In the pool, so that a hostile image costs its own line only."""

    # A hard image that may spend more is given more time before its worker is ended.
    options = {"cpu_seconds_max": cpu_ms / 1000}
    pool = ReaderPool(
        options=options,
        cpu_seconds_max=_LAST_WAY_CPU_SECONDS + options["cpu_seconds_max"],
        seconds_max=5.0 + 4 * options["cpu_seconds_max"],
    )
    await pool.start()
    quiet = len(paths) < _MANY_IMAGES or not sys.stderr.isatty()
    all_read = True
    try:
        images = enumerate(tqdm(paths, unit="image", disable=quiet, file=sys.stderr), start=1)
        for number, path in images:
            drawing = annotate and annotate / f"{number:04}-{_name_of(path)}.png"
            line = await _decode_one(pool, path, drawing)
            print(json.dumps(line), flush=True)
            all_read = all_read and bool(line["codes"])
    finally:
        await pool.close()
    return all_read


async def _decode_one(pool: ReaderPool, path: Path, drawing: Path | None) -> dict[str, object]:

    started = time.perf_counter()
    codes, trouble, image_bytes = [], {}, b""
    try:
        image_bytes = _bytes_of(path)
        codes = await pool.read(image_bytes)
    except ImageRefused as refused:
        trouble = {"error": refused.refusal.value, "message": refused.message}
    except ReaderFailed as failed:
        trouble = {"error": "reader_failed", "message": str(failed)}
    except OSError as failed:
        trouble = {"error": "unreadable_file", "message": str(failed)}
    found = [{"text": code.text, "format": code.format, "corners": code.corners} for code in codes]
    ms = round((time.perf_counter() - started) * 1000, 1)
    if drawing is not None and image_bytes and not trouble:
        # Only what the worker came through is opened here.
        draw_found(image_bytes, codes, drawing)
    return {"image": str(path), "codes": found, "ms": ms, **trouble}


def _name_of(path: Path) -> str:
    return "stdin" if path == _STDIN else path.stem


def _bytes_of(path: Path) -> bytes:
    """One byte more than is allowed is enough to be refused."""

    if path == _STDIN:
        return sys.stdin.buffer.read(IMAGE_BYTES_MAX + 1)
    with path.open("rb") as file:
        return file.read(IMAGE_BYTES_MAX + 1)
