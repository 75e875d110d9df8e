"""From verdicts and rows to the bodies that tell them. Nothing is decided here."""

from collections.abc import Mapping
from uuid import UUID

from msgspec import UNSET

from keys.passes import PassId
from ledger.rows import Acceptance, ListedAcceptance
from validator.bodies import (
    AcceptableBody,
    AcceptedBody,
    EarlierBody,
    ListedBody,
    NotJudgedBody,
    PassBody,
    RefusedBody,
    ReusedBody,
)
from validator.messages import ATTEMPT_REUSED, MESSAGE_OF, PRACTICE_MESSAGE, Language
from validator.receipt_desk import ReceiptDesk
from validator.snapshot import Snapshot
from validator.verdict import Accepted, AttemptReused, NotJudged, Refused, Verdict

VerdictBody = AcceptedBody | RefusedBody | ReusedBody | NotJudgedBody


def verdict_body(
    verdict: Verdict, attempt_id: UUID, *, snapshot: Snapshot, desk: ReceiptDesk, language: Language
) -> VerdictBody:
    match verdict:
        case Accepted(acceptance):
            return AcceptedBody(
                attempt_id=attempt_id,
                pass_=pass_body(acceptance.pass_id, snapshot),
                accepted_at=acceptance.accepted_at,
                receipt=desk.receipt(acceptance, snapshot),
                undone_at=acceptance.undone_at or UNSET,
            )
        case Refused():
            return refused_body(verdict, attempt_id, snapshot=snapshot, language=language)
        case AttemptReused():
            return ReusedBody(attempt_id=attempt_id, message=ATTEMPT_REUSED)
        case NotJudged(message, retry_after_seconds):
            return NotJudgedBody(attempt_id, message, retry_after_seconds)


def refused_body(
    refused: Refused, attempt_id: UUID | None, *, snapshot: Snapshot, language: Language
) -> RefusedBody:
    earlier = refused.earlier
    return RefusedBody(
        refusal=refused.refusal.value,
        message=(PRACTICE_MESSAGE if refused.is_practice else MESSAGE_OF[refused.refusal])[language],
        attempt_id=attempt_id or UNSET,
        pass_=pass_body(refused.pass_id, snapshot) if refused.pass_id else UNSET,
        earlier=EarlierBody(earlier.accepted_at, snapshot.sites[earlier.site_id].name) if earlier else UNSET,
        practice=refused.is_practice or UNSET,
    )


def acceptable_body(pass_id: PassId, snapshot: Snapshot) -> AcceptableBody:
    return AcceptableBody(pass_=pass_body(pass_id, snapshot))


def pass_body(pass_id: PassId, snapshot: Snapshot) -> PassBody:
    booklet = snapshot.booklets.get(pass_id.booklet)
    if booklet is None or pass_id.is_practice:
        return PassBody(pass_id.booklet, pass_id.number)
    programme = snapshot.programmes[booklet.programme_id]
    return PassBody(pass_id.booklet, pass_id.number, programme.face_value_cents, programme.last_day)


def listed_body(
    listed: ListedAcceptance, *, snapshot: Snapshot, service_codes: Mapping[int, str], desk: ReceiptDesk
) -> ListedBody:
    acceptance: Acceptance = listed.acceptance
    return ListedBody(
        attempt_id=acceptance.attempt_id,
        pass_=pass_body(acceptance.pass_id, snapshot),
        amount_cents=acceptance.amount_cents,
        accepted_at=acceptance.accepted_at,
        site=snapshot.sites[acceptance.site_id].name,
        service=service_codes.get(listed.service_id, ""),
        receipt=desk.receipt(acceptance, snapshot),
        remittance=listed.remittance_number,
    )
