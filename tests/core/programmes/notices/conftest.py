"""One fact of each kind, and a notice of it: samples with one change."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from ledger import notice_facts
from ledger.notice_rows import Audience, Fact, Notice, NoticeKind, NoticeState
from ledger.payout_rows import OperatorAccount

NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
ACCOUNT = OperatorAccount(
    7,
    3,
    "La Fabrique à clics",
    "FR7630006000011234567890189",
    None,
    "RIB",
    NOW,
    1,
    NOW,
    2,
    NOW,
    None,
    None,
    None,
)
TRANSFER = {
    "operator_id": 3,
    "end_to_end_id": "BR-3-12-1",
    "holder": "La Fabrique à clics",
    "amount_cents": 123_450,
}


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def facts() -> dict[NoticeKind, Fact]:
    made = (
        notice_facts.paid(**TRANSFER, booked_on=date(2026, 11, 3)),
        notice_facts.returned(**TRANSFER, reason="AC04"),
        notice_facts.transfer_corrected(
            "paid:BR-3-12-1",
            operator_id=3,
            payload=notice_facts.paid(**TRANSFER, booked_on=date(2026, 11, 3)).payload,
        ),
        notice_facts.bank_account_changed(ACCOUNT, "approve", at=NOW),
        notice_facts.booklets_blocked(programme_id=1, booklets=[12, 13], cause="stolen"),
        notice_facts.top_up_proposed(
            grant_id=4,
            programme_id=1,
            programme="Pass",
            territory="Val-Rivière",
            passes=2_500,
            consumed=2_500,
            held=5_000,
        ),
        notice_facts.expiring(
            programme_id=1,
            programme="Pass",
            last_day=date(2026, 12, 31),
            days_before=30,
            days_left=30,
            remaining_passes=1_234,
        ),
        notice_facts.unqualified_soon(
            operator_id=3,
            operator="La Fabrique à clics",
            programme_id=1,
            programme="Pass",
            ends_on=date(2026, 12, 31),
            days_before=30,
        ),
        notice_facts.application_received(
            application_id=9, organisation="Déclic", siret="99900002900010", address="a@declic.example"
        ),
        notice_facts.application_decided(
            application_id=9,
            organisation="Déclic",
            address="a@declic.example",
            step="decision",
            is_accepted=False,
            reason="Aucun lieu dans le territoire.",
            appeal_until=date(2027, 1, 21),
        ),
    )
    return {fact.kind: fact for fact in made}


@pytest.fixture
def a_notice(facts: dict[NoticeKind, Fact]) -> Callable[..., Notice]:
    def made(kind: NoticeKind = NoticeKind.PAID, **changed: Any) -> Notice:
        fact = facts[kind]
        notice = Notice(
            1,
            fact.key,
            kind,
            Audience.OPERATOR,
            fact.operator_id,
            fact.programme_id,
            "compta@fabrique.example",
            fact.payload,
            NoticeState.WAITING,
            0,
            NOW,
            NOW,
            NOW,
            None,
            None,
        )
        return replace(notice, **changed)

    return made
