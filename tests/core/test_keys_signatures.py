"""Signatures that lenient libraries take: whichever library verifies, ours takes the honest one only."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keys.keyring import KeyPurpose, KeyState, PublicKey, VerifyKey
from keys.signer import kid_of

FILE = Path(__file__).parents[1] / "vectors" / "signatures.json"
VECTORS = json.loads(FILE.read_text(encoding="utf-8"))["vectors"]
CREATED = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_only_the_honest_signature_is_taken(vector):
    raw = bytes.fromhex(vector["public_key"])
    key = VerifyKey(PublicKey(kid_of(raw), KeyPurpose.PASS_CODE, KeyState.ACTIVE, raw, CREATED))
    signature, message = bytes.fromhex(vector["signature"]), bytes.fromhex(vector["message"])
    assert key.verifies(signature, message) is vector["good"]
