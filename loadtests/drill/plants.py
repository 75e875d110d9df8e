"""The planted faults by name: where each goes, the load that surely shows it, what it is caught as."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from ledger.connect import Connection
from loadtests.drill.plan import BATCH_SHARE, CLOSE_SHARE, UNDO_SHARE
from loadtests.drill.tampering import drop_unique_key, unsort_claims
from loadtests.drill.violation import Kind
from loadtests.drill.world import WORLDS, World

SETTLE_SECONDS = 1.2


@dataclass(frozen=True)
class Plant:
    caught_as: frozenset[Kind]  # any of them
    in_validator: bool = True  # planted.py
    in_database: Callable[[Connection], Awaitable[None]] | None = None  # tampering.py
    world: World = WORLDS["plain"]
    faults: tuple[str, ...] = ()
    undo_share: float = UNDO_SHARE
    close_share: float = CLOSE_SHARE
    batch_share: float = BATCH_SHARE
    settle_seconds: float = SETTLE_SECONDS
    is_quick: bool = True  # tried at each `make test`; the others by `poincon drill --plant`


def _kinds(*kinds: Kind) -> frozenset[Kind]:
    return frozenset(kinds)


PLANTS: Mapping[str, Plant] = {
    # Whenever PostgreSQL is killed, a commit is still to come nearly always, at two validators.
    "acknowledge_before_commit": Plant(_kinds(Kind.ACCEPTED_LOST), faults=("kill_postgres", "kill_postgres")),
    # Whoever claims and then is not taken leaves a mark that refuses all others.
    "guard_that_claims": Plant(
        _kinds(Kind.REFUSED_WITHOUT_OWNER), faults=("cut_postgres",) * 3, is_quick=False
    ),
    # The last round begins with an empty guard, which then accepts every pass a second time.
    "guard_that_accepts": Plant(_kinds(Kind.ACCEPTED_LOST), is_quick=False),
    # Rivals in batches, at two validators, on a record that takes its time.
    "unsorted_batch": Plant(
        _kinds(Kind.DEADLOCK), in_database=unsort_claims, batch_share=0.9, is_quick=False
    ),
    "retry_in_client": Plant(_kinds(Kind.HELD_UP), faults=("freeze_valkey",) * 4, is_quick=False),
    # What was cancelled while it waited for the standby is told as done, and lost with the first disk.
    "cancel_on_timeout": Plant(
        _kinds(Kind.ACCEPTED_LOST), world=WORLDS["standby"], faults=("promote_standby",) * 2, is_quick=False
    ),
    # Without the guard's help, every new attempt of the last round takes its pass again.
    "missing_unique_key": Plant(_kinds(Kind.TAKEN_TWICE), in_validator=False, in_database=drop_unique_key),
    # A row that is on one disk only is read and told, and lost with that disk.
    "replay_without_commit": Plant(
        _kinds(Kind.ACCEPTED_LOST), world=WORLDS["standby"], faults=("promote_standby",) * 2, is_quick=False
    ),
    # Passes whose key was revoked seconds ago are taken by validators that never heard of it.
    "snapshot_never_refreshed": Plant(_kinds(Kind.ACCEPTED_REVOKED), settle_seconds=3.5, is_quick=False),
    # Passes that nobody took again after their undo are refused in the first of the last rounds.
    "undo_leaves_its_mark": Plant(_kinds(Kind.REFUSED_WITHOUT_OWNER), undo_share=0.5),
    # Two closings at once take the same number and lines, which the record refuses: an internal error.
    "closing_ignores_lock": Plant(
        _kinds(Kind.BAD_STATUS, Kind.BAD_REMITTANCE), undo_share=0.3, close_share=0.3
    ),
}
