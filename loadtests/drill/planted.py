"""Faults planted in a validator, to prove that the checker sees them: `-m loadtests.drill.planted NAME`.

Each is what somebody might well write. They are put in from outside: the service has no switch for them.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from random import Random
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg

from keys.passes import PassId
from ledger import remittances
from ledger.acceptances import acceptance_of_attempt
from ledger.claims import claim_passes
from ledger.connect import UNREACHABLE, Connection, connected
from ledger.rows import Acceptance, Candidate, Claimed, Device, Outcome
from validator import group_commit, scan
from validator.group_commit import GroupCommit
from validator.guard import Guard, Mark
from validator.guard_line import Line, Silence
from validator.keeper import SnapshotKeeper
from validator.log import set_up_log
from validator.scan import Scanning, _Scan
from validator.serve import serve
from validator.settings import Settings
from validator.snapshot import Snapshot
from validator.verdict import Accepted, Earlier, Refusal, Refused, Unsettled, Verdict

COMMIT_LATER_SECONDS = 0.15
TRIES = 10
TRY_SECONDS = 5.0
BETWEEN_TRIES_SECONDS = 0.35
CANCEL_SECONDS = 0.3


def guard_that_accepts() -> None:
    """Answer from Valkey, write PostgreSQL later: fast, until Valkey forgets."""
    decide = Scanning._decide

    async def decide_by_marks(
        self: Scanning, scans: Sequence[_Scan], device: Device, snapshot: Snapshot, now: datetime
    ) -> list[Verdict | Unsettled]:
        return [await decide_by_mark(self, one, device, snapshot, now) for one in scans]

    async def decide_by_mark(
        self: Scanning, one: _Scan, device: Device, snapshot: Snapshot, now: datetime
    ) -> Verdict | Unsettled:
        generation, pass_id = snapshot.guard_generation, one.code.pass_id
        [mark] = await self._guard.find(generation, [pass_id])
        if mark is Silence.UNAVAILABLE:
            [verdict] = await decide(self, [one], device, snapshot, now)
            return verdict
        if isinstance(mark, Mark) and not mark.is_of(one.attempt.attempt_id):
            return Refused(Refusal.ALREADY_ACCEPTED, pass_id, Earlier(mark.accepted_at, mark.site_id))
        candidate = scan._candidate(*one, device, snapshot, None, now)
        self._group_commit.submit([candidate]).add_done_callback(lambda later: later.exception())
        active_key = snapshot.active_receipt_key()
        assert active_key is not None
        row = Acceptance(
            pass_id,
            one.attempt.attempt_id,
            now.replace(microsecond=0),
            device.site_id,
            device.operator_id,
            candidate.amount_cents,
            active_key[0],
        )
        self._guard.remember(
            generation,
            pass_id,
            attempt_id=row.attempt_id,
            accepted_at=row.accepted_at,
            site_id=row.site_id,
        )
        return Accepted(row)

    Scanning._decide = decide_by_marks  # type: ignore[method-assign]


def acknowledge_before_commit() -> None:
    """Answer when the statement is done, commit a moment later: no wait for the disk."""
    pending: WeakKeyDictionary[Connection, asyncio.Task[None]] = WeakKeyDictionary()

    async def commit_later(transaction: asyncpg.transaction.Transaction) -> None:
        await asyncio.sleep(COMMIT_LATER_SECONDS)
        with contextlib.suppress(asyncpg.PostgresError, *UNREACHABLE):
            await transaction.commit()

    async def claim_and_commit_later(connection: Connection, *given: Any, **named: Any) -> list[Claimed]:
        if connection in pending:
            await pending.pop(connection)
        transaction = connection.transaction()
        await transaction.start()
        claimed = await claim_passes(connection, *given, **named)
        pending[connection] = asyncio.create_task(commit_later(transaction))
        return claimed

    group_commit.claim_passes = claim_and_commit_later  # type: ignore[attr-defined]


def undo_leaves_its_mark() -> None:
    """Undo in the record alone, and believe the guard: it goes on refusing a pass that is free."""

    async def forget_nothing(self: Guard, generation: int, pass_id: PassId) -> bool:
        return True

    async def believe_all(
        self: Scanning, pass_ids: Sequence[PassId], snapshot: Snapshot
    ) -> Sequence[Mark | Silence]:
        return await self._guard.find(snapshot.guard_generation, pass_ids)

    Guard.forget = forget_nothing  # type: ignore[method-assign]
    Scanning._marks = believe_all  # type: ignore[method-assign]


def guard_that_claims() -> None:
    """Mark a pass before it is taken, so that rivals are turned away at once."""
    decide = Scanning._decide

    async def claim_and_decide(
        self: Scanning, scans: Sequence[_Scan], device: Device, snapshot: Snapshot, now: datetime
    ) -> list[Verdict | Unsettled]:
        for code, attempt in scans:
            self._guard.remember(
                snapshot.guard_generation,
                code.pass_id,
                attempt_id=attempt.attempt_id,
                accepted_at=now,
                site_id=device.site_id,
            )
        return await decide(self, scans, device, snapshot, now)

    Scanning._decide = claim_and_decide  # type: ignore[method-assign]


def unsorted_batch() -> None:
    """Hand candidates over in whatever order they come; tampering.py takes the record's own order away."""
    next_flush = GroupCommit._next_flush
    rng = Random(os.getpid())

    def unsorted_flush(self: GroupCommit) -> list[Any]:
        flush = next_flush(self)
        rng.shuffle(flush)
        return flush

    GroupCommit._next_flush = unsorted_flush  # type: ignore[method-assign]


