"""Codes read on real photographs and drawn pictures: right texts, right places, nothing where nothing is."""

import io
import json
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import segno
import zxingcpp
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from scanner.decoders import decoders, look_with_zbar, look_with_zxing
from scanner.found import FoundCode
from scanner.picture import Grey
from scanner.read import SMALL_PIXELS, read_codes, read_picture
from scanner.sighting import Progress
from scanner.stages import STAGES, Stage

PHOTOS = Path(__file__).parents[3] / "shared" / "data" / "photos"
CODE = "PN1:6BFOXN%TSMAHN-H3YS1IK47ES6IXJR/M4O9WKFGWSCV.Q$ X3+4FI-M6.CX5UEI0N"
SHORT = "0W8GD3KM2QXR5TJ7"


def the_photos() -> list[dict[str, Any]]:
    manifest = PHOTOS / "manifest.json"
    assert manifest.is_file(), f"{manifest} is missing: the photographs of shared/data are needed here"
    photos: list[dict[str, Any]] = json.loads(manifest.read_text())
    return photos


def texts_on(photo: dict[str, Any]) -> set[tuple[str, str]]:
    """Format and text; the set's truth has vCards' line ends normalised."""
    codes = read_codes((PHOTOS / photo["file"]).read_bytes())
    return {(code.format, code.text.replace("\r\n", "\n")) for code in codes}


def a_qr(text: str = CODE, *, module_pixels: int = 5) -> Grey:
    drawn = io.BytesIO()
    segno.make(text, error="m", micro=False, boost_error=False).save(
        drawn, kind="png", scale=module_pixels, border=4
    )
    return np.array(Image.open(drawn).convert("L"))


