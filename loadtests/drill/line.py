"""One connection of a phone to a validator, to be cut at any point. Just enough HTTP for our own answers.

Written out rather than taken from a client library: a library mends connections, and here they have to break.
"""

import asyncio
import re
import socket
import struct
from enum import StrEnum
from typing import NamedTuple

CONNECT_SECONDS_MAX = 5.0
ANSWER_SECONDS_MAX = 20.0  # longer than a flush may take: what is slower has broken its promise
WAITING_SECONDS_MAX = 0.03
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
RESET_AT_CLOSE = struct.pack("ii", 1, 0)

BROKEN = (OSError, asyncio.IncompleteReadError, TimeoutError)


class Cut(StrEnum):
    """Where a phone's connection goes, by a lift, a tunnel or an empty battery."""

    HALF_SENT = "half_sent"
    AFTER_SENDING = "after_sending"
    RESET_AFTER_SENDING = "reset_after_sending"
    WHILE_WAITING = "while_waiting"


class WasCut(Exception):
    """We cut the line; what became of the request nobody knows."""


class Answer(NamedTuple):
    status: int
    body: bytes


class Line:
    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(
        self,
        request: bytes,
        *,
        cut: Cut | None,
        waiting_seconds: float,
        answer_seconds: float = ANSWER_SECONDS_MAX,
    ) -> Answer:
        """Raises WasCut, or one of BROKEN; either way the next request opens a new connection."""
        try:
            async with asyncio.timeout(answer_seconds):
                return await self._ask(request, cut, waiting_seconds)
        except BaseException:
            self.drop()
            raise

    async def _ask(self, request: bytes, cut: Cut | None, waiting_seconds: float) -> Answer:
        reader, writer = await self._connected()
        writer.write(request[: len(request) // 2] if cut is Cut.HALF_SENT else request)
        await writer.drain()
        match cut:
            case Cut.RESET_AFTER_SENDING:
                connection = writer.get_extra_info("socket")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
                raise WasCut
            case Cut.HALF_SENT | Cut.AFTER_SENDING:
                raise WasCut
            case Cut.WHILE_WAITING:
                await asyncio.sleep(min(waiting_seconds, WAITING_SECONDS_MAX))
                raise WasCut
        return await self._answer(reader)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        # The other end may have gone while nobody asked: any client sees that before it sends.
        if self._reader is not None and (self._reader.at_eof() or self._reader.exception()):
            self.drop()
        if self._reader is None or self._writer is None:
            async with asyncio.timeout(CONNECT_SECONDS_MAX):
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self._reader, self._writer

    async def _answer(self, reader: asyncio.StreamReader) -> Answer:
        head = await reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        assert length is not None, head
        body = await reader.readexactly(int(length[1]))
        if b"\r\nconnection: close" in head.lower():
            self.drop()
        return Answer(int(head[9:12]), body)

    def drop(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None
