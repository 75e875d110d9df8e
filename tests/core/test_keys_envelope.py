"""The signed envelope by itself, whatever it holds."""

from datetime import UTC, datetime

import pytest

from keys.envelope import PAYLOAD_BYTES_MAX, read_envelope, sign_envelope
from keys.keyring import KeyPurpose, KeyState, PublicKey, VerifyKey
from keys.signer import Ed25519Signer

SIGNER = Ed25519Signer.from_raw(bytes(range(32)))
NOW = datetime(2026, 1, 1, tzinfo=UTC)
VERIFY_KEY = VerifyKey(
    PublicKey(SIGNER.kid, KeyPurpose.RECEIPT, KeyState.ACTIVE, SIGNER.raw_public_key, created_at=NOW)
)
BYTES_MAX = 350


def test_every_length_of_payload_is_read_as_it_was_signed() -> None:
    for length in range(PAYLOAD_BYTES_MAX + 1):
        data = sign_envelope(bytes(length), SIGNER)
        for spelled in (data, b"\xd2" + data):
            envelope = read_envelope(spelled, bytes_max=BYTES_MAX)
            assert (envelope.kid, envelope.payload) == (SIGNER.kid, bytes(length))
            assert VERIFY_KEY.verifies(envelope.signature, envelope.to_verify)


def test_every_truncation_and_every_byte_more_is_refused() -> None:
    data = sign_envelope(b"payload", SIGNER)
    for wrong in [data[:length] for length in range(len(data))] + [data + b"\0", b"\0" + data]:
        with pytest.raises(ValueError, match=r"not an envelope|not 64 bytes|not a byte string"):
            read_envelope(wrong, bytes_max=BYTES_MAX)


def test_one_byte_over_the_maximum_is_refused_before_it_is_read() -> None:
    data = sign_envelope(b"payload", SIGNER)
    assert read_envelope(data, bytes_max=len(data)).payload == b"payload"
    with pytest.raises(ValueError, match=f"more than {len(data) - 1} bytes"):
        read_envelope(data, bytes_max=len(data) - 1)
