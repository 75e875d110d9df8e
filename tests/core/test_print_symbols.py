"""The printed symbols, module by module, against other encoders than the one that made them."""

import re
from typing import Any

import numpy as np
import pytest
import segno
import zxingcpp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from reportlab.graphics.barcode.code128 import Code128

from programmes.print.symbols import (
    CODE_128_MODULES_MAX,
    QR_SIDE_MODULES,
    Rectangle,
    code_128_bars,
    qr_rectangles,
)

BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
SHORT = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=16, max_size=16)


def painted(rectangles: list[Rectangle], width: int, height: int) -> NDArray[np.int_]:
    """How often each module is inked, upper row first."""
    ink = np.zeros((height, width), dtype=np.int_)
    for x, y, wide, high in rectangles:
        ink[y : y + high, x : x + wide] += 1
    return ink[::-1]


def qr_symbol(text: str) -> NDArray[np.int_]:
    return painted(qr_rectangles(text), QR_SIDE_MODULES, QR_SIDE_MODULES)


def read_back(symbol: NDArray[np.int_]) -> str:
    light = np.pad(symbol == 0, 4, constant_values=True)
    picture = np.kron(light, np.ones((4, 4))).astype(np.uint8) * 255
    (code,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode))
    return str(code.text)


def level_and_mask(symbol: NDArray[np.int_]) -> tuple[int, int]:
    """The first five bits of the format information, less the pattern that the standard lays over them."""
    bits = int("".join(map(str, symbol[8, :5])), base=2) ^ 0b10101
    return bits >> 3, bits & 0b111


def segno_symbol(text: str, mask: int) -> NDArray[np.int_]:
    symbol = segno.make_qr(text, error="M", version=6, mode="alphanumeric", mask=mask, boost_error=False)
    return np.array(symbol.matrix, dtype=np.int_)


def ends_on_a_whole_byte(text: str) -> bool:
    """There segno 1.6 adds a byte of zeros before the padding, against ISO/IEC 18004, 7.4.10."""
    pairs, single = divmod(len(text), 2)
    return (4 + 9 + 11 * pairs + 6 * single + 4) % 8 == 0


@settings(max_examples=100, deadline=None)
@given(st.text(BASE45, min_size=1, max_size=150).map("PN1:".__add__))
def test_a_qr_symbol_is_version_6_m_and_reads_as_its_text(text: str) -> None:
    symbol = qr_symbol(text)
    assert level_and_mask(symbol)[0] == 0
    assert read_back(symbol) == text


@settings(max_examples=50, deadline=None)
@given(st.text(BASE45, min_size=1, max_size=150).map("PN1:".__add__))
def test_another_encoder_makes_the_same_symbol_of_the_same_text_and_mask(text: str) -> None:
    assume(
        not ends_on_a_whole_byte(text) and not re.search("[0-9]{6}", text)
    )  # where zxing-cpp leaves the mode
    image = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.QRCode, version=6, ec_level="M")
    other = (np.asarray(image.to_image(scale=1, add_quiet_zones=False)) == 0).astype(np.int_)
    assert np.array_equal(other, segno_symbol(text, level_and_mask(other)[1]))


@pytest.mark.parametrize("digits", [6, 7, 13, 40, 141])
def test_long_runs_of_digits_stay_in_alphanumeric_mode(digits: int) -> None:
    symbol = qr_symbol("PN1:" + "7" * digits + "A" * (141 - digits))
    # The mode indicator is the first 4 bits of the data: 2 columns from the lower right corner, upwards.
    mask = level_and_mask(symbol)[1]
    blank = segno_symbol("PN1:" + "A" * 141, mask)
    assert np.array_equal(symbol[39:, 39:], blank[39:, 39:])


@pytest.mark.parametrize("length", [1, 6, 131, 134, 141, 147, 150])
def test_a_qr_symbol_reads_as_its_text_whatever_its_length(length: int) -> None:
    text = "PN1:" + BASE45[::-1][:length] + "Z" * (length - len(BASE45))
    assert read_back(qr_symbol(text)) == text


def test_a_text_that_does_not_fit_is_refused() -> None:
    for body in ("Z" * 152, "Z7777777" * 19):
        with pytest.raises(ValueError, match=r"too long|does not fit"):
            qr_rectangles("PN1:" + body)


@settings(max_examples=50, deadline=None)
@given(SHORT)
def test_a_code_128_is_never_wider_than_its_place(short: str) -> None:
    bars, modules = code_128_bars(short)
    ink = painted(bars, modules, 1)[0]
    assert modules <= CODE_128_MODULES_MAX
    assert (ink[0], ink[-1]) == (1, 1)


@pytest.mark.parametrize("short", ["ABCDEFGHJKMNPQRS", "A1B2C3D4E5F6G7H8", "ZZZZ9ZZZZ9ZZZZ9*"])
def test_a_code_128_without_pairs_of_digits_is_what_reportlab_makes(short: str) -> None:
    bars, modules = code_128_bars(short)
    assert modules == CODE_128_MODULES_MAX
    other: Any = Code128(short)
    other.validate()
    other.encode()
    widths = [ord(letter.lower()) - ord("a") + 1 for letter in other.decompose()]
    edges = np.concatenate(([0], np.cumsum(widths))).tolist()
    assert [(bar.x, bar.width) for bar in bars] == list(zip(edges[::2], widths[::2], strict=False))
