"""Territories in a programme, frozen and without I/O: conditions, grants, holdings, measures.

What follows from them is decided in programmes/granting.py.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from ledger.rule_rows import Rules


class Condition(StrEnum):
    CONVENTION_SIGNED = "convention_signed"
    PROJECT_LEAD = "project_lead"
    NETWORK_OPINION = "network_opinion"  # on the network of prescribers and operators
    TRAINING_OPINION = "training_opinion"  # on how prescribers are trained


class GrantKind(StrEnum):
    FIRST = "first"
    TOP_UP = "top_up"


class GrantState(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"


class MeasureKind(StrEnum):
    SUSPENSION = "suspension"  # nothing is granted nor dispatched until it is lifted
    REDUCTION = "reduction"  # fewer passes than were granted


class GrantRefused(Exception):
    """Nothing was granted or changed; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class ConditionMet:
    id: int
    condition: Condition
    met_on: date
    note: str
    noted_at: datetime
    noted_by: str  # an actor, as in events


@dataclass(frozen=True, slots=True)
class Grant:
    id: int
    programme_id: int
    territory_id: int
    territory: str
    kind: GrantKind
    threshold_number: int  # 0: the first grant
    passes: int
    held_passes: int  # when it was proposed, and so is consumed_passes
    consumed_passes: int
    proposed_at: datetime
    proposed_by: str
    state: GrantState
    decided_at: datetime | None
    decided_by: str | None  # the person's name
    reason: str | None
    deliver_by: date | None
    delivered_passes: int = 0
    dispatched_passes: int = 0
    delivered_on: date | None = None  # when the last of its passes arrived

    @property
    def is_delivered(self) -> bool:
        return self.delivered_passes >= self.passes


@dataclass(frozen=True, slots=True)
class Holdings:
    """A territory's passes; `held` is what it was granted less what was taken off or came back."""

    granted: int = 0
    reduced: int = 0
    restituted: int = 0
    held: int = 0
    dispatched: int = 0
    delivered: int = 0
    consumed: int = 0  # scanned, and in a closed remittance


@dataclass(frozen=True, slots=True)
class Standing:
    """All that a grant to one territory depends on, as one reading of the record has it."""

    programme_id: int
    territory_id: int
    territory: str
    rules: Rules  # in force on that day
    holdings: Holdings
    conditions: frozenset[Condition]  # that are met
    is_suspended: bool
    is_covered: bool  # by the programme, today
    grant_count: int  # approved
    refused_numbers: frozenset[int]  # thresholds whose grant a person refused
    proposed_numbers: frozenset[int]
    programme_granted: int  # passes of all territories together, which the cap holds


@dataclass(frozen=True, slots=True)
class Measure:
    id: int
    territory_id: int
    territory: str
    kind: MeasureKind
    passes: int | None
    heard_on: date
    hearing: str
    reason: str
    decided_at: datetime
    decided_by: str
    lifted_at: datetime | None
    lifted_by: str | None
    lift_reason: str | None
