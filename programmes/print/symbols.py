"""The two printed symbols as rectangles of whole modules: QR Code and Code 128. No millimetres, no ink.

QR symbols come from segno, Code 128 from zxing-cpp. zxing-cpp's QR encoder takes a fifteenth of the time, but
sets runs of digits in numeric mode, and every real code has one (booklet numbers begin with zeros), while the
printed format is alphanumeric throughout. Tests read the symbols back and hold them against other encoders.
"""

from typing import NamedTuple

import numpy as np
import segno
import zxingcpp
from numpy.typing import NDArray

QR_VERSION = 6
QR_SIDE_MODULES = 41
QR_QUIET_MODULES = 4
QR_ERROR_CORRECTION = "M"

CODE_128_QUIET_MODULES = 10
# Start, 16 characters and check of 11 modules each, stop of 13; fewer where pairs of digits share one.
CODE_128_MODULES_MAX = 11 * 18 + 13

Modules = NDArray[np.bool_]


class Rectangle(NamedTuple):
    """In modules; x grows to the right and y upwards from the symbol's lower left corner."""

    x: int
    y: int
    width: int
    height: int


def qr_rectangles(text: str) -> list[Rectangle]:
    """The dark modules of the version 6-M symbol; ValueError if the text does not fit in it."""
    dark = qr_modules(text)
    if dark.shape != (QR_SIDE_MODULES, QR_SIDE_MODULES):
        raise ValueError(f"a QR symbol of {dark.shape} modules came back, not version {QR_VERSION}")
    rectangles: list[Rectangle] = []
    growing: dict[tuple[int, int], int] = {}
    for row in range(QR_SIDE_MODULES + 1):
        runs = dark_runs(dark[row]) if row < QR_SIDE_MODULES else []
        for (x, width), first in growing.items():
            if (x, width) not in runs:
                rectangles.append(Rectangle(x, QR_SIDE_MODULES - row, width, row - first))
        growing = {run: growing.get(run, row) for run in runs}
    return rectangles


def qr_modules(text: str) -> Modules:
    symbol = segno.make_qr(
        text, error=QR_ERROR_CORRECTION, version=QR_VERSION, mode="alphanumeric", boost_error=False
    )
    return np.array(symbol.matrix, dtype=np.bool_)


def code_128_bars(text: str) -> tuple[list[Rectangle], int]:
    """The bars, one module high, and how many modules wide they are together."""
    dark = encode(text, zxingcpp.BarcodeFormat.Code128)
    return [Rectangle(x, 0, width, 1) for x, width in dark_runs(dark[0])], dark.shape[1]


def encode(text: str, symbology: zxingcpp.BarcodeFormat) -> Modules:
    image = zxingcpp.create_barcode(text, symbology).to_image(scale=1, add_quiet_zones=False)
    dark: Modules = np.asarray(image) == 0
    return dark


def dark_runs(row: Modules) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], row, [False])).astype(np.int8))).tolist()
    return [(start, end - start) for start, end in zip(edges[::2], edges[1::2], strict=True)]