def retry_in_client() -> None:
    """Ask Valkey again and again, as clients do unless told otherwise, and let the scan wait."""

    async def ask_again(self: Line, commands: list[Any]) -> Sequence[Any]:
        for _ in range(TRIES):
            try:
                async with asyncio.timeout(TRY_SECONDS):
                    return await self._exchange(commands)
            except Exception:
                await self._connection.disconnect(nowait=True)
                await asyncio.sleep(BETWEEN_TRIES_SECONDS)
        return [Silence.UNAVAILABLE] * len(commands)

    Line._pipeline = ask_again  # type: ignore[method-assign]


def cancel_on_timeout() -> None:
    """Cancel what takes too long, and believe what the server then answers."""

    async def claim_or_cancel(connection: Connection, *given: Any, **named: Any) -> list[Claimed]:
        call = asyncio.ensure_future(claim_passes(connection, *given, **named))
        done, _ = await asyncio.wait({call}, timeout=CANCEL_SECONDS)
        if not done:
            async with connected(os.environ["DATABASE_URL"], purpose="cancel") as canceller:
                await canceller.execute(f"SELECT pg_cancel_backend({connection.get_server_pid()})")
        return await call

    group_commit.claim_passes = claim_or_cancel  # type: ignore[attr-defined]


def replay_without_commit() -> None:
    """Read a repeated attempt's row, and tell it as it is."""

    async def read_or_claim(
        connection: Connection, candidates: Sequence[Candidate], seals: Sequence[int], **named: Any
    ) -> list[Claimed]:
        known = [
            await acceptance_of_attempt(connection, one.attempt_id, operator_id=one.operator_id)
            for one in candidates
        ]
        new = [place for place, row in enumerate(known) if row is None]
        claimed = dict(
            zip(
                new,
                await claim_passes(
                    connection, [candidates[at] for at in new], [seals[at] for at in new], **named
                )
                if new
                else [],
                strict=True,
            )
        )
        return [
            Claimed(Outcome.REPEATED, row, ever_undone=True) if row else claimed[place]
            for place, row in enumerate(known)
        ]

    group_commit.claim_passes = read_or_claim  # type: ignore[attr-defined]


def snapshot_never_refreshed() -> None:
    """Read the facts once, and take them for fresh ever after."""
    read = SnapshotKeeper._read

    async def read_once(self: SnapshotKeeper, connection: Connection) -> None:
        if self._snapshot is None:
            await read(self, connection)
        self._read_at = time.monotonic()
        async with self._has_read:
            self._has_read.notify_all()

    SnapshotKeeper._read = read_once  # type: ignore[method-assign]


def closing_ignores_lock() -> None:
    """Close without waiting for whoever closes or undoes at the same operator."""
    remittances.LOCK_OPERATOR = "SELECT $1::integer"  # type: ignore[attr-defined]


VALIDATOR_PLANTS: Mapping[str, Callable[[], None]] = {
    plant.__name__: plant
    for plant in (
        acknowledge_before_commit,
        guard_that_claims,
        guard_that_accepts,
        unsorted_batch,
        retry_in_client,
        cancel_on_timeout,
        replay_without_commit,
        snapshot_never_refreshed,
        undo_leaves_its_mark,
        closing_ignores_lock,
    )
}


if __name__ == "__main__":
    VALIDATOR_PLANTS[sys.argv[1]]()
    set_up_log()
    serve(Settings.from_environment())
