"""Base45 (RFC 9285), strict: one text per byte string, and nothing else is read."""

import struct
from functools import cache

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

_INVALID = 255  # what find’s -1 becomes
_DIGIT_OF_BYTE = bytes(ALPHABET.find(chr(byte)) % 256 for byte in range(256))
_PAIR_OF = tuple(ALPHABET[value % 45] + ALPHABET[value // 45] for value in range(45 * 45))


def encode(data: bytes) -> str:
    pairs, odd = divmod(len(data), 2)
    triples = _triples()
    text = "".join([triples[value] for value in struct.unpack_from(f">{pairs}H", data)])
    return text + _PAIR_OF[data[-1]] if odd else text


@cache
def _triples() -> tuple[str, ...]:
    """What each two bytes are written as: some megabytes, made when the first code or receipt is written."""
    return tuple([_PAIR_OF[value % 2025] + ALPHABET[value // 2025] for value in range(2**16)])


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
