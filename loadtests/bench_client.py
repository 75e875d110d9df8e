"""A small HTTP/1.1 client for measuring: prepared requests over kept-alive connections, every answer kept.

Answers are looked at after the clock has stopped, so that the client costs the servers beside it little.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from loadtests.bench_failure import BenchFailed

HOST = "127.0.0.1"
CONNECTIONS_MAX = 1_000
ANSWER_BYTES_MAX = 1024 * 1024
PATIENCE_SECONDS = 30.0  # beyond the burst, for the last answers

HEAD_END = b"\r\n\r\n"
LENGTH_FIELD = b"\r\ncontent-length:"


class ClientError(BenchFailed):
    """The server did not answer as HTTP asks; the text says what came instead."""


@dataclass(frozen=True, slots=True)
class Answer:
    request: int  # its place in the sequence that was sent
    status: int
    body: bytes
    seconds: float


@dataclass
class Burst:
    """What came of sending requests as fast as a number of connections take them."""

    answers: list[Answer] = field(default_factory=list)
    seconds: float = 0.0
    client_cpu_seconds: float = 0.0


def post(path: str, *, token: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send_burst(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Burst:
    """Send until the time is up or the requests are; a connection sends its next when it has its answer."""
    if not 1 <= connections <= CONNECTIONS_MAX:
        raise ValueError(f"connections must be 1 to {CONNECTIONS_MAX}, not {connections}")
    sending = _Sending(requests)
    loop = asyncio.get_running_loop()
    opened = [
        (await loop.create_connection(lambda: _Connection(sending), HOST, port))[1]
        for _ in range(min(connections, len(requests)))
    ]
    started, cpu_started = time.perf_counter(), time.process_time()
    sending.ends_at = started + seconds
    for connection in opened:
        connection.send_next()
    try:
        async with asyncio.timeout(seconds + PATIENCE_SECONDS):
            await asyncio.gather(*(connection.done for connection in opened))
    except TimeoutError:
        raise ClientError(f"no answer within {PATIENCE_SECONDS:.0f} s") from None
    finally:
        for connection in opened:
            connection.close()
    return Burst(sending.answers, time.perf_counter() - started, time.process_time() - cpu_started)


class _Sending:
    """What the connections of a burst share: the requests left, and the answers so far."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._left = iter(enumerate(requests))
        self.ends_at = float("inf")
        self.answers: list[Answer] = []

    def next_request(self) -> tuple[int, bytes] | None:
        return next(self._left, None) if time.perf_counter() < self.ends_at else None


class _Connection(asyncio.Protocol):
    def __init__(self, sending: _Sending) -> None:
        self._sending = sending
        self._received = bytearray()
        self._request = -1
        self._sent_at = 0.0
        self._transport: asyncio.Transport | None = None
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports behave like asyncio's, and are no subclass of them.
        self._transport = cast(asyncio.Transport, transport)

    def send_next(self) -> None:
        assert self._transport is not None
        request = self._sending.next_request()
        if request is None:
            self.done.set_result(None)
            return
        self._request, wire = request
        self._sent_at = time.perf_counter()
        self._transport.write(wire)

    def data_received(self, data: bytes) -> None:
        self._received += data
        try:
            answered = split_answer(self._received)
        except ClientError as error:
            self._fail(error)
            return
        if answered is not None:
            seconds = time.perf_counter() - self._sent_at
            status, body = answered
            self._received.clear()
            self._sending.answers.append(Answer(self._request, status, body, seconds))
            self.send_next()

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(ClientError(f"the server closed a connection before its answer ({error})"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _fail(self, error: ClientError) -> None:
        if not self.done.done():
            self.done.set_exception(error)


def split_answer(received: bytearray) -> tuple[int, bytes] | None:
    """Status and body, or None until all of the answer is there. Nothing follows it: none is pipelined."""
    if len(received) > ANSWER_BYTES_MAX:
        raise ClientError(f"an answer of more than {ANSWER_BYTES_MAX} bytes")
    head_end = received.find(HEAD_END)
    if head_end < 0:
        return None
    head = bytes(received[:head_end])
    _, found, length = head.lower().partition(LENGTH_FIELD)
    if not head.startswith(b"HTTP/1.1 ") or not found:
        raise ClientError(f"not an HTTP/1.1 answer with a length: {head[:200]!r}")
    body_start = head_end + len(HEAD_END)
    body_end = body_start + int(length.partition(b"\r\n")[0])
    if len(received) < body_end:
        return None
    return int(head[9:12]), bytes(received[body_start:body_end])
