"""Prescribers, their stock and what they handed out: frozen rows, without I/O."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID


class HandoutRefusal(StrEnum):
    """Why a booklet is not handed out. Order matters: when several hold, the first is told."""

    UNKNOWN_BOOKLET = "unknown_booklet"
    NOT_IN_STOCK = "not_in_stock"  # of this prescriber
    NOT_ACTIVE = "not_active"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    BEYOND_BOOKLET = "beyond_booklet"  # passes that it does not have
    HANDED_OUT = "handed_out"  # one of these passes at least
    ALREADY_ACCEPTED = "already_accepted"  # one of these passes at least
    OWN_ACCEPTANCE = "own_acceptance"  # the person took a pass of it


class UndoCause(StrEnum):
    WRONG_BOOKLET = "wrong_booklet"
    WRONG_ANSWERS = "wrong_answers"
    NOT_TAKEN = "not_taken"


@dataclass(frozen=True, slots=True)
class Prescriber:
    id: int
    name: str
    territory_id: int
    territory: str
    operator_id: int | None  # when the same organisation accepts passes as well


@dataclass(frozen=True, slots=True)
class PrescriberPerson:
    person_id: int
    name: str
    joined_at: datetime
    left_at: datetime | None
    accepts_too: bool  # has a phone in use somewhere: may hand out, and never accept the same booklets


@dataclass(frozen=True, slots=True)
class StockedBooklet:
    number: int
    programme: str
    since: datetime
    pass_count: int
    handed_out: int  # passes
    state: str


class StockLine(NamedTuple):
    """What a prescriber has: whole booklets, and those that were handed out in part."""

    prescriber: Prescriber
    whole: int
    begun: int
    left_passes: int  # not handed out yet
    up_to_30_days: int  # booklets, by how long they have been there
    up_to_90_days: int
    older: int
    last_counted_at: datetime | None
    last_difference: int | None  # counted less expected


class HandedOutInMonth(NamedTuple):
    month: date
    prescriber: str
    beneficiaries: int


@dataclass(frozen=True, slots=True)
class BookletToHandOut:
    """All that is needed to tell whether, and which passes."""

    number: int
    programme_id: int
    programme: str
    pass_count: int
    face_value_cents: int
    is_active: bool
    is_cancelled: bool
    is_expired: bool
    prescriber_id: int | None  # who has it
    is_replacement: bool  # of one that its beneficiary had
    handed_out: frozenset[int]  # pass numbers
    accepted: frozenset[int]
    accepted_by: frozenset[int]  # persons

    @property
    def first_left(self) -> int | None:
        return min(self.left, default=None)

    @property
    def left(self) -> frozenset[int]:
        return frozenset(range(1, self.pass_count + 1)) - self.handed_out - self.accepted


@dataclass(frozen=True, slots=True)
class NewHandout:
    request_id: UUID
    booklet: int
    first_pass: int
    last_pass: int
    prescriber_id: int
    person_id: int
    questionnaire_id: int | None  # None: a replacement, whose beneficiary was counted
    answers: dict[str, Any] | None
    publics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Handout:
    id: int
    request_id: UUID
    booklet: int
    first_pass: int
    last_pass: int
    prescriber_id: int
    prescriber: str
    person_id: int
    person: str
    handed_at: datetime
    is_replacement: bool
    undone_at: datetime | None

    @property
    def passes(self) -> int:
        return self.last_pass - self.first_pass + 1


@dataclass(frozen=True, slots=True)
class KeptQuestionnaire:
    id: int
    programme_id: int
    version: int
    content: dict[str, Any]
    loaded_at: datetime
    loaded_by: str
