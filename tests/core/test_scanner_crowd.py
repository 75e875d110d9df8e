"""Pictures made to cost a decoder seconds cost CPU within a wide margin, and honest ones are left alone."""

import io
import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import segno
from numpy.typing import NDArray
from PIL import Image

from scanner.crowd import is_crowded, less_crowded
from scanner.picture import Grey
from scanner.read import read_picture

# 0.6 s are the budget; the stage under way then takes its own time, on a machine of any speed.
CPU_SECONDS_MAX = 1.5


def a_symbol(text: str, module_pixels: int) -> Grey:
    drawn = io.BytesIO()
    segno.make(text, micro=False).save(drawn, kind="png", scale=module_pixels, border=2)
    return np.array(Image.open(drawn).convert("L"))


def a_finder(module_pixels: int) -> Grey:
    rings = np.full((9, 9), 255, np.uint8)
    rings[1:8, 1:8], rings[2:7, 2:7], rings[3:6, 3:6] = 0, 255, 0
    return np.kron(rings, np.ones((module_pixels, module_pixels), np.uint8))


def a_spoilt_symbol() -> Grey:
    symbol = a_symbol("A" * 100, 3)
    symbol[30:60, 30:60] = 128
    return symbol


def tiled(cell: Grey, height: int = 3_000, width: int = 4_000) -> Grey:
    whole = np.tile(cell, (-(-height // cell.shape[0]), -(-width // cell.shape[1])))
    return np.ascontiguousarray(whole[:height, :width])


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (height, width)).astype(np.uint8)


def a_turned_crowd() -> Grey:
    turn = cv2.getRotationMatrix2D((1_200, 600), 29, 1)
    turned = cv2.warpAffine(tiled(a_finder(1), 3_000, 3_000), turn, (2_400, 1_200), flags=cv2.INTER_LINEAR)
    return np.asarray(turned, np.uint8)


CROWDS: dict[str, Callable[[], Grey]] = {
    "finders of 9 pixels": lambda: tiled(a_finder(1)),
    "finders of 18 pixels": lambda: tiled(a_finder(2)),
    "finders on a ribbon": lambda: tiled(a_finder(1), 700, 16_000),
    "symbols of 25 pixels": lambda: tiled(a_symbol("A", 1)),
    "symbols of 50 pixels": lambda: tiled(a_symbol("A", 2)),
}
COSTLY: dict[str, Callable[[], Grey]] = CROWDS | {
    "finders of 54 pixels": lambda: tiled(a_finder(6)),
    "symbols of 75 pixels": lambda: tiled(a_symbol("A", 3)),
    "symbols that can't be read": lambda: tiled(a_spoilt_symbol()),
    "a small picture of them": lambda: tiled(a_spoilt_symbol(), 1_000, 1_000),
    "small turned finders": a_turned_crowd,
    "noise": lambda: noise(3_000, 4_000),
}


@pytest.mark.parametrize("name", COSTLY)
def test_a_picture_made_to_cost_time_costs_little(name: str) -> None:
    picture = COSTLY[name]()
    started = time.process_time()
    read_picture(picture)
    assert time.process_time() - started < CPU_SECONDS_MAX


@pytest.mark.parametrize("name", CROWDS)
def test_a_crowd_of_finders_is_halved_until_it_is_none(name: str) -> None:
    picture, divisor = less_crowded(CROWDS[name]())
    assert divisor in {2, 4, 8}
    assert not is_crowded(picture)


@pytest.mark.parametrize(
    "picture",
    [
        tiled(a_symbol("PN1:A-PASS", 6), 2_000, 2_000),
        noise(3_000, 4_000),
        tiled(np.array([[0, 255, 0, 0, 0, 255, 0, 255]], np.uint8)),
        np.full((3_000, 4_000), 128, np.uint8),
        np.zeros((1, 1), np.uint8),
        np.zeros((8, 60_000), np.uint8),
        np.zeros((60_000, 9), np.uint8),
    ],
    ids=["two hundred symbols", "noise", "bars", "grey", "a pixel", "a line", "a column"],
)
def test_other_pictures_are_left_as_they_are(picture: Grey) -> None:
    assert less_crowded(picture)[1] == 1


def test_codes_on_a_halved_picture_are_told_where_they_are() -> None:
    crowd = tiled(a_finder(1), 2_400, 2_400)
    symbol = a_symbol("PN1:A-PASS", 20)
    crowd[800 : 800 + len(symbol), 600 : 600 + len(symbol)] = symbol
    (code,) = read_picture(crowd)
    left, top, side = 600 + 40, 800 + 40, len(symbol) - 80
    drawn = [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]
    assert code.text == "PN1:A-PASS"
    assert np.abs(np.array(code.corners) - drawn).max() <= 12


def test_a_turned_crowd_is_one_too() -> None:
    turn = cv2.getRotationMatrix2D((2_000, 1_500), 90, 1)
    turned = cv2.warpAffine(tiled(a_finder(2)), turn, (4_000, 3_000), borderValue=255)
    assert is_crowded(np.asarray(turned, np.uint8))
