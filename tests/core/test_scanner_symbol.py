"""What all QR symbols of a size share, against an encoder's symbols; a symbol drawn anew reads as it was."""

import numpy as np
import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st

from scanner.qr_modules import agreement, read_redrawn
from scanner.qr_symbol import DARK, DATA, SIDES, fixed_modules


def drawn(version: int, text: str = "1") -> np.ndarray:
    symbol = segno.make(text, version=version, micro=False, error="l", boost_error=False)
    return np.array([[cell & 1 for cell in row] for row in symbol.matrix], bool)


@pytest.mark.parametrize("version", range(1, 41))
def test_what_the_standard_fixes_is_where_an_encoder_puts_it(version: int) -> None:
    bits = drawn(version)
    assert len(bits) == SIDES[version - 1]
    assert agreement(bits) == 1.0
    assert ((fixed_modules(len(bits)) == DATA) | (bits == (fixed_modules(len(bits)) == DARK))).all()


@given(st.integers(1, 40), st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", min_size=1, max_size=20))
def test_a_symbol_drawn_anew_says_what_it_said(version: int, text: str) -> None:
    assert read_redrawn(drawn(version, text)) == text.encode()


@given(st.integers(0, 2**32 - 1), st.sampled_from([21, 25, 29, 37, 45]))
def test_chance_is_not_read(seed: int, side: int) -> None:
    assert read_redrawn(np.random.default_rng(seed).random((side, side)) < 0.5) is None
