"""Which node of Valkey holds a key. One server holds all; in a cluster, each node tells who holds the rest.

A node's word is kept per slot until that node fails: then another is asked, and tells who took its place.
"""

import asyncio
import time
from typing import Any

import hiredis
import redis.asyncio
import structlog
from redis.asyncio.connection import AbstractConnection, Connection, UnixDomainSocketConnection
from redis.crc import key_slot

from validator import metrics
from validator.guard_line import Command, Line, Question, Silence

NODES_MAX = 256
TELL_SECONDS = 10.0  # between two lines of the log about replies that help nobody

log = structlog.get_logger(__name__)


class Nodes:
    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._pool = client.connection_pool
        self._door = self._line(self._pool.make_connection())  # type: ignore[no-untyped-call]
        self._lines: dict[tuple[str, int], Line] = {}
        self._owners: dict[int, Line] = {}  # by slot, as far as it is known
        self._leaving: set[asyncio.Task[None]] = set()
        self._told_at = float("-inf")

    def line_to(self, command: Command) -> Line | None:
        """None: no node that may know the key can be asked now."""
        line = self._owners.get(key_slot(command[1].encode()), self._door) if self._owners else self._door
        if line.may_send():
            return line
        # In a cluster any other node knows who took its place.
        return next((other for other in (self._door, *self._lines.values()) if other.may_send()), None)

    async def close(self) -> None:
        for line in (self._door, *self._lines.values()):
            await line.close()
        await asyncio.gather(*self._leaving)

    def _line(self, connection: AbstractConnection) -> Line:
        return Line(connection, told_error=self._follow, failed=self._forget)

    def _follow(self, question: Question, error: hiredis.HiredisError) -> None:
        """Ask the node that holds the key, once: nodes that point at each other keep no scan waiting."""
        kind, _, told = str(error).partition(" ")
        line = self._learn(told) if kind == "MOVED" else None
        if line is not None and not question.was_moved and line.may_send():
            line.send(question._replace(was_moved=True))
            return
        question.tell(Silence.UNAVAILABLE)
        metrics.GUARD_FAILED.inc()
        if time.monotonic() - self._told_at >= TELL_SECONDS:
            self._told_at = time.monotonic()
            log.warning("guard_unavailable", error=str(error))

    def _learn(self, told: str) -> Line | None:
        """told: `SLOT HOST:PORT`."""
        slot, _, address = told.partition(" ")
        host, _, port = address.rpartition(":")
        try:
            at = (host, int(port))
            line = self._lines.get(at) or self._open(*at)
            self._owners[int(slot)] = line
        except ValueError:
            return None
        return line

    def _open(self, host: str, port: int) -> Line:
        if not host:
            raise ValueError("a cluster whose nodes do not tell their addresses")
        if len(self._lines) >= NODES_MAX:
            self._drop_one()
        kind: Any = self._pool.connection_class
        named = {name: value for name, value in self._pool.connection_kwargs.items() if name != "path"}
        if kind is UnixDomainSocketConnection:
            kind = Connection
        line = self._lines[host, port] = self._line(kind(**named | {"host": host, "port": port}))
        return line

    def _drop_one(self) -> None:
        """One of no slot if there is any: nodes that are no more, under addresses of the past."""
        owners = set(self._owners.values())
        at = min(self._lines, key=lambda at: self._lines[at] in owners)
        dropped = self._lines.pop(at)
        self._forget(dropped)
        leaving = asyncio.create_task(dropped.close())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    def _forget(self, failed: Line) -> None:
        self._owners = {slot: line for slot, line in self._owners.items() if line is not failed}
