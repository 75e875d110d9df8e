"""Key states, purposes, the published keyset, and the warnings ahead of trouble."""

import hashlib
import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keys.key_watch import SIGNING_DAYS_MAX, SUCCESSOR_DAYS, KeyTrouble, unverifiable_soon
from keys.keyring import (
    KeyPurpose,
    Keyring,
    KeyState,
    PublicKey,
    keyring_from_jwks,
    may_become,
    next_states,
)
from keys.signer import Ed25519Signer, kid_of

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors/keyset.json").read_text())
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def a_key(
    name: str = "a",
    purpose: KeyPurpose = KeyPurpose.PASS_CODE,
    state: KeyState = KeyState.ACTIVE,
    activated_at: datetime | None = NOW,
) -> PublicKey:
    signer = Ed25519Signer.from_raw(hashlib.sha256(name.encode()).digest())
    return PublicKey(signer.kid, purpose, state, signer.raw_public_key, NOW, activated_at)


def troubles(
    keys: list[PublicKey], live: dict[bytes, datetime], now: datetime = NOW
) -> list[tuple[KeyTrouble, str]]:
    return [(warning.trouble, warning.purpose) for warning in unverifiable_soon(keys, live, now)]


def test_states_only_go_forward_and_revoked_is_for_ever() -> None:
    allowed = {(old, new) for old, new in itertools.product(KeyState, repeat=2) if may_become(old, new)}
    assert allowed == {
        (KeyState.PLANNED, KeyState.ACTIVE),
        (KeyState.ACTIVE, KeyState.RETIRED),
        (KeyState.PLANNED, KeyState.REVOKED),
        (KeyState.ACTIVE, KeyState.REVOKED),
        (KeyState.RETIRED, KeyState.REVOKED),
    }
    assert next_states(KeyState.REVOKED) == frozenset()


def test_the_frozen_keyset_is_read_and_published_again_unchanged() -> None:
    keyring = keyring_from_jwks(VECTORS["keyset"])
    assert keyring.jwks() == VECTORS["keyset"]
    for expected in VECTORS["states"].values():
        key = next(key for key in keyring.keys if key.kid.hex() == expected["kid"])
        assert (key.purpose, key.state, key.raw.hex()) == (
            expected["purpose"],
            expected["state"],
            expected["public_hex"],
        )


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=lambda vector: str(vector["name"]))
def test_a_document_that_is_no_keyset_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        keyring_from_jwks(vector["document"])


def test_the_keyset_shows_no_private_part() -> None:
    published = json.dumps(VECTORS["keyset"])
    assert '"d"' not in published
    assert not any(key in published for key in VECTORS["private_keys_hex"].values())


def test_the_key_id_is_the_start_of_the_hash_of_the_raw_key() -> None:
    key = a_key()
    assert key.kid == kid_of(key.raw) == hashlib.sha256(key.raw).digest()[:4]


def test_a_key_under_another_id_is_refused() -> None:
    with pytest.raises(ValueError, match="is not that of the key"):
        PublicKey(b"abcd", KeyPurpose.RECEIPT, KeyState.ACTIVE, a_key().raw, NOW)


def test_a_key_without_an_offset_in_its_instant_is_refused() -> None:
    key = a_key()
    with pytest.raises(ValueError, match="need an offset"):
        PublicKey(key.kid, key.purpose, key.state, key.raw, NOW.replace(tzinfo=None))


def test_a_key_is_found_for_its_own_purpose_only() -> None:
    key = a_key(purpose=KeyPurpose.RECEIPT)
    keyring = Keyring.from_keys([key])
    found = keyring.find(key.kid, KeyPurpose.RECEIPT)
    assert found is not None
    assert found.state is KeyState.ACTIVE
    assert keyring.find(key.kid, KeyPurpose.PASS_CODE) is None
    assert keyring.find(b"none", KeyPurpose.RECEIPT) is None


def test_one_key_id_is_never_two_keys() -> None:
    with pytest.raises(ValueError, match="same key id"):
        Keyring.from_keys([a_key(), a_key(purpose=KeyPurpose.RECEIPT)])


def test_while_two_keys_overlap_the_one_activated_last_signs() -> None:
    old, new = a_key("old"), a_key("new", activated_at=NOW + DAY)
    planned = a_key("planned", state=KeyState.PLANNED, activated_at=None)
    assert Keyring.from_keys([new, old, planned]).active(KeyPurpose.PASS_CODE) == new
    assert Keyring.from_keys([new, old, planned]).active(KeyPurpose.RECEIPT) is None


SOUND = [a_key("pass"), a_key("receipt", KeyPurpose.RECEIPT)]


def test_sound_keys_give_no_warning() -> None:
    assert troubles(SOUND, {SOUND[0].kid: NOW + DAY}) == []


def test_a_key_of_live_passes_that_is_missing_or_revoked_is_told() -> None:
    revoked = a_key("revoked", state=KeyState.REVOKED)
    live = {revoked.kid: NOW + DAY, b"gone": NOW + DAY, SOUND[1].kid: NOW + DAY}
    assert sorted(troubles([*SOUND, revoked], live)) == [
        (KeyTrouble.MISSING, KeyPurpose.PASS_CODE),
        (KeyTrouble.MISSING, KeyPurpose.PASS_CODE),  # a receipt key does not verify passes
        (KeyTrouble.REVOKED, KeyPurpose.PASS_CODE),
    ]


def test_keys_of_passes_that_expired_are_let_go() -> None:
    assert troubles(SOUND, {b"gone": NOW}) == []


def test_nothing_to_sign_with_is_told_for_each_purpose() -> None:
    assert troubles([], {}) == [
        (KeyTrouble.NO_ACTIVE, KeyPurpose.PASS_CODE),
        (KeyTrouble.NO_ACTIVE, KeyPurpose.RECEIPT),
    ]


def test_a_successor_is_asked_for_in_time_and_no_longer_once_planned() -> None:
    due = NOW + (SIGNING_DAYS_MAX - SUCCESSOR_DAYS) * DAY
    assert troubles(SOUND, {}, due - DAY) == []
    assert troubles(SOUND, {}, due) == [
        (KeyTrouble.NO_SUCCESSOR, KeyPurpose.PASS_CODE),
        (KeyTrouble.NO_SUCCESSOR, KeyPurpose.RECEIPT),
    ]
    planned = [a_key(f"next {purpose}", purpose, KeyState.PLANNED, None) for purpose in KeyPurpose]
    assert troubles(SOUND + planned, {}, due) == []
