"""Picture files to upright grey pixels: every kind we read, and each kind of hostile file refused by name."""

import io
import struct
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from scanner.found import IMAGE_BYTES_MAX, ImageRefusal, ImageRefused
from scanner.picture import open_picture

# Each of these takes under 20 ms alone.
REFUSED_WITHIN_CPU_SECONDS = 2  # a search that starts over at each byte takes minutes


def a_scene() -> Image.Image:
    """Dark and light corners, so that every turn and every mirror is told apart."""
    scene = Image.new("RGB", (64, 48), "white")
    scene.paste((0, 0, 0), (0, 0, 16, 16))
    scene.paste((128, 128, 128), (48, 0, 64, 16))
    return scene


def encoded(image: Image.Image, kind: str, **how: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()


def a_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def a_png(width: int = 64, height: int = 48, *, extra: bytes = b"", pixels: bytes | None = None) -> bytes:
    header = a_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    rows = zlib.compress(pixels if pixels is not None else b"\0" * (width + 1) * height)
    return b"\x89PNG\r\n\x1a\n" + header + extra + a_chunk(b"IDAT", rows) + a_chunk(b"IEND", b"")


def refusal_of(image_bytes: bytes) -> ImageRefused:
    started = time.process_time()
    with pytest.raises(ImageRefused) as refused:
        open_picture(image_bytes)
    assert time.process_time() - started < REFUSED_WITHIN_CPU_SECONDS
    assert refused.value.message.endswith(".")
    return refused.value


def alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """A wrong turn or mirror of the scene differs by 30 on average, compression and colour by 5 at most."""
    return one.shape == other.shape and float(np.mean(np.abs(one.astype(int) - other))) < 8


@pytest.mark.parametrize(
    "image_bytes",
    [
        encoded(a_scene(), "JPEG", quality=95),
        encoded(a_scene(), "JPEG", quality=95, progressive=True),
        encoded(a_scene().convert("L"), "JPEG", quality=95),
        encoded(a_scene().convert("CMYK"), "JPEG", quality=95),
        encoded(a_scene(), "PNG"),
        encoded(a_scene().convert("P"), "PNG"),
        encoded(a_scene().convert("RGBA"), "PNG"),
        encoded(a_scene().convert("LA"), "PNG"),
        encoded(Image.fromarray(np.asarray(a_scene().convert("L")).astype(np.uint16) * 16), "PNG"),
        encoded(a_scene(), "WEBP", quality=95),
        encoded(a_scene(), "WEBP", lossless=True),
        encoded(a_scene().convert("RGBA"), "WEBP", quality=95),
    ],
    ids=[
        "jpeg",
        "progressive",
        "grey-jpeg",
        "cmyk",
        "png",
        "palette",
        "rgba",
        "la",
        "twelve-bits",
        "webp",
        "lossless",
        "webp-alpha",
    ],
)
def test_every_kind_of_pixel_becomes_the_same_grey(image_bytes: bytes) -> None:
    grey = open_picture(image_bytes)
    assert grey.dtype == np.uint8
    assert alike(grey, np.asarray(a_scene().convert("L")))


def test_black_and_white_png_is_read() -> None:
    assert set(np.unique(open_picture(encoded(a_scene().convert("1"), "PNG")))) == {0, 255}


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_transparent_becomes_white_paper(kind: str) -> None:
    clear = Image.new("RGBA", (20, 20), (0, 0, 0, 0))
    clear.paste((0, 0, 0, 255), (5, 5, 10, 10))
    grey = open_picture(encoded(clear, kind, lossless=True))
    assert (grey[0, 0], grey[7, 7]) == (255, 0)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_upright_as_its_exif_says(kind: str, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = encoded(a_scene(), kind, exif=exif.tobytes(), quality=95)
    with Image.open(io.BytesIO(turned)) as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("L"))
    assert alike(open_picture(turned), expected)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_its_first_frame(kind: str) -> None:
    frames = [a_scene().rotate(90 * turn, expand=False) for turn in range(4)]
    moving = encoded(frames[0], kind, save_all=True, append_images=frames[1:], quality=95)
    assert alike(open_picture(moving), np.asarray(a_scene().convert("L")))


def test_what_a_camera_appends_behind_the_picture_is_ignored() -> None:
    film = b"\0\0\0\x18ftypmp42" + b"\xff\xda" * 1000
    assert open_picture(encoded(a_scene(), "JPEG") + film).shape == (48, 64)


@pytest.mark.parametrize(
    ("first_bytes", "name"),
    [
        (b"\0\0\0\x20ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x20ftypavif\0\0\0\0mif1avif", "AVIF"),
        (encoded(a_scene(), "TIFF"), "TIFF"),
        (encoded(a_scene(), "GIF"), "GIF"),
        (encoded(a_scene(), "BMP"), "BMP"),
        (b"%PDF-1.7\n" + b"\0" * 50, "PDF"),
        (b"GIF89a" + encoded(a_scene(), "JPEG"), "GIF"),
    ],
)
def test_another_format_is_refused_by_name(first_bytes: bytes, name: str) -> None:
    refused = refusal_of(first_bytes)
    assert refused.refusal is ImageRefusal.UNSUPPORTED_FORMAT
    assert name in refused.message


@pytest.mark.parametrize("text", [b"", b"\xff", b"PN1:ABC", b"<html>", b"PK\3\4" + b"\0" * 100])
def test_what_is_no_picture_is_told_so(text: bytes) -> None:
    assert refusal_of(text).refusal is ImageRefusal.NOT_AN_IMAGE


def test_a_file_over_the_limit_is_not_even_looked_at() -> None:
    assert refusal_of(bytes(IMAGE_BYTES_MAX + 1)).refusal is ImageRefusal.TOO_MANY_BYTES


def a_webp(width: int, height: int) -> bytes:
    body = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + b"\0" * 21
    content = b"WEBPVP8L" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(content)) + content


