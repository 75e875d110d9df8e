"""The sets the scanner is measured on: our printed booklet, photographed in every way. Deterministic by seed.

Folders of photos with a manifest in the form of ../shared/data/photos/manifest.json. Measures nothing.
"""

import hashlib
import json
import random
import subprocess
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from loadtests.scanner_camera import Plane, Random, Shot, encoded, photographed
from programmes.print import pass_page
from programmes.print.booklet_pdf import write_booklets_pdf
from programmes.print.pen import BLEED, TRIM_HEIGHT, TRIM_WIDTH
from programmes.print.printed import PrintedBooklet, PrintedPass, PrintRun
from programmes.print.symbols import QR_SIDE_MODULES

SEED = "poincon-scanner-1"
DOTS_PER_INCH = 300
DOTS_PER_MM = DOTS_PER_INCH / 25.4
QR_MODULE = pass_page.QR_SIDE / QR_SIDE_MODULES
TABLE_SIDES = (4_000, 2_000, 1_280)
PAGE_DOTS = (72, 100, 150, 200)

_BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
# What else is different about a shot of this kind; {} is a good photograph.
_Details = Callable[[Random, float], dict[str, float]]
KINDS: dict[str, _Details] = {
    "nominal": lambda r, module: {},
    "blurred": lambda r, module: {"defocus_pixels": r.uniform(0.4, 1.1) * module},
    "moved": lambda r, module: {"motion_pixels": r.uniform(0.7, 2.2) * module},
    "brightness": lambda r, module: {"electrons": r.uniform(15, 70), "exposure": r.uniform(0.15, 0.7)},
    "bright_spots": lambda r, module: {"glare": r.uniform(0.5, 1.2)},
    "glare": lambda r, module: {"glare": r.uniform(0.9, 2.5)},
    "shadows": lambda r, module: {"shadow": r.uniform(0.5, 0.9)},
    "curved": lambda r, module: {"curl_radius": r.uniform(16, 40), "tilt": r.uniform(0, 25)},
    "crumpled": lambda r, module: {"crumple": r.uniform(0.5, 1.6)},
    "damaged": lambda r, module: {"cover": r.uniform(2.0, 5.5)},
    "perspective": lambda r, module: {"tilt": r.uniform(40, 62)},
    "rotations": lambda r, module: {"turn": r.uniform(0, 360), "tilt": 0.0},
    "monitor": lambda r, module: {"screen": r.uniform(0.1, 0.35)},
    "jpeg": lambda r, module: {"jpeg_quality": int(r.integers(8, 35))},
}
_MODULE_PIXELS = {"close": (12.0, 18.0), "small": (1.6, 3.2)}


