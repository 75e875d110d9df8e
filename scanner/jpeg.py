"""A JPEG file by its markers: size, orientation, number of scans. Decodes no pixel."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from scanner.container import (
    COLOUR_PIXELS_MAX,
    IMAGE_PIXELS_MAX,
    Container,
    check_size,
    refuse_costly,
    refuse_damaged,
)
from scanner.exif import UPRIGHT, orientation_of

# Phones write up to a few hundred segments of metadata, progressive files about ten scans.
SEGMENTS_MAX = 2_000
SCANS_MAX = 40

_END, _SCAN, _EXIF = 0xD9, 0xDA, 0xE1
_PROGRESSIVE = 0xC2
_HUFFMAN_FRAMES = {0xC0, 0xC1, _PROGRESSIVE}
_OTHER_FRAMES = {0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
# Tables, restart interval, and Adobe's segment, which says how CMYK is to be understood.
_KEPT = {0xC4, 0xDB, 0xDD, 0xEE, _SCAN} | _HUFFMAN_FRAMES
# In the data of a scan 0xFF is always followed by zero or a restart number; anything else is a marker.
_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")


@dataclass
class _Walk:
    """What was learnt on the way from marker to marker."""

    size: tuple[int, int] | None = None
    orientation: int | None = None
    scans: int = 0
    kept: list[bytes] = field(default_factory=lambda: [b"\xff\xd8"])


def open_jpeg(image_bytes: bytes) -> Container:
    walk = _Walk()
    for marker, body, data in _segments(image_bytes):
        _note(walk, marker, body)
        if marker in _KEPT:
            walk.kept += [bytes((0xFF, marker)), struct.pack(">H", len(body) + 2), body, data]
    if walk.size is None or walk.scans == 0:
        refuse_damaged("the JPEG file holds no picture")
    width, height = walk.size
    pixel_bytes = b"".join([*walk.kept, b"\xff\xd9"])
    return Container("JPEG", width, height, walk.orientation or UPRIGHT, pixel_bytes)


def _note(walk: _Walk, marker: int, body: bytes) -> None:
    if marker in _OTHER_FRAMES:
        refuse_damaged("its kind of JPEG is not one that cameras write")
    if marker in _HUFFMAN_FRAMES:
        if walk.size is not None or len(body) < 6:
            refuse_damaged("the JPEG file describes its picture wrongly")
        height, width, components = struct.unpack_from(">HHB", body, 1)
        by_rows = marker != _PROGRESSIVE and components <= 3
        check_size(width, height, pixels_max=IMAGE_PIXELS_MAX if by_rows else COLOUR_PIXELS_MAX)
        walk.size = width, height
    elif marker == _SCAN:
        walk.scans += 1
        if walk.scans > SCANS_MAX:
            refuse_costly(f"it is drawn in more than {SCANS_MAX} passes")
    elif marker == _EXIF and walk.orientation is None and body.startswith(b"Exif\0\0"):
        walk.orientation = orientation_of(body[6:])


def _segments(image_bytes: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Marker, body and, for a scan, the data behind it, up to the end marker.

    What follows the end marker (a second picture, a film) is the camera maker's affair and dropped.
    """
    at = 2
    for _ in range(SEGMENTS_MAX):
        found = _MARKER.search(image_bytes, at)
        if found is None:
            refuse_damaged("the JPEG file breaks off")
        marker, at = found[1][0], found.end()
        if marker == _END:
            return
        length = int.from_bytes(image_bytes[at : at + 2], "big")
        body = image_bytes[at + 2 : at + length]
        if length < 2 or len(body) != length - 2:
            refuse_damaged("the JPEG file breaks off")
        at += length
        data = b""
        if marker == _SCAN:
            following = _MARKER.search(image_bytes, at)
            if following is None:
                refuse_damaged("the JPEG file breaks off in the middle of its pixels")
            data = image_bytes[at : following.start()]
            at = following.start()
        yield marker, body, data
    refuse_costly(f"it is made of more than {SEGMENTS_MAX} segments")
