"""The codes of practice passes: written like real ones, by a key and with a MAC of their own. Never money.

Opening one gives a `PracticePass`, and only for a practice number under a practice key. The other way is
closed twice: `open_code` knows no practice key, and validators take no practice number, whoever signed it.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from keys.keyring import KeyPurpose, Keyring, VerifyKey
from keys.pass_code import issue_code, read_code
from keys.passes import CodeFault, PassId, PracticePass
from keys.short_code import SECRET_BYTES, TypedCode, bears_mac, short_code
from keys.signer import Signer

# The end of 2099 in Paris: practice does not wear out, and the code is as long as that of a real pass.
EXPIRES_AT = 4_102_441_200

_MAC_CONTEXT = b"poincon practice short code 1:"
_SECRET_CONTEXT = b"poincon practice short code secret 1"


def issue_practice_code(pass_id: PassId, signer: Signer) -> str:
    assert pass_id.is_practice
    return issue_code(pass_id, EXPIRES_AT, signer)


def open_practice_code(text: str, keyring: Keyring) -> PracticePass | None:
    """None for anything but a practice pass. One whose key was revoked is still no more than that."""
    read = read_code(text)
    if isinstance(read, CodeFault) or not read.pass_id.is_practice:
        return None
    key = keyring.who_signed(read.envelope, KeyPurpose.PRACTICE)
    return PracticePass(read.pass_id, "qr") if isinstance(key, VerifyKey) else None


def practice_secret(master: bytes) -> bytes:
    """One for the instance: practice passes belong to no programme."""
    assert len(master) >= SECRET_BYTES
    return HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=_SECRET_CONTEXT).derive(master)


def practice_short_code(pass_id: PassId, secret: bytes) -> str:
    assert pass_id.is_practice
    return short_code(pass_id, secret, context=_MAC_CONTEXT)


def open_practice_short_code(typed: TypedCode, secret: bytes) -> PracticePass | None:
    if not typed.pass_id.is_practice or not bears_mac(typed, secret, _MAC_CONTEXT):
        return None
    return PracticePass(typed.pass_id, "short")
