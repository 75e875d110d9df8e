"""The facts that people are told of, each with the key by which it is told once. Pure.

Whoever records one of these calls ledger.notices.tell() with it in the same transaction.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ledger.notice_rows import Fact, NoticeKind
from ledger.payout_rows import OperatorAccount

BOOKLETS_NAMED_MAX = 20


def transfer_key(kind: NoticeKind, end_to_end_id: str, *, times_undone: int = 0) -> str:
    """A transfer that is found again after its match was undone is told again, as its correction was."""
    assert kind in {NoticeKind.PAID, NoticeKind.RETURNED}
    again = f":{times_undone + 1}" if times_undone else ""
    return f"{kind}:{end_to_end_id}{again}"


def paid(
    *,
    operator_id: int,
    end_to_end_id: str,
    holder: str,
    amount_cents: int,
    booked_on: date,
    times_undone: int = 0,
) -> Fact:
    """A transfer that our bank has booked."""
    return Fact(
        NoticeKind.PAID,
        transfer_key(NoticeKind.PAID, end_to_end_id, times_undone=times_undone),
        operator_id=operator_id,
        payload=_transfer(end_to_end_id, holder, amount_cents) | {"booked_on": booked_on.isoformat()},
    )


def returned(
    *,
    operator_id: int,
    end_to_end_id: str,
    holder: str,
    amount_cents: int,
    reason: str | None,
    times_undone: int = 0,
) -> Fact:
    """A transfer that came back, or that the bank refused."""
    return Fact(
        NoticeKind.RETURNED,
        transfer_key(NoticeKind.RETURNED, end_to_end_id, times_undone=times_undone),
        operator_id=operator_id,
        payload=_transfer(end_to_end_id, holder, amount_cents) | {"reason": reason or ""},
    )


def transfer_corrected(key: str, *, operator_id: int | None, payload: Mapping[str, Any]) -> Fact:
    """key, payload: of the notice that said what is not so."""
    kind, _, _ = key.partition(":")
    return Fact(
        NoticeKind.TRANSFER_CORRECTED,
        f"corrected:{key}",
        operator_id=operator_id,
        payload={**payload, "was": kind},
    )


def bank_account_changed(account: OperatorAccount, change: str, *, at: datetime) -> Fact:
    """change: propose, approve, refuse or block, as events say."""
    return Fact(
        NoticeKind.BANK_ACCOUNT_CHANGED,
        f"bank_account:{account.id}:{change}",
        operator_id=account.operator_id,
        payload={
            "change": change,
            "holder": account.holder,
            "iban_end": account.iban[-4:],
            "at": at.isoformat(),
            "usable_from": account.usable_from.isoformat() if account.usable_from else None,
        },
    )


def booklets_blocked(*, programme_id: int, booklets: Sequence[int], cause: str) -> Fact:
    """Cancelled by one decision. A booklet is cancelled once: the first of them names the decision."""
    numbers = sorted(booklets)
    return Fact(
        NoticeKind.BOOKLET_BLOCKED,
        f"booklets_blocked:{numbers[0]}",
        programme_id=programme_id,
        payload={"cause": cause, "count": len(numbers), "booklets": numbers[:BOOKLETS_NAMED_MAX]},
    )


def top_up_proposed(
    *,
    grant_id: int,
    programme_id: int,
    programme: str,
    territory: str,
    passes: int,
    consumed: int,
    held: int,
) -> Fact:
    return Fact(
        NoticeKind.TOP_UP_PROPOSED,
        f"top_up:{grant_id}",
        programme_id=programme_id,
        payload={
            "programme": programme,
            "territory": territory,
            "passes": passes,
            "consumed": consumed,
            "held": held,
        },
    )


def expiring(
    *,
    programme_id: int,
    programme: str,
    last_day: date,
    days_before: int,
    days_left: int,
    remaining_passes: int,
) -> Fact:
    """days_before: which of the warnings this is. An amendment that moves the last day has it told anew."""
    return Fact(
        NoticeKind.EXPIRING,
        f"expiring:{programme_id}:{last_day.isoformat()}:{days_before}",
        programme_id=programme_id,
        payload={
            "programme": programme,
            "last_day": last_day.isoformat(),
            "days_left": days_left,
            "remaining_passes": remaining_passes,
        },
    )


def unqualified_soon(
    *, operator_id: int, operator: str, programme_id: int, programme: str, ends_on: date, days_before: int
) -> Fact:
    """days_before: which of the warnings this is. An operator's: programme_id only tells its key."""
    return Fact(
        NoticeKind.UNQUALIFIED_SOON,
        f"unqualified_soon:{operator_id}:{programme_id}:{ends_on.isoformat()}:{days_before}",
        operator_id=operator_id,
        programme_id=programme_id,
        payload={"operator": operator, "programme": programme, "ends_on": ends_on.isoformat()},
    )


def application_received(*, application_id: int, organisation: str, siret: str, address: str) -> Fact:
    return Fact(
        NoticeKind.APPLICATION_RECEIVED,
        f"application:{application_id}:received",
        payload={"application": application_id, "organisation": organisation, "siret": siret},
        applicant=address,
    )


def application_decided(
    *,
    application_id: int,
    organisation: str,
    address: str,
    step: str,
    is_accepted: bool,
    reason: str,
    appeal_until: date | None,
) -> Fact:
    """step: decision or appeal. appeal_until: None where there is nothing to appeal against, or no more."""
    return Fact(
        NoticeKind.APPLICATION_DECIDED,
        f"application:{application_id}:{step}",
        payload={
            "application": application_id,
            "organisation": organisation,
            "step": step,
            "accepted": is_accepted,
            "reason": reason,
            "appeal_until": appeal_until.isoformat() if appeal_until else None,
        },
        applicant=address,
    )


def _transfer(end_to_end_id: str, holder: str, amount_cents: int) -> dict[str, object]:
    """End-to-end ids are BR-operator-remittance-attempt."""
    return {
        "end_to_end_id": end_to_end_id,
        "remittance": int(end_to_end_id.split("-")[2]),
        "holder": holder,
        "amount_cents": amount_cents,
    }
