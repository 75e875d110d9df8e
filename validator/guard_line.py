"""One pipelined connection to a node of Valkey. It never retries; one that fails is left alone for a while.

Nothing of what is asked is known here.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, NamedTuple, TypeAlias

import hiredis
import structlog
from redis.asyncio.connection import AbstractConnection

from validator import metrics

BUDGET_SECONDS = 0.040
GRACE_SECONDS = 0.005  # a busy process reads in it what had come in time: its own delay is not the server's
BREAKER_SECONDS = 0.5
WAITING_MAX = 10_000
PIPELINE_COMMANDS_MAX = 1_000
READ_BYTES_MAX = 64 * 1024

_MORE_TO_COME = object()

log = structlog.get_logger(__name__)

Command: TypeAlias = tuple[Any, ...]  # its key comes second


class Silence(Enum):
    """The guard has no fact to tell, or can't be asked. Either way the record is asked."""

    NO_MARK = "no_mark"
    UNAVAILABLE = "unavailable"


class Question(NamedTuple):
    command: Command
    answer: asyncio.Future[Any] | None  # None: nobody waits for it
    was_moved: bool = False

    def tell(self, value: Any) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(value)


class Line:
    """told_error: what to do with a question whose reply is an error. failed: the node did not answer."""

    def __init__(
        self,
        connection: AbstractConnection,
        *,
        told_error: Callable[[Question, hiredis.HiredisError], None],
        failed: Callable[["Line"], None],
    ) -> None:
        self._connection = connection  # opens when something is sent, and again
        self._connection.socket_timeout = None  # the budget is a whole pipeline’s
        self._told_error = told_error
        self._failed = failed
        self._replies = hiredis.Reader(notEnoughData=_MORE_TO_COME)
        self._waiting: list[Question] = []
        self._asked: list[Question] = []  # those of the pipeline under way
        self._arrived = asyncio.Event()
        self._open_until = float("-inf")
        self._task = asyncio.create_task(self._run())

    def may_send(self) -> bool:
        return time.monotonic() >= self._open_until and len(self._waiting) < WAITING_MAX

    def send(self, question: Question) -> None:
        self._waiting.append(question)
        self._arrived.set()

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        for question in (*self._asked, *self._waiting):
            question.tell(Silence.UNAVAILABLE)
        await self._connection.disconnect(nowait=True)

    async def _run(self) -> None:
        """What arrives while a pipeline is under way makes the next one."""
        while True:
            await self._arrived.wait()
            self._asked, self._waiting = (
                self._waiting[:PIPELINE_COMMANDS_MAX],
                self._waiting[PIPELINE_COMMANDS_MAX:],
            )
            if not self._waiting:
                self._arrived.clear()
            if not self._asked:
                continue
            answers = await self._pipeline([question.command for question in self._asked])
            for question, value in zip(self._asked, answers, strict=True):
                if isinstance(value, hiredis.HiredisError):
                    self._told_error(question, value)
                else:
                    question.tell(value)

    async def _pipeline(self, commands: list[Command]) -> Sequence[Any]:
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
            with contextlib.suppress(Exception):
                await self._connection.disconnect(nowait=True)
            # The breaker: for half a second nobody waits for a server that is not there.
            self._open_until = time.monotonic() + BREAKER_SECONDS
            metrics.GUARD_FAILED.inc()
            log.warning("guard_unavailable", error=repr(error), commands=len(commands))
            turned_away, self._waiting = self._waiting, []
            for question in turned_away:
                question.tell(Silence.UNAVAILABLE)
            self._failed(self)
            return [Silence.UNAVAILABLE] * len(commands)

    async def _exchange(self, commands: list[Command]) -> list[Any]:
        """redis-py opens the connection; its bookkeeping per reply would cost more than the server does.

        An error in answer to one command is a value among the replies.
        """
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