def a_code_128(text: str, *, module_pixels: int = 2) -> Grey:
    bars = np.array(zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.Code128).to_image(scale=1))
    row = bars[bars.shape[0] // 2].ravel()
    return np.pad(np.tile(np.repeat(row, module_pixels), (60, 1)), 30, constant_values=255)


def a_table(pictures: list[Grey]) -> Grey:
    """The pictures side by side on a grey desk, in rows of three."""
    cell = max(max(picture.shape) for picture in pictures) + 40
    rows = -(-len(pictures) // 3)
    table = np.full((cell * rows, cell * 3), 150, np.uint8)
    for number, picture in enumerate(pictures):
        top, left = cell * (number // 3) + 20, cell * (number % 3) + 20
        table[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return table


def test_what_zxing_reads_on_real_photos_is_read_to_the_letter() -> None:
    readable = [photo for photo in the_photos() if photo["read_by"] and photo["read_by"]["zx_fast"]]
    assert len(readable) > 10
    for photo in readable:
        truth = {(code["format"], code["text"]) for code in photo["truth"]}
        assert texts_on(photo) == truth, photo["file"]


def test_no_photo_gives_a_wrong_text() -> None:
    for photo in the_photos():
        truth = {(code["format"], code["text"]) for code in photo["truth"]}
        assert texts_on(photo) <= truth, photo["file"]


def test_later_stages_read_what_the_first_does_not() -> None:
    photo = PHOTOS / "zxing-qr/qrcode-4/09.png"
    grey = np.array(Image.open(photo).convert("L"))
    assert not look_with_zxing(grey).codes
    assert len(read_picture(grey)) == 1


def test_corners_are_where_the_code_was_drawn() -> None:
    picture = np.pad(a_qr(), ((100, 0), (200, 0)), constant_values=255)
    (code,) = read_picture(picture)
    margin, side = 4 * 5, a_qr().shape[0] - 2 * 4 * 5
    left, top = 200 + margin, 100 + margin
    drawn = [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]
    assert np.abs(np.array(code.corners) - drawn).max() <= 5


# tapirscan is an extra: its stage is tried where `make tapirscan` was run.
ABSENT = {"halved"} | ({"tapirscan"} - set(decoders()))


@pytest.mark.parametrize("stage", [one for one in STAGES if one.name not in ABSENT], ids=lambda s: s.name)
def test_every_stage_tells_places_in_pixels_of_the_picture(stage: Stage) -> None:
    if stage.name == "zbar" and stage.name not in decoders():
        assert os.environ.get("CI") != "true", "libzbar0 is missing: apt-get install libzbar0"
        pytest.skip("libzbar0 is not on this machine")
    bars = stage.name == "along bars"
    picture = np.pad(a_code_128(SHORT, module_pixels=3) if bars else a_qr(), 60, constant_values=255)
    rows, columns = (np.flatnonzero((picture < 128).any(axis=axis)) for axis in (1, 0))
    left, top, right, bottom = int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])
    progress = Progress(cpu_seconds_max=60)
    progress.unread = [((left, top), (right, top), (right, bottom), (left, bottom))]
    (code,) = stage.look(picture, progress).codes
    places = np.array(code.corners)
    assert code.text == (SHORT if bars else CODE)
    assert np.abs(places.min(axis=0) - (left, top)).max() <= (24 if bars else 8)
    assert np.abs(places.max(axis=0) - (right, bottom)).max() <= (24 if bars else 8)


@pytest.mark.parametrize("angle", range(0, 180, 15))
def test_bars_are_read_at_any_angle(angle: int) -> None:
    bars = np.pad(a_code_128(SHORT), ((300, 300), (100, 100)), constant_values=255)
    middle = (bars.shape[1] / 2, bars.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(middle, angle, 1)
    turned = cv2.warpAffine(bars, turn, bars.shape[::-1], flags=cv2.INTER_CUBIC, borderValue=255)
    assert SHORT in {code.text for code in read_picture(np.asarray(turned, np.uint8))}


def test_thin_bars_beside_a_symbol_are_read_in_a_small_picture() -> None:
    table = a_table([a_qr(module_pixels=9), a_code_128(SHORT, module_pixels=3)])
    large = table[:, : table.shape[1] * 2 // 3]
    height, width = (side // 3 for side in large.shape)
    small = np.asarray(cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    soft = np.asarray(cv2.GaussianBlur(small, (0, 0), 0.4), np.uint8)
    assert soft.size <= SMALL_PIXELS
    assert {code.text for code in look_with_zxing(soft).codes} == {CODE}
    assert {code.text for code in read_picture(soft)} == {CODE, SHORT}


def test_crumpled_paper_is_read_although_no_decoder_reads_it() -> None:
    flat = np.pad(a_qr(module_pixels=6), 40, constant_values=200)
    rows, columns = np.mgrid[: flat.shape[0], : flat.shape[1]].astype(np.float32)
    wave = 5 * np.sin(columns / 45) * np.sin(rows / 60)
    crumpled = np.asarray(cv2.remap(flat, columns + wave, rows - wave, cv2.INTER_LINEAR), np.uint8)
    assert not look_with_zxing(crumpled).codes
    assert [code.text for code in read_picture(crumpled)] == [CODE]


@pytest.mark.parametrize("kind", ["moved", "out of focus"])
def test_blur_of_more_than_a_module_is_undone(kind: str) -> None:
    sharp = np.pad(a_qr(module_pixels=6), 60, constant_values=255)
    if kind == "moved":
        blur = np.full((1, 11), 1 / 11, np.float32)
    else:
        blur = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (11, 11)).astype(np.float32)
        blur /= blur.sum()
    blurred = np.asarray(cv2.filter2D(sharp, -1, blur), np.uint8)
    assert not look_with_zxing(blurred).codes
    assert [code.text for code in read_picture(blurred)] == [CODE]


def test_a_caller_that_knows_a_good_code_ends_the_search_or_keeps_it_going() -> None:
    blurred = np.asarray(cv2.GaussianBlur(a_qr(CODE, module_pixels=6), (0, 0), 4.5), np.uint8)
    table = a_table([a_qr("A-POSTER"), blurred])
    stages: list[str] = []
    found = read_picture(
        table,
        is_good=lambda code: code.text == "A-POSTER",
        told=lambda stage, count: stages.append(stage.name),
    )
    assert ([code.text for code in found], stages) == (["A-POSTER"], ["as taken"])
    stages.clear()
    read_picture(table, is_good=lambda code: False, told=lambda stage, count: stages.append(stage.name))
    assert stages[-1] == STAGES[-1].name


def test_a_budget_that_is_spent_begins_no_further_stage() -> None:
    stages: list[str] = []
    read_picture(
        np.full((500, 500), 128, np.uint8),
        cpu_seconds_max=0,
        told=lambda stage, count: stages.append(stage.name),
    )
    assert stages == ["as taken"]


@pytest.mark.parametrize("turn", range(4))
def test_both_formats_are_read_at_any_quarter_turn(turn: int) -> None:
    table = a_table([a_qr("QR-OF-A-PASS"), a_code_128("BARS-OF-A-PASS")])
    found = {(code.format, code.text) for code in read_picture(np.ascontiguousarray(np.rot90(table, turn)))}
    assert found == {("QR", "QR-OF-A-PASS"), ("C128", "BARS-OF-A-PASS")}


def test_ten_codes_on_a_table_are_ten_and_none_twice() -> None:
    texts = [f"{CODE}{number}" for number in range(10)]
    found = read_picture(a_table([a_qr(text, module_pixels=4) for text in texts]))
    assert sorted(code.text for code in found) == sorted(texts)


def test_two_copies_of_one_code_are_two_places() -> None:
    found = read_picture(a_table([a_qr("SAME"), a_qr("SAME")]))
    assert [code.text for code in found] == ["SAME", "SAME"]


def test_a_code_seen_but_not_read_keeps_the_stages_going() -> None:
    small = cv2.resize(a_qr("THE-SMALL-ONE", module_pixels=4), None, fx=0.3, fy=0.3, interpolation=3)
    picture = a_table([a_qr("THE-LARGE-ONE"), np.asarray(small, np.uint8)])
    first_look = look_with_zxing(picture)
    assert [code.text for code in first_look.codes] == ["THE-LARGE-ONE"]
    assert len(first_look.unread) == 1
    assert {code.text for code in read_picture(picture)} == {"THE-LARGE-ONE", "THE-SMALL-ONE"}


@pytest.mark.parametrize("shape", [(1, 1), (1, 4_000), (4_000, 1), (7, 7), (2_000, 2_000)])
@pytest.mark.parametrize("shade", [0, 128, 255])
def test_an_empty_picture_gives_nothing(shape: tuple[int, int], shade: int) -> None:
    assert read_picture(np.full(shape, shade, np.uint8)) == []


def test_text_that_is_not_utf8_is_latin1() -> None:
    assert [code.text for code in read_picture(a_qr("Pass numérique"))] == ["Pass numérique"]
    latin = io.BytesIO()
    segno.make("été".encode("latin-1"), mode="byte", micro=False).save(latin, kind="png", scale=5)
    assert [code.text for code in read_codes(latin.getvalue())] == ["été"]


def test_other_kinds_of_code_are_left_alone() -> None:
    others = (zxingcpp.BarcodeFormat.DataMatrix, zxingcpp.BarcodeFormat.Aztec, zxingcpp.BarcodeFormat.Code39)
    for kind in others:
        drawn = np.array(zxingcpp.create_barcode("NOT OURS", kind).to_image(scale=4))
        picture = np.pad(drawn.reshape(drawn.shape[:2]), 40, constant_values=255)
        assert read_picture(picture) == []


def test_zbar_is_optional(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.decoders.pyzbar", None)
    monkeypatch.setattr("scanner.decoders.tapirscan", None)
    assert decoders() == ("zxing-cpp",)
    assert look_with_zbar(a_qr()).codes == ()
    assert [code.text for code in read_picture(a_qr())] == [CODE]


@settings(deadline=None, max_examples=40)
@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", min_size=1, max_size=154))
def test_what_is_drawn_is_what_is_read(text: str) -> None:
    (code,) = read_picture(a_qr(text, module_pixels=3))
    assert isinstance(code, FoundCode)
    assert (code.text, code.format) == (text, "QR")
