"""How long a fault is felt: to the first acceptance sent after it, without the pauses of the drill itself."""

from uuid import UUID

import pytest

from keys.passes import PassId
from loadtests.drill.evidence import Exchange
from loadtests.drill.healing import Healing
from loadtests.drill.history import Call, Excuse, Scan, Sent, Struck, Told, Verdict

SCAN = Scan(UUID(int=1), PassId(1, 1))
KILLED = Struck(0.0, "kill_validator", 1.0, (Excuse.CANNOT_DECIDE,))
ACCEPTED = Verdict("accepted", SCAN.attempt_id)


def asked(at: float, *, accepted: bool) -> Exchange:
    exchange = int(10 * at)
    sent = Sent(at, exchange, 0, 0, Call.SCAN, (SCAN,))
    told = Told(at + 0.1, exchange, 200, (ACCEPTED,)) if accepted else Told(at + 0.1, exchange, 503)
    return Exchange(sent, told)


def recovery_seconds(*exchanges: Exchange) -> float:
    [recovery] = Healing([KILLED], exchanges).recoveries()
    return recovery.seconds


def test_recovery_ends_with_the_first_acceptance_sent_after_the_fault() -> None:
    refused = [asked(1.0 + second, accepted=False) for second in range(4)]

    assert recovery_seconds(*refused, asked(5.0, accepted=True)) == pytest.approx(4.1)


def test_what_the_drill_needs_to_read_the_record_is_not_counted() -> None:
    refused = [asked(1.0 + second, accepted=False) for second in range(4)]

    assert recovery_seconds(*refused, asked(64.0, accepted=True)) == pytest.approx(3.1)


def test_a_validator_that_never_accepts_never_recovers() -> None:
    assert recovery_seconds(asked(2.0, accepted=False), asked(90.0, accepted=False)) == float("inf")
