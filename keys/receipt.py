"""The operator's proof of one acceptance: `PR1:` and a signed envelope, which stands without a server.

Deterministic, from the claims to the signature: a receipt is re-derived from its row and never stored.
"""

import hmac
import re
from uuid import UUID

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from keys import base45
from keys.cbor import Claim, read_claims, unsigned
from keys.envelope import read_envelope, sign_envelope
from keys.keyring import KeyPurpose, Keyring, KeyState
from keys.passes import CodeFault, PassId
from keys.signer import KEY_BYTES, Signer

PREFIX = "PR1:"
ENVELOPE_BYTES_MAX = 200
TEXT_CHARS_MAX = 304
ACCEPTED_AT_MAX = 253_402_300_799  # 9999-12-31T23:59:59Z, the last instant that Python can tell
COLUMN_MAX = 2**63 - 1  # a PostgreSQL bigint

IAT, CTI = 6, 7  # claims of RFC 8392: accepted at, pass
# Private claims, below -65536 as RFC 8392 reserves them. They only grow: never another meaning.
OPERATOR_SIRET = -65537  # text, 14 digits
SITE_ID = -65538  # unsigned
AMOUNT_CENTS = -65539  # unsigned, cents of euro
ATTEMPT_ID = -65540  # 16 bytes, a UUID

# Deterministic CBOR leaves one layout. A name, and for what has one length, that length: both never change.
_MAP_OF_SIX = b"\xa6"
_IAT_HEAD = b"\x06"
_CTI_HEAD = b"\x07\x46"
_SIRET_HEAD = bytes.fromhex("3a 00010000 6e")
_SITE_HEAD = bytes.fromhex("3a 00010001")
_AMOUNT_HEAD = bytes.fromhex("3a 00010002")
_ATTEMPT_HEAD = bytes.fromhex("3a 00010003 50")

_OTHER_FORMAT = re.compile(r"PR[0-9]{1,3}:")
_SIRET = re.compile(r"[0-9]{14}")
_SEAL_CONTEXT = b"poincon receipt seal 1"


class Receipt(Struct, frozen=True):
    pass_id: PassId
    operator_siret: str
    site_id: int
    amount_cents: int
    accepted_at: int
    attempt_id: UUID


class DoubtfulReceipt(Struct, frozen=True):
    """Rightly signed, by a key since revoked: somebody else may have written it. Ask the record."""

    receipt: Receipt


def receipt_payload(receipt: Receipt) -> bytes:
    assert _SIRET.fullmatch(receipt.operator_siret)
    assert 0 <= receipt.site_id <= COLUMN_MAX
    assert 0 < receipt.amount_cents <= COLUMN_MAX
    assert 0 < receipt.accepted_at <= ACCEPTED_AT_MAX
    return b"".join(
        (
            _MAP_OF_SIX,
            _IAT_HEAD,
            unsigned(receipt.accepted_at),
            _CTI_HEAD,
            receipt.pass_id.cti,
            _SIRET_HEAD,
            receipt.operator_siret.encode(),
            _SITE_HEAD,
            unsigned(receipt.site_id),
            _AMOUNT_HEAD,
            unsigned(receipt.amount_cents),
            _ATTEMPT_HEAD,
            receipt.attempt_id.bytes,
        )
    )


def sign_receipt(receipt: Receipt, signer: Signer) -> str:
    return PREFIX + base45.encode(sign_envelope(receipt_payload(receipt), signer))


def open_receipt(text: str, keyring: Keyring) -> Receipt | DoubtfulReceipt | CodeFault:
    if len(text) > TEXT_CHARS_MAX:
        return CodeFault.UNREADABLE
    if not text.startswith(PREFIX):
        return CodeFault.UNKNOWN_FORMAT if _OTHER_FORMAT.match(text) else CodeFault.UNREADABLE
    try:
        data = base45.decode(text[len(PREFIX) :])
        envelope = read_envelope(data, bytes_max=ENVELOPE_BYTES_MAX)
        receipt = _read_payload(envelope.payload)
    except ValueError:
        return CodeFault.UNREADABLE

    key = keyring.who_signed(envelope, KeyPurpose.RECEIPT)
    if isinstance(key, CodeFault):
        return key
    return DoubtfulReceipt(receipt) if key.state == KeyState.REVOKED else receipt


def seal_key_from(private_key: bytes) -> bytes:
    """The key that seals rows, from the 32 bytes of the instance's private receipt key."""
    assert len(private_key) == KEY_BYTES
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_SEAL_CONTEXT).derive(private_key)


def seal_of(payload: bytes, seal_key: bytes) -> int:
    """64 bits, signed as a PostgreSQL bigint, by which the ledger notices a row changed by hand."""
    return int.from_bytes(hmac.digest(seal_key, payload, "sha256")[:8], signed=True)


def _read_payload(payload: bytes) -> Receipt:
    claims = read_claims(payload)
    siret = claims.get(OPERATOR_SIRET)
    if not isinstance(siret, str) or not _SIRET.fullmatch(siret):
        raise ValueError("the operator's SIRET must be 14 digits")
    return Receipt(
        pass_id=PassId.from_cti(_bytes(claims.get(CTI))),
        operator_siret=siret,
        site_id=_number(claims.get(SITE_ID), 0, COLUMN_MAX),
        amount_cents=_number(claims.get(AMOUNT_CENTS), 1, COLUMN_MAX),
        accepted_at=_number(claims.get(IAT), 1, ACCEPTED_AT_MAX),
        attempt_id=UUID(bytes=_bytes(claims.get(ATTEMPT_ID))),
    )


def _bytes(claim: Claim) -> bytes:
    if not isinstance(claim, bytes):
        raise ValueError("cti and attempt id must be byte strings")
    return claim


def _number(claim: Claim, smallest: int, largest: int) -> int:
    if not isinstance(claim, int) or not smallest <= claim <= largest:
        raise ValueError(f"site, amount and instant must be whole numbers, {smallest} to {largest}")
    return claim
