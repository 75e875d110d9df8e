"""Keeps the snapshot fresh: a reading at each notification and every few seconds, and a bound on its age."""

import asyncio
import contextlib
import time

import structlog

from ledger.connect import UNREACHABLE, Connection, connect, ending_in
from ledger.facts import CHANNEL, load_facts
from ledger.generation import raise_if_restored
from ledger.rows import Booklet
from validator.snapshot import Snapshot, build_snapshot
from validator.trouble import CannotDecide

POLL_SECONDS = 5.0
# The guard is believed with facts no older than this, for an undo may have been unable to reach it. A little
# more than POLL_SECONDS: a line may die without a word.
MARKS_AGE_SECONDS_MAX = 6.0
SETTLE_SECONDS = 0.005  # several notifications of one transaction make one reading
RECONNECT_SECONDS = 0.3
AGE_SECONDS_MAX = 30.0
REFRESH_SECONDS_MAX = 1.0
FIRST_READING_SECONDS_MAX = 60.0
READING_SECONDS_MAX = (
    10.0  # of what has changed; a line that is dead without a word must not age the snapshot
)

log = structlog.get_logger(__name__)


class SnapshotKeeper:
    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._snapshot: Snapshot | None = None
        self._booklets: dict[int, Booklet] = {}
        self._watermark = "0"
        self._read_at = float("-inf")
        self._is_listening = False
        self._told = asyncio.Event()
        self._has_read = asyncio.Condition()
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._is_closing = False

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self._read_at

    @property
    def knows_of_undos(self) -> bool:
        """Whether what was undone anywhere has been read here, but for what was notified this instant."""
        return self._is_listening and self.age_seconds <= MARKS_AGE_SECONDS_MAX

    def current(self) -> Snapshot:
        """The facts to judge by; raises CannotDecide when they are older than AGE_SECONDS_MAX."""
        if self._snapshot is None or time.monotonic() - self._read_at > AGE_SECONDS_MAX:
            raise CannotDecide("the record can't be read")
        return self._snapshot

    async def refresh(self, seconds: float = REFRESH_SECONDS_MAX) -> bool:
        """Wait for a reading that began after this call; False when there was none in time."""
        asked_at = time.monotonic()
        self._told.set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds), self._has_read:
                await self._has_read.wait_for(lambda: self._read_at >= asked_at)
        return self._read_at >= asked_at

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        self._is_closing = True
        if self._task is not None:
            self._task.cancel()
            if self._connection is not None:
                self._connection.terminate()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _keep(self) -> None:
        while not self._is_closing:  # a cancellation is lost where its connection is closed at once
            try:
                await self._listen()
            except UNREACHABLE as error:
                log.warning("record_unreachable", error=repr(error))
            except Exception:
                # A reading that fails by our own mistake must show as a stale snapshot, never as a dead task.
                log.exception("reading_failed")
            if not self._is_closing:
                await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        connection = self._connection = await connect(self._dsn, purpose="snapshot")
        try:
            # A restored or promoted database counts its transactions anew: what changed must not be missed.
            self._booklets, self._watermark = {}, "0"
            connection.add_termination_listener(self._stop_listening)
            with ending_in(connection, READING_SECONDS_MAX):
                await connection.add_listener(CHANNEL, lambda *_: self._told.set())
                if await raise_if_restored(connection):
                    log.warning("guard_generation_raised", cause="the database was restored or promoted")
            while True:
                self._told.clear()
                seconds = FIRST_READING_SECONDS_MAX if self._watermark == "0" else READING_SECONDS_MAX
                with ending_in(connection, seconds):
                    await self._read(connection)
                self._is_listening = not connection.is_closed()
                # Not wait_for(): in Python 3.11 it loses a cancellation that comes with a notification.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(POLL_SECONDS):
                        await self._told.wait()
                await asyncio.sleep(SETTLE_SECONDS)
        finally:
            self._is_listening = False
            connection.terminate()

    def _stop_listening(self, _: object) -> None:
        self._is_listening = False
        self._told.set()

    async def _read(self, connection: Connection) -> None:
        started = time.monotonic()
        facts = await load_facts(connection, since=self._watermark)
        self._snapshot = build_snapshot(facts, self._booklets)
        self._watermark = facts.watermark
        self._read_at = started
        async with self._has_read:
            self._has_read.notify_all()
