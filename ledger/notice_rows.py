"""Facts that people are told of, and what became of telling them: frozen, no I/O. No sentence is here."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class Audience(StrEnum):
    """Who is told."""

    OPERATOR = "operator"
    FUNDER = "funder"
    TRUSTEE = "trustee"
    APPLICANT = "applicant"  # who is no operator yet: its address comes with the fact


class NoticeKind(StrEnum):
    PAID = "paid"
    RETURNED = "returned"  # or rejected by the bank: nothing arrived
    TRANSFER_CORRECTED = "transfer_corrected"  # one of the two before was told, and is not so
    BANK_ACCOUNT_CHANGED = "bank_account_changed"
    BOOKLET_BLOCKED = "booklet_blocked"
    TOP_UP_PROPOSED = "top_up_proposed"
    EXPIRING = "expiring"
    UNQUALIFIED_SOON = "unqualified_soon"
    APPLICATION_RECEIVED = "application_received"
    APPLICATION_DECIDED = "application_decided"


AUDIENCES: Mapping[NoticeKind, tuple[Audience, ...]] = {
    NoticeKind.PAID: (Audience.OPERATOR,),
    NoticeKind.RETURNED: (Audience.OPERATOR, Audience.TRUSTEE),
    NoticeKind.TRANSFER_CORRECTED: (Audience.OPERATOR, Audience.TRUSTEE),  # whoever was told
    NoticeKind.BANK_ACCOUNT_CHANGED: (Audience.OPERATOR,),
    NoticeKind.BOOKLET_BLOCKED: (Audience.FUNDER,),
    NoticeKind.TOP_UP_PROPOSED: (Audience.FUNDER, Audience.TRUSTEE),
    NoticeKind.EXPIRING: (Audience.FUNDER, Audience.TRUSTEE),
    NoticeKind.UNQUALIFIED_SOON: (Audience.OPERATOR, Audience.TRUSTEE),
    NoticeKind.APPLICATION_RECEIVED: (Audience.APPLICANT, Audience.TRUSTEE),
    NoticeKind.APPLICATION_DECIDED: (Audience.APPLICANT,),
}
# Whoever takes an account over changes the address first: those removed of late are told as well.
TOLD_TO_FORMER_ADDRESSES = frozenset({NoticeKind.BANK_ACCOUNT_CHANGED})


# Told by itself to whom it corrects: nobody asks for it.
FOLLOWS_BY_ITSELF = frozenset({NoticeKind.TRANSFER_CORRECTED})


class NoticeState(StrEnum):
    """As the table tells them."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    UNCLEAR = "unclear"
    REFUSED = "refused"
    GIVEN_UP = "given_up"
    NO_ADDRESS = "no_address"
    DROPPED = "dropped"


# What waits for a person.
STUCK = (NoticeState.UNCLEAR, NoticeState.REFUSED, NoticeState.GIVEN_UP, NoticeState.NO_ADDRESS)


class CallState(StrEnum):
    WAITING = "waiting"
    TAKEN = "taken"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened and that people are told once. key: of this fact and of no other, for ever."""

    kind: NoticeKind
    key: str
    operator_id: int | None = None
    programme_id: int | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)  # JSON; cents, and days as 2026-11-30
    applicant: str | None = None  # the address of who is no operator yet

    def with_payload(self, **told: Any) -> "Fact":
        return replace(self, payload={**self.payload, **told})


@dataclass(frozen=True, slots=True)
class Notice:
    id: int
    fact: str
    kind: NoticeKind
    audience: Audience
    operator_id: int | None
    programme_id: int | None
    address: str | None
    payload: Mapping[str, Any]
    state: NoticeState
    attempts: int
    told_at: datetime
    next_at: datetime
    changed_at: datetime
    sent_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class ContactAddress:
    id: int
    operator_id: int | None
    programme_id: int | None
    address: str
    owner: str | None  # the operator's or the programme's name; none: the trustee's
    added_at: datetime
    removed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Webhook:
    id: int
    operator_id: int | None
    programme_id: int | None
    url: str
    seal_name: bytes
    sealed_secret: bytes
    kinds: tuple[NoticeKind, ...]
    added_at: datetime
    added_by: str
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class WebhookCall:
    id: int
    webhook_id: int
    fact: str
    kind: NoticeKind
    event_id: UUID
    payload: Mapping[str, Any]
    occurred_at: datetime
    state: CallState
    attempts: int
    next_at: datetime
    last_status: int | None
    error: str | None


class NoticeRefused(Exception):
    """Nothing was changed; the text says why and what to do."""
