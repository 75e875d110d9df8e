"""Practice codes: whatever key signs whatever number, practice is never money and money never practice."""

import hashlib
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from keys.keyring import KeyPurpose, Keyring, KeyState, PublicKey
from keys.pass_code import issue_code, open_code
from keys.passes import (
    BOOKLET_MAX,
    PRACTICE_BOOKLETS_MAX,
    PRACTICE_FIRST,
    CodeFault,
    PassId,
    PracticePass,
    SignedPass,
)
from keys.practice import (
    EXPIRES_AT,
    issue_practice_code,
    open_practice_code,
    open_practice_short_code,
    practice_secret,
    practice_short_code,
)
from keys.short_code import TypedCode, open_short_code, programme_secret, read_short_code, short_code
from keys.signer import Ed25519Signer

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MASTER = bytes(range(32))
SECRET = practice_secret(MASTER)

# A signer for each purpose and state, all of them in one keyring.
SIGNERS = {
    (purpose, state): Ed25519Signer.from_raw(hashlib.sha256(f"{purpose} {state}".encode()).digest())
    for purpose in KeyPurpose
    for state in KeyState
}
KEYRING = Keyring.from_keys(
    PublicKey(signer.kid, purpose, state, signer.raw_public_key, NOON)
    for (purpose, state), signer in SIGNERS.items()
)
STRANGER = Ed25519Signer.from_raw(bytes(32))

practice_ids = st.builds(PassId, st.integers(PRACTICE_FIRST, BOOKLET_MAX), st.integers(1, 255))
real_ids = st.builds(PassId, st.integers(0, PRACTICE_FIRST - 1), st.integers(1, 255))
pass_ids = st.one_of(practice_ids, real_ids)
purposes_and_states = st.sampled_from(sorted(SIGNERS))


def typed(code: str) -> TypedCode:
    read = read_short_code(code)
    assert isinstance(read, TypedCode)
    return read


@given(pass_ids, purposes_and_states)
def test_only_a_pass_key_makes_a_pass_and_only_a_practice_key_with_its_numbers_a_practice_pass(
    pass_id: PassId, signed_by: tuple[KeyPurpose, KeyState]
) -> None:
    code = issue_code(pass_id, EXPIRES_AT, SIGNERS[signed_by])
    opened, practice = open_code(code, KEYRING), open_practice_code(code, KEYRING)
    assert isinstance(opened, SignedPass) == (signed_by[0] is KeyPurpose.PASS_CODE)
    assert opened is CodeFault.UNKNOWN_KEY or practice is None
    is_practice = signed_by[0] is KeyPurpose.PRACTICE and pass_id.is_practice
    assert practice == (PracticePass(pass_id, "qr") if is_practice else None)


@given(practice_ids, st.integers(0, 63), st.integers(1, 255))
def test_a_practice_code_changed_anywhere_in_its_signature_is_no_practice_pass(
    pass_id: PassId, at: int, change: int
) -> None:
    class Forger:
        kid = SIGNERS[KeyPurpose.PRACTICE, KeyState.ACTIVE].kid

        def sign(self, message: bytes) -> bytes:
            signature = bytearray(SIGNERS[KeyPurpose.PRACTICE, KeyState.ACTIVE].sign(message))
            signature[at] ^= change
            return bytes(signature)

    code = issue_code(pass_id, EXPIRES_AT, Forger())
    assert open_practice_code(code, KEYRING) is None
    assert open_code(code, KEYRING) is CodeFault.UNKNOWN_KEY


@given(st.text(max_size=200))
def test_any_text_is_no_practice_pass_and_breaks_nothing(text: str) -> None:
    assert open_practice_code(text, KEYRING) is None
    assert open_practice_code(f"PN1:{text}", KEYRING) is None


@given(practice_ids, st.integers(0, 1_000))
def test_a_practice_short_code_is_no_pass_of_any_programme_nor_the_reverse(
    pass_id: PassId, programme_id: int
) -> None:
    secret = programme_secret(MASTER, programme_id)
    practice, real = typed(practice_short_code(pass_id, SECRET)), typed(short_code(pass_id, secret))
    assert open_practice_short_code(practice, SECRET) == PracticePass(pass_id, "short")
    assert open_short_code(practice, secret) is CodeFault.FORGED
    assert open_practice_short_code(real, SECRET) is None
    # Apart from their keys, their contexts differ too.
    assert open_short_code(practice, SECRET) is CodeFault.FORGED


@given(real_ids)
def test_a_number_of_money_is_never_practice_whatever_its_mac(pass_id: PassId) -> None:
    bits = range(0, 1 << 27, 1 << 23)
    assert not any(open_practice_short_code(TypedCode(pass_id, mac), SECRET) for mac in bits)


def test_practice_has_the_top_of_the_numbers_and_codes_as_long_as_real_ones() -> None:
    assert PRACTICE_FIRST + PRACTICE_BOOKLETS_MAX == BOOKLET_MAX + 1 == 2**40
    first, last_real = PassId(PRACTICE_FIRST, 1), PassId(PRACTICE_FIRST - 1, 1)
    assert first.is_practice
    assert not last_real.is_practice
    practice_signer = SIGNERS[KeyPurpose.PRACTICE, KeyState.ACTIVE]
    real = issue_code(last_real, 1_830_000_000, SIGNERS[KeyPurpose.PASS_CODE, KeyState.ACTIVE])
    assert len(issue_practice_code(first, practice_signer)) == len(real)
    assert issue_practice_code(first, practice_signer) == issue_practice_code(first, practice_signer)


def test_a_practice_code_of_an_unknown_key_is_an_unknown_key() -> None:
    code = issue_practice_code(PassId(PRACTICE_FIRST, 1), STRANGER)
    assert open_practice_code(code, KEYRING) is None
    assert open_code(code, KEYRING) is CodeFault.UNKNOWN_KEY