def a_jpeg(width: int, height: int) -> bytes:
    """An honest little file that lies about its size."""
    honest = encoded(a_scene(), "JPEG")
    frame = honest.index(b"\xff\xc0")
    return honest[: frame + 5] + struct.pack(">HH", height, width) + honest[frame + 9 :]


@pytest.mark.parametrize(
    "bomb",
    [
        a_jpeg(16_384, 4_000),
        a_jpeg(65_500, 8),
        a_png(8_192, 8_192, pixels=b""),
        a_png(100_000, 1, pixels=b""),
        a_png(1, 2**31 - 1, pixels=b""),
        a_webp(16_383, 16_383),
    ],
    ids=["jpeg", "wide-jpeg", "png", "wide-png", "tall-png", "webp"],
)
def test_a_decompression_bomb_is_refused_by_its_header(bomb: bytes) -> None:
    assert refusal_of(bomb).refusal is ImageRefusal.TOO_MANY_PIXELS


def test_a_webp_may_not_hide_a_bomb_behind_a_small_canvas() -> None:
    bomb = a_webp(16_383, 16_383)[12:]
    canvas = b"VP8X" + struct.pack("<I", 10) + b"\0" * 4 + b"\x0f\0\0" * 2
    content = b"WEBP" + canvas + bomb
    assert refusal_of(b"RIFF" + struct.pack("<I", len(content)) + content).refusal is (
        ImageRefusal.TOO_MANY_PIXELS
    )


@pytest.mark.parametrize(
    "hidden",
    [
        a_chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(50_000_000))),
        a_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(50_000_000))),
        a_chunk(b"iTXt", b"Comment\0\1\0fr\0\0" + zlib.compress(bytes(50_000_000))),
        a_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(1_000_000))) * 10,
        a_chunk(b"tEXt", b"Comment\0" + bytes(5_000_000)),
    ],
    ids=["iccp", "ztxt", "itxt", "many-ztxt", "plain-text"],
)
def test_a_png_with_a_bomb_in_its_metadata_is_refused(hidden: bytes) -> None:
    assert refusal_of(a_png(extra=hidden)).refusal is ImageRefusal.TOO_COSTLY


