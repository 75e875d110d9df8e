"""Both embedded servers under one folder, and keeping them alive; what either is, is in its own file."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from types import TracebackType
from typing import Self

from embedded.postgres import Postgres
from embedded.server import Server
from embedded.valkey import Valkey

LOG = logging.getLogger(__name__)
PAUSE_AFTER_FAILURE_SECONDS_MAX = 5.0


class Servers:
    def __init__(self, postgres: Postgres, valkey: Valkey) -> None:
        self.postgres = postgres
        self.valkey = valkey

    @classmethod
    def start(cls, data: Path) -> Self:
        postgres = Postgres.start(data / "postgres")
        try:
            return cls(postgres, Valkey.start(data / "valkey"))
        except BaseException:
            postgres.stop()
            raise

    def stop(self) -> None:
        try:
            self.valkey.stop()
        finally:
            self.postgres.stop()

    def discard(self) -> None:
        """Stop both, and delete everything they kept."""
        try:
            self.valkey.discard()
        finally:
            self.postgres.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    async def keep_alive(self, *, every_seconds: float = 0.2) -> None:
        """Start again whichever died, until cancelled; one that was stopped on purpose stays stopped."""
        async with asyncio.TaskGroup() as group:
            for server in (self.postgres, self.valkey):
                group.create_task(_keep(server, every_seconds=every_seconds))


async def _keep(server: Server, *, every_seconds: float) -> None:
    pause_seconds = every_seconds
    while True:
        await asyncio.sleep(pause_seconds)
        if server.alive() or not server.wanted:
            pause_seconds = every_seconds
            continue
        LOG.warning("%s died, starting it again", server.NAME)
        try:
            if await asyncio.to_thread(server.revive):
                LOG.warning("%s is back, process %d", server.NAME, server.pid)
        except Exception:
            # Whatever the reason (a full disk, say), it may pass: giving up would need a person.
            LOG.exception("%s could not be started again", server.NAME)
            pause_seconds = min(2 * pause_seconds, PAUSE_AFTER_FAILURE_SECONDS_MAX)
