"""python-cwt and cbor2, which we did not write, read what we write and write what we read."""

import json
from pathlib import Path
from typing import Any

import cbor2
import cwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys import base45
from keys.cbor import read_claims, write_claims
from keys.keyring import keyring_from_jwks
from keys.pass_code import CTI, EXP, EXPIRES_AT_MAX, issue_code, open_code
from keys.passes import CodeFault, PassId, SignedPass
from keys.receipt import open_receipt
from keys.signer import Ed25519Signer

VECTORS_DIR = Path(__file__).parents[1] / "vectors"
PASS_CODES: dict[str, Any] = json.loads((VECTORS_DIR / "pass_codes.json").read_text())
RECEIPTS: dict[str, Any] = json.loads((VECTORS_DIR / "receipts.json").read_text())
KEYRING = keyring_from_jwks(PASS_CODES["keyset"])
PRIVATE_KEY = bytes.fromhex(PASS_CODES["private_keys_hex"]["pass active"])
SIGNER = Ed25519Signer.from_raw(PRIVATE_KEY)
FOREVER = EXPIRES_AT_MAX


def their_public_keys() -> list[Any]:
    return [cwt.COSEKey.new({1: 1, 2: key.kid, 3: -8, -1: 6, -2: key.raw}) for key in KEYRING.keys]


def their_private_key() -> Any:
    key = {1: 1, 2: SIGNER.kid, 3: -8, -1: 6, -2: SIGNER.raw_public_key, -4: PRIVATE_KEY}
    return cwt.COSEKey.new(key)


def envelope_of(text: str) -> bytes:
    return base45.decode(text[4:])


@pytest.mark.parametrize(
    "vector", PASS_CODES["good"] + RECEIPTS["good"], ids=lambda vector: str(vector["name"])
)
def test_they_verify_our_good_vectors(vector: dict[str, Any]) -> None:
    envelope = envelope_of(vector["text"])
    tagged = envelope if envelope.startswith(b"\xd2") else b"\xd2" + envelope
    claims = cbor2.loads(cwt.COSE.new().decode(tagged, their_public_keys()))
    assert claims[CTI] == PassId(vector["booklet"], vector["number"]).cti


def test_they_verify_a_code_as_a_cwt_with_its_claims() -> None:
    envelope = b"\xd2" + envelope_of(issue_code(PassId(5, 3), FOREVER, SIGNER))
    assert cwt.decode(envelope, their_public_keys()) == {EXP: FOREVER, CTI: PassId(5, 3).cti}


def test_they_refuse_what_we_call_forged() -> None:
    forged = [vector["text"] for vector in PASS_CODES["bad"] if vector["fault"] == CodeFault.FORGED]
    assert len(forged) >= 10
    for text in forged:
        with pytest.raises(cwt.VerifyError):
            cwt.COSE.new().decode(b"\xd2" + envelope_of(text), their_public_keys())


def test_we_verify_what_they_sign() -> None:
    payload = cbor2.dumps({EXP: FOREVER, CTI: PassId(5, 3).cti})
    theirs = cwt.COSE.new().encode_and_sign(
        payload, their_private_key(), protected={1: -8, 4: SIGNER.kid}, unprotected={}
    )
    opened = open_code("PN1:" + base45.encode(theirs), KEYRING)
    assert opened == SignedPass(PassId(5, 3), FOREVER, "qr", key_revoked=False)


def test_what_they_sign_with_the_key_id_unprotected_is_not_our_format() -> None:
    payload = cbor2.dumps({EXP: FOREVER, CTI: PassId(5, 3).cti})
    theirs = cwt.COSE.new().encode_and_sign(
        payload, their_private_key(), protected={1: -8}, unprotected={4: SIGNER.kid}
    )
    assert open_code("PN1:" + base45.encode(theirs), KEYRING) is CodeFault.UNREADABLE


claim_names = st.integers(-(2**64), 2**64 - 1)
kept_values = st.integers(-(2**64), 2**64 - 1) | st.binary(max_size=300) | st.text(max_size=300)


@settings(deadline=None)
@given(st.dictionaries(claim_names, kept_values, max_size=30))
def test_cbor2_reads_the_claims_we_write_and_so_do_we(claims: dict[int, int | bytes | str]) -> None:
    written = write_claims(claims)
    assert cbor2.loads(written) == claims
    assert read_claims(written) == claims


nested = st.recursive(
    kept_values | st.floats() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)


@settings(deadline=None)
@given(st.dictionaries(st.integers(-20, 23), nested, max_size=6))
def test_we_read_whatever_cbor2_writes_canonically(claims: dict[int, Any]) -> None:
    def depth(value: Any) -> int:
        return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0

    written = cbor2.dumps(claims, canonical=True)
    if max(map(depth, claims.values()), default=0) > 4:
        with pytest.raises(ValueError, match="nested"):
            read_claims(written)
        return
    kept = {
        name: value if isinstance(value, int | bytes | str) and not isinstance(value, bool) else None
        for name, value in claims.items()
    }
    assert read_claims(written) == kept


def test_a_receipt_they_sign_is_a_receipt_to_us() -> None:
    vector = RECEIPTS["good"][0]
    raw = bytes.fromhex(RECEIPTS["private_keys_hex"]["receipt active"])
    ours = Ed25519Signer.from_raw(raw)
    key = cwt.COSEKey.new({1: 1, 2: ours.kid, 3: -8, -1: 6, -2: ours.raw_public_key, -4: raw})
    theirs = cwt.COSE.new().encode_and_sign(
        bytes.fromhex(vector["payload_hex"]), key, protected={1: -8, 4: ours.kid}, unprotected={}
    )
    assert open_receipt("PR1:" + base45.encode(theirs), KEYRING) == open_receipt(vector["text"], KEYRING)
