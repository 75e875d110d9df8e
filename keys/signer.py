"""Who signs: one small interface, so that an HSM can stand behind it, and the key held in memory."""

import hashlib
from typing import Protocol, Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_sign

KID_BYTES = 4
SIGNATURE_BYTES = 64
KEY_BYTES = 32


def kid_of(raw_public_key: bytes) -> bytes:
    return hashlib.sha256(raw_public_key).digest()[:KID_BYTES]


class Signer(Protocol):
    @property
    def kid(self) -> bytes: ...

    def sign(self, message: bytes) -> bytes:
        """An Ed25519 signature, 64 bytes."""


class Ed25519Signer:
    """A signer whose private key lies in this process."""

    __slots__ = ("_secret", "kid", "raw_public_key")

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self.raw_public_key = private_key.public_key().public_bytes_raw()
        self._secret = private_key.private_bytes_raw() + self.raw_public_key  # as libsodium holds it
        self.kid = kid_of(self.raw_public_key)

    @classmethod
    def from_raw(cls, private_key: bytes) -> Self:
        """From the 32 bytes of RFC 8032's private key."""
        return cls(Ed25519PrivateKey.from_private_bytes(private_key))

    def sign(self, message: bytes) -> bytes:
        return crypto_sign(message, self._secret)[:SIGNATURE_BYTES]
