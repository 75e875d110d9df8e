"""The decoders, each asked about one grey picture: zxing-cpp, and zbar where the machine has it.

OpenCV's QRCodeDetector is left out on purpose: one dim photograph kept it busy for 46 seconds.
"""

from collections.abc import Iterable

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

# The family name QRCode would also let Micro QR and rMQR in, which nobody prints here.
_ZXING_FORMATS = zxingcpp.BarcodeFormats(
    (zxingcpp.BarcodeFormat.QRCodeModel2, zxingcpp.BarcodeFormat.Code128)
)

def decoders() -> tuple[str, ...]:
    """The decoders that work on this machine."""
    return ("zxing-cpp",) if pyzbar is None else ("zxing-cpp", "zbar")


def look_with_zxing(picture: Grey) -> Sighting:
    barcodes = zxingcpp.read_barcodes(
        picture, formats=_ZXING_FORMATS, text_mode=zxingcpp.TextMode.Plain, return_errors=True
    )
    read = (
        FoundCode(text_of(barcode.bytes), _format_of(barcode), _corners_of(barcode.position))
        for barcode in barcodes
        if barcode.valid and barcode.bytes
    )
    unread = (
        _corners_of(barcode.position)
        for barcode in barcodes
        if not barcode.valid and _format_of(barcode) == QR
    )
    return Sighting(tuple(read), tuple(unread))


def look_with_zbar(picture: Grey) -> Sighting:
    if pyzbar is None:
        return Sighting(())
    symbols = [pyzbar.ZBarSymbol.QRCODE, pyzbar.ZBarSymbol.CODE128]
    read = (
        FoundCode(symbol.data.decode(), QR if symbol.type == "QRCODE" else CODE_128, _box(symbol.polygon))
        for symbol in pyzbar.decode(picture, symbols)
        # zbar guesses the charset of what is not ASCII, and says nothing of having guessed.
        if symbol.data and symbol.data.isascii()
    )
    return Sighting(tuple(read))


def text_of(content: bytes) -> str:
    """UTF-8 where it is, else Latin-1 as the QR standard has it: a rule, not a guess by frequency."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


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
