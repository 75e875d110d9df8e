"""Secrets that sign calls to other people's systems: sealed at rest, and the signature itself. Whom to call
is not here."""

import hmac
import secrets
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SECRET_BYTES = 32
NAME_BYTES = 16
NONCE_BYTES = 12
SHOWN_PREFIX = "pws_"  # so that one left in a file is recognised for what it is

_CONTEXT = b"poincon webhook seal 1"


class SecretUnreadable(Exception):
    """Not sealed by this instance's master secret under this name."""


class WebhookKeys:
    """Derived from the key folder's master secret: whoever takes the database alone can sign nothing."""

    def __init__(self, master_secret: bytes) -> None:
        key = HKDF(algorithm=SHA256(), length=32, salt=None, info=_CONTEXT).derive(master_secret)
        self._cipher = ChaCha20Poly1305(key)

    def seal(self, secret: bytes, name: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, name)

    def unseal(self, sealed: bytes, name: bytes) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name)
        except (InvalidTag, ValueError):
            raise SecretUnreadable("this webhook's secret is not ours to read") from None


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def new_name() -> bytes:
    """What a secret is sealed under, so that it can't be moved to another webhook's row."""
    return secrets.token_bytes(NAME_BYTES)


def shown(secret: bytes) -> str:
    """As a person copies it, once."""
    return SHOWN_PREFIX + secret.hex()


def signature(secret: bytes, body: bytes, *, at: datetime) -> str:
    """`t=1795247123,v1=…`: HMAC-SHA-256 over the timestamp's digits, a full stop and the body's bytes."""
    timestamp = str(int(at.timestamp()))
    # The receiver holds the secret as it was shown to it.
    mac = hmac.digest(shown(secret).encode(), timestamp.encode() + b"." + body, "sha256")
    return f"t={timestamp},v1={mac.hex()}"
