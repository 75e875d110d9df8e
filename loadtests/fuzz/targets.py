"""What is fuzzed: each target takes any bytes and lets out only what its caller expects."""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec
from aiohttp import web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request

from console.form import read_form
from console.refusal import PageRefused
from console.upload import read_upload
from keys.base45 import decode, encode
from keys.device_key import from_base64url, point_of_jwk, verifies
from keys.envelope import read_envelope
from keys.keyring import Keyring
from keys.pass_code import open_code, read_code
from keys.passes import CodeFault
from keys.practice import open_practice_code
from keys.receipt import open_receipt
from keys.short_code import looks_like_short_code, open_short_code, read_short_code
from payouts.bank.bank_file import read_bank_file
from payouts.bank.refused import FileRefused
from validator.bodies import BatchBody, CheckBody, EnrolBody, ScanBody, UndoBody

Target: TypeAlias = Callable[[bytes], None]

NO_KEYS = Keyring(())
SECRET = bytes(32)
ENVELOPE_BYTES_MAX = 400
POINT = bytes.fromhex(  # the curve's own base point: a public key whose private half is 1
    "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)
BODIES = [msgspec.json.Decoder(kind) for kind in (ScanBody, BatchBody, CheckBody, UndoBody, EnrolBody)]


def code(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    read_code(text)
    opened = open_code(text, NO_KEYS)
    assert isinstance(opened, CodeFault), "accepted without a key"
    assert open_practice_code(text, NO_KEYS) is None, "accepted without a key"
    open_receipt(text, NO_KEYS)


def short_code(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    looks_like_short_code(text)
    typed = read_short_code(text)
    if not isinstance(typed, CodeFault):
        open_short_code(typed, SECRET)


def base45(data: bytes) -> None:
    assert decode(encode(data)) == data
    with contextlib.suppress(ValueError):
        text = data.decode("ascii")
        assert encode(decode(text)) == text, "two texts for the same bytes"


def envelope(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        read_envelope(data, bytes_max=ENVELOPE_BYTES_MAX)


def device_key(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    with contextlib.suppress(ValueError):
        verifies(POINT, from_base64url(text), data)
    verifies(POINT, data, data)
    with contextlib.suppress(ValueError, RecursionError):
        jwk = json.loads(text)
        if isinstance(jwk, dict):
            point_of_jwk(jwk)


def statement(data: bytes) -> None:
    with contextlib.suppress(FileRefused):
        read_bank_file(data)


def body(data: bytes) -> None:
    for decoder in BODIES:
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            decoder.decode(data)


def form(data: bytes) -> None:
    _in_a_page(data, "application/x-www-form-urlencoded", read_form)


def multipart(data: bytes) -> None:
    _in_a_page(data, "multipart/form-data; boundary=x", read_upload)


def _in_a_page(data: bytes, media_type: str, read: Callable[[web.Request], Awaitable[object]]) -> None:
    """What a page does with a body; a refusal and an error of HTTP are its ways to say no."""

    async def work() -> None:
        stream = StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**16)
        stream.feed_data(data)
        stream.feed_eof()
        headers = {"Content-Type": media_type, "Content-Length": str(len(data))}
        request = make_mocked_request("POST", "/", headers=headers, payload=stream, client_max_size=2**20)
        request.protocol.max_field_size = request.protocol.max_headers = 8_190
        with contextlib.suppress(PageRefused, web.HTTPException):
            await read(request)

    asyncio.run(work())


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (code, short_code, base45, envelope, device_key, statement, body, form, multipart)
}
