"""The decoders, each asked about one grey picture: zxing-cpp; zbar and tapirscan where the machine has them.

OpenCV's QRCodeDetector is left out on purpose: one dim photograph kept it busy for 46 seconds.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

import cv2
import numpy as np
import zxingcpp

from scanner.found import FoundCode, Point
from scanner.picture import Grey
from scanner.sighting import CODE_128, QR, Corners, Sighting

try:
    from pyzbar import pyzbar
except ImportError:  # The wheel comes without libzbar; Debian calls it libzbar0.
    pyzbar = None

try:
    import tapirscan
except ImportError:  # An extra that is asked for: requirements/tapirscan.txt.
    tapirscan = None

# The family name QRCode would also let Micro QR and rMQR in, which nobody prints here.
_ZXING_FORMATS = zxingcpp.BarcodeFormats(
    (zxingcpp.BarcodeFormat.QRCodeModel2, zxingcpp.BarcodeFormat.Code128)
)


_FNC1 = "\x1d"


def decoders() -> tuple[str, ...]:
    """The decoders that work on this machine."""
    optional = (("zbar", pyzbar), ("tapirscan", tapirscan))
    return ("zxing-cpp", *(name for name, module in optional if module is not None))


def look_with_zxing(picture: Grey) -> Sighting:
    barcodes = zxingcpp.read_barcodes(
        picture, formats=_ZXING_FORMATS, text_mode=zxingcpp.TextMode.Plain, return_errors=True
    )
    read = (
        found_code(barcode.bytes, _format_of(barcode), _corners_of(barcode.position))
        for barcode in barcodes
        if barcode.valid and barcode.bytes and not _is_of_one_line(barcode)
    )
    unread = (
        _corners_of(barcode.position)
        for barcode in barcodes
        if not barcode.valid and _format_of(barcode) == QR
    )
    return Sighting(tuple(read), tuple(unread))


def look_with_zbar(picture: Grey) -> Sighting:
    if pyzbar is None:
        return Sighting()
    symbols = [pyzbar.ZBarSymbol.QRCODE, pyzbar.ZBarSymbol.CODE128]
    read = (
        found_code(symbol.data, QR if symbol.type == "QRCODE" else CODE_128, _box(symbol.polygon))
        for symbol in pyzbar.decode(picture, symbols)
        # zbar guesses the charset of what is not ASCII, and says nothing of having guessed.
        if symbol.data and symbol.data.isascii()
    )
    return Sighting(tuple(read))


def look_with_tapirscan(picture: Grey) -> Sighting:
    # Less than three pixels a side is an error to it.
    if tapirscan is None or min(picture.shape) < 3:
        return Sighting()
    read = (
        found_code(
            barcode.text.encode() if barcode.payload_bytes is None else barcode.payload_bytes,
            QR if barcode.format == "QRCode" else CODE_128,
            _four([(round(point.x), round(point.y)) for point in barcode.polygon]),
        )
        for barcode in _tapirscanner().scan(picture).barcodes
        if barcode.text
    )
    return Sighting(tuple(read))


@cache
def _tapirscanner() -> Any:
    return tapirscan.Scanner(mode="high", formats=["QRCode", "Code128"], parallel=False)


def found_code(content: bytes, format_: str, corners: Corners) -> FoundCode:
    """FNC1 between the parts of a GS1 code is no character of its text, though decoders tell it as one."""
    text = _text_of(content)
    return FoundCode(text.replace(_FNC1, "") if format_ == CODE_128 else text, format_, corners)


def _text_of(content: bytes) -> str:
    """UTF-8 where it is, else Latin-1 as the QR standard has it: a rule, not a guess by frequency."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _is_of_one_line(barcode: zxingcpp.Barcode) -> bool:
    """Bars read on one row of pixels: on a table of passes, a line through two codes once made a third."""
    position = barcode.position
    left, right = (position.top_left, position.bottom_left), (position.top_right, position.bottom_right)
    is_flat = all((top.x, top.y) == (bottom.x, bottom.y) for top, bottom in (left, right))
    return _format_of(barcode) == CODE_128 and is_flat


def _format_of(barcode: zxingcpp.Barcode) -> str:
    return CODE_128 if barcode.format == zxingcpp.BarcodeFormat.Code128 else QR


def _corners_of(position: zxingcpp.Position) -> Corners:
    at = (position.top_left, position.top_right, position.bottom_right, position.bottom_left)
    one, two, three, four = ((point.x, point.y) for point in at)
    return one, two, three, four


def _box(polygon: Iterable[Point]) -> Corners:
    """zbar gives as many points as it likes, two for a line of bars."""
    rectangle = cv2.minAreaRect(np.array(list(polygon), np.float32))
    one, two, three, four = ((round(x), round(y)) for x, y in cv2.boxPoints(rectangle).tolist())
    return one, two, three, four


def _four(points: list[Point]) -> Corners:
    one, two, three, four = points
    return one, two, three, four
