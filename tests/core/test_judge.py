"""What the record did with a candidate decides what is told."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec.structs import replace

from keys.passes import PassId
from ledger.rows import Acceptance, Claimed, Outcome
from validator.verdict import Accepted, AttemptReused, Earlier, Refusal, Refused, Unsettled, judge

NOON = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
DAY = timedelta(days=1)
PASS = PassId(7, 3)
ATTEMPT = UUID("01890000-0000-7000-8000-000000000001")
RIVAL = UUID("01890000-0000-7000-8000-000000000002")


def a_row(attempt_id: UUID = ATTEMPT, **changed) -> Acceptance:
    return replace(Acceptance(PASS, attempt_id, NOON, 3, 2, 1_000, 1), **changed)


@pytest.mark.parametrize("refusal", [None, *Refusal])
@pytest.mark.parametrize("outcome", [Outcome.TAKEN, Outcome.REPEATED])
def test_an_accepted_attempt_stays_accepted_whatever_speaks_against_it_now(outcome, refusal):
    assert judge(PASS, Claimed(outcome, a_row(), False), refusal) == Accepted(a_row())


def test_an_undone_acceptance_is_still_told():
    undone = a_row(undone_at=NOON + DAY)
    assert judge(PASS, Claimed(Outcome.REPEATED, undone, True), None) == Accepted(undone)


@pytest.mark.parametrize("refusal", [None, *Refusal])
def test_an_attempt_id_used_for_something_else_is_a_mistake_of_the_caller(refusal):
    assert judge(PASS, Claimed(Outcome.CONFLICT, a_row(), False), refusal) == AttemptReused()


@pytest.mark.parametrize("refusal", [None, Refusal.TOO_LATE])
def test_a_rival_is_told_with_when_and_where_even_to_one_too_late(refusal):
    verdict = judge(PASS, Claimed(Outcome.RIVAL, a_row(RIVAL), False), refusal)
    assert verdict == Refused(Refusal.ALREADY_ACCEPTED, PASS, Earlier(NOON, 3))


@pytest.mark.parametrize("refusal", [one for one in Refusal if one is not Refusal.TOO_LATE])
def test_a_reason_before_already_accepted_is_told_rather_than_the_rival(refusal):
    if refusal is not Refusal.ALREADY_ACCEPTED:
        verdict = judge(PASS, Claimed(Outcome.RIVAL, a_row(RIVAL), False), refusal)
        assert verdict == Refused(refusal, PASS)


def test_nothing_taken_without_a_reason_means_the_record_moved_on():
    assert judge(PASS, Claimed(Outcome.UNTAKEN, None, False), None) == Unsettled()


@pytest.mark.parametrize("refusal", [Refusal.EXPIRED, Refusal.TOO_LATE])
def test_nothing_taken_with_a_reason_is_refused_for_it(refusal):
    assert judge(PASS, Claimed(Outcome.UNTAKEN, None, False), refusal) == Refused(refusal, PASS)
