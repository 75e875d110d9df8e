"""Group commit: hands candidates to claim_passes() (migrations/0002) and reads back what it did."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from keys.passes import PassId
from ledger.connect import Connection
from ledger.rows import Acceptance, Candidate, Claimed, Outcome

CANDIDATES_MAX = 256  # per flush: bounds the locks that one flush holds and the time that it takes

CLAIM = (
    "SELECT * FROM claim_passes($1::bigint[], $2::smallint[], $3::uuid[], $4::integer[], $5::integer[],"
    " $6::integer[], $7::smallint[], $8::integer[], $9::timestamptz[], $10::timestamptz[], $11::boolean[],"
    " $12::text[], $13::bigint[], $14, $15)"
)


async def claim_passes(
    connection: Connection,
    candidates: Sequence[Candidate],
    seals: Sequence[int],
    *,
    accepted_at: datetime,
    receipt_key_id: int,
) -> list[Claimed]:
    """Take what is free and judge the rest, in one committed call; outcomes in the order of the candidates.

    When this returns, every row told is committed with fsync, on a synchronous standby too.
    """
    assert len(candidates) <= CANDIDATES_MAX
    assert len({candidate.pass_id for candidate in candidates}) == len(candidates)
    assert len({candidate.attempt_id.int for candidate in candidates}) == len(candidates)
    rows = await connection.fetch(
        CLAIM,
        [c.pass_id.booklet for c in candidates],
        [c.pass_id.number for c in candidates],
        [c.attempt_id for c in candidates],
        [c.device_id for c in candidates],
        [c.site_id for c in candidates],
        [c.operator_id for c in candidates],
        [c.service_id for c in candidates],
        [c.amount_cents for c in candidates],
        [c.scanned_at for c in candidates],
        [c.judged_at for c in candidates],
        [c.may_take for c in candidates],
        ["too_late" if c.is_too_late else None for c in candidates],
        seals,
        accepted_at,
        receipt_key_id,
    )
    assert len(rows) == len(candidates)
    claimed: list[Claimed | None] = [None] * len(candidates)
    for ordinal, outcome, attempt_id, *facts, ever_undone in rows:
        pass_id = candidates[ordinal - 1].pass_id
        row = None if attempt_id is None else _acceptance(pass_id, attempt_id, *facts)
        claimed[ordinal - 1] = Claimed(Outcome(outcome), row, ever_undone)
    return [one for one in claimed if one is not None]


def _acceptance(
    pass_id: PassId,
    attempt_id: UUID,
    accepted_at: datetime,
    site_id: int,
    operator_id: int,
    amount_cents: int,
    receipt_key_id: int,
    undone_at: datetime | None,
) -> Acceptance:
    return Acceptance(
        pass_id, attempt_id, accepted_at, site_id, operator_id, amount_cents, receipt_key_id, undone_at
    )