def test_ordinary_metadata_is_no_obstacle() -> None:
    ordinary = a_chunk(b"iCCP", b"sRGB\0\0" + zlib.compress(bytes(3_000))) + a_chunk(b"tEXt", b"Software\0x")
    assert open_picture(a_png(extra=ordinary)).shape == (48, 64)


def test_a_jpeg_drawn_in_hundreds_of_passes_is_refused() -> None:
    progressive = encoded(a_scene(), "JPEG", progressive=True)
    last_scan = progressive[progressive.rindex(b"\xff\xda") : -2]
    assert refusal_of(progressive[:-2] + last_scan * 500 + b"\xff\xd9").refusal is ImageRefusal.TOO_COSTLY


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\x00", b"\x00", b"\xff\xd0"])
def test_a_jpeg_of_filling_alone_is_refused_without_long_searching(filling: bytes) -> None:
    start = a_jpeg(64, 48).partition(b"\xff\xda")[0]
    for scan in (b"", b"\xff\xda\0\x08\1\1\0\0\x3f\0"):
        assert (
            refusal_of(start + scan + filling * (15_000_000 // len(filling))).refusal is ImageRefusal.DAMAGED
        )


def test_a_file_in_countless_splinters_is_refused() -> None:
    assert refusal_of(a_png(extra=a_chunk(b"tEXt", b"a") * 30_000)).refusal is ImageRefusal.TOO_COSTLY


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_a_picture_cut_off_in_transit_is_refused_as_damaged(kind: str, kept: float) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64), dtype=np.uint8))
    whole = encoded(noise, kind)
    assert refusal_of(whole[: int(len(whole) * kept)]).refusal is ImageRefusal.DAMAGED


@pytest.mark.parametrize(
    "contradiction",
    [
        a_png(extra=a_chunk(b"IHDR", struct.pack(">IIBBBBB", 9_000, 9_000, 8, 0, 0, 0, 0))),
        a_png(pixels=b"\0" * 100),
        a_png(0, 48),
        a_png()[:8] + encoded(a_scene(), "JPEG"),
        b"\xff\xd8\xff" + a_png(),
        b"RIFF\xff\xff\xff\xffWEBP",
        encoded(a_scene(), "JPEG").replace(b"\xff\xc0", b"\xff\xc3"),
    ],
    ids=["two-headers", "few-rows", "no-width", "png-jpeg", "jpeg-png", "empty-webp", "lossless-jpeg"],
)
def test_a_file_that_contradicts_itself_is_refused_as_damaged(contradiction: bytes) -> None:
    assert refusal_of(contradiction).refusal is ImageRefusal.DAMAGED


def test_an_exif_block_that_leads_nowhere_leaves_the_photo_as_it_is() -> None:
    for lost in (b"", b"II*\0", b"II*\0\xff\xff\xff\xff\0\0", b"MM\0*\0\0\0\x08\xff\xff", b"II+\0" * 9):
        photo = encoded(a_scene(), "JPEG", exif=b"Exif\0\0" + lost)
        assert open_picture(photo).shape == (48, 64)


@given(st.binary(max_size=300), st.sampled_from([b"", b"\xff\xd8\xff", a_png()[:33], b"RIFF0000WEBP"]))
def test_noise_is_refused_and_never_crashes(noise: bytes, start: bytes) -> None:
    with pytest.raises(ImageRefused):
        open_picture(start + noise)


@settings(deadline=None)
@given(st.data())
def test_a_mutated_picture_is_read_or_refused(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP"]))
    mutated = bytearray(encoded(a_scene(), kind))
    for _ in range(data.draw(st.integers(1, 8))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    try:
        grey = open_picture(bytes(mutated))
    except ImageRefused:
        return
    assert grey.dtype == np.uint8
    assert grey.ndim == 2
