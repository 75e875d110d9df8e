"""The guard in Valkey: says early that another attempt holds a pass. It may refuse or slow, never accept.

A hash per booklet; fields are pass numbers; values are marks of committed acceptances: 8 bytes of the attempt
id, 4 of the instant, 4 of the site. An empty value says "was undone once: ask the record". A mark is only
ever written where there is none, so that one delayed on its way can't hide an undo.
"""

import asyncio
import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from keys.passes import PassId
from validator import metrics
from validator.guard_line import BUDGET_SECONDS, Command, Line, Question, Silence
from validator.guard_nodes import Nodes

PREFIX = "pn:mark:"
MARK = struct.Struct(">8sII")
ASK_RECORD = b""


class Mark(NamedTuple):
    """A committed acceptance, as the guard remembers it."""

    attempt_tag: bytes
    accepted_at: datetime
    site_id: int

    def is_of(self, attempt_id: UUID) -> bool:
        return self.attempt_tag == attempt_tag(attempt_id)


def attempt_tag(attempt_id: UUID) -> bytes:
    return attempt_id.bytes[8:]  # a UUIDv7 begins with the time: its end tells attempts apart


def mark_value(attempt_id: UUID, accepted_at: datetime, site_id: int) -> bytes:
    return MARK.pack(attempt_tag(attempt_id), int(accepted_at.timestamp()), site_id)


def read_mark(value: bytes) -> Mark | None:
    """None for a value that says to ask the record, or that another version wrote."""
    if len(value) != MARK.size:
        return None
    tag, epoch_seconds, site_id = MARK.unpack(value)
    return Mark(tag, datetime.fromtimestamp(epoch_seconds, UTC), site_id)


def booklet_key(generation: int, booklet: int) -> str:
    return f"{PREFIX}{generation}:{{{booklet}}}"  # the braces keep a booklet on one node of a cluster


def open_client(url: str, *, seconds: float = BUDGET_SECONDS) -> redis.asyncio.Redis:
    """A client that never retries: a retry hides for seconds that the server is gone."""
    return redis.asyncio.Redis.from_url(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_connect_timeout=seconds,
        socket_timeout=seconds,
        max_connections=4,
    )


class Guard:
    def __init__(self, client: redis.asyncio.Redis | None) -> None:
        self._client = client
        self._nodes: Nodes | None = None

    async def find(self, generation: int, pass_ids: Sequence[PassId]) -> list[Mark | Silence]:
        """What is known of each; one question per booklet, whose passes are spent together."""
        places: dict[int, list[int]] = {}
        for place, pass_id in enumerate(pass_ids):
            places.setdefault(pass_id.booklet, []).append(place)
        asked = [
            self._send(("HMGET", booklet_key(generation, booklet), *[pass_ids[at].number for at in of]))
            for booklet, of in places.items()
        ]
        found: list[Mark | Silence] = [Silence.UNAVAILABLE] * len(pass_ids)
        for answer, of in zip(asked, places.values(), strict=True):
            values = Silence.UNAVAILABLE if answer is None else await answer
            if not isinstance(values, Silence):
                for at, value in zip(of, values, strict=True):
                    found[at] = (read_mark(value) if value is not None else None) or Silence.NO_MARK
        for one in found:
            (metrics.GUARD_MARK if isinstance(one, Mark) else metrics.GUARD_SILENCE[one.value]).inc()
        return found

    def remember(
        self, generation: int, pass_id: PassId, *, attempt_id: UUID, accepted_at: datetime, site_id: int
    ) -> None:
        """Note a committed acceptance, without waiting: a lost mark costs a look at the record."""
        value = mark_value(attempt_id, accepted_at, site_id)
        command = ("HSETNX", booklet_key(generation, pass_id.booklet), pass_id.number, value)
        line = self._line_to(command)
        if line is not None:
            line.send(Question(command, None))

    async def forget(self, generation: int, pass_id: PassId) -> bool:
        """Make the pass one to ask the record about. False: nobody knows whether it was done."""
        key = booklet_key(generation, pass_id.booklet)
        return not isinstance(await self._ask(("HSET", key, pass_id.number, ASK_RECORD)), Silence)

    async def count(self, key: str, seconds: int) -> int | None:
        """Add one to a counter that lives for some seconds; None when it can't be had."""
        counted, _ = await asyncio.gather(self._ask(("INCR", key)), self._ask(("EXPIRE", key, seconds, "NX")))
        return None if isinstance(counted, Silence) else int(counted)

    async def counted(self, key: str) -> int | None:
        value = await self._ask(("GET", key))
        if isinstance(value, Silence):
            return None
        return int(value or 0)

    async def start(self) -> None:
        if self._client is not None:
            self._nodes = Nodes(self._client)

    async def close(self) -> None:
        if self._nodes is not None:
            await self._nodes.close()
            self._nodes = None
        if self._client is not None:
            await self._client.aclose()

    async def _ask(self, command: Command) -> Any:
        answer = self._send(command)
        if answer is None:
            metrics.GUARD_SILENCE[Silence.UNAVAILABLE.value].inc()
            return Silence.UNAVAILABLE
        return await answer

    def _send(self, command: Command) -> asyncio.Future[Any] | None:
        line = self._line_to(command)
        if line is None:
            return None
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        line.send(Question(command, answer))
        return answer

    def _line_to(self, command: Command) -> Line | None:
        return None if self._nodes is None else self._nodes.line_to(command)
