"""The orientation tag of an EXIF block, and nothing else of it.

A full EXIF parser follows every offset it is given: 65,535 tags may each point at the same megabytes.
"""

import struct

UPRIGHT = 1
_ORIENTATION_TAG = 0x0112
_SHORT = 3
_TAGS_MAX = 512


def orientation_of(tiff: bytes) -> int:
    """1 to 8; upright where there is none or where it cannot be understood."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 10:
        return UPRIGHT
    (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
    if directory + 2 > len(tiff):
        return UPRIGHT
    (tags,) = struct.unpack_from(f"{order}H", tiff, directory)
    for number in range(min(tags, _TAGS_MAX)):
        entry = directory + 2 + 12 * number
        if entry + 12 > len(tiff):
            break
        tag, kind, count, value = struct.unpack_from(f"{order}HHIH", tiff, entry)
        if tag == _ORIENTATION_TAG:
            return value if (kind, count) == (_SHORT, 1) and 1 <= value <= 8 else UPRIGHT
    return UPRIGHT
