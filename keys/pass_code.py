"""The code in a pass's QR: `PN1:` and a signed envelope. Whether the pass may be taken is not said here."""

import re
import struct
from typing import NamedTuple

from keys import base45
from keys.cbor import read_claims, write_claims
from keys.envelope import Envelope, read_envelope, sign_envelope
from keys.keyring import KeyPurpose, Keyring, KeyState
from keys.passes import CodeFault, PassId, SignedPass
from keys.signer import Signer

PREFIX = "PN1:"
ENVELOPE_BYTES_MAX = 100
TEXT_CHARS_MAX = 154
"""Also what a QR symbol of version 6-M holds, so that no later format is longer either."""
EXPIRES_AT_MAX = 253_402_300_799  # 9999-12-31T23:59:59Z, the last instant that Python can tell

EXP, CTI = 4, 7  # claims of RFC 8392

# What is printed says an instant of 4 bytes and a pass, in this one layout; whatever else is read as claims.
_PRINTED = struct.Struct(">3sI2s6s")
_EXP_HEAD, _EXP_SMALLEST = bytes.fromhex("a2 04 1a"), 2**16
_CTI_HEAD = bytes.fromhex("07 46")

_OTHER_FORMAT = re.compile(r"PN[0-9]{1,3}:")


def issue_code(pass_id: PassId, expires_at: int, signer: Signer) -> str:
    """`expires_at`: epoch seconds from which the pass is refused."""
    if not 0 < expires_at <= EXPIRES_AT_MAX:
        raise ValueError(f"expires_at must be 1 to {EXPIRES_AT_MAX} seconds, not {expires_at}")
    payload = write_claims({EXP: expires_at, CTI: PassId.of(*pass_id).cti})
    return PREFIX + base45.encode(sign_envelope(payload, signer))


def open_code(text: str, keyring: Keyring) -> SignedPass | CodeFault:
    read = read_code(text)
    if isinstance(read, CodeFault):
        return read
    key = keyring.who_signed(read.envelope, KeyPurpose.PASS_CODE)
    if isinstance(key, CodeFault):
        return key
    return SignedPass(read.pass_id, read.expires_at, "qr", key_revoked=key.state == KeyState.REVOKED)


class ReadCode(NamedTuple):
    """What a well-formed code says; nothing is verified yet."""

    envelope: Envelope
    pass_id: PassId
    expires_at: int


def read_code(text: str) -> ReadCode | CodeFault:
    if len(text) > TEXT_CHARS_MAX:
        return CodeFault.UNREADABLE
    if not text.startswith(PREFIX):
        return CodeFault.UNKNOWN_FORMAT if _OTHER_FORMAT.match(text) else CodeFault.UNREADABLE
    try:
        data = base45.decode(text[len(PREFIX) :])
        envelope = read_envelope(data, bytes_max=ENVELOPE_BYTES_MAX)
        return ReadCode(envelope, *_read_payload(envelope.payload))
    except ValueError:
        return CodeFault.UNREADABLE


def _read_payload(payload: bytes) -> tuple[PassId, int]:
    if len(payload) == _PRINTED.size:
        exp_head, printed_expires_at, cti_head, printed_cti = _PRINTED.unpack(payload)
        if (exp_head, cti_head) == (_EXP_HEAD, _CTI_HEAD) and printed_expires_at >= _EXP_SMALLEST:
            return PassId.from_cti(printed_cti), printed_expires_at
    claims = read_claims(payload)
    expires_at, cti = claims.get(EXP), claims.get(CTI)
    if not isinstance(expires_at, int) or not 0 < expires_at <= EXPIRES_AT_MAX:
        raise ValueError("exp must be an instant in whole seconds")
    if not isinstance(cti, bytes):
        raise ValueError("cti must be a byte string")
    return PassId.from_cti(cti), expires_at
