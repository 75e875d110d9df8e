"""Codes that were read before: not verified again, and judged by the keys of now all the same."""

from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from keys.keyring import KeyPurpose, Keyring, KeyState, PublicKey
from keys.pass_code import issue_code
from keys.passes import CodeFault, PassId, SignedPass
from keys.signer import Ed25519Signer
from ledger.rows import Device
from validator.code_reading import CodeReader
from validator.guard import Guard
from validator.limits import WrongCodes
from validator.snapshot import _keyring

NOON = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
SIGNER = Ed25519Signer.from_raw(bytes(32))
KEY = PublicKey(SIGNER.kid, KeyPurpose.PASS_CODE, KeyState.ACTIVE, SIGNER.raw_public_key, NOON)
PASS = PassId(7, 3)
CODE = issue_code(PASS, 1_900_000_000, SIGNER)
DEVICE = Device(5, 2, 3, 4, "essai", NOON, None)


@pytest.fixture
def read():
    reader = CodeReader(bytes(32), WrongCodes(Guard(None)))

    async def under(*keys, text=CODE):
        return await reader.read(text, DEVICE, SimpleNamespace(keyring=_keyring(keys)))

    return under


async def test_a_code_read_before_is_judged_by_the_keys_of_now(read):
    good = SignedPass(PASS, 1_900_000_000, "qr", key_revoked=False)
    for _ in range(2):
        assert await read(KEY) == good
    revoked = replace(KEY, state=KeyState.REVOKED, revoked_at=NOON)
    assert (await read(revoked)).key_revoked
    assert await read() is CodeFault.UNKNOWN_KEY
    assert await read(KEY) == good


async def test_a_code_that_differs_from_one_read_before_is_another_code(read):
    await read(KEY)
    changed = CODE[:-1] + ("0" if CODE[-1] != "0" else "1")
    assert isinstance(await read(KEY, text=changed), CodeFault)


def test_the_keyring_stays_the_same_until_a_key_changes():
    keyring: Keyring = _keyring((KEY,))
    assert _keyring((replace(KEY),)) is keyring
    assert _keyring((replace(KEY, state=KeyState.RETIRED),)) is not keyring
