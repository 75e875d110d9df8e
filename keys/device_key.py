"""The key of an enrolled device: read from its JWK, and what it signs. ECDSA on P-256, as browsers keep it.

The private half never leaves the device, so that a token or cookie copied from it changes nothing elsewhere.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

COORDINATE_BYTES = 32
POINT_BYTES = 1 + 2 * COORDINATE_BYTES
SIGNATURE_BYTES = 2 * COORDINATE_BYTES
FINGERPRINT_BYTES = 6
KEYS_CACHED_MAX = 10_000

_CONTEXT = b"poincon 1"
_UNCOMPRESSED = b"\x04"
_ALGORITHM = ECDSA(SHA256())


def point_of_jwk(jwk: dict[str, Any]) -> bytes:
    """The key as SEC 1 writes its point. Raise ValueError, saying what is wrong, on any other JWK."""
    if (jwk.get("kty"), jwk.get("crv")) != ("EC", "P-256"):
        raise ValueError('the key must be an EC key on P-256: {"kty": "EC", "crv": "P-256", "x", "y"}')
    if "d" in jwk:
        raise ValueError("this JWK holds the private key: draw another one, and send its public half only")
    x, y = (_coordinate(jwk, name) for name in ("x", "y"))
    try:
        EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), SECP256R1()).public_key()
    except ValueError:
        raise ValueError("x and y are not a point of P-256") from None
    return _UNCOMPRESSED + x + y


def verifies(point: bytes, signature: bytes, message: bytes) -> bool:
    """signature: r and s, 32 bytes each, as WebCrypto gives it."""
    assert len(point) == POINT_BYTES
    if len(signature) != SIGNATURE_BYTES:
        return False
    r, s = (int.from_bytes(half) for half in (signature[:COORDINATE_BYTES], signature[COORDINATE_BYTES:]))
    try:
        _key(point).verify(encode_dss_signature(r, s), message, _ALGORITHM)
    except InvalidSignature:
        return False
    return True


def to_sign(*, method: str, path: str, body_sha256: bytes) -> bytes:
    """What a device signs of a request. path: with its query, as it stands in the request line."""
    return b"\n".join([_CONTEXT, method.encode(), path.encode(errors="surrogateescape"), body_sha256])


def fingerprint(point: bytes) -> str:
    """The beginning of the key's RFC 7638 thumbprint, for people to compare: `3f2a 91c0 77de`."""
    x, y = point[1 : 1 + COORDINATE_BYTES], point[1 + COORDINATE_BYTES :]
    members = {"crv": "P-256", "kty": "EC", "x": _base64url(x), "y": _base64url(y)}
    text = hashlib.sha256(msgspec.json.encode(members)).digest()[:FINGERPRINT_BYTES].hex()
    return " ".join([text[0:4], text[4:8], text[8:12]])


def from_base64url(text: str) -> bytes:
    """Raise ValueError on any text that is not the one spelling, without padding."""
    data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if _base64url(data) != text:
        raise ValueError("not base64url without padding")
    return data


@lru_cache(KEYS_CACHED_MAX)
def _key(point: bytes) -> EllipticCurvePublicKey:
    return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)


def _coordinate(jwk: dict[str, Any], name: str) -> bytes:
    text = jwk.get(name)
    try:
        if isinstance(text, str) and len(data := from_base64url(text)) == COORDINATE_BYTES:
            return data
    except ValueError:
        pass
    raise ValueError(f"{name} must be {COORDINATE_BYTES} bytes in base64url without padding")


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
