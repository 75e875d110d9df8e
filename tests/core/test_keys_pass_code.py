"""Pass codes: the frozen vectors, every small change refused, hostile input. Not what a scan decides."""

import ast
import json
import string
import sys
from pathlib import Path
from typing import Any

import pytest
import segno
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keys import base45
from keys.envelope import sign_envelope
from keys.keyring import keyring_from_jwks
from keys.pass_code import ENVELOPE_BYTES_MAX, EXPIRES_AT_MAX, PREFIX, TEXT_CHARS_MAX, issue_code, open_code
from keys.passes import BOOKLET_MAX, CodeFault, PassId, SignedPass
from keys.signer import Ed25519Signer

ROOT = Path(__file__).parents[2]
VECTORS: dict[str, Any] = json.loads((ROOT / "tests/vectors/pass_codes.json").read_text())
KEYRING = keyring_from_jwks(VECTORS["keyset"])
SIGNERS = {
    signer.kid.hex(): signer
    for signer in (Ed25519Signer.from_raw(bytes.fromhex(key)) for key in VECTORS["private_keys_hex"].values())
}
ACTIVE = Ed25519Signer.from_raw(bytes.fromhex(VECTORS["private_keys_hex"]["pass active"]))
A_CODE: str = VECTORS["good"][0]["text"]

pass_ids = st.builds(PassId, st.integers(0, BOOKLET_MAX), st.integers(1, 255))
instants = st.integers(1, EXPIRES_AT_MAX)


def name_of(vector: dict[str, Any]) -> str:
    return str(vector["name"])


@pytest.mark.parametrize("vector", VECTORS["good"], ids=name_of)
def test_a_good_vector_says_what_it_always_said(vector: dict[str, Any]) -> None:
    assert open_code(vector["text"], KEYRING) == SignedPass(
        pass_id=PassId(vector["booklet"], vector["number"]),
        printed_expires_at=vector["expires_at"],
        carrier="qr",
        key_revoked=vector["key_revoked"],
    )


@pytest.mark.parametrize("vector", VECTORS["bad"], ids=name_of)
def test_a_bad_vector_is_told_its_fault(vector: dict[str, Any]) -> None:
    assert open_code(vector["text"], KEYRING) is CodeFault(vector["fault"])


def test_every_fault_has_a_vector() -> None:
    assert {vector["fault"] for vector in VECTORS["bad"]} == set(CodeFault)


def test_issuing_gives_the_frozen_text_again() -> None:
    issued = [vector for vector in VECTORS["good"] if not vector["name"].startswith(("tagged", "extra"))]
    assert len(issued) > 5
    for vector in issued:
        pass_id = PassId(vector["booklet"], vector["number"])
        assert issue_code(pass_id, vector["expires_at"], SIGNERS[vector["kid"]]) == vector["text"]


def test_a_code_is_94_bytes_and_145_characters_of_a_qr_symbol_in_alphanumeric_mode() -> None:
    assert len(base45.decode(A_CODE.removeprefix(PREFIX))) == 94
    assert len(A_CODE) == 145
    assert set(A_CODE) <= set(base45.ALPHABET)
    for text in (A_CODE, PREFIX + "0" * (TEXT_CHARS_MAX - len(PREFIX))):
        symbol = segno.make(text, error="m", boost_error=False)
        assert (symbol.mode, symbol.version, symbol.symbol_size(border=0)) == ("alphanumeric", 6, (41, 41))


@settings(deadline=None)
@given(pass_ids, instants)
def test_what_was_issued_is_what_is_opened(pass_id: PassId, expires_at: int) -> None:
    text = issue_code(pass_id, expires_at, ACTIVE)
    assert len(text) <= TEXT_CHARS_MAX
    assert open_code(text, KEYRING) == SignedPass(pass_id, expires_at, "qr", key_revoked=False)


@pytest.mark.parametrize("expires_at", [0, 1, 2**16 - 1])
def test_an_instant_in_more_bytes_than_it_needs_is_unreadable_though_rightly_signed(expires_at: int) -> None:
    payload = bytes.fromhex("a2041a") + expires_at.to_bytes(4) + bytes.fromhex("0746") + PassId(7, 3).cti
    text = PREFIX + base45.encode(sign_envelope(payload, ACTIVE))
    assert open_code(text, KEYRING) is CodeFault.UNREADABLE


