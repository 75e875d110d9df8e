"""New inputs from old ones, by chance with a seed: what runs where no coverage-guided fuzzer is installed."""

import random
from collections.abc import Iterator, Sequence

CHANGES_MAX = 6
INPUT_BYTES_MAX = 64 * 1024
PIECES = (
    *(
        b"\0",
        b"\xff",
        b"\xff\xff\xff\xff",
        b"\x7f\xff\xff\xff",
        b"\xc3\x28",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
    ),
    *(b"\r\n", b"\r\n\r\n", b"--x\r\n", b"--x--\r\n", b"Content-Disposition: form-data; name=a\r\n\r\n"),
    *(b"9" * 400, b"1e999", b"-1", b"[" * 600, b'{"a":' * 600, b'"\\ud800"', b"&e;", b"<!DOCTYPE a>"),
    *(b"A" * 9_000, b"PN1:", b"%", b"=", b"&", b";", b'"', b"\xe2\x80\xae"),
)


def mutated(seeds: Sequence[bytes], chance: random.Random) -> Iterator[bytes]:
    """Without end; the seeds themselves come first."""
    yield from seeds
    while True:
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randint(1, CHANGES_MAX)):
            _change(data, seeds, chance)
        yield bytes(data[:INPUT_BYTES_MAX])


def _change(data: bytearray, seeds: Sequence[bytes], chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    match chance.randrange(7):
        case 0:
            data[at : at + 1] = chance.randbytes(1)
        case 1 if at < len(data):
            data[at] ^= 1 << chance.randrange(8)
        case 2:
            del data[at : at + chance.randint(1, 32)]
        case 3:
            data[at:at] = data[at : at + chance.randint(1, 64)]
        case 4:
            data[at:at] = chance.choice(PIECES)
        case 5:
            other = chance.choice(seeds)
            start = chance.randrange(len(other) + 1)
            data[at:at] = other[start : start + chance.randint(1, 100)]
        case _:
            del data[at:]
