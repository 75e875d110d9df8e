"""Orders and deliveries of booklets, frozen and without I/O."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum


class OrderState(StrEnum):
    """How far an order has come; derived from what was said of it."""

    ORDERED = "ordered"
    QUOTED = "quoted"
    PROOF_DRAWN = "proof_drawn"  # waits for a person's decision
    PROOF_REFUSED = "proof_refused"  # waits for another proof
    PROOF_APPROVED = "proof_approved"
    ISSUED = "issued"  # its booklets have their numbers; the printer's file is being written
    PRODUCED = "produced"
    CANCELLED = "cancelled"


class OrderRefused(Exception):
    """Nothing was changed; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Order:
    id: int
    programme_id: int
    booklet_count: int
    ordered_at: datetime
    ordered_by: str  # an actor, as in events
    reference: str  # the funder's own
    quoted_at: datetime | None
    quote_reference: str | None
    quote_cents: int | None
    batch_id: int | None
    production_sha256: bytes | None
    produced_at: datetime | None
    cancelled_at: datetime | None
    cancel_reason: str | None
    last_proof: str | None  # its decision, or `waiting`; None: no proof yet
    dispatched_booklets: int

    @property
    def state(self) -> OrderState:
        if self.cancelled_at is not None:
            return OrderState.CANCELLED
        if self.batch_id is not None:
            return OrderState.ISSUED if self.production_sha256 is None else OrderState.PRODUCED
        if self.quoted_at is None:
            return OrderState.ORDERED
        return {
            None: OrderState.QUOTED,
            "waiting": OrderState.PROOF_DRAWN,
            "refused": OrderState.PROOF_REFUSED,
            "approved": OrderState.PROOF_APPROVED,
        }[self.last_proof]


@dataclass(frozen=True, slots=True)
class Proof:
    id: int
    order_id: int
    batch_id: int
    pdf_sha256: bytes
    drawn_at: datetime
    drawn_by: str
    decision: str | None  # approved, refused
    decided_at: datetime | None
    decided_by: str | None  # the person's name
    reason: str | None


@dataclass(frozen=True, slots=True)
class Delivery:
    id: int
    grant_id: int
    programme_id: int
    programme: str
    funder: str
    territory_id: int
    territory: str
    booklet_count: int
    passes: int
    face_value_cents: int  # of all its passes
    dispatched_at: datetime
    dispatched_by: str
    delivered_at: datetime | None
    received_by: str | None
    note_sha256: bytes | None
    active_booklets: int  # whose passes may be taken, or were
    restituted_booklets: int
    deliver_by: date | None

    @property
    def is_active(self) -> bool:
        return self.active_booklets >= self.booklet_count


@dataclass(frozen=True, slots=True)
class BookletRange:
    """Neighbours: numbers first to last, both included."""

    first: int
    last: int

    @property
    def count(self) -> int:
        return self.last - self.first + 1