@pytest.mark.parametrize(
    ("pass_id", "expires_at", "complaint"),
    [
        (PassId(-1, 1), 1, "booklet must be"),
        (PassId(BOOKLET_MAX + 1, 1), 1, "booklet must be"),
        (PassId(1, 0), 1, "pass number must be"),
        (PassId(1, 256), 1, "pass number must be"),
        (PassId(1, 1), 0, "expires_at must be"),
        (PassId(1, 1), EXPIRES_AT_MAX + 1, "expires_at must be"),
    ],
)
def test_what_could_not_be_opened_is_not_issued(pass_id: PassId, expires_at: int, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        issue_code(pass_id, expires_at, ACTIVE)


@pytest.mark.parametrize("text", [A_CODE, VECTORS["good"][1]["text"]], ids=["untagged", "tagged"])
def test_every_single_bit_change_of_the_envelope_is_refused(text: str) -> None:
    envelope = bytearray(base45.decode(text.removeprefix(PREFIX)))
    for bit in range(len(envelope) * 8):
        envelope[bit // 8] ^= 1 << bit % 8
        opened = open_code(PREFIX + base45.encode(bytes(envelope)), KEYRING)
        assert isinstance(opened, CodeFault), f"bit {bit} of byte {bit // 8}"
        envelope[bit // 8] ^= 1 << bit % 8


def test_every_single_character_changed_is_refused() -> None:
    for at in range(len(A_CODE)):
        for character in set(string.printable + "É１") - {A_CODE[at]}:
            changed = A_CODE[:at] + character + A_CODE[at + 1 :]
            assert isinstance(open_code(changed, KEYRING), CodeFault), (at, character)


def test_every_single_character_left_out_or_put_in_is_refused() -> None:
    for at in range(len(A_CODE) + 1):
        assert at == len(A_CODE) or isinstance(open_code(A_CODE[:at] + A_CODE[at + 1 :], KEYRING), CodeFault)
        for character in base45.ALPHABET:
            longer = A_CODE[:at] + character + A_CODE[at:]
            assert isinstance(open_code(longer, KEYRING), CodeFault), (at, character)


def test_every_truncation_is_refused() -> None:
    for length in range(len(A_CODE)):
        assert isinstance(open_code(A_CODE[:length], KEYRING), CodeFault)


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=TEXT_CHARS_MAX + 10))
@example("PN1:\ud800")
@example("\0")
def test_random_text_never_crashes_and_never_verifies(text: str) -> None:
    assert isinstance(open_code(text, KEYRING), CodeFault)
    assert isinstance(open_code(PREFIX + text, KEYRING), CodeFault)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=ENVELOPE_BYTES_MAX))
def test_random_bytes_never_crash_and_never_verify(data: bytes) -> None:
    assert isinstance(open_code(PREFIX + base45.encode(data), KEYRING), CodeFault)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_code_spliced_with_random_bytes_never_verifies(data: st.DataObject) -> None:
    envelope = base45.decode(A_CODE.removeprefix(PREFIX))
    start = data.draw(st.integers(0, len(envelope)))
    end = data.draw(st.integers(start, len(envelope)))
    spliced = envelope[:start] + data.draw(st.binary(max_size=20)) + envelope[end:]
    opened = open_code(PREFIX + base45.encode(spliced), KEYRING)
    assert spliced == envelope or spliced == b"\xd2" + envelope or isinstance(opened, CodeFault)


@pytest.mark.parametrize("text", [A_CODE + " " * 10, "PN2:" + "0" * 151, "PN1:" + "0" * 10_000_000])
def test_nothing_over_the_maximum_is_parsed(text: str) -> None:
    called: list[str] = []

    def note(frame: Any, event: str, argument: Any) -> None:
        if event in {"call", "c_call"}:
            called.append(argument.__name__ if event == "c_call" else frame.f_code.co_name)

    sys.setprofile(note)
    try:
        opened = open_code(text, KEYRING)
    finally:
        sys.setprofile(None)
    assert opened is CodeFault.UNREADABLE
    assert called == ["open_code", "read_code", "len", "isinstance", "setprofile"]


def test_only_what_checks_a_code_builds_a_signed_pass() -> None:
    builders = set()
    for path in ROOT.glob("[a-z]*/**/*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        names = {getattr(called, "id", None) or getattr(called, "attr", None) for called in calls}
        if "SignedPass" in names and "tests" not in path.relative_to(ROOT).parts:
            builders.add(path.relative_to(ROOT).as_posix())
    assert builders == {"keys/pass_code.py", "keys/short_code.py"}
