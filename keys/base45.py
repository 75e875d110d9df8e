"""Base45 (RFC 9285), strict: one text per byte string, and nothing else is read."""

import struct
from functools import lru_cache

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

LENGTHS_CACHED_MAX = 256

_LANE = 8
_BYTE_OF_DIGIT = ALPHABET.encode().ljust(256, b"\0")
_INVALID = 255  # what find’s -1 becomes
_DIGIT_OF_BYTE = bytes(ALPHABET.find(chr(byte)) % 256 for byte in range(256))
_PAIR_OF = tuple(ALPHABET[value % 45] + ALPHABET[value // 45] for value in range(45 * 45))


def encode(data: bytes) -> str:
    pairs, odd = divmod(len(data), 2)
    text = _digits(data, pairs).translate(_BYTE_OF_DIGIT).decode()
    return text + _PAIR_OF[data[-1]] if odd else text


def _digits(data: bytes, pairs: int) -> bytearray:
    """Three digits for each two bytes, the lowest first.

    All are divided at once, as one number with a lane of eight bytes for each two: faster than a loop.
    """
    lanes = bytearray(_LANE * pairs)
    lanes[0::_LANE], lanes[1::_LANE] = data[1 : 2 * pairs : 2], data[0 : 2 * pairs : 2]
    values, low_bits = int.from_bytes(lanes, "little"), _low_bits(pairs)
    highest = values * 66_281 >> 27 & low_bits  # divided by 2,025: exact for two bytes
    rest = values - highest * 2_025
    middle = rest * 2_913 >> 17 & low_bits  # divided by 45: exact below 2,025
    lowest = rest - middle * 45
    divided = (lowest | middle << 8 | highest << 16).to_bytes(_LANE * pairs, "little")
    digits = bytearray(3 * pairs)
    digits[0::3], digits[1::3], digits[2::3] = divided[0::_LANE], divided[1::_LANE], divided[2::_LANE]
    return digits


@lru_cache(LENGTHS_CACHED_MAX)
def _low_bits(lanes: int) -> int:
    """The six lowest bits of each lane, which hold any digit."""
    return int.from_bytes((63).to_bytes(_LANE, "little") * lanes, "little")


def decode(text: str) -> bytes:
    """Raise ValueError on any text that `encode` cannot have written."""
    digits = text.encode("ascii").translate(_DIGIT_OF_BYTE)
    if _INVALID in digits:
        raise ValueError("a character outside the Base45 alphabet")
    triples, left = divmod(len(digits), 3)
    values = [a + 45 * b + 2025 * c for a, b, c in zip(digits[::3], digits[1::3], digits[2::3], strict=False)]
    try:
        data = struct.pack(f">{triples}H", *values)
        if left == 0:
            return data
        if left == 2:
            return data + struct.pack("B", digits[-2] + 45 * digits[-1])
    except struct.error:
        raise ValueError("a group of characters above the largest value") from None
    raise ValueError("one character too many or too few")
