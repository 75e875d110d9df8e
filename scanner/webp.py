"""A WebP file by its chunks: size, orientation, first frame of an animation. Decodes no pixel."""

import struct
from collections.abc import Iterator

from scanner.container import Container, check_size, refuse_costly, refuse_damaged
from scanner.exif import UPRIGHT, orientation_of

CHUNKS_MAX = 5_000
# Its decoder holds the canvas three times over, in four bytes a pixel.
WEBP_PIXELS_MAX = 16_000_000

_PICTURES = (b"VP8 ", b"VP8L")
_HAS_ALPHA = 0x10
_FRAME_HEADER_BYTES = 16


def open_webp(image_bytes: bytes) -> Container:
    orientation = UPRIGHT
    picture: tuple[bytes, bytes] | None = None
    alpha = b""
    for kind, body in _chunks(image_bytes, 12):
        if kind == b"EXIF":
            orientation = orientation_of(body.removeprefix(b"Exif\0\0"))
        elif picture is None and kind in _PICTURES:
            picture = kind, body
        elif picture is None and kind == b"ALPH":
            alpha = body
        elif picture is None and kind == b"ANMF":
            picture, alpha = _first_frame(body)
    if picture is None:
        refuse_damaged("the WebP file holds no picture")
    width, height = _size_of(*picture)
    check_size(width, height, pixels_max=WEBP_PIXELS_MAX)
    pixel_bytes = _still(*picture, alpha=alpha, width=width, height=height)
    return Container("WebP", width, height, orientation, pixel_bytes)


def _first_frame(body: bytes) -> tuple[tuple[bytes, bytes] | None, bytes]:
    parts = dict(_chunks(body, _FRAME_HEADER_BYTES))
    picture = next(((kind, parts[kind]) for kind in _PICTURES if kind in parts), None)
    return picture, parts.get(b"ALPH", b"")


def _chunks(whole: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    for _ in range(CHUNKS_MAX):
        if at >= len(whole):
            return
        header = whole[at : at + 8]
        if len(header) < 8:
            refuse_damaged("the WebP file breaks off")
        kind, length = struct.unpack("<4sI", header)
        body = whole[at + 8 : at + 8 + length]
        if len(body) != length:
            refuse_damaged("the WebP file breaks off")
        yield kind, body
        at += 8 + length + length % 2
    refuse_costly(f"it is made of more than {CHUNKS_MAX} chunks")


def _size_of(kind: bytes, body: bytes) -> tuple[int, int]:
    """The size the decoder will go by, not the one that the container tells; 0 × 0 where it is not told."""
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a" and len(body) >= 10:
        width, height = struct.unpack_from("<HH", body, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and body[:1] == b"\x2f" and len(body) >= 5:
        (bits,) = struct.unpack_from("<I", body, 1)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


def _still(kind: bytes, body: bytes, *, alpha: bytes, width: int, height: int) -> bytes:
    chunks = [(kind, body)]
    if alpha:
        canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
        chunks = [(b"VP8X", bytes((_HAS_ALPHA, 0, 0, 0)) + canvas), (b"ALPH", alpha), *chunks]
    content = b"WEBP" + b"".join(
        name + struct.pack("<I", len(part)) + part + b"\0" * (len(part) % 2) for name, part in chunks
    )
    return b"RIFF" + struct.pack("<I", len(content)) + content
