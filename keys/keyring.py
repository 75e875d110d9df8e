"""The public keys: their states, who signed an envelope, and the published keyset. No private key."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal, Self

import msgspec
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from keys.envelope import Envelope
from keys.passes import CodeFault
from keys.signer import KEY_BYTES, SIGNATURE_BYTES, kid_of

KEYS_MAX = 1_000


class KeyPurpose(StrEnum):
    """A key has one purpose for life: what a receipt or practice key signed is never a pass."""

    PASS_CODE = "pass"  # noqa: S105  no password
    RECEIPT = "receipt"
    PRACTICE = "practice"


class KeyState(StrEnum):
    PLANNED = "planned"  # published ahead, so that offline pages know it before it signs
    ACTIVE = "active"  # signs
    RETIRED = "retired"  # signs no more; what it signed stays good
    REVOKED = "revoked"  # somebody else may have used it: what it signed is refused


_NEXT_STATES = {
    KeyState.PLANNED: frozenset({KeyState.ACTIVE, KeyState.REVOKED}),
    KeyState.ACTIVE: frozenset({KeyState.RETIRED, KeyState.REVOKED}),
    KeyState.RETIRED: frozenset({KeyState.REVOKED}),
    KeyState.REVOKED: frozenset[KeyState](),
}


def next_states(state: KeyState) -> frozenset[KeyState]:
    return _NEXT_STATES[state]


def may_become(old: KeyState, new: KeyState) -> bool:
    return new in _NEXT_STATES[old]


@dataclass(frozen=True)
class PublicKey:
    kid: bytes
    purpose: KeyPurpose
    state: KeyState
    raw: bytes
    created_at: datetime
    activated_at: datetime | None = None
    retired_at: datetime | None = None
    revoked_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.created_at.tzinfo is None:
            raise ValueError("the instants of a key need an offset")
        if len(self.raw) != KEY_BYTES:
            raise ValueError(f"an Ed25519 public key is {KEY_BYTES} bytes, not {len(self.raw)}")
        if self.kid != kid_of(self.raw):
            raise ValueError(f"key id {self.kid.hex()} is not that of the key, {kid_of(self.raw).hex()}")


class VerifyKey:
    """A public key made ready to verify."""

    __slots__ = ("_raw", "purpose", "state")

    def __init__(self, key: PublicKey) -> None:
        self._raw = key.raw
        self.purpose = key.purpose
        self.state = key.state

    def verifies(self, signature: bytes, message: bytes) -> bool:
        # libsodium wants the two as one: a signature of another length would shift the message into it.
        if len(signature) != SIGNATURE_BYTES:
            return False
        try:
            crypto_sign_open(signature + message, self._raw)
        except BadSignatureError:
            return False
        return True


class Keyring:
    """An unchanging set of public keys; when a key changes, a new keyring takes its place."""

    def __init__(self, keys: tuple[PublicKey, ...]) -> None:
        if len(keys) > KEYS_MAX:
            raise ValueError(f"a keyring holds at most {KEYS_MAX} keys, not {len(keys)}")
        self.keys = keys
        self._verify_keys = {key.kid: VerifyKey(key) for key in keys}
        if len(self._verify_keys) < len(keys):
            raise ValueError("two keys have the same key id: draw the newer one again")

    @classmethod
    def from_keys(cls, keys: Iterable[PublicKey]) -> Self:
        return cls(tuple(sorted(keys, key=lambda key: (key.created_at, key.kid))))

    def find(self, kid: bytes, purpose: KeyPurpose) -> VerifyKey | None:
        key = self._verify_keys.get(kid)
        return key if key and key.purpose == purpose else None

    def who_signed(self, envelope: Envelope, purpose: KeyPurpose) -> VerifyKey | CodeFault:
        """The key whose signature the envelope bears. It may have been revoked since: see its state."""
        key = self.find(envelope.kid, purpose)
        if key is None:
            return CodeFault.UNKNOWN_KEY
        if not key.verifies(envelope.signature, envelope.to_verify):
            return CodeFault.FORGED
        return key

    def active(self, purpose: KeyPurpose) -> PublicKey | None:
        """The key to sign with: while two overlap in a rotation, the one activated last."""
        active = [key for key in self.keys if key.purpose == purpose and key.state == KeyState.ACTIVE]
        return max(active, key=lambda key: (key.activated_at or key.created_at, key.kid), default=None)

    def jwks(self) -> dict[str, object]:
        """The keyset document, as published."""
        return {"keys": [msgspec.to_builtins(_jwk_of(key)) for key in self.keys]}


def keyring_from_jwks(document: object) -> Keyring:
    """Raise ValueError, saying where and what, on a document that is not a keyset of ours."""
    keyset = msgspec.convert(document, _Jwks)
    return Keyring.from_keys(
        PublicKey(
            kid=_from_base64url(jwk.kid),
            purpose=jwk.purpose,
            state=jwk.state,
            raw=_from_base64url(jwk.x),
            created_at=jwk.created_at,
            activated_at=jwk.activated_at,
            retired_at=jwk.retired_at,
            revoked_at=jwk.revoked_at,
        )
        for jwk in keyset.keys
    )


_Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class _Jwk(msgspec.Struct, omit_defaults=True):
    """A key in the keyset: RFC 7517 and 8037, then what our pages need beside them."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    alg: Literal["EdDSA"]
    use: Literal["sig"]
    kid: str
    x: str
    purpose: KeyPurpose
    state: KeyState
    created_at: _Instant
    activated_at: _Instant | None = None
    retired_at: _Instant | None = None
    revoked_at: _Instant | None = None


class _Jwks(msgspec.Struct):
    keys: Annotated[list[_Jwk], msgspec.Meta(max_length=KEYS_MAX)]


def _jwk_of(key: PublicKey) -> _Jwk:
    return _Jwk(
        kty="OKP",
        crv="Ed25519",
        alg="EdDSA",
        use="sig",
        kid=_base64url(key.kid),
        x=_base64url(key.raw),
        purpose=key.purpose,
        state=key.state,
        created_at=key.created_at.astimezone(UTC),
        activated_at=key.activated_at and key.activated_at.astimezone(UTC),
        retired_at=key.retired_at and key.retired_at.astimezone(UTC),
        revoked_at=key.revoked_at and key.revoked_at.astimezone(UTC),
    )


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _from_base64url(text: str) -> bytes:
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if _base64url(data) != text:
        raise ValueError(f"not base64url without padding: {text[:60]!r}")
    return data
