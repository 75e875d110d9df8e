"""The signed envelope around a pass code or a receipt: COSE_Sign1 (RFC 9052), EdDSA. Not what is inside.

Deterministic CBOR leaves one layout, so it is compared byte for byte rather than parsed:

    [D2] 84  49 A2 01 27 04 44 <kid>  A0  <payload: byte string>  58 40 <signature>
    tag  [4] {alg: EdDSA, kid: …}     {}

The tag is optional, and the only freedom there is.
"""

from typing import NamedTuple

from keys.cbor import byte_string
from keys.signer import KID_BYTES, SIGNATURE_BYTES, Signer

PAYLOAD_BYTES_MAX = 255

_TAG = b"\xd2"
_ARRAY_OF_FOUR = b"\x84"
_PROTECTED_BEFORE_KID = bytes.fromhex("49 a2 01 27 04 44")
_NO_UNPROTECTED = b"\xa0"
_SIGNATURE_HEAD = bytes.fromhex("58 40")
_TO_VERIFY_HEAD = bytes.fromhex("84 6a") + b"Signature1"
_NO_EXTERNAL_DATA = b"\x40"

_PAYLOAD_AT = 1 + len(_PROTECTED_BEFORE_KID) + KID_BYTES + 1
_KID_AT = _PAYLOAD_AT - 1 - KID_BYTES
_SIGNATURE_HEAD_AT = -SIGNATURE_BYTES - len(_SIGNATURE_HEAD)


class Envelope(NamedTuple):
    """What an envelope holds; nothing is verified yet."""

    kid: bytes
    payload: bytes
    to_verify: bytes
    signature: bytes


def sign_envelope(payload: bytes, signer: Signer) -> bytes:
    assert len(payload) <= PAYLOAD_BYTES_MAX
    protected = _PROTECTED_BEFORE_KID + signer.kid
    wrapped = byte_string(payload)
    signature = signer.sign(_TO_VERIFY_HEAD + protected + _NO_EXTERNAL_DATA + wrapped)
    assert len(signature) == SIGNATURE_BYTES
    return _ARRAY_OF_FOUR + protected + _NO_UNPROTECTED + wrapped + _SIGNATURE_HEAD + signature


def read_envelope(data: bytes, *, bytes_max: int) -> Envelope:
    """Raise ValueError on anything but the one layout, or on more than `bytes_max` bytes."""
    if len(data) > bytes_max:
        raise ValueError(f"more than {bytes_max} bytes")
    untagged = data.removeprefix(_TAG)
    head, wrapped = untagged[:_PAYLOAD_AT], untagged[_PAYLOAD_AT:_SIGNATURE_HEAD_AT]
    kid = head[_KID_AT:-1]
    if head != _ARRAY_OF_FOUR + _PROTECTED_BEFORE_KID + kid + _NO_UNPROTECTED:
        raise ValueError("not an envelope of this format: another header, algorithm or key id")
    if untagged[_SIGNATURE_HEAD_AT:-SIGNATURE_BYTES] != _SIGNATURE_HEAD:
        raise ValueError("the signature is not 64 bytes at the end")
    payload = wrapped[1:] if len(wrapped) <= 24 else wrapped[2:]
    if wrapped != byte_string(payload):
        raise ValueError("the payload is not a byte string of the length it says")
    to_verify = _TO_VERIFY_HEAD + head[1:-1] + _NO_EXTERNAL_DATA + wrapped
    return Envelope(kid, payload, to_verify, untagged[-SIGNATURE_BYTES:])
