"""How a call is declared, so that its route and its OpenAPI entry come from the same lines."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from validator.problems import Problem

JSON_BYTES_MAX = 1024 * 1024
SIGNATURE_HEADER = "X-Device-Signature"
BODY_SECONDS_MAX = 60  # a photo of 16 MiB at 2.2 Mbit/s

Body = TypeVar("Body")


@dataclass(frozen=True)
class Endpoint:
    """answers: per status, a body type, or a media type for what is not JSON."""

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    summary: str
    answers: Mapping[int, Any]
    body: Any = None
    problems: tuple[int, ...] = ()
    query: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    is_public: bool = False


@asynccontextmanager
async def in_time() -> AsyncIterator[None]:
    """Answer 408 to a body that comes too slowly."""
    try:
        async with asyncio.timeout(BODY_SECONDS_MAX):
            yield
    except TimeoutError:
        raise Problem(408, "too-slow", f"the body took over {BODY_SECONDS_MAX} s; send it again") from None


_decoders: dict[Any, msgspec.json.Decoder[Any]] = {}  # one per body type


def _decoder(body_type: Any) -> msgspec.json.Decoder[Any]:
    if body_type not in _decoders:
        _decoders[body_type] = msgspec.json.Decoder(body_type)
    return _decoders[body_type]


async def read_body(request: web.Request, body_type: type[Body]) -> Body:
    content = await read_content(request)
    try:
        body: Body = _decoder(body_type).decode(content)
    except msgspec.DecodeError as error:  # also a ValidationError, whose text names the field
        raise Problem(400, "malformed", str(error)) from None
    except UnicodeDecodeError:
        raise Problem(400, "malformed", "the body is not UTF-8") from None
    except RecursionError:
        raise Problem(400, "malformed", "the body is nested too deeply") from None
    return body


async def read_content(request: web.Request) -> bytes:
    """The whole body, within JSON_BYTES_MAX; asked again, the same."""
    if "Content-Encoding" in request.headers:
        raise Problem(400, "malformed", "send the body as it is, without Content-Encoding")
    try:
        if request.content.is_eof():  # it came with its header, as scans do: nothing to wait for, no timer
            return await request.read()
        async with in_time():
            return await request.read()
    except web.RequestPayloadError:
        raise Problem(400, "malformed", "the body is cut short, or not encoded as its header says") from None


def whole(request: web.Request, name: str, default: int, smallest: int, largest: int) -> int:
    """A whole number of the query."""
    text = request.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 10 or not smallest <= int(text) <= largest:
        raise Problem(400, "malformed", f"{name} must be a whole number, {smallest} to {largest}")
    return int(text)


_encoder = msgspec.json.Encoder()


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=_encoder.encode(body), status=status, content_type="application/json", headers=headers
    )
