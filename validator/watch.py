"""Keeps the gauges: every few seconds what this process knows, every two minutes what the record says.
Decides nothing, and a scrape never waits for it."""

import asyncio
import contextlib
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog

from keys.key_watch import SIGNING_DAYS_MAX, unverifiable_soon
from keys.keyring import KeyPurpose, KeyState, PublicKey
from ledger.connect import UNREACHABLE, Pool, answering
from ledger.signing_keys import passes_live_until
from ledger.watch import WatchedFigures, read_watched
from validator import metrics
from validator.group_commit import GroupCommit
from validator.guard import Guard
from validator.keeper import SnapshotKeeper
from validator.readiness import OK, readiness
from validator.receipt_desk import ReceiptDesk
from validator.trouble import CannotDecide
from validator.verdict import PARIS

LOOK_SECONDS = 5.0
RECORD_SECONDS = 120.0
SIGNS_AT_MOST = timedelta(days=SIGNING_DAYS_MAX)

log = structlog.get_logger(__name__)


class Watch:
    def __init__(
        self,
        keeper: SnapshotKeeper,
        desk: ReceiptDesk,
        guard: Guard,
        group_commit: GroupCommit,
        photos_under_way: Counter[int],
    ) -> None:
        self._keeper = keeper
        self._desk = desk
        self._guard = guard
        self._group_commit = group_commit
        self._photos_under_way = photos_under_way
        self._record_read_at = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    async def start(self, pool: Pool) -> None:
        self._task = asyncio.create_task(self._keep(pool))

    async def close(self) -> None:
        self._is_closing = True
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def look_here(self) -> None:
        """What needs no question to anybody."""
        metrics.WAITING.set(self._group_commit.waiting_count)
        metrics.SNAPSHOT_AGE.set(self._keeper.age_seconds)
        metrics.PHOTOS.set(self._photos_under_way.total())

    async def look_around(self, pool: Pool) -> None:
        ready = await readiness(self._keeper, self._desk, pool, self._guard)
        for part, told in ready.parts.items():
            metrics.PART_READY.labels(part).set(told == OK)

    async def look_at_record(self, pool: Pool) -> None:
        now = datetime.now(UTC)
        async with answering(pool) as connection:
            figures = await read_watched(connection, today=now.astimezone(PARIS).date())
            live_until = await passes_live_until(connection)
        show_figures(figures, now)
        keys = list(self._keeper.current().keyring.keys)
        metrics.KEY_WARNINGS.set(len(unverifiable_soon(keys, live_until, now)))
        for purpose in KeyPurpose:
            metrics.KEY_SIGNS.labels(purpose.value).set(signs_seconds(keys, purpose, now))

    async def _keep(self, pool: Pool) -> None:
        while not self._is_closing:
            try:
                await self._look(pool)
            except (*UNREACHABLE, asyncpg.PostgresError, CannotDecide) as error:
                log.warning("figures_not_read", error=repr(error))
            except Exception:
                # A gauge that stands still is told by its age; it must not end what keeps the others.
                log.exception("watch_failed")
            if not self._is_closing:
                await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, pool: Pool) -> None:
        self.look_here()
        await self.look_around(pool)
        if time.monotonic() - self._record_read_at >= RECORD_SECONDS:
            await self.look_at_record(pool)
            self._record_read_at = time.monotonic()


def show_figures(figures: WatchedFigures, now: datetime) -> None:
    metrics.UNEXPLAINED_LINES.set(figures.unexplained_lines)
    metrics.UNEXPLAINED_CENTS.set(figures.unexplained_cents)
    metrics.UNEXPLAINED_DAYS.set(figures.unexplained_days)
    metrics.OWED_CENTS.set(figures.owed_cents)
    metrics.LATE_REMITTANCES.set(figures.late_remittances)
    metrics.DRAFT_BATCHES.set(figures.draft_batches)
    metrics.BATCHES_UNDER_WAY.set(figures.batches_under_way)
    metrics.FIGURES_READ_AT.set(now.timestamp())


def signs_seconds(keys: list[PublicKey], purpose: KeyPurpose, now: datetime) -> float:
    """How long the newest active key should still sign; never below zero, and zero without one."""
    since = [
        key.activated_at or key.created_at
        for key in keys
        if key.purpose is purpose and key.state is KeyState.ACTIVE
    ]
    return max(0.0, (max(since) + SIGNS_AT_MOST - now).total_seconds()) if since else 0.0
