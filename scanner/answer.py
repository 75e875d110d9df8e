"""What a worker process says to the service and how it is framed on their socket. Starts no process.

JSON, not pickle: a worker handles hostile pictures, and what it says must stay data.
"""

import struct

import msgspec

from scanner.found import FoundCode, ImageRefusal

ANSWER_BYTES_MAX = 4 * 1024 * 1024
LENGTH = struct.Struct(">I")


class Ready(msgspec.Struct, tag="ready", frozen=True):
    decoders: tuple[str, ...]


class Reading(msgspec.Struct, tag="reading", frozen=True):
    """Found so far, for the case that the worker does not come to its end."""

    codes: list[FoundCode]


class Read(msgspec.Struct, tag="read", frozen=True):
    codes: list[FoundCode]


class Refused(msgspec.Struct, tag="refused", frozen=True):
    refusal: ImageRefusal
    message: str


class Failed(msgspec.Struct, tag="failed", frozen=True):
    """A fault of ours, not of the picture."""

    cause: str


Answer = Ready | Reading | Read | Refused | Failed

_decoder: msgspec.json.Decoder[Answer] = msgspec.json.Decoder(Answer)


def to_frame(answer: Answer) -> bytes:
    body = msgspec.json.encode(answer)
    return LENGTH.pack(len(body)) + body


def from_body(body: bytes) -> Answer:
    return _decoder.decode(body)
