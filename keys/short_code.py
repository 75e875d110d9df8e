"""The short code of a pass, typed or read from Code 128: 15 characters of Crockford Base32 and a check one.

Its 75 bits are the pass's identity (48) and the start of a MAC (27), so that only a server, which holds
the programme's secret and limits guesses, can verify one.
"""

import hmac
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from stdnum.iso7064.mod_37_36 import calc_check_digit

from keys.passes import CTI_BYTES, CodeFault, PassId, SignedPass

TYPED_CHARS_MAX = 40
SECRET_BYTES = 32
MAC_BITS = 27
MAC_CONTEXT = b"poincon short code 1:"

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PYTHON_BASE32 = "0123456789abcdefghijklmnopqrstuv"
_TO_PYTHON = str.maketrans(_ALPHABET, _PYTHON_BASE32)
_BODY_CHARS = 15
# The check character alone may be U: its alphabet has 36 characters, of which I, L and O read as 1, 1 and 0.
_SHAPE = re.compile(rf"[{_ALPHABET}]{{15}}[{_ALPHABET}U]")
_SECRET_CONTEXT = b"poincon short code secret 1:"


def _as_typed() -> dict[int, int | None]:
    """Lower case is upper, O is 0, I and L are 1; spaces and hyphens, a phone's own too, are nothing."""
    upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    meant = upper.translate(str.maketrans("OIL", "011"))
    separators = " -\t\u00a0\u202f\u2010\u2011\u2012\u2013\u2014\u2212"
    return str.maketrans(upper + upper.lower(), meant * 2, separators)


_MEANT = _as_typed()


@dataclass(frozen=True, slots=True)
class TypedCode:
    """A well-formed short code. Nothing is proved yet: see `open_short_code`."""

    pass_id: PassId
    mac_bits: int


def short_code(pass_id: PassId, secret: bytes, *, context: bytes = MAC_CONTEXT) -> str:
    bits = int.from_bytes(pass_id.cti) << MAC_BITS | mac_bits(pass_id, secret, context)
    body = "".join([_ALPHABET[bits >> shift & 31] for shift in range(70, -1, -5)])
    code = body + calc_check_digit(body)
    return "-".join([code[0:4], code[4:8], code[8:12], code[12:16]])


def looks_like_short_code(text: str) -> bool:
    """Whether `read_short_code` should be asked, rather than `open_code`."""
    return len(text) <= TYPED_CHARS_MAX and _SHAPE.fullmatch(text.translate(_MEANT)) is not None


def read_short_code(text: str) -> TypedCode | CodeFault:
    if not looks_like_short_code(text):
        return CodeFault.UNREADABLE
    meant = text.translate(_MEANT)
    body, check = meant[:_BODY_CHARS], meant[_BODY_CHARS]
    if calc_check_digit(body).translate(_MEANT) != check:
        return CodeFault.UNREADABLE
    bits = int(body.translate(_TO_PYTHON), 32)
    try:
        pass_id = PassId.from_cti((bits >> MAC_BITS).to_bytes(CTI_BYTES))
    except ValueError:
        return CodeFault.UNREADABLE
    return TypedCode(pass_id, bits & (1 << MAC_BITS) - 1)


def open_short_code(typed: TypedCode, secret: bytes) -> SignedPass | CodeFault:
    if not bears_mac(typed, secret, MAC_CONTEXT):
        return CodeFault.FORGED
    return SignedPass(typed.pass_id, None, "short", key_revoked=False)


def bears_mac(typed: TypedCode, secret: bytes, context: bytes) -> bool:
    expected = mac_bits(typed.pass_id, secret, context)
    return hmac.compare_digest(expected.to_bytes(4), typed.mac_bits.to_bytes(4))


def programme_secret(master: bytes, programme_id: int) -> bytes:
    """Each programme's own secret, derived, so that only the master is kept."""
    assert len(master) >= SECRET_BYTES
    context = _SECRET_CONTEXT + programme_id.to_bytes(8)
    return HKDF(algorithm=SHA256(), length=SECRET_BYTES, salt=None, info=context).derive(master)


def mac_bits(pass_id: PassId, secret: bytes, context: bytes) -> int:
    digest = hmac.digest(secret, context + pass_id.cti, "sha256")
    return int.from_bytes(digest[:4]) >> 32 - MAC_BITS
