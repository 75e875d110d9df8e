"""The verdict on a pass, decided from facts that were handed in. No I/O, no clock, no text for people."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from keys.passes import PassId, PracticePass, SignedPass
from ledger.rows import Acceptance, Booklet, Claimed, Device, Outcome
from validator.snapshot import Snapshot

PARIS = ZoneInfo("Europe/Paris")
OFFLINE_AGE_MAX = timedelta(hours=72)
AGE_TOLD_MAX = timedelta(days=3_653)  # a clock told wrong by ages must not leave the calendar


class Refusal(StrEnum):
    """Why a pass is refused. Order matters: when several reasons hold, the first is told."""

    UNREADABLE = "unreadable"
    UNKNOWN_FORMAT = "unknown_format"
    UNKNOWN_KEY = "unknown_key"
    FORGED = "forged"
    REVOKED_KEY = "revoked_key"
    UNKNOWN_PASS = "unknown_pass"  # noqa: S105 - a refusal, not a password
    NOT_ACTIVE = "not_active"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    OPERATOR_NOT_QUALIFIED = "operator_not_qualified"
    SERVICE_NOT_COVERED = "service_not_covered"
    TERRITORY_NOT_COVERED = "territory_not_covered"
    OWN_PRESCRIPTION = "own_prescription"
    ALREADY_ACCEPTED = "already_accepted"
    TOO_LATE = "too_late"


class Earlier(Struct, frozen=True):
    """When and where the pass was taken first."""

    accepted_at: datetime
    site_id: int


class Accepted(Struct, frozen=True):
    acceptance: Acceptance


class Refused(Struct, frozen=True):
    refusal: Refusal
    pass_id: PassId | None = None
    earlier: Earlier | None = None
    is_practice: bool = False


class AttemptReused(Struct, frozen=True):
    """The attempt id was accepted for another pass or by another device: a mistake of the caller."""


class NotJudged(Struct, frozen=True):
    """Within a batch: a typed code past the limit on wrong ones. The others are judged."""

    message: str
    retry_after_seconds: int


class Unsettled(Struct, frozen=True):
    """The record moved on while it was asked: look again."""


Verdict: TypeAlias = Accepted | Refused | AttemptReused | NotJudged


class ScanTime(Struct, frozen=True):
    """When a scan counts. at: the instant it is judged by; is_too_late: it waited longer than allowed."""

    at: datetime
    scanned_at: datetime | None
    is_too_late: bool = False
    is_clock_known: bool = True


def scan_time(*, scanned_at: datetime | None, sent_at: datetime | None, now: datetime) -> ScanTime:
    """A scan that waited offline is judged by its own time, corrected by the offset of the device's clock.

    scanned_at and sent_at are by the device's clock; the offset is known when the request says sent_at.
    """
    if scanned_at is None:
        return ScanTime(now, None)
    age = max((sent_at or now) - scanned_at, timedelta())
    own_time = now - min(age, AGE_TOLD_MAX)
    return ScanTime(
        at=own_time,
        scanned_at=own_time,
        is_too_late=age > OFFLINE_AGE_MAX,
        is_clock_known=sent_at is not None,
    )


def refuse_early(
    code: SignedPass, device: Device, service: str | None, snapshot: Snapshot, at: datetime
) -> Refusal | None:
    """The first reason that holds, before the record is asked who took the pass; None: nothing against."""
    booklet = snapshot.booklets.get(code.pass_id.booklet)
    if code.key_revoked:
        return Refusal.REVOKED_KEY
    # Practice numbers are never money, whoever signed, and whatever rows somebody may have written by hand.
    if booklet is None or code.pass_id.is_practice or code.pass_id.number > booklet.pass_count:
        return Refusal.UNKNOWN_PASS
    return _refuse_booklet(booklet, snapshot, at) or _refuse_operator(booklet, device, service, snapshot, at)


def _refuse_booklet(booklet: Booklet, snapshot: Snapshot, at: datetime) -> Refusal | None:
    if booklet.activated_at is None or booklet.activated_at > at:
        return Refusal.NOT_ACTIVE
    if at >= snapshot.programmes[booklet.programme_id].expires_at:
        return Refusal.EXPIRED
    if booklet.cancelled_at is not None and booklet.cancelled_at <= at:
        return Refusal.CANCELLED
    return None


def _refuse_operator(
    booklet: Booklet, device: Device, service: str | None, snapshot: Snapshot, at: datetime
) -> Refusal | None:
    programme = snapshot.programmes[booklet.programme_id]
    today = at.astimezone(PARIS).date()
    covered = snapshot.services_covered(device.operator_id, programme.id, today)
    if covered is None:
        return Refusal.OPERATOR_NOT_QUALIFIED
    if service and service not in covered:
        return Refusal.SERVICE_NOT_COVERED
    if snapshot.sites[device.site_id].territory_id not in programme.territory_ids:
        return Refusal.TERRITORY_NOT_COVERED
    if snapshot.is_prescribed_by(booklet, device.mediator_id):
        return Refusal.OWN_PRESCRIPTION
    return None


def refuse_practice(code: PracticePass) -> Refused:
    """The same answer for every carrier: the key behind it is none that makes money."""
    return Refused(Refusal.UNKNOWN_KEY, code.pass_id, is_practice=True)


def judge(pass_id: PassId, claimed: Claimed, refusal: Refusal | None) -> Verdict | Unsettled:
    """What the record did decides; an early refusal stands unless the attempt was accepted before."""
    match claimed.outcome:
        case Outcome.TAKEN | Outcome.REPEATED:
            assert claimed.row is not None
            return Accepted(claimed.row)
        case Outcome.CONFLICT:
            return AttemptReused()
        case Outcome.RIVAL if refusal in {None, Refusal.TOO_LATE}:
            assert claimed.row is not None
            earlier = Earlier(claimed.row.accepted_at, claimed.row.site_id)
            return Refused(Refusal.ALREADY_ACCEPTED, pass_id, earlier)
        case _:
            return Refused(refusal, pass_id) if refusal else Unsettled()
