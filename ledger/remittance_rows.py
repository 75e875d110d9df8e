"""A closed remittance, its lines and the hash over them, frozen and without I/O.

Cents are owed to the operator where they are positive.

The hash is printed on the bordereau and anybody can recompute it from the CSV: it is the SHA-256 of the lines
in their order, each written as HASHED_FIELDS joined by semicolons and ended by a line feed.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from keys.passes import PassId
from ledger.correction_rows import Correction

LINES_MAX = 10_000  # per remittance; what is beyond waits for the next closing
PARIS = ZoneInfo("Europe/Paris")

# Fields are printed and hashed: they never change. Each is digits, a UUID, an instant or a service's code, so
# that none needs quoting.
HASHED_FIELDS = (
    "siret",
    "bordereau",
    "ligne",
    "carnet",
    "pass",
    "tentative",
    "encaisse_le",
    "montant_centimes",
    "programme",
    "lieu",
    "service",
)


class RemittanceState(StrEnum):
    CLOSED = "closed"  # frozen, and waiting to be paid
    IN_PAYMENT = "in_payment"  # in a file that two persons released
    PARTLY_PAID = "partly_paid"  # the rest is disputed, or due once more
    PAID = "paid"  # on a statement of the bank
    RETURNED = "returned"  # the bank rejected the transfer or gave it back: due again


class CloseRefusal(StrEnum):
    NOTHING_TO_REMIT = "nothing-to-remit"
    REQUEST_REUSED = "request-reused"  # this request_id closed other passes than those now asked for


class Unremittable(StrEnum):
    UNKNOWN = "unknown"  # to this operator
    UNDONE = "undone"
    REMITTED = "remitted"


@dataclass(frozen=True, slots=True)
class RemittanceLine:
    line: int
    pass_id: PassId
    attempt_id: UUID
    accepted_at: datetime
    amount_cents: int
    programme_id: int
    site_id: int
    service: str  # its code; empty: not said


class RemittancePart(NamedTuple):
    """What the funds of one programme owe of a remittance."""

    programme_id: int
    line_count: int
    total_cents: int
    payment_delay_days: int  # as published when it was closed


@dataclass(frozen=True, slots=True)
class Payment:
    """How far the payment of a remittance is."""

    owed_cents: int = 0  # of what nobody contests
    is_disputed: bool = False  # more may be owed
    moving_cents: int = 0  # in files that were released, and not on a statement yet
    paid_cents: int = 0
    paid_at: datetime | None = None  # the bank's booking day
    came_back: bool = False  # some transfer of it was rejected or returned, ever
    bank_reference: str | None = None  # end-to-end ids, as the operator's own bank shows them

    @property
    def state(self) -> RemittanceState:
        if self.moving_cents:
            return RemittanceState.IN_PAYMENT
        if self.paid_cents:
            is_whole = self.paid_cents >= self.owed_cents and not self.is_disputed
            return RemittanceState.PAID if is_whole else RemittanceState.PARTLY_PAID
        return RemittanceState.RETURNED if self.came_back else RemittanceState.CLOSED


@dataclass(frozen=True, slots=True)
class RemittanceNames:
    """How the parties were called when the remittance was closed."""

    operator: str
    certified_by: str | None
    sites: dict[int, str]
    services: dict[str, str]  # by code
    programmes: dict[int, str]
    funders: dict[int, str]  # by programme


@dataclass(frozen=True, slots=True)
class Remittance:
    operator_id: int
    siret: str
    number: int
    closed_at: datetime
    line_count: int
    total_cents: int
    lines_sha256: bytes
    closed_by: str
    certification: str
    names: RemittanceNames
    parts: tuple[RemittancePart, ...]
    corrections_cents: int = 0  # netted in it: what is paid is the total and these
    payment: Payment = Payment()

    @property
    def payable_cents(self) -> int:
        return self.total_cents + self.corrections_cents

    @property
    def state(self) -> RemittanceState:
        return self.payment.state

    @property
    def payment_delay_days(self) -> int:
        return max(part.payment_delay_days for part in self.parts)

    @property
    def expected_payment_on(self) -> date:
        """The day by which all of its parts are due."""
        return payment_day(self.closed_at, self.payment_delay_days)


class ClosedRemittance(NamedTuple):
    remittance: Remittance
    lines: tuple[RemittanceLine, ...]
    corrections: tuple[Correction, ...] = ()  # of earlier remittances, netted in this one


@dataclass(frozen=True, slots=True)
class NotRemittable:
    """A closing that was refused whole, because of these attempts."""

    attempts: dict[UUID, Unremittable]


@dataclass(frozen=True, slots=True)
class Sum:
    count: int
    total_cents: int


@dataclass(frozen=True, slots=True)
class Money:
    """An operator's live acceptances, each in one of the sums."""

    accepted: Sum  # not yet in a remittance
    remitted: Sum  # in a closed remittance that is not paid
    paid: Sum
    payment_delay_days: int  # of what a closing now would hold
    expected_payment_on: date


def payment_day(closed_at: datetime, delay_days: int) -> date:
    return closed_at.astimezone(PARIS).date() + timedelta(days=delay_days)


def hashed_fields(siret: str, number: int, line: RemittanceLine) -> tuple[str, ...]:
    return (
        siret,
        str(number),
        str(line.line),
        str(line.pass_id.booklet),
        str(line.pass_id.number),
        str(line.attempt_id),
        line.accepted_at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        str(line.amount_cents),
        str(line.programme_id),
        str(line.site_id),
        line.service,
    )


def hash_of_fields(lines: Iterable[Iterable[str]]) -> bytes:
    """SHA-256 over the fields of each line, HASHED_FIELDS in their order."""
    digest = hashlib.sha256()
    for fields in lines:
        digest.update((";".join(fields) + "\n").encode())
    return digest.digest()


def hash_of_lines(siret: str, number: int, lines: Iterable[RemittanceLine]) -> bytes:
    return hash_of_fields(hashed_fields(siret, number, line) for line in lines)
