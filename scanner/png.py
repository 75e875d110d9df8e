"""A PNG file by its chunks: size, orientation, hidden bombs. Decodes no pixel."""

import struct
import zlib
from collections.abc import Iterator

from scanner.container import COLOUR_PIXELS_MAX, Container, check_size, refuse_costly, refuse_damaged
from scanner.exif import UPRIGHT, orientation_of

CHUNKS_MAX = 20_000
# Colour profiles and texts, inflated; a screenshot has some kilobytes of them.
METADATA_BYTES_MAX = 4 * 1024 * 1024

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}


def open_png(image_bytes: bytes) -> Container:
    width, height = _size_of(image_bytes)
    orientation, metadata_bytes = UPRIGHT, 0
    kept = [_SIGNATURE]
    for number, (kind, body, chunk) in enumerate(_chunks(image_bytes)):
        if kind in _KEPT:
            if kind == b"IHDR" and number > 0:
                refuse_damaged("the PNG file describes its picture twice")
            kept.append(chunk)
            continue
        # The frames of an animation are chunks that we drop too, but they are pictures, not metadata.
        if kind != b"fdAT":
            metadata_bytes += len(body) + _inflated_bytes(kind, body)
        if metadata_bytes > METADATA_BYTES_MAX:
            refuse_costly(f"it hides more than {METADATA_BYTES_MAX // 1024**2} MiB of texts and profiles")
        if kind == b"eXIf":
            orientation = orientation_of(body)
    return Container("PNG", width, height, orientation, b"".join(kept))


def _size_of(image_bytes: bytes) -> tuple[int, int]:
    if len(image_bytes) < 33 or image_bytes[8:16] != b"\0\0\0\x0dIHDR":
        refuse_damaged("the PNG file does not begin with its size")
    width, height = struct.unpack_from(">II", image_bytes, 16)
    check_size(width, height, pixels_max=COLOUR_PIXELS_MAX)
    return width, height


def _chunks(image_bytes: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Kind, body and whole chunk, up to the end chunk; what follows that is dropped."""
    at = len(_SIGNATURE)
    for _ in range(CHUNKS_MAX):
        header = image_bytes[at : at + 8]
        if len(header) < 8:
            refuse_damaged("the PNG file breaks off")
        length, kind = struct.unpack(">I4s", header)
        chunk = image_bytes[at : at + 12 + length]
        if len(chunk) != 12 + length:
            refuse_damaged("the PNG file breaks off")
        yield kind, chunk[8:-4], chunk
        if kind == b"IEND":
            return
        at += len(chunk)
    refuse_costly(f"it is made of more than {CHUNKS_MAX} chunks")


def _inflated_bytes(kind: bytes, body: bytes) -> int:
    """How much a compressed chunk holds, counted no further than the limit."""
    packed = _packed_part(kind, body)
    try:
        return len(zlib.decompressobj().decompress(packed, METADATA_BYTES_MAX + 1)) if packed else 0
    except zlib.error:
        return 0


def _packed_part(kind: bytes, body: bytes) -> bytes:
    _, _, rest = body.partition(b"\0")
    if kind in {b"iCCP", b"zTXt"}:
        return rest[1:]
    if kind == b"iTXt" and rest[:1] == b"\1":
        # Behind the keyword: flag, method, language, translated keyword, text.
        return rest[2:].partition(b"\0")[2].partition(b"\0")[2]
    return b""
