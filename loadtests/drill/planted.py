"""Faults planted in a validator, to prove that the checker sees them: `-m loadtests.drill.planted NAME`.

Each is what somebody might well write. They are put in from outside: the service has no switch for them.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg

from keys.passes import PassId
from ledger.claims import claim_passes
from ledger.connect import UNREACHABLE, Connection
from ledger.rows import Acceptance, Claimed, Device
from validator import group_commit, scan
from validator.guard import Guard, Mark, Silence
from validator.log import set_up_log
from validator.scan import Scanning, _Scan
from validator.serve import serve
from validator.settings import Settings
from validator.snapshot import Snapshot
from validator.verdict import Accepted, Earlier, Refusal, Refused, Unsettled, Verdict

COMMIT_LATER_SECONDS = 0.15


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


def early_acknowledgement() -> None:
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
    """Undo in the record alone: the guard goes on refusing a pass that is free."""

    async def forget_nothing(self: Guard, generation: int, pass_id: PassId) -> bool:
        return True

    Guard.forget = forget_nothing  # type: ignore[method-assign]


VALIDATOR_PLANTS: Mapping[str, Callable[[], None]] = {
    plant.__name__: plant for plant in (guard_that_accepts, early_acknowledgement, undo_leaves_its_mark)
}


if __name__ == "__main__":
    VALIDATOR_PLANTS[sys.argv[1]]()
    set_up_log()
    serve(Settings.from_environment())
