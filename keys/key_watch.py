"""Warns long before the codes of live passes could become unverifiable. Changes no key."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from keys.keyring import KeyPurpose, KeyState, PublicKey

SIGNING_DAYS_MAX = 730
SUCCESSOR_DAYS = 90
"""A successor should be planned this long before a key has signed for SIGNING_DAYS_MAX."""


class KeyTrouble(StrEnum):
    MISSING = "missing"
    REVOKED = "revoked"
    NO_ACTIVE = "no_active"
    NO_SUCCESSOR = "no_successor"


@dataclass(frozen=True)
class KeyWarning:
    trouble: KeyTrouble
    purpose: KeyPurpose
    kid: bytes | None
    text: str


def unverifiable_soon(
    keys: Iterable[PublicKey], live_passes_until: Mapping[bytes, datetime], now: datetime
) -> list[KeyWarning]:
    """`live_passes_until` gives, for each key that signed live passes, when the last of them expires."""
    all_keys = list(keys)
    still_live = {kid: until for kid, until in live_passes_until.items() if until > now}
    warnings = _about_live_passes(all_keys, still_live)
    # Nothing in circulation hangs on a practice key.
    for purpose in (KeyPurpose.PASS_CODE, KeyPurpose.RECEIPT):
        warnings += _about_rotation([key for key in all_keys if key.purpose == purpose], purpose, now)
    return warnings


def _about_live_passes(keys: list[PublicKey], still_live: dict[bytes, datetime]) -> list[KeyWarning]:
    pass_keys = {key.kid: key for key in keys if key.purpose == KeyPurpose.PASS_CODE}
    warnings = []
    for kid, until in sorted(still_live.items()):
        live = f"pass key {kid.hex()} signed passes that live until {until.isoformat()}"
        if kid not in pass_keys:
            text = f"{live}, and is missing from the keyset: publish it again, their codes are refused"
            warnings.append(KeyWarning(KeyTrouble.MISSING, KeyPurpose.PASS_CODE, kid, text))
        elif pass_keys[kid].state == KeyState.REVOKED:
            text = f"{live}, and is revoked: their codes are refused, replace these booklets"
            warnings.append(KeyWarning(KeyTrouble.REVOKED, KeyPurpose.PASS_CODE, kid, text))
    return warnings


def _about_rotation(keys: list[PublicKey], purpose: KeyPurpose, now: datetime) -> list[KeyWarning]:
    active = [key for key in keys if key.state == KeyState.ACTIVE]
    if not active:
        text = f"no {purpose} key is active: activate a planned one, nothing can be signed"
        return [KeyWarning(KeyTrouble.NO_ACTIVE, purpose, None, text)]
    newest = max(active, key=_signs_since)
    signs_until = _signs_since(newest) + timedelta(days=SIGNING_DAYS_MAX)
    planned = any(key.state == KeyState.PLANNED for key in keys)
    if planned or now < signs_until - timedelta(days=SUCCESSOR_DAYS):
        return []
    text = (
        f"{purpose} key {newest.kid.hex()} should sign until {signs_until.isoformat()} only:"
        " plan its successor now, so that every page knows it in time"
    )
    return [KeyWarning(KeyTrouble.NO_SUCCESSOR, purpose, newest.kid, text)]


def _signs_since(key: PublicKey) -> datetime:
    return key.activated_at or key.created_at