def write_sets(target: Path, photos_per_kind: int) -> Path:
    """The manifest of everything written below `target`."""
    pages, booklet = _printed_pages(target)
    entries = []
    for kind in tqdm([*KINDS, *_MODULE_PIXELS], unit="kind", desc="photographs"):
        for number in range(photos_per_kind):
            place = int(_random(kind, number, "page").integers(len(pages)))
            photo, truth = _single(pages[place], booklet.passes[place], kind, number)
            entries.append(_written(target, f"passes/{kind}/{number:03}.jpg", photo, truth))
    for side in TABLE_SIDES:
        for number in range(max(1, photos_per_kind // 2)):
            photo, truth = _table(pages, booklet, side, number)
            entries.append(_written(target, f"tables/{side}/{number:03}.jpg", photo, truth))
    entries += _pages_as_scanned(target, booklet)
    manifest = target / "manifest.json"
    manifest.write_text(json.dumps(entries, indent=1))
    return manifest


def _random(*key: object) -> Random:
    digest = hashlib.sha256("|".join(map(str, (SEED, *key))).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _a_booklet() -> PrintedBooklet:
    seeded = random.Random(SEED)
    passes = [
        PrintedPass(
            number,
            "PN1:" + "".join(seeded.choices(_BASE45, k=141)),
            "-".join("".join(seeded.choices(_CROCKFORD, k=4)) for _ in range(4)),
        )
        for number in range(1, 11)
    ]
    return PrintedBooklet(4_711, tuple(passes))


def _printed_pages(target: Path) -> tuple[list[Plane], PrintedBooklet]:
    """The passes of a booklet's PDF as reflectance, the cover left out, trimmed."""
    target.mkdir(parents=True, exist_ok=True)
    booklet = _a_booklet()
    run = PrintRun(
        programme="Pass numérique Bords-de-Seine",
        funder="Métropole du Grand Paris",
        batch="12",
        face_value_cents=1_000,
        last_day=date(2027, 12, 31),
        contact="01 23 45 67 89",
    )
    pdf = target / "booklet.pdf"
    with pdf.open("wb") as file:
        write_booklets_pdf(run, [booklet], 1, file)
    pages = [_reflectance(page) for page in _rasters(pdf, DOTS_PER_INCH)]
    return pages[-len(booklet.passes) :], booklet


def _rasters(pdf: Path, dots_per_inch: int) -> list[Path]:
    stem = pdf.with_name(f"page-{dots_per_inch}")
    subprocess.run(  # noqa: S603 - our own file
        ["pdftoppm", "-gray", "-png", "-r", str(dots_per_inch), str(pdf), str(stem)],  # noqa: S607
        check=True,
    )
    return sorted(pdf.parent.glob(f"{stem.name}-*.png"))


def _reflectance(page: Path) -> Plane:
    grey = cv2.imread(str(page), cv2.IMREAD_GRAYSCALE)
    assert grey is not None
    # Ink spreads a little into paper, and neither is wholly black or white.
    soft = cv2.GaussianBlur(grey.astype(np.float32) / 255, (0, 0), 0.05 * DOTS_PER_MM)
    return np.asarray(0.06 + 0.84 * np.clip((soft - 0.55) * 6 + 0.5, 0, 1), np.float32)


def _quads(offset: tuple[float, float] = (0, 0)) -> dict[str, Plane]:
    """Corners of the codes on a page, in millimetres from its upper left, bleed included."""
    bars_left = pass_page.CODE_128_MIDDLE - pass_page.CODE_128_WIDTH / 2
    boxes = {
        "QR": (pass_page.QR_X, pass_page.QR_Y, pass_page.QR_SIDE, pass_page.QR_SIDE),
        "C128": (
            bars_left,
            pass_page.CODE_128_Y,
            pass_page.CODE_128_WIDTH,
            pass_page.CODE_128_HEIGHT,
        ),
    }
    quads = {}
    for name, (x, y, width, height) in boxes.items():
        left, top = BLEED + x + offset[0], BLEED + TRIM_HEIGHT - y - height + offset[1]
        quads[name] = np.array(
            [(left, top), (left + width, top), (left + width, top + height), (left, top + height)], np.float32
        )
    return quads


def _truth(
    one: PrintedPass, to_pixels: Any, offset: tuple[float, float] = (0, 0)
) -> Iterator[dict[str, Any]]:
    for name, quad in _quads(offset).items():
        text = one.qr if name == "QR" else one.code_128
        seen = cv2.perspectiveTransform(quad[None].astype(np.float64), to_pixels)[0]
        yield {"format": name, "text": text, "hex": text.encode().hex(), "quad": seen.round(1).tolist()}


def _single(page: Plane, one: PrintedPass, kind: str, number: int) -> tuple[bytes, list[dict[str, Any]]]:
    chance = _random(kind, number, "shot")
    module = float(chance.uniform(*_MODULE_PIXELS.get(kind, (3.5, 6.5))))
    details = KINDS[kind](chance, module) if kind in KINDS else {}
    # Half of the photos are of the QR code, half of the bars: each gets its share of what goes wrong.
    name = ("QR", "C128")[number % 2]
    centre = _quads()[name].mean(0)
    usual: dict[str, float] = {"tilt": chance.uniform(0, 18), "turn": chance.uniform(-30, 30)}
    shot = Shot(pixels_per_mm=module / QR_MODULE, **{**usual, **details})  # type: ignore[arg-type]
    aim = (float(centre[0]), float(centre[1]))
    chance = _random(kind, number, "photo")
    photo, to_photo = photographed(_with_only(page, name), DOTS_PER_MM, aim, shot, chance)
    return encoded(photo, shot), [entry for entry in _truth(one, to_photo) if entry["format"] == name]


def _with_only(page: Plane, name: str) -> Plane:
    """The other code blotted out, so that each is measured by itself."""
    page = page.copy()
    for other, quad in _quads().items():
        if other != name:
            (left, top), (right, bottom) = ((corner * DOTS_PER_MM).astype(int) for corner in quad[[0, 2]])
            page[top:bottom, left:right] = page.max()
    return page


def _table(
    pages: list[Plane], booklet: PrintedBooklet, side: int, number: int
) -> tuple[bytes, list[dict[str, Any]]]:
    """Ten passes in two columns, on one photo whose longer side has so many pixels."""
    chance = _random("table", side, number)
    width, height = TRIM_WIDTH + 2 * BLEED + 6, TRIM_HEIGHT + 2 * BLEED + 6
    places = [((index % 2) * width, (index // 2) * height) for index in range(len(pages))]
    desk = np.full((int(5 * height * DOTS_PER_MM), int(2 * width * DOTS_PER_MM)), 0.45, np.float32)
    for page, (x, y) in zip(pages, places, strict=True):
        top, left = int(y * DOTS_PER_MM), int(x * DOTS_PER_MM)
        desk[top : top + page.shape[0], left : left + page.shape[1]] = page
    shot = Shot(
        pixels_per_mm=0.78 * side / (2 * width) if 2 * width > 5 * height else 0.78 * side / (5 * height),
        width=side if 2 * width > 5 * height else side * 3 // 4,
        height=side * 3 // 4 if 2 * width > 5 * height else side,
        tilt=chance.uniform(0, 20),
        turn=chance.uniform(-8, 8) + float(chance.choice([0, 180])),
        shadow=float(chance.choice([0, 0.5])),
    )
    photo, to_photo = photographed(desk, DOTS_PER_MM, (width, 2.5 * height), shot, chance)
    truth: list[dict[str, Any]] = []
    for one, place in zip(booklet.passes, places, strict=True):
        truth += _truth(one, to_photo, place)
    return encoded(photo, shot), truth


def _pages_as_scanned(target: Path, booklet: PrintedBooklet) -> Iterator[dict[str, Any]]:
    """The booklet's pages as a cheap scanner or fax gives them: few dots, dust, strong compression."""
    for dots in PAGE_DOTS:
        pages = _rasters(target / "booklet.pdf", dots)[-len(booklet.passes) :]
        for number, (page, one) in enumerate(zip(pages, booklet.passes, strict=True)):
            chance = _random("page", dots, number)
            grey = cv2.imread(str(page), cv2.IMREAD_GRAYSCALE)
            assert grey is not None
            dusty = grey + chance.normal(0, 18, grey.shape) + 40 * (chance.random(grey.shape) < 0.01)
            shot = Shot(pixels_per_mm=dots / 25.4, jpeg_quality=int(chance.integers(25, 60)))
            scale = np.diag([dots / 25.4, dots / 25.4, 1.0])
            photo = encoded(np.clip(dusty, 0, 255).astype(np.uint8), shot)
            yield _written(target, f"pages/{dots}dpi/{number:03}.jpg", photo, list(_truth(one, scale)))


def _written(target: Path, name: str, photo: bytes, truth: list[dict[str, Any]]) -> dict[str, Any]:
    path = target / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(photo)
    return {"file": name, "codes": len(truth), "truth": truth}
