"""The grey of each module of a QR symbol to dark or light, and the symbol drawn anew. Finds no symbol.

What is drawn anew is read by zxing-cpp: format, error correction and content are its business, and what its
error correction does not confirm is no text.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import cv2
import numpy as np
import zxingcpp
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from scanner.qr_symbol import DARK, DATA, FINDER, QUIET, fixed_modules

# Modules around the symbol that are sampled with it: the quiet zone, where it is known to be light.
RIM = 2
PIXELS_PER_MODULE = 3
# A disc of light one module in radius reaches two modules far.
BLUR_FIRST, BLUR_LATER = 1, 2
_ROUNDS = 3
_STEPS = 40

Levels = NDArray[np.float32]
Bits = NDArray[np.bool_]

# With the narrower QRCodeModel2, zxing-cpp 3.1 finds nothing on a picture said to be pure.
_QR = zxingcpp.BarcodeFormats((zxingcpp.BarcodeFormat.QRCode,))


def plain_bits(levels: Levels) -> Bits:
    """Dark where darker than half-way between the darkest and the lightest module around."""
    inner = levels[RIM:-RIM, RIM:-RIM]
    dark, light = _envelope(inner, FINDER)
    return inner < (dark + light) / 2


def agreement(bits: Bits) -> float:
    """The share of the modules fixed by the standard that are as they must be; chance gives a half."""
    fixed = fixed_modules(len(bits))
    known = fixed != DATA
    return float((bits == (fixed == DARK))[known].mean())


def deblurred_bits(levels: Levels) -> Iterator[Bits]:
    """Undo the blur that the finders and the timing patterns, which are known, show to be there.

    The blur is fitted on the known modules, undone, then fitted again on all modules as they came out.
    """
    side = len(levels) - 2 * RIM
    dark, light = _envelope(levels, 15)
    ink = (light - levels) / np.maximum(light - dark, 8)
    known, fixed, trainable = _known(side)
    start = np.where(known, fixed, np.clip(np.pad(ink, RIM), 0, 1)).astype(np.float32)
    reach, where, modules = BLUR_FIRST, trainable, fixed
    everywhere = np.zeros_like(known)
    everywhere[2 * RIM : -2 * RIM, 2 * RIM : -2 * RIM] = True
    for _ in range(1 + _ROUNDS):
        blur, offset = _fitted_blur(ink, modules, where, reach)
        sharp = _undone(ink - offset, blur, start, known, fixed)
        bits = sharp > 0.5
        yield bits[2 * RIM : -2 * RIM, 2 * RIM : -2 * RIM]
        reach, where, modules = BLUR_LATER, everywhere, bits.astype(np.float32)


def read_redrawn(bits: Bits) -> bytes | None:
    """The content of the symbol, its fixed modules put right."""
    fixed = fixed_modules(len(bits))
    dark = np.where(fixed == DATA, bits, fixed == DARK)
    drawn = np.pad(np.where(dark, 0, 255).astype(np.uint8), QUIET, constant_values=255)
    pixels = np.repeat(np.repeat(drawn, PIXELS_PER_MODULE, 0), PIXELS_PER_MODULE, 1)
    barcodes = zxingcpp.read_barcodes(
        pixels,
        formats=_QR,
        text_mode=zxingcpp.TextMode.Plain,
        is_pure=True,
        try_rotate=False,
        try_downscale=False,
        try_invert=False,
    )
    return next((bytes(barcode.bytes) for barcode in barcodes if barcode.valid and barcode.bytes), None)


def _envelope(levels: Levels, window: int) -> tuple[Levels, Levels]:
    """The darkest and the lightest around each module, smoothed."""
    around = np.ones((window, window), np.uint8)
    dark, light = cv2.erode(levels, around), cv2.dilate(levels, around)
    return _soft(dark, window / 3), _soft(light, window / 3)


def _soft(levels: NDArray[Any], sigma: float) -> Levels:
    return cv2.GaussianBlur(levels, (0, 0), sigma).astype(np.float32, copy=False)


@cache
def _known(side: int) -> tuple[Bits, Levels, Bits]:
    """With two rims: which modules are known, what they are, and where the blur can be learnt from them."""
    modules = np.pad(fixed_modules(side), 2 * RIM)
    known = modules != DATA
    fixed = np.where(known, modules, 0).astype(np.float32)
    width = 2 * BLUR_FIRST + 1
    inside = cv2.erode(known.astype(np.uint8), np.ones((width, width), np.uint8), borderValue=0) > 0
    inside[:RIM] = inside[-RIM:] = inside[:, :RIM] = inside[:, -RIM:] = False
    return known, fixed, inside


def _fitted_blur(ink: Levels, modules: Levels, where: Bits, reach: int) -> tuple[Levels, float]:
    """Least squares, held towards nothing far from the middle: noise must not be explained by blur."""
    width = 2 * reach + 1
    rows, columns = np.nonzero(where)
    around = sliding_window_view(modules, (width, width))[rows - reach, columns - reach]
    # Out of focus or moved, blur is alike in opposite directions: half as much to learn.
    halves = width * width // 2
    flat = around.reshape(len(rows), -1)
    pairs = flat[:, :halves] + flat[:, :halves:-1]
    facts = np.column_stack([pairs, flat[:, halves], np.ones(len(rows), np.float32)]).astype(np.float64)
    offsets = np.arange(width) - reach
    distance = np.hypot(*np.meshgrid(offsets, offsets)).ravel()[: halves + 1]
    hold = np.append(1 + distance**2, 0.01)
    seen = ink[rows - RIM, columns - RIM]
    weights = np.linalg.solve(facts.T @ facts + np.diag(hold), facts.T @ seen)
    half = weights[:halves]
    blur = np.concatenate([half, weights[halves : halves + 1], half[::-1]]).reshape(width, width)
    return blur.astype(np.float32), float(weights[-1])


def _undone(ink: Levels, blur: Levels, start: Levels, known: Bits, fixed: Levels) -> Levels:
    """Modules between light and dark which, blurred, come nearest to what was seen (accelerated descent)."""
    seen = np.pad(ink, RIM).astype(np.float32)
    inside = np.pad(np.ones_like(ink), RIM)
    slope = float(np.abs(np.fft.fft2(blur, (64, 64))).max()) ** 2
    now = ahead = start
    pace = 1.0
    for _ in range(_STEPS):
        error = (_blurred(ahead, blur) - seen) * inside
        # The small pull away from the middle keeps undecided modules from drifting.
        step = (_blurred(error, blur) + 2e-3 * (ahead - 0.5)) / max(slope, 1e-6)
        following = np.where(known, fixed, np.clip(ahead - step, 0, 1))
        pace_next = (1 + (1 + 4 * pace * pace) ** 0.5) / 2
        ahead = (following + (pace - 1) / pace_next * (following - now)).astype(np.float32)
        now, pace = following, pace_next
    return now


def _blurred(modules: Levels, blur: Levels) -> Levels:
    return cv2.filter2D(modules, -1, blur, borderType=cv2.BORDER_CONSTANT).astype(np.float32, copy=False)
