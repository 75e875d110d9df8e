"""What a phone judges by itself, in real Chromium: the frozen vectors, dates, cancellations, practice."""

import json
import random
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Page

from keys.cbor import read_claims
from keys.pass_code import issue_code
from keys.passes import BOOKLET_MAX, PassId
from keys.signer import Ed25519Signer

VECTORS: Final = json.loads(
    (Path(__file__).parent.parent / "vectors" / "pass_codes.json").read_text(encoding="utf-8")
)
BENCH: Final = "/page/files.json"
JUDGE: Final = """async ([texts, facts, now]) => {
  const { judgeHere } = await import("/page/judge.js")
  return Promise.all(texts.map((text) => judgeHere(text, facts, now)))
}"""
READ: Final = """async (texts) => {
  const { readCode } = await import("/page/pass_code.js")
  const shown = ({ fault, pass, expiresAt, kid }) => ({ fault, pass, expiresAt, kid: kid && [...kid] })
  return texts.map((text) => shown(readCode(text)))
}"""
CLAIMS: Final = """async (spelled) => {
  const { readClaims } = await import("/page/claims.js")
  return spelled.map((hex) => {
    const bytes = Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16))
    try {
      const claims = [...readClaims(bytes)].filter(([key]) => key === 4 || key === 7)
      return claims.map(([key, value]) => [key, typeof value === "number" ? value : value && [...value]])
    } catch {
      return null
    }
  })
}"""
# An older browser: it has no Ed25519 of its own.
WITHOUT_ED25519: Final = """() => {
  crypto.subtle.importKey = () => Promise.reject(new DOMException("Ed25519?", "NotSupportedError"))
}"""


@pytest.fixture
async def bench(open_page: Any) -> Page:
    page: Page = await open_page(None, path=BENCH)
    return page


def facts(**more: Any) -> dict[str, Any]:
    return {
        "keyset": VECTORS["keyset"],
        "revocations": [],
        "programmes": [],
        "isStale": False,
        **more,
    }


async def judge(page: Page, texts: list[str], known: dict[str, Any], now: float = 0) -> list[dict[str, Any]]:
    judged: list[dict[str, Any]] = await page.evaluate(JUDGE, [texts, known, now])
    return judged


async def test_good_vectors_say_in_the_page_what_they_say_in_python(bench):
    good = VECTORS["good"]
    read = await bench.evaluate(READ, [one["text"] for one in good])
    for one, found in zip(good, read, strict=True):
        assert found["fault"] is None, one["name"]
        assert found["pass"] == {"booklet": one["booklet"], "number": one["number"]}, one["name"]
        assert found["expiresAt"] == one["expires_at"], one["name"]
        assert bytes(found["kid"]).hex() == one["kid"], one["name"]


@pytest.mark.parametrize("library", [False, True], ids=["the browser's Ed25519", "the vendored library"])
async def test_every_vector_is_judged_in_the_page_as_in_python(bench, library):
    if library:
        await bench.evaluate(WITHOUT_ED25519)
    good, bad = VECTORS["good"], VECTORS["bad"]
    for one, judged in zip(good, await judge(bench, [one["text"] for one in good], facts()), strict=True):
        state, told = ("refused", "revoked_key") if one["key_revoked"] else ("good", None)
        assert (judged["state"], judged.get("refusal")) == (state, told), one["name"]
        assert judged["pass"] == {"booklet": one["booklet"], "number": one["number"]}, one["name"]
    for one, judged in zip(bad, await judge(bench, [one["text"] for one in bad], facts()), strict=True):
        if one["name"] == "a short code":  # which has no signature for a phone to check
            assert judged == {"state": "unverifiable", "why": "short-code"}
        else:
            assert (judged["state"], judged.get("refusal")) == ("refused", one["fault"]), one["name"]


async def test_bad_vectors_that_are_no_code_of_ours_are_read_as_python_reads_them(bench):
    bad = VECTORS["bad"]
    read = await bench.evaluate(READ, [one["text"] for one in bad])
    for one, found in zip(bad, read, strict=True):
        if one["fault"] in {"unreadable", "unknown_format"}:
            assert found["fault"] == one["fault"], one["name"]
        else:
            assert found["fault"] is None, one["name"]


SOON = datetime(2026, 6, 1, tzinfo=UTC)
BOOKLET = VECTORS["good"][0]["booklet"]


def a_programme(**change: Any) -> dict[str, Any]:
    return {
        "face_value_cents": 1000,
        "last_day": "2026-05-31",
        "expires_at": SOON.isoformat(),
        "batches": [{"first_booklet": BOOKLET - 10, "booklet_count": 20}],
        **change,
    }


def seconds(after: timedelta) -> float:
    return (SOON + after).timestamp() * 1000


async def test_the_programmes_amended_date_decides_and_not_the_printed_one(bench):
    text = [VECTORS["good"][0]["text"]]
    known = facts(programmes=[a_programme()])
    before = await judge(bench, text, known, seconds(timedelta(seconds=-1)))
    after = await judge(bench, text, known, seconds(timedelta()))
    assert before[0]["state"] == "good"
    assert before[0]["pass"] == {
        "booklet": BOOKLET,
        "number": 7,
        "face_value_cents": 1000,
        "expires_on": "2026-05-31",
    }
    assert (after[0]["state"], after[0]["refusal"]) == ("refused", "expired")
    # Printed long ago, extended since: the printed date says nothing.
    extended = facts(programmes=[a_programme(expires_at="2031-01-01T00:00:00Z")])
    assert (await judge(bench, text, extended, 1_900_000_000_000))[0]["state"] == "good"


