"""Code 128 out of focus, drawn and blurred here; and that what is no code is not made one."""

import cv2
import numpy as np
import pytest
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scanner.bars_blurred import content_likeliest
from scanner.code_128 import CHARACTERS, STOP, is_checked
from scanner.decoders import look_with_zxing
from scanner.picture import Grey
from scanner.read import read_picture

SHORT = "7K2M-9QXB-4TNW-R8E"
MODULE_PIXELS = 6


def the_modules(text: str) -> NDArray[np.bool_]:
    drawn = np.array(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128).to_image(scale=1))
    row = drawn[drawn.shape[0] // 2].ravel() < 128
    dark = np.flatnonzero(row)
    return np.asarray(row[dark[0] : dark[-1] + 1], np.bool_)


def a_strip(modules: NDArray[np.bool_], *, radius_modules: float, noise: float = 1.0) -> Grey:
    row = np.repeat(np.pad(modules, 30), MODULE_PIXELS)
    strip = np.tile(np.where(row, 40.0, 200.0).astype(np.float32), (60, 1))
    reach = round(radius_modules * MODULE_PIXELS)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)).astype(np.float32)
    blurred = cv2.filter2D(strip, -1, disc / disc.sum())
    noisy = blurred + np.random.default_rng(1).normal(0, noise, strip.shape)
    return np.clip(noisy, 0, 255).astype(np.uint8)


@settings(deadline=None, max_examples=40)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=3, max_size=20))
def test_the_table_of_characters_is_that_of_another_encoder(text: str) -> None:
    modules = the_modules(text)
    assert (modules[-13:] == STOP).all()
    rows = modules[:-13].reshape(-1, 11)
    values = [int(np.flatnonzero((row == CHARACTERS).all(1))[0]) for row in rows]
    assert is_checked(values)
    assert not is_checked([*values[:-1], (values[-1] + 1) % 103])


@pytest.mark.parametrize("radius", [1.0, 1.4, 1.8])
def test_bars_that_run_into_each_other_are_read(radius: float) -> None:
    strip = a_strip(the_modules(SHORT), radius_modules=radius)
    assert not look_with_zxing(strip).codes
    assert content_likeliest(strip) == SHORT.encode()


def test_upside_down_and_unevenly_seen_is_read_too() -> None:
    strip = a_strip(the_modules(SHORT), radius_modules=1.4)[::-1, ::-1]
    x = np.arange(strip.shape[1], dtype=np.float32) / strip.shape[1]
    # As in perspective: one end a little nearer than the other.
    columns = np.tile((x + 0.015 * x * (1 - x)) * strip.shape[1], (len(strip), 1)).astype(np.float32)
    rows = np.repeat(np.arange(len(strip), dtype=np.float32)[:, None], strip.shape[1], 1)
    seen = cv2.remap(np.ascontiguousarray(strip), columns, rows, cv2.INTER_LINEAR)
    assert content_likeliest(np.asarray(seen, np.uint8)) == SHORT.encode()


@settings(deadline=None, max_examples=30)
@given(
    st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ-", min_size=4, max_size=20),
    st.floats(0.8, 2.6),
    st.floats(0.5, 25.0),
)
def test_what_is_read_is_what_was_drawn_or_nothing(text: str, radius: float, noise: float) -> None:
    read = content_likeliest(a_strip(the_modules(text), radius_modules=radius, noise=noise))
    assert read in {None, text.encode()}


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32 - 1), st.floats(0.3, 2.0))
def test_bars_that_are_no_code_give_nothing(seed: int, radius: float) -> None:
    chance = np.random.default_rng(seed)
    edges = np.cumsum(chance.integers(1, 5, 80))
    bars = np.zeros(int(edges[-1]), np.bool_)
    for left, right in edges[:-1].reshape(-1, 2)[:39] if len(edges) % 2 else edges.reshape(-1, 2):
        bars[left:right] = True
    assert content_likeliest(a_strip(bars, radius_modules=radius)) is None


def test_a_changed_character_is_not_passed_over() -> None:
    modules = the_modules(SHORT).copy()
    modules[55:66] = CHARACTERS[40]
    assert content_likeliest(a_strip(modules, radius_modules=1.4)) is None


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_an_even_strip_gives_nothing(shade: int) -> None:
    assert content_likeliest(np.full((60, 1_400), shade, np.uint8)) is None


def test_a_photograph_out_of_focus_is_read_whole() -> None:
    strip = a_strip(the_modules(SHORT), radius_modules=1.3)
    photo = np.pad(np.repeat(strip, 4, 0), 200, mode="edge")
    turn = cv2.getRotationMatrix2D((photo.shape[1] / 2, photo.shape[0] / 2), 20, 0.5)
    turned = cv2.warpAffine(photo, turn, photo.shape[::-1], borderValue=200)
    assert [code.text for code in read_picture(np.asarray(turned, np.uint8))] == [SHORT]
