"""A clerk: looks after something in the record, round after round, while the service runs."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from ledger.connect import UNREACHABLE, Connection, connected, ending_in

LOOK_SECONDS_MAX = 1800.0  # a line that died without a word would keep its clerk for ever

log = structlog.get_logger(__name__)


class Clerk:
    """look: one round, over a connection of its own, whose end releases the locks that the round took."""

    def __init__(
        self, name: str, dsn: str, look: Callable[[Connection], Awaitable[object]], *, seconds: float
    ) -> None:
        self.name = name
        self._dsn = dsn
        self._look = look
        self._seconds = seconds
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._is_closing = False

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name=self.name)

    async def close(self) -> None:
        self._is_closing = True
        if self._task is not None:
            self._task.cancel()
            if self._connection is not None:
                self._connection.terminate()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def look(self) -> object:
        async with connected(self._dsn, purpose=self.name) as self._connection:
            with ending_in(self._connection, LOOK_SECONDS_MAX):
                return await self._look(self._connection)

    async def _keep(self) -> None:
        while not self._is_closing:  # a cancellation is lost where its connection is closed at once
            try:
                await self.look()
            except UNREACHABLE as error:
                log.warning("record_unreachable", clerk=self.name, error=repr(error))
            except Exception:
                log.exception("clerk_failed", clerk=self.name)
            if not self._is_closing:
                await asyncio.sleep(self._seconds)
