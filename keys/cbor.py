"""Claims as deterministic CBOR (RFC 8949, 4.2.1): a small writer and a strict reader. No signatures.

The reader takes one spelling per meaning: shortest numbers, definite lengths, keys in ascending order.
"""

import math
import struct
from functools import lru_cache

DEPTH_MAX = 4
NAMES_MAX = 64

Claim = int | bytes | str | None
"""None stands for a value of a kind that no claim of ours has (an array, a float…): read, not kept."""

_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_INFO_OF_SIZE = {1: 24, 2: 25, 4: 26, 8: 27}
_SMALLEST_OF_SIZE = {1: 24, 2: 2**8, 4: 2**16, 8: 2**32}
_FLOAT_FORMAT_OF_INFO = {25: ">e", 26: ">f", 27: ">d"}
_FALSE, _UNDEFINED = 20, 23


def write_claims(claims: dict[int, int | bytes | str]) -> bytes:
    entries = sorted([(_write_key(key), _write_item(value)) for key, value in claims.items()])
    return _write_head(_MAP, len(entries)) + b"".join([key + value for key, value in entries])


def read_claims(data: bytes) -> dict[int | str, Claim]:
    """Raise ValueError on anything but one map, spelled deterministically, keyed by numbers or text."""
    try:
        major, count, at = _read_head(data, 0)
        if major != _MAP:
            raise ValueError("claims must be a map")
        claims: dict[int | str, Claim] = {}
        previous_key = b""
        for _ in range(count):
            key, key_end = _read_item(data, at, DEPTH_MAX)
            if not isinstance(key, int | str):
                raise ValueError("a claim's name must be a number or a text")
            previous_key = _ascending(data[at:key_end], previous_key)
            claims[key], at = _read_item(data, key_end, DEPTH_MAX)
    except IndexError:
        raise ValueError("cut short") from None
    if at != len(data):
        raise ValueError("bytes after the claims")
    return claims


@lru_cache(NAMES_MAX)
def _write_key(key: int) -> bytes:
    """Claims have a handful of names, written millions of times."""
    return _write_item(key)


def byte_string(data: bytes) -> bytes:
    return _write_head(_BYTES, len(data)) + data


def unsigned(number: int) -> bytes:
    return _write_head(_UNSIGNED, number)


def _read_item(data: bytes, at: int, depth: int) -> tuple[Claim, int]:
    if data[at] >> 5 == _SIMPLE:
        return None, _skip_simple(data, at)
    major, argument, at = _read_head(data, at)
    if major == _UNSIGNED:
        return argument, at
    if major == _NEGATIVE:
        return -1 - argument, at
    if major in {_BYTES, _TEXT}:
        end = at + argument
        if end > len(data):
            raise ValueError("cut short")
        return (data[at:end] if major == _BYTES else data[at:end].decode()), end
    if depth == 0:
        raise ValueError(f"nested more than {DEPTH_MAX} deep")
    return None, _skip_nested(data, at, major, argument, depth - 1)


def _read_head(data: bytes, at: int) -> tuple[int, int, int]:
    """The kind of the item at `at`, its number or length, and where its content starts."""
    major, info = data[at] >> 5, data[at] & 31
    if info < 24:
        return major, info, at + 1
    if info > 27:
        raise ValueError("an indefinite length")
    size = 1 << (info - 24)
    end = at + 1 + size
    argument = int.from_bytes(data[at + 1 : end])
    if end > len(data):
        raise ValueError("cut short")
    if argument < _SMALLEST_OF_SIZE[size]:
        raise ValueError("a number longer than it needs to be")
    return major, argument, end


def _skip_nested(data: bytes, at: int, major: int, count: int, depth: int) -> int:
    if major == _MAP:
        previous_key = b""
        for _ in range(count):
            _, key_end = _read_item(data, at, depth)
            previous_key = _ascending(data[at:key_end], previous_key)
            _, at = _read_item(data, key_end, depth)
        return at
    for _ in range(count if major == _ARRAY else 1):
        _, at = _read_item(data, at, depth)
    return at


def _skip_simple(data: bytes, at: int) -> int:
    info = data[at] & 31
    if _FALSE <= info <= _UNDEFINED:
        return at + 1
    if info not in _FLOAT_FORMAT_OF_INFO:
        raise ValueError("a simple value without a meaning")
    end = at + 1 + (1 << (info - 24))
    if end > len(data):
        raise ValueError("cut short")
    if data[at:end] != _write_float(struct.unpack(_FLOAT_FORMAT_OF_INFO[info], data[at + 1 : end])[0]):
        raise ValueError("a float longer than it needs to be")
    return end


def _ascending(key: bytes, previous_key: bytes) -> bytes:
    if key <= previous_key:
        raise ValueError("a key twice or out of order")
    return key


def _write_item(item: int | bytes | str) -> bytes:
    if isinstance(item, int):
        return _write_head(_UNSIGNED, item) if item >= 0 else _write_head(_NEGATIVE, -1 - item)
    if isinstance(item, bytes):
        return _write_head(_BYTES, len(item)) + item
    text = item.encode()
    return _write_head(_TEXT, len(text)) + text


def _write_head(major: int, argument: int) -> bytes:
    if argument < 24:
        return (major << 5 | argument).to_bytes(1)
    size = 1 if argument < 2**8 else 2 if argument < 2**16 else 4 if argument < 2**32 else 8
    return (major << 5 | _INFO_OF_SIZE[size]).to_bytes(1) + argument.to_bytes(size)


def _write_float(number: float) -> bytes:
    """The shortest of the three widths that keeps the number."""
    if math.isnan(number):  # one spelling of NaN, whatever its bits
        return b"\xf9\x7e\x00"
    for info, form in ((25, ">e"), (26, ">f")):
        try:
            packed = struct.pack(form, number)
        except OverflowError:
            continue
        if struct.unpack(form, packed)[0] == number:
            return bytes([_SIMPLE << 5 | info]) + packed
    return bytes([_SIMPLE << 5 | 27]) + struct.pack(">d", number)
