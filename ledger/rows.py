"""Row types of the record, frozen and without I/O, so that deciding code may import them.

What each scan makes anew is a Struct, which is built in C; what is read into memory is a dataclass.
"""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from msgspec import Struct

from keys.keyring import PublicKey
from keys.passes import PassId

BOOKLETS_MAX = 1_000_000  # per instance: validators know them all; five years of the programme made 200,000


class BookletState(StrEnum):
    ISSUED = "issued"
    ACTIVE = "active"
    CANCELLED = "cancelled"


class CancelCause(StrEnum):
    LOST = "lost"
    STOLEN = "stolen"
    RECALLED = "recalled"
    REPLACED = "replaced"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Operator:
    id: int
    siret: str
    name: str


@dataclass(frozen=True, slots=True)
class Site:
    id: int
    operator_id: int
    territory_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Device:
    id: int
    operator_id: int
    site_id: int
    mediator_id: int
    label: str
    enrolled_at: datetime
    revoked_at: datetime | None
    public_key: bytes | None = None  # what it signs its requests with, if it has one


@dataclass(frozen=True, slots=True)
class Service:
    id: int
    code: str
    label: str


@dataclass(frozen=True, slots=True)
class Programme:
    id: int
    name: str
    funder: str
    contact: str
    face_value_cents: int
    booklet_size: int
    last_day: date
    expires_at: datetime
    territory_ids: frozenset[int]
    service_ids: frozenset[int]
    payment_delay_days: int  # published: from a remittance's closing to its payment


@dataclass(frozen=True, slots=True)
class Amendment:
    programme_id: int
    amended_at: datetime
    last_day_old: date
    last_day_new: date
    reason: str


@dataclass(frozen=True, slots=True)
class Qualification:
    operator_id: int
    programme_id: int
    starts_on: date
    ends_on: date | None
    service_ids: frozenset[int]


class Booklet(NamedTuple):
    """A tuple, because every validator keeps all of them in memory."""

    number: int
    programme_id: int
    state: BookletState
    pass_count: int
    activated_at: datetime | None
    cancelled_at: datetime | None
    prescribed_by: int | None
    replaced_at: datetime | None = None  # what is left of it goes out under another number
    ever_undone: bool = False  # some acceptance of its passes was undone


@dataclass(frozen=True, slots=True)
class Batch:
    """Booklets issued together: numbers first_booklet … first_booklet + booklet_count - 1."""

    id: int
    programme_id: int
    kid: bytes
    first_booklet: int
    booklet_count: int
    booklet_size: int
    expires_at: datetime

    @property
    def booklets(self) -> range:
        return range(self.first_booklet, self.first_booklet + self.booklet_count)


class BatchNumbers(NamedTuple):
    """Which numbers a batch has: a phone that reads a booklet's number finds its programme by them."""

    programme_id: int
    first_booklet: int
    booklet_count: int


@dataclass(frozen=True, slots=True)
class Facts:
    """One consistent reading of all that a validator keeps in memory."""

    keys: dict[int, PublicKey]  # by their number in the record
    operators: dict[int, Operator]
    sites: dict[int, Site]
    devices: dict[bytes, Device]  # by SHA-256 of the token
    services: dict[str, Service]  # by code
    programmes: dict[int, Programme]
    batches: tuple[BatchNumbers, ...]  # by number
    amendments: tuple[Amendment, ...]
    qualifications: tuple[Qualification, ...]
    persons: dict[int, str]
    guard_generation: int
    booklets_changed: list[Booklet]
    watermark: str  # to be given to the next load_facts()
    # Booklet and person, beside Booklet.prescribed_by: of those that several persons handed out.
    co_prescriptions: frozenset[tuple[int, int]] = frozenset()


class Candidate(Struct, frozen=True):
    """One attempt on its way to the record."""

    pass_id: PassId
    attempt_id: UUID
    device_id: int
    site_id: int
    operator_id: int
    service_id: int
    amount_cents: int
    judged_at: datetime
    scanned_at: datetime | None = None
    may_take: bool = True  # false: refused already; only its own earlier acceptance is looked for
    is_too_late: bool = False  # kept on record for the trustee


class Outcome(StrEnum):
    """What the record did with a candidate."""

    TAKEN = "taken"  # a new acceptance
    REPEATED = "repeated"  # this attempt was accepted before, perhaps undone since
    CONFLICT = "conflict"  # this attempt id was accepted for another pass or device
    RIVAL = "rival"  # another attempt holds the pass
    UNTAKEN = "untaken"  # nothing there and nothing taken


class Acceptance(Struct, frozen=True):
    pass_id: PassId
    attempt_id: UUID
    accepted_at: datetime
    site_id: int
    operator_id: int
    amount_cents: int
    receipt_key_id: int
    undone_at: datetime | None = None


class Claimed(NamedTuple):
    """The outcome, and the row that decided it: one's own, the rival's, or none."""

    outcome: Outcome
    row: Acceptance | None
    ever_undone: bool


@dataclass(frozen=True, slots=True)
class ListedAcceptance:
    """An acceptance as its operator reads it in a list."""

    acceptance: Acceptance
    device_id: int
    service_id: int
    scanned_at: datetime | None
    remittance_number: int | None
