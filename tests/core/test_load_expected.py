"""What a load test takes for a right answer: it must see each answer that a wrong server might give."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from keys.keyring import KeyPurpose, Keyring, KeyState, PublicKey
from keys.passes import PassId
from keys.receipt import Receipt, sign_receipt
from keys.signer import Ed25519Signer
from loadtests.load.expected import (
    fault_if_not_acceptable,
    fault_if_not_accepted,
    fault_if_not_read,
    fault_if_not_taken_before,
)

ATTEMPT, OTHER = str(UUID(int=1)), str(UUID(int=2))
SIGNER = Ed25519Signer.from_raw(bytes(32))
KEYRING = Keyring.from_keys(
    [
        PublicKey(
            SIGNER.kid,
            KeyPurpose.RECEIPT,
            KeyState.ACTIVE,
            SIGNER.raw_public_key,
            datetime(2026, 1, 1, tzinfo=UTC),
        )
    ]
)


def a_receipt(attempt_id: str = ATTEMPT, number: int = 3) -> str:
    receipt = Receipt(PassId(7, number), "99900001100018", 1, 1_000, 1_780_000_000, UUID(attempt_id))
    return sign_receipt(receipt, SIGNER)


def an_acceptance(**changed):
    accepted = {
        "verdict": "accepted",
        "attempt_id": ATTEMPT,
        "pass": {"booklet": 7, "number": 3},
        "receipt": a_receipt(),
    }
    return accepted | changed


def test_an_acceptance_with_its_receipt_is_right():
    assert fault_if_not_accepted(an_acceptance(), ATTEMPT, KEYRING) is None
    assert fault_if_not_accepted(an_acceptance(), ATTEMPT, None) is None


@pytest.mark.parametrize(
    "wrong",
    [
        "503: busy",
        {"verdict": "refused", "refusal": "expired"},
        an_acceptance(attempt_id=OTHER),
        an_acceptance(receipt=a_receipt(OTHER)),
        an_acceptance(receipt=a_receipt(number=4)),
        an_acceptance(receipt=a_receipt()[:-6] + "000000"),
    ],
    ids=["a text", "a refusal", "another attempt", "its receipt", "another pass", "a forged receipt"],
)
def test_each_wrong_acceptance_is_seen(wrong):
    assert fault_if_not_accepted(wrong, ATTEMPT, KEYRING)


def test_a_second_use_must_be_told_of_the_first():
    refused = {"verdict": "refused", "refusal": "already_accepted", "attempt_id": ATTEMPT}
    told = refused | {"earlier": {"accepted_at": "2026-06-15T10:00:00Z", "site": "Lieu"}}
    assert fault_if_not_taken_before(told, ATTEMPT) is None
    assert fault_if_not_taken_before(refused, ATTEMPT)
    assert fault_if_not_taken_before(told, OTHER)
    assert fault_if_not_taken_before(an_acceptance(), ATTEMPT)


def test_a_check_and_a_photo_must_tell_the_pass_and_its_code():
    assert fault_if_not_acceptable({"verdict": "acceptable", "pass": {"booklet": 7, "number": 3}}) is None
    assert fault_if_not_acceptable({"verdict": "refused", "refusal": "expired"})
    assert fault_if_not_read({"codes": [{"text": "PN1:A"}]}, "PN1:A") is None
    assert fault_if_not_read({"codes": []}, "PN1:A")
    assert fault_if_not_read("413", "PN1:A")
