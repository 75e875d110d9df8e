"""Corrections and disputes, frozen and without I/O, and which corrections a closing nets.

Cents are the operator's: a positive correction gives it more, a negative one takes back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class CorrectionCause(StrEnum):
    OVERPAID = "overpaid"
    FRAUD = "fraud"
    ERROR = "error"
    GOODWILL = "goodwill"


class DisputeOutcome(StrEnum):
    RELEASED = "released"  # paid after all, by a transfer of its own
    CORRECTED = "corrected"  # never paid


@dataclass(frozen=True, slots=True)
class Correction:
    id: int
    operator_id: int
    programme_id: int
    amount_cents: int
    cause: CorrectionCause
    reason: str
    attempt_id: UUID | None  # the acceptance it is about, if it is about one
    decided_at: datetime
    remittance_number: int | None = None  # in which it was netted
    claimed_at: datetime | None = None  # by letter, because no remittance could bear it


@dataclass(frozen=True, slots=True)
class Dispute:
    id: int
    operator_id: int
    number: int  # of the remittance
    line: int
    programme_id: int
    amount_cents: int
    reason: str
    opened_at: datetime
    outcome: DisputeOutcome | None
    resolved_at: datetime | None
    resolution: str | None


def netted(
    waiting: Sequence[Correction], *, owed_cents: Mapping[int, int], funds_cents: Mapping[int, int]
) -> list[Correction]:
    """Which of the waiting corrections a closing takes along, by programme and in their order.

    A deduction is never more than what the same programme pays of this remittance, and waits for its elders;
    what is given needs money that is there. owed_cents, funds_cents: by programme, before any correction.
    """
    owed, funds, held_up = dict(owed_cents), dict(funds_cents), set[int]()
    taken = []
    for one in waiting:
        programme_id = one.programme_id
        if one.amount_cents < 0:
            fits = programme_id not in held_up and owed.get(programme_id, 0) + one.amount_cents >= 0
            if not fits:
                held_up.add(programme_id)
        else:
            fits = one.amount_cents <= funds.get(programme_id, 0)
        if fits:
            owed[programme_id] = owed.get(programme_id, 0) + one.amount_cents
            funds[programme_id] = funds.get(programme_id, 0) - one.amount_cents
            taken.append(one)
    return taken
