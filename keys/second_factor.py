"""Codes of authenticator apps (RFC 6238) and how their secrets are kept: sealed, and recovery codes as MACs.

Whose they are, which codes have served and how often one may try is not here.
"""

import hmac
import secrets
import unicodedata
from datetime import datetime

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.twofactor.totp import TOTP

SECRET_BYTES = 20
DIGITS = 6
STEP_SECONDS = 30
STEPS_ASIDE = 1  # a phone's clock may be half a minute off, and people type slowly
ISSUER = "Poinçon"
NONCE_BYTES = 12

_SEAL_CONTEXT = b"poincon second factor seal 1"
_RECOVERY_CONTEXT = b"poincon recovery code 1"


class SecretUnreadable(Exception):
    """Not sealed by this instance's master secret for this account."""


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def enrolment_uri(secret: bytes, email: str) -> str:
    """What the QR says to an authenticator app."""
    return _totp(secret).get_provisioning_uri(email, ISSUER)


def code_at(secret: bytes, step: int) -> str:
    return _totp(secret).generate(step * STEP_SECONDS).decode()


def step_of(at: datetime) -> int:
    return int(at.timestamp()) // STEP_SECONDS


def matching_step(secret: bytes, typed: str, *, now: datetime) -> int | None:
    """The step whose code this is, of those near now; the caller sees to it that a step serves once."""
    code = "".join(typed.split())
    if not (code.isascii() and code.isdecimal() and len(code) == DIGITS):
        return None
    middle = step_of(now)
    near = range(middle - STEPS_ASIDE, middle + STEPS_ASIDE + 1)
    # Every step is compared, so that the time taken tells nothing.
    matching = [step for step in near if hmac.compare_digest(code_at(secret, step), code)]
    return matching[-1] if matching else None


class SecondFactorKeys:
    """Derived from the key folder's master secret: whoever takes the database alone can make no code."""

    def __init__(self, master_secret: bytes) -> None:
        self._cipher = ChaCha20Poly1305(_derived(master_secret, _SEAL_CONTEXT))
        self._recovery_key = _derived(master_secret, _RECOVERY_CONTEXT)

    def seal(self, secret: bytes, account_id: int) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, _named(account_id))

    def unseal(self, sealed: bytes, account_id: int) -> bytes:
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _named(account_id))
        except (InvalidTag, ValueError):
            raise SecretUnreadable(f"the second factor of account {account_id} is not ours to read") from None

    def recovery_mac(self, typed: str, account_id: int) -> bytes:
        """However it is typed: capitals, spaces and hyphens say nothing."""
        spelled = unicodedata.normalize("NFKC", typed).lower()
        letters = "".join(letter for letter in spelled if letter.isalnum())
        return hmac.digest(self._recovery_key, _named(account_id) + letters.encode(), "sha256")


def _totp(secret: bytes) -> TOTP:
    return TOTP(secret, DIGITS, SHA1(), STEP_SECONDS)  # noqa: S303 - what authenticator apps know


def _derived(master_secret: bytes, context: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=context).derive(master_secret)


def _named(account_id: int) -> bytes:
    return account_id.to_bytes(8)
