"""Receipts: the frozen vectors, deterministic to the byte, every small change refused."""

import json
import string
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from keys import base45
from keys.keyring import keyring_from_jwks
from keys.passes import BOOKLET_MAX, CodeFault, PassId
from keys.receipt import (
    ACCEPTED_AT_MAX,
    COLUMN_MAX,
    ENVELOPE_BYTES_MAX,
    PREFIX,
    TEXT_CHARS_MAX,
    DoubtfulReceipt,
    Receipt,
    open_receipt,
    receipt_payload,
    seal_key_from,
    seal_of,
    sign_receipt,
)
from keys.signer import Ed25519Signer

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors/receipts.json").read_text())
KEYRING = keyring_from_jwks(VECTORS["keyset"])
PRIVATE_KEYS = {name: bytes.fromhex(key) for name, key in VECTORS["private_keys_hex"].items()}
SIGNER = Ed25519Signer.from_raw(PRIVATE_KEYS["receipt active"])
SIGNERS = {signer.kid.hex(): signer for signer in map(Ed25519Signer.from_raw, PRIVATE_KEYS.values())}
SEAL_KEY = bytes.fromhex(VECTORS["seal_key_hex"])
A_RECEIPT: str = VECTORS["good"][0]["text"]

receipts = st.builds(
    Receipt,
    pass_id=st.builds(PassId, st.integers(0, BOOKLET_MAX), st.integers(1, 255)),
    operator_siret=st.text(alphabet=string.digits, min_size=14, max_size=14),
    site_id=st.integers(0, COLUMN_MAX),
    amount_cents=st.integers(1, COLUMN_MAX),
    accepted_at=st.integers(1, ACCEPTED_AT_MAX),
    attempt_id=st.uuids(),
)


def name_of(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def receipt_of(vector: dict[str, Any]) -> Receipt:
    return Receipt(
        pass_id=PassId(vector["booklet"], vector["number"]),
        operator_siret=vector["operator_siret"],
        site_id=vector["site_id"],
        amount_cents=vector["amount_cents"],
        accepted_at=vector["accepted_at"],
        attempt_id=UUID(vector["attempt_id"]),
    )


@pytest.mark.parametrize("vector", VECTORS["good"], ids=name_of)
def test_a_good_vector_says_what_it_always_said(vector: dict[str, Any]) -> None:
    receipt = receipt_of(vector)
    expected = DoubtfulReceipt(receipt) if vector["key_revoked"] else receipt
    assert open_receipt(vector["text"], KEYRING) == expected


@pytest.mark.parametrize("vector", VECTORS["good"], ids=name_of)
def test_a_receipt_is_derived_again_byte_for_byte(vector: dict[str, Any]) -> None:
    payload = receipt_payload(receipt_of(vector))
    assert payload.hex() == vector["payload_hex"]
    assert seal_of(payload, SEAL_KEY) == vector["seal"]
    if "extra" not in vector["name"]:
        assert sign_receipt(receipt_of(vector), SIGNERS[vector["kid"]]) == vector["text"]


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=name_of)
def test_a_bad_vector_is_told_its_fault(vector: dict[str, Any]) -> None:
    assert open_receipt(vector["text"], KEYRING) is CodeFault(vector["fault"])


def test_every_fault_has_a_vector() -> None:
    assert {vector["fault"] for vector in VECTORS["bad"]} == set(CodeFault)


@settings(deadline=None)
@given(receipts)
def test_what_was_signed_is_what_is_opened_and_signed_again_the_same(receipt: Receipt) -> None:
    text = sign_receipt(receipt, SIGNER)
    assert len(text) <= TEXT_CHARS_MAX
    assert open_receipt(text, KEYRING) == receipt
    assert sign_receipt(replace(receipt), SIGNER) == text


def test_every_single_bit_change_of_the_envelope_is_refused() -> None:
    envelope = bytearray(base45.decode(A_RECEIPT.removeprefix(PREFIX)))
    for bit in range(len(envelope) * 8):
        envelope[bit // 8] ^= 1 << bit % 8
        assert isinstance(open_receipt(PREFIX + base45.encode(bytes(envelope)), KEYRING), CodeFault)
        envelope[bit // 8] ^= 1 << bit % 8


def test_every_single_character_changed_is_refused() -> None:
    for at in range(len(A_RECEIPT)):
        for character in set(base45.ALPHABET + "a\n") - {A_RECEIPT[at]}:
            changed = A_RECEIPT[:at] + character + A_RECEIPT[at + 1 :]
            assert isinstance(open_receipt(changed, KEYRING), CodeFault), (at, character)


@settings(deadline=None)
@given(st.binary(max_size=ENVELOPE_BYTES_MAX), st.text(max_size=TEXT_CHARS_MAX + 10))
def test_random_input_never_crashes_and_never_verifies(data: bytes, text: str) -> None:
    for hostile in (PREFIX + base45.encode(data), PREFIX + text, text):
        assert isinstance(open_receipt(hostile, KEYRING), CodeFault)


def test_nothing_over_the_maximum_is_parsed() -> None:
    called: list[str] = []

    def note(frame: Any, event: str, argument: Any) -> None:
        if event in {"call", "c_call"}:
            called.append(argument.__name__ if event == "c_call" else frame.f_code.co_name)

    text = A_RECEIPT + "0" * 10_000_000
    sys.setprofile(note)
    try:
        opened = open_receipt(text, KEYRING)
    finally:
        sys.setprofile(None)
    assert opened is CodeFault.UNREADABLE
    assert called == ["open_receipt", "len", "setprofile"]


@given(receipts, receipts)
def test_a_row_changed_by_hand_no_longer_fits_its_seal(receipt: Receipt, other: Receipt) -> None:
    seal, other_seal = (seal_of(receipt_payload(each), SEAL_KEY) for each in (receipt, other))
    assert -(2**63) <= seal < 2**63
    assert (seal == other_seal) is (receipt == other)


def test_the_seal_key_follows_the_receipt_key() -> None:
    assert seal_key_from(PRIVATE_KEYS["receipt active"]) == SEAL_KEY
    assert seal_key_from(PRIVATE_KEYS["receipt revoked"]) != SEAL_KEY
