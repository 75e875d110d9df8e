"""The guard in Valkey: says early that another attempt holds a pass. It may refuse or slow, never accept.

A hash per booklet; fields are pass numbers; values are marks of committed acceptances: 8 bytes of the attempt
id, 4 of the instant, 4 of the site. An empty value says "was undone once: ask the record". A mark is only
ever written where there is none, so that one delayed on its way can't hide an undo.
"""

import asyncio
import contextlib
import struct
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import hiredis
import redis.asyncio
import structlog
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from keys.passes import PassId
from validator import metrics

BUDGET_SECONDS = 0.040
GRACE_SECONDS = 0.005  # a busy process reads in it what had come in time: its own delay is not the server's
BREAKER_SECONDS = 0.5
WAITING_MAX = 10_000
PIPELINE_COMMANDS_MAX = 1_000
READ_BYTES_MAX = 64 * 1024

PREFIX = "pn:mark:"
MARK = struct.Struct(">8sII")
ASK_RECORD = b""
_MORE_TO_COME = object()

log = structlog.get_logger(__name__)


class Mark(NamedTuple):
    """A committed acceptance, as the guard remembers it."""

    attempt_tag: bytes
    accepted_at: datetime
    site_id: int

    def is_of(self, attempt_id: UUID) -> bool:
        return self.attempt_tag == attempt_tag(attempt_id)


class Silence(Enum):
    """The guard has no fact to tell, or can't be asked. Either way the record is asked."""

    NO_MARK = "no_mark"
    UNAVAILABLE = "unavailable"


Command: TypeAlias = tuple[Any, ...]


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
        self._connection: AbstractConnection | None = None  # opens when something is sent, and again
        self._replies = hiredis.Reader(notEnoughData=_MORE_TO_COME)
        self._waiting: list[tuple[Command, asyncio.Future[Any] | None]] = []  # None: nobody waits for it
        self._arrived = asyncio.Event()
        self._open_until = float("-inf")
        self._task: asyncio.Task[None] | None = None

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
        if self._may_send():
            command = ("HSETNX", booklet_key(generation, pass_id.booklet), pass_id.number, value)
            self._waiting.append((command, None))
            self._arrived.set()

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
            pool = self._client.connection_pool
            self._connection = pool.make_connection()  # type: ignore[no-untyped-call]
            self._connection.socket_timeout = None  # the budget is a whole pipeline’s
            self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._connection is not None:
            await self._connection.disconnect(nowait=True)
        if self._client is not None:
            await self._client.aclose()

    async def _ask(self, command: Command) -> Any:
        answer = self._send(command)
        if answer is None:
            metrics.GUARD_SILENCE[Silence.UNAVAILABLE.value].inc()
            return Silence.UNAVAILABLE
        return await answer

    def _may_send(self) -> bool:
        return (
            self._client is not None
            and time.monotonic() >= self._open_until
            and len(self._waiting) < WAITING_MAX
        )

    def _send(self, command: Command) -> asyncio.Future[Any] | None:
        if not self._may_send():
            return None
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((command, answer))
        self._arrived.set()
        return answer

    async def _run(self) -> None:
        """One connection, pipelined: what arrives while a pipeline is under way makes the next one."""
        while True:
            await self._arrived.wait()
            batch, self._waiting = (
                self._waiting[:PIPELINE_COMMANDS_MAX],
                self._waiting[PIPELINE_COMMANDS_MAX:],
            )
            if not self._waiting:
                self._arrived.clear()
            if not batch:
                continue
            answers = await self._pipeline([command for command, _ in batch])
            for (_, answer), value in zip(batch, answers, strict=True):
                if answer is not None and not answer.done():
                    answer.set_result(Silence.UNAVAILABLE if isinstance(value, Exception) else value)

    async def _pipeline(self, commands: list[Command]) -> Sequence[Any]:
        assert self._connection is not None
        loop = asyncio.get_running_loop()
        try:
            # No task of its own, which would cost more than the question: timers end it.
            async with asyncio.timeout(None) as limit:
                overdue = loop.call_later(
                    BUDGET_SECONDS, lambda: limit.reschedule(loop.time() + GRACE_SECONDS)
                )
                try:
                    return await self._exchange(commands)
                finally:
                    overdue.cancel()
        except Exception as error:
            # Whatever it is, it must not end the task, for which every scan would then wait.
            # What is still to come on this connection answers what nobody waits for any more.
            await self._connection.disconnect(nowait=True)
            # The breaker: for half a second nobody waits for a server that is not there.
            self._open_until = time.monotonic() + BREAKER_SECONDS
            metrics.GUARD_FAILED.inc()
            log.warning("guard_unavailable", error=repr(error), commands=len(commands))
            return [Silence.UNAVAILABLE] * len(commands)

    async def _exchange(self, commands: list[Command]) -> list[Any]:
        """redis-py opens the connection; its bookkeeping per reply would cost more than the server does.

        An error in answer to one command is a value among the replies.
        """
        assert self._connection is not None
        if not self._connection.is_connected:
            await self._connection.connect()  # type: ignore[no-untyped-call]
            self._replies = hiredis.Reader(notEnoughData=_MORE_TO_COME)
        packed = b"".join([hiredis.pack_command(command) for command in commands])
        await self._connection.send_packed_command(packed, check_health=False)
        stream = self._connection._reader
        assert stream is not None
        replies: list[Any] = []
        while len(replies) < len(commands):
            reply = self._replies.gets()
            if reply is _MORE_TO_COME:
                received = await stream.read(READ_BYTES_MAX)
                if not received:
                    raise ConnectionError("the server closed the connection")
                self._replies.feed(received)
            elif not isinstance(reply, hiredis.PushNotification):  # which answers nothing
                replies.append(reply)
        return replies
