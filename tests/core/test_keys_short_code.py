"""Short codes: the frozen vectors, what hands and eyes confuse, guesses. Not how guesses are limited."""

import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keys.passes import BOOKLET_MAX, CodeFault, PassId, SignedPass
from keys.short_code import (
    TypedCode,
    looks_like_short_code,
    open_short_code,
    programme_secret,
    read_short_code,
    short_code,
)

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors/short_codes.json").read_text())
SECRETS = {
    int(programme): bytes.fromhex(text) for programme, text in VECTORS["programme_secrets_hex"].items()
}
SECRET = SECRETS[1]
A_CODE: str = VECTORS["good"][0]["text"]

pass_ids = st.builds(PassId, st.integers(0, BOOKLET_MAX), st.integers(1, 255))


def name_of(vector: dict[str, Any]) -> str:
    return str(vector["name"])


def opened(text: str, secret: bytes) -> SignedPass | CodeFault:
    typed = read_short_code(text)
    return open_short_code(typed, secret) if isinstance(typed, TypedCode) else typed


@pytest.mark.parametrize("vector", VECTORS["good"], ids=name_of)
def test_a_good_vector_is_written_and_read_as_ever(vector: dict[str, Any]) -> None:
    pass_id, secret = PassId(vector["booklet"], vector["number"]), SECRETS[vector["programme_id"]]
    assert short_code(pass_id, secret) == vector["text"]
    for text in [vector["text"], *vector["also_read"]]:
        assert looks_like_short_code(text)
        assert opened(text, secret) == SignedPass(pass_id, None, "short", key_revoked=False)


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=name_of)
def test_a_bad_vector_is_told_its_fault(vector: dict[str, Any]) -> None:
    assert opened(vector["text"], SECRETS[vector["programme_id"]]) is CodeFault(vector["fault"])
    assert looks_like_short_code(vector["text"]) is vector["looks_like_short_code"]


def test_programme_secrets_are_derived_as_ever() -> None:
    master = bytes.fromhex(VECTORS["master_secret_hex"])
    assert {programme: programme_secret(master, programme) for programme in SECRETS} == SECRETS


@given(pass_ids)
def test_what_was_printed_is_what_is_read(pass_id: PassId) -> None:
    text = short_code(pass_id, SECRET)
    assert [len(group) for group in text.split("-")] == [4, 4, 4, 4]
    assert opened(text, SECRET) == SignedPass(pass_id, None, "short", key_revoked=False)


@given(pass_ids, st.data())
def test_case_separators_and_confusions_do_not_matter(pass_id: PassId, data: st.DataObject) -> None:
    looks_like = {"0": "0Oo", "1": "1IiLl", "O": "0Oo", "I": "1IiLl", "L": "1IiLl"}
    printed = short_code(pass_id, SECRET).replace("-", "")
    typed = "".join(
        data.draw(st.sampled_from(looks_like.get(character, character + character.lower())))
        + data.draw(st.sampled_from(["", "", "-", " "]))
        for character in printed
    )
    assert opened(typed, SECRET) == SignedPass(pass_id, None, "short", key_revoked=False)


def test_every_single_character_changed_to_another_is_refused_before_it_counts_as_a_guess() -> None:
    same = [set("0Oo"), set("1IiLl")]
    for at, character in enumerate(A_CODE):
        for other in string.digits + string.ascii_letters:
            confused = any({character, other} <= group for group in same)
            if character == "-" or other.upper() == character or confused:
                continue
            changed = A_CODE[:at] + other + A_CODE[at + 1 :]
            assert read_short_code(changed) is CodeFault.UNREADABLE, (at, other)


def test_a_code_of_another_programme_is_forged() -> None:
    assert opened(short_code(PassId(8, 1), SECRETS[2]), SECRET) is CodeFault.FORGED


@settings(deadline=None)
@given(pass_ids, st.integers(0, 2**27 - 1))
def test_a_guessed_mac_opens_nothing(pass_id: PassId, guess: int) -> None:
    right = read_short_code(short_code(pass_id, SECRET))
    assert isinstance(right, TypedCode)
    if guess != right.mac_bits:
        assert open_short_code(TypedCode(pass_id, guess), SECRET) is CodeFault.FORGED


@given(
    st.text(max_size=60) | st.text(alphabet=string.ascii_letters + string.digits, min_size=16, max_size=16)
)
@example("\ud800" * 16)
@example("ǆ" * 16)
def test_random_text_never_crashes_and_never_verifies(text: str) -> None:
    assert isinstance(opened(text, SECRET), CodeFault)
    assert looks_like_short_code(text) or read_short_code(text) is CodeFault.UNREADABLE