async def test_a_booklet_cancelled_since_is_refused_from_that_instant_on(bench):
    text = [VECTORS["good"][0]["text"]]
    known = facts(revocations=[{"booklet": BOOKLET, "cause": "lost", "cancelled_at": SOON.isoformat()}])
    before = await judge(bench, text, known, seconds(timedelta(seconds=-1)))
    after = await judge(bench, text, known, seconds(timedelta()))
    assert before[0]["state"] == "good"
    assert after[0]["refusal"] == "cancelled"


async def test_of_several_reasons_the_first_is_told_in_the_servers_order(bench):
    revoked = next(one["text"] for one in VECTORS["good"] if one["key_revoked"])
    gone = {"booklet": BOOKLET, "cause": "lost", "cancelled_at": "2020-01-01T00:00:00Z"}
    known = facts(programmes=[a_programme()], revocations=[gone])
    texts = [revoked, VECTORS["good"][0]["text"]]
    told = await judge(bench, texts, known, seconds(timedelta(days=1)))
    assert [one["refusal"] for one in told] == ["revoked_key", "expired"]


async def test_old_facts_refuse_nothing_that_may_have_changed_since(bench):
    stale = facts(
        isStale=True,
        programmes=[a_programme()],
        revocations=[{"booklet": BOOKLET, "cause": "lost", "cancelled_at": "2020-01-01T00:00:00Z"}],
    )
    by_name = {one["name"]: one["text"] for one in VECTORS["bad"]}
    text = VECTORS["good"][0]["text"]
    late, unknown, forged = await judge(
        bench,
        [text, by_name["key: not in the keyset"], by_name["signature: zeros"]],
        stale,
        seconds(timedelta(1)),
    )
    assert (late["state"], late["why"]) == ("unverifiable", "stale-facts")
    assert (unknown["state"], unknown["why"]) == ("unverifiable", "stale-facts")
    # A wrong signature stays wrong.
    assert forged["refusal"] == "forged"
    (keyless,) = await judge(bench, [text], facts(keyset=None))
    assert (keyless["state"], keyless["why"]) == ("unverifiable", "no-keys")


async def test_practice_is_a_practice_number_under_a_practice_key_and_nothing_else(bench):
    keys = [
        {**key, "purpose": "practice"} if key["purpose"] == "pass" and key["state"] == "active" else key
        for key in VECTORS["keyset"]["keys"]
    ]
    signer = Ed25519Signer.from_raw(bytes.fromhex(VECTORS["private_keys_hex"]["pass active"]))
    practice = issue_code(PassId(BOOKLET_MAX, 1), 1_900_000_000, signer)
    forged = practice[:-2] + ("00" if practice[-2:] != "00" else "11")
    texts = [practice, VECTORS["good"][0]["text"], forged]
    told = await judge(bench, texts, facts(keyset={"keys": keys}))
    assert told[0] == {"state": "practice", "pass": {"booklet": BOOKLET_MAX, "number": 1}}
    assert [one["refusal"] for one in told[1:]] == ["unknown_key", "unknown_key"]


def mutations(count: int) -> Iterator[bytes]:
    """Claims that a hostile hand might write: real ones and every kind of float, with some bytes changed."""
    chance = random.Random(4)
    floats = [struct.pack(form, n) for form in (">e", ">f", ">d") for n in (0.0, -1.5, 65504.0, 2.0**-24)]
    floats += [struct.pack(form, n) for form in (">f", ">d") for n in (65536.0, 1e-10, 0.1)]
    heads = {2: b"\xf9", 4: b"\xfa", 8: b"\xfb"}
    whole = [
        bytes.fromhex("a2041a6b5fc3d00746000001e24007"),
        bytes.fromhex("a3041a6b5fc3d0061b00000001000000000746000001e24007"),
        bytes.fromhex("a3041a6b5fc3d00746000001e24007636162638201a10203"),
        *(b"\xa1\x05" + heads[len(one)] + one for one in floats),
    ]
    yield from whole
    for _ in range(count):
        changed = bytearray(chance.choice(whole))
        for _ in range(chance.randint(1, 2)):
            changed[chance.randrange(len(changed))] = chance.choice([chance.randrange(256), 0x80, 0xF7, 0x61])
        yield bytes(changed[: chance.choice([len(changed)] * 9 + [len(changed) - 1])])


async def test_the_page_reads_hostile_claims_exactly_as_python_does(bench):
    spelled = list(mutations(6_000))
    read = await bench.evaluate(CLAIMS, [one.hex() for one in spelled])
    for one, found in zip(spelled, read, strict=True):
        try:
            claims = read_claims(one)
        except ValueError:
            assert found is None, one.hex()
            continue
        told = [[key, listed(value)] for key, value in claims.items() if key in {4, 7}]
        assert found == told, one.hex()


def listed(value: object) -> object:
    if isinstance(value, int):
        return pytest.approx(value)  # beyond 2**53 the page knows only that it is too large
    return list(value) if isinstance(value, bytes) else list(value) if isinstance(value, str) else value
