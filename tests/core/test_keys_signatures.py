"""Signatures that lenient libraries take: whichever library verifies, ours takes the honest one only."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.keyring import KeyPurpose, KeyState, PublicKey, VerifyKey
from keys.signer import KEY_BYTES, Ed25519Signer, kid_of

FILE = Path(__file__).parents[1] / "vectors" / "signatures.json"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))["vectors"]
CREATED = datetime(2026, 1, 1, tzinfo=UTC)

private_keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)


def verify_key(raw: bytes) -> VerifyKey:
    return VerifyKey(PublicKey(kid_of(raw), KeyPurpose.PASS_CODE, KeyState.ACTIVE, raw, CREATED))


def openssl_takes(raw: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(raw).verify(signature, message)
    except InvalidSignature:
        return False
    return True


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_only_the_honest_signature_is_taken(vector):
    raw, signature, message = (bytes.fromhex(vector[part]) for part in ("public_key", "signature", "message"))
    assert verify_key(raw).verifies(signature, message) is vector["good"]
    # Another library agrees, but for keys and points that no honest signer has: of them it takes more.
    assert openssl_takes(raw, signature, message) is (vector["good"] or "openssl_takes_it" in vector)


@settings(deadline=None, max_examples=60)
@given(private_keys, st.binary(max_size=200), st.integers(0, 511))
def test_two_libraries_sign_alike_and_take_what_the_other_signed_and_nothing_next_to_it(drawn, message, bit):
    theirs, ours = Ed25519PrivateKey.from_private_bytes(drawn), Ed25519Signer.from_raw(drawn)
    signature = ours.sign(message)
    assert signature == theirs.sign(message)
    assert verify_key(ours.raw_public_key).verifies(signature, message)
    assert openssl_takes(ours.raw_public_key, signature, message)
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    assert not verify_key(ours.raw_public_key).verifies(bytes(changed), message)
    assert not openssl_takes(ours.raw_public_key, bytes(changed), message)
