"""What a phone does by itself: reasons known without network, test mode, practice apart from money."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from playwright.async_api import Route, expect

from keys.keyring import KeyPurpose, KeyState
from keys.pass_code import issue_code
from keys.passes import BOOKLET_MAX, PassId
from keys.signer import Ed25519Signer
from ledger.booklets import cancel_booklets
from ledger.facts import load_facts
from ledger.rows import CancelCause
from ledger.signing_keys import change_key


async def fly(phone: Any) -> None:
    """Know what the service says now, then lose the network."""
    assert await phone.page.evaluate("engine.facts.refresh()")
    await phone.page.context.set_offline(True)


def writes_of(phone: Any) -> list[str]:
    sent: list[str] = []
    phone.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    return sent


@pytest.fixture
def practice() -> Ed25519Signer:
    return Ed25519Signer(Ed25519PrivateKey.generate())


@pytest.fixture
def with_practice_key(practice: Ed25519Signer) -> Callable[[Route], Awaitable[None]]:
    """The published keyset with a practice key, as an instance that practises publishes it."""

    def text(data: bytes) -> str:
        return urlsafe_b64encode(data).decode().rstrip("=")

    async def answer(route: Route) -> None:
        keyset = await (await route.fetch()).json()
        key = {"kid": text(practice.kid), "x": text(practice.raw_public_key), "purpose": "practice"}
        keyset["keys"].append({"kty": "OKP", "crv": "Ed25519", "state": "active", **key})
        await route.fulfill(json=keyset)

    return answer


def a_practice_code(signer: Ed25519Signer) -> str:
    return issue_code(PassId(BOOKLET_MAX, 1), 4_102_441_200, signer)


def forged(code: str) -> str:
    return code[:-2] + ("00" if code[-2:] != "00" else "11")


async def test_a_cancelled_booklet_is_refused_in_flight_mode_and_never_sent(
    start, instance, connection, refreshed
):
    booklet, _ = instance.passes[0]
    await cancel_booklets(
        connection,
        [booklet],
        cause=CancelCause.LOST,
        # The page knows the service's time to half a second.
        at=datetime.now(UTC) - timedelta(seconds=2),
        actor="tests",
        reason=None,
    )
    await refreshed()
    phone = await start()
    await fly(phone)
    told = await phone.take(instance.qr(0))
    assert (told["kind"], told["attempt"]["refusal"]) == ("refused", "cancelled")
    assert told["attempt"]["isLocal"] is True
    assert "code" not in told["attempt"]
    # The same paper comes by again in the picture: one line is enough.
    assert (await phone.take(instance.qr(0)))["kind"] == "again"

    sent = writes_of(phone)
    await phone.page.context.set_offline(False)
    await phone.send()
    assert sent == []
    await phone.reload()
    assert [one["state"] for one in await phone.attempts()] == ["refused"]


async def test_a_revoked_key_is_refused_in_flight_mode_however_old_the_facts(
    start, instance, connection, refreshed
):
    facts = await load_facts(connection)
    key = next(
        one
        for one in facts.keys.values()
        if one.purpose is KeyPurpose.PASS_CODE and one.state is KeyState.ACTIVE
    )
    await change_key(
        connection, key.kid, KeyState.REVOKED, at=datetime.now(UTC), actor="tests", reason="stolen"
    )
    await refreshed()
    phone = await start()
    await fly(phone)
    await phone.page.clock.set_system_time(datetime.now(UTC) + timedelta(days=30))
    assert await phone.page.evaluate("engine.facts.isStale")
    told = await phone.take(instance.qr(0))
    assert (told["kind"], told["attempt"]["refusal"]) == ("refused", "revoked_key")


async def test_a_forged_code_is_refused_here_and_the_genuine_one_is_still_taken(start, instance):
    phone = await start()
    await fly(phone)
    told = await phone.take(forged(instance.qr(0)))
    assert (told["kind"], told["attempt"]["refusal"]) == ("refused", "forged")
    assert (await phone.take(instance.qr(0)))["kind"] == "waiting"


async def test_a_phone_that_knows_no_key_yet_keeps_the_pass_for_the_server(start, instance):
    async def cut(route: Route) -> None:
        await route.abort()

    phone = await start(keyset=cut)
    assert await phone.page.evaluate("engine.facts.ageMs") is None
    assert (await phone.take(instance.qr(0)))["kind"] == "waiting"
    await expect(phone.page.locator("html")).to_have_attribute("data-accepted", "1")


async def test_a_phone_that_cannot_verify_at_all_keeps_the_pass_for_the_server(start, instance):
    phone = await start()
    await phone.page.evaluate("() => { crypto.subtle.importKey = () => Promise.reject(new Error('broken')) }")
    assert (await phone.take(instance.qr(0)))["kind"] == "waiting"


@pytest.mark.parametrize("text", ["https://exemple.fr/a", "0000-0001-0736-Q7H", "bonjour", ""])
async def test_what_is_nobodys_pass_is_neither_kept_nor_sent(start, text):
    phone = await start()
    sent = writes_of(phone)
    assert await phone.take(text) == {"kind": "not-a-pass"}
    assert await phone.attempts() == []
    assert sent == []


async def test_without_a_service_chosen_nothing_is_kept(start, instance):
    phone = await start()
    await phone.page.evaluate("engine.service = null")
    assert await phone.take(instance.qr(0)) == {"kind": "no-service"}
    assert await phone.attempts() == []


async def test_test_mode_asks_the_server_and_without_it_tells_what_the_phone_knows(start, instance, client):
    phone = await start()
    await phone.page.evaluate("engine.mode = 'test'")
    told = await phone.take(instance.qr(0))
    assert (told["kind"], told["attempt"]["state"]) == ("tested", "acceptable")

    await fly(phone)
    good, bad = await phone.take(instance.qr(0)), await phone.take(forged(instance.qr(1)))
    assert (good["attempt"]["state"], good["attempt"]["why"]) == ("untested", "no-answer")
    assert good["attempt"]["pass"]["number"] == instance.passes[0][1].number
    assert (bad["attempt"]["state"], bad["attempt"]["refusal"]) == ("refusable", "forged")
    assert await phone.attempts() == []
    async with client.get("/v1/scans", headers=instance.headers()) as response:
        assert (await response.json())["count"] == 0


async def test_in_training_only_practice_counts_and_nothing_leaves_the_phone(
    start, instance, practice, with_practice_key
):
    phone = await start(keyset=with_practice_key)
    await phone.page.evaluate("engine.mode = 'training'")
    sent = writes_of(phone)
    told = await phone.take(a_practice_code(practice))
    assert (told["kind"], told["attempt"]["state"]) == ("practice", "practice")
    assert (await phone.take(a_practice_code(practice)))["kind"] == "again"
    for real in (instance.qr(0), instance.short(1)):
        assert (await phone.take(real))["kind"] == "real-in-training"
    assert sent == []
    assert await phone.attempts() == []


@pytest.mark.parametrize("mode", ["take", "test"])
async def test_a_practice_pass_is_never_money(start, practice, with_practice_key, mode):
    phone = await start(keyset=with_practice_key)
    await phone.page.evaluate("(mode) => { engine.mode = mode }", mode)
    sent = writes_of(phone)
    assert await phone.take(a_practice_code(practice)) == {"kind": "practice-refused"}
    assert sent == []
    assert await phone.attempts() == []


async def test_a_device_enrolled_with_a_key_signs_what_it_sends_and_no_script_can_read_the_key(
    start, instance, origin
):
    phone = await start()
    jwk = await phone.page.evaluate(
        "async () => { let key; await engine.facts.changeDevice(async (one) => (key = one)); return key }"
    )
    await phone.reload()
    assert await phone.page.evaluate("engine.facts.key.extractable") is False
    async with phone.page.expect_request("**/v1/scans/batch") as sent:
        await phone.take(instance.qr(0))
    request = await sent.value
    signature = from_base64url((await request.all_headers())["x-device-signature"])
    body = request.post_data_buffer
    assert body is not None
    message = b"poincon 1\nPOST\n/v1/scans/batch\n" + sha256(body).digest()
    x, y = (int.from_bytes(from_base64url(jwk[name])) for name in ("x", "y"))
    r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    key.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))
    assert json.loads(body)["scans"][0]["code"] == instance.qr(0)


def from_base64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
