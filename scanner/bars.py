"""Code 128 at any angle, on curled, glaring or noisy paper: bars averaged along their length, then read.

A decoder that goes by rows sees a pixel of each bar; here each bar is seen over its whole height.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from scanner.bar_areas import BarArea, bar_areas, edge_field
from scanner.bars_blurred import content_likeliest
from scanner.picture import Grey

# Where one code or two were read, what is left is text mostly; where many were, more of a table's codes.
MANY_READ = 3
# Areas that are looked at as if they were out of focus, which costs ten times as much.
# Few codes are not twice as long as they are high; text and wood often are not.
BLURRED_MAX, LONG_MIN = 12, 2.0
BANDS, BANDS_FINE = 9, 24
ROWS_PER_BAND = 8
# Of a strip's length: the window in which light and dark are told apart, and the reach of sharpening.
EVEN_OUT, SHARPEN = 1 / 12, 1 / 250
CONTRAST_MIN = 12
SLOPE_CELL = 40
SLOPE_ROWS = 5
# Slopes weaker than this are noise, not edges of bars.
EDGE_NOISE = 300.0

_CODE_128 = zxingcpp.BarcodeFormats((zxingcpp.BarcodeFormat.Code128,))

Profiles = NDArray[np.float32]


def read_bars(picture: Grey, is_time_up: Callable[[], bool]) -> Iterator[tuple[BarArea, bytes]]:
    """Each area that has the texture of bars and could be read, with its content."""
    unread, read_count = [], 0
    for area in bar_areas(picture):
        if is_time_up():
            return
        strip = area.strip(picture)
        if content := _content_of(strip):
            read_count += 1
            yield area, content
        elif area.length >= LONG_MIN * area.height:
            unread.append((area, strip))
    if 0 < read_count < MANY_READ:
        return
    for area, strip in unread[:BLURRED_MAX]:
        if is_time_up():
            return
        if content := content_likeliest(_straightened(strip)):
            yield area, content


def _content_of(strip: Grey) -> bytes | None:
    return next((content for bands in _profiles(strip) if (content := _read(bands))), None)


def _profiles(strip: Grey) -> Iterator[Profiles]:
    """The strip as grey along the code, in ever costlier ways."""
    window = int(strip.shape[1] * EVEN_OUT) | 1
    bands = _bands(strip, BANDS)
    yield bands
    yield _evened(bands, window)
    yield _sharpened(_evened(bands, window), 0.8)
    yield _evened(_bands(strip, BANDS_FINE), window)
    straight = _straightened(strip)
    yield _evened(_bands(straight, BANDS // 2), window)
    fused = _fused(_bands(straight, BANDS_FINE), window)
    yield fused
    yield _sharpened(fused, 0.8)
    yield _sharpened(fused, 2.5)


def _read(bands: Profiles) -> bytes | None:
    pixels = np.repeat(np.clip(bands, 0, 255).astype(np.uint8), ROWS_PER_BAND, 0)
    barcodes = zxingcpp.read_barcodes(
        pixels,
        formats=_CODE_128,
        text_mode=zxingcpp.TextMode.Plain,
        try_rotate=False,
        try_downscale=False,
        try_invert=False,
    )
    return next((bytes(barcode.bytes) for barcode in barcodes if barcode.valid and barcode.bytes), None)


def _bands(strip: Grey, count: int) -> Profiles:
    edges = np.linspace(0, len(strip), count + 1).astype(int)
    return np.array(
        [strip[top : max(bottom, top + 1)].mean(0) for top, bottom in pairwise(edges.tolist())],
        np.float32,
    )


def _levels(bands: Profiles, window: int) -> tuple[Profiles, Profiles]:
    """The darkest and the lightest around, and their distance."""
    around = np.ones((1, window), np.uint8)
    dark = cv2.blur(cv2.erode(bands, around), (window, 1))
    light = cv2.blur(cv2.dilate(bands, around), (window, 1))
    return dark.astype(np.float32, copy=False), np.maximum(light - dark, CONTRAST_MIN).astype(np.float32)


def _evened(bands: Profiles, window: int) -> Profiles:
    """Shadow and light brought to the same grey."""
    dark, contrast = _levels(bands, window)
    evened: Profiles = np.clip((bands - dark) / contrast * 255, 0, 255).astype(np.float32)
    return evened


def _fused(bands: Profiles, window: int) -> Profiles:
    """One band of all, at each place mostly of those with the most contrast: glare and fingers have none."""
    dark, contrast = _levels(bands, window)
    evened = np.clip((bands - dark) / contrast, 0, 1)
    weight = contrast * contrast
    fused = (evened * weight).sum(0) / weight.sum(0) * 255
    return np.asarray(fused[None, :], np.float32)


def _sharpened(bands: Profiles, amount: float) -> Profiles:
    soft = cv2.GaussianBlur(bands, (0, 0), sigmaX=bands.shape[1] * SHARPEN, sigmaY=0.01)
    return (bands * (1 + amount) - soft * amount).astype(np.float32)


def _straightened(strip: Grey) -> Grey:
    """Bars that lean or wave made upright: their slope is taken place by place and followed up and down."""
    height, width = strip.shape
    xx, yy, xy = edge_field(strip, (SLOPE_ROWS, max(2, width // SLOPE_CELL)))
    strength = xx + yy + EDGE_NOISE
    ways = np.stack([2 * xy / strength, (xx - yy) / strength], axis=2)
    soft = cv2.GaussianBlur(ways, (0, 0), sigmaX=2, sigmaY=0.8)
    slope = np.tan(np.clip(0.5 * np.arctan2(soft[..., 0], soft[..., 1]), -0.7, 0.7))
    each = cv2.resize(slope, (width, height), interpolation=cv2.INTER_LINEAR)
    moved = np.cumsum(each, axis=0)
    columns = np.arange(width)[None, :] - (moved - moved[height // 2])
    rows = np.repeat(np.arange(height)[:, None], width, axis=1)
    straight = cv2.remap(
        strip,
        columns.astype(np.float32),
        rows.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return straight.astype(np.uint8, copy=False)
