"""Which node of Valkey holds a key. One server holds all; in a cluster, each node tells who holds the rest.

A node's word is kept per slot until that node fails: then another is asked, and tells who took its place.
"""

from typing import Any

import hiredis
import redis.asyncio
from redis.asyncio.connection import AbstractConnection, Connection, UnixDomainSocketConnection
from redis.crc import key_slot

from validator.guard_line import Command, Line, Question, Silence

NODES_MAX = 256


class Nodes:
    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._pool = client.connection_pool
        self._door = self._line(self._pool.make_connection())  # type: ignore[no-untyped-call]
        self._lines: dict[tuple[str, int], Line] = {}
        self._owners: dict[int, Line] = {}  # by slot, as far as it is known

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

    def _line(self, connection: AbstractConnection) -> Line:
        return Line(connection, told_error=self._follow, failed=self._forget)

    def _follow(self, question: Question, error: hiredis.HiredisError) -> None:
        """Ask the node that holds the key, once: nodes that point at each other keep no scan waiting."""
        kind, _, told = str(error).partition(" ")
        line = self._learn(told) if kind == "MOVED" else None
        if line is None or question.was_moved or not line.may_send():
            question.tell(Silence.UNAVAILABLE)
        else:
            line.send(question._replace(was_moved=True))

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
        if not host or len(self._lines) >= NODES_MAX:
            raise ValueError("a cluster whose nodes do not tell their addresses, or too many")
        kind: Any = self._pool.connection_class
        named = {name: value for name, value in self._pool.connection_kwargs.items() if name != "path"}
        if kind is UnixDomainSocketConnection:
            kind = Connection
        line = self._lines[host, port] = self._line(kind(**named | {"host": host, "port": port}))
        return line

    def _forget(self, failed: Line) -> None:
        self._owners = {slot: line for slot, line in self._owners.items() if line is not failed}
