"""Devices enrolled with a key: what they change is signed, and a stolen token alone changes nothing."""

import hashlib
import json
import re
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ledger.devices import invite_device
from validator.app import ENDPOINTS

ATTEMPT = "01890000-0000-7000-8000-000000000000"
HEADER = "X-Device-Signature"
CHANGING = [
    (one.method, re.sub(r"\{\w+\}", ATTEMPT, one.path))
    for one in ENDPOINTS
    if one.method != "GET" and not one.is_public
]


def _base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class Phone:
    """A page's side of the agreement, as device_key.js has it."""

    key: EllipticCurvePrivateKey
    id: int = 0
    token: str = ""

    @property
    def jwk(self) -> dict[str, object]:
        numbers = self.key.public_key().public_numbers()
        x, y = _base64url(numbers.x.to_bytes(32)), _base64url(numbers.y.to_bytes(32))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "ext": True, "key_ops": ["verify"]}

    @property
    def cookie(self) -> dict[str, str]:
        return {"Cookie": f"poincon_device={self.token}", "Sec-Fetch-Site": "same-origin"}

    def signature(self, method: str, path: str, body: bytes) -> dict[str, str]:
        digest = hashlib.sha256(body).digest()
        message = b"poincon 1\n" + method.encode() + b"\n" + path.encode() + b"\n" + digest
        r, s = decode_dss_signature(self.key.sign(message, ECDSA(SHA256())))
        return {HEADER: _base64url(r.to_bytes(32) + s.to_bytes(32))}


async def _invitation(house) -> str:
    device = house.devices[0]
    async with house.database() as connection:
        return await invite_device(
            connection,
            site_id=device.site_id,
            mediator_id=device.mediator_id,
            label="téléphone à clé",
            expires_at=datetime.now(UTC) + timedelta(minutes=10),
            actor="tests",
        )


@pytest.fixture
async def phone(house) -> Phone:
    phone = Phone(generate_private_key(SECP256R1()))
    body = {"code": await _invitation(house), "public_key": phone.jwk}
    enrolled = await house.call("POST", "/v1/enrolments", json=body)
    assert enrolled.status == 201
    phone.id, phone.token = enrolled.body["device"], enrolled.body["token"]
    return phone


def _is_refused(answer) -> bool:
    return (answer.status, answer.body.get("type")) == (401, "urn:poincon:problem:device-signature")


async def test_a_signed_scan_is_taken_and_the_same_without_its_signature_is_not(house, phone):
    [one] = await house.passes(1)
    body = json.dumps({"attempt_id": ATTEMPT[:-4] + "0001", "code": one.qr}).encode()
    signature = phone.signature("POST", "/v1/scans", body)

    unsigned = await house.call("POST", "/v1/scans", data=body, headers=phone.cookie)
    assert _is_refused(unsigned)
    assert HEADER in unsigned.body["detail"]
    assert unsigned.headers["WWW-Authenticate"].startswith("Bearer")

    signed = await house.call("POST", "/v1/scans", data=body, headers=phone.cookie | signature)
    assert signed.verdict == "accepted"
    # A resend is signed like the first, byte for byte or anew.
    again = await house.call("POST", "/v1/scans", data=body, headers=phone.cookie | signature)
    assert again.body == signed.body


@pytest.mark.parametrize(("method", "path"), CHANGING)
async def test_whatever_changes_something_is_refused_unsigned_or_signed_for_something_else(
    house, phone, method, path
):
    """Over every call there is, so that a new one can't be forgotten."""
    body = b'{"code": "x", "reason": "x"}'
    stranger = Phone(generate_private_key(SECP256R1()))
    wrong = [
        {},
        {HEADER: ""},
        {HEADER: "x" * 86},
        {HEADER: _base64url(bytes(64))},
        {HEADER: "é"},
        stranger.signature(method, path, body),
        phone.signature("PUT", path, body),
        phone.signature(method, f"{path}?", body),
        phone.signature(method, path, body + b" "),
    ]
    for headers in wrong:
        answer = await house.call(method, path, data=body, headers=phone.cookie | headers)
        assert _is_refused(answer), (headers, answer)
    async with house.database() as connection:
        assert await connection.fetchval("SELECT revoked_at FROM devices WHERE id = $1", phone.id) is None
        assert not await connection.fetchval(
            "SELECT count(*) FROM acceptances WHERE device_id = $1", phone.id
        )  # fmt: skip


async def test_a_stolen_cookie_sent_as_a_bearer_token_takes_nothing_either(house, phone):
    [one] = await house.passes(1)
    bearer = {"Authorization": f"Bearer {phone.token}"}
    scan = {"attempt_id": ATTEMPT[:-4] + "0002", "code": one.qr}
    assert _is_refused(await house.call("POST", "/v1/scans", json=scan, headers=bearer))
    assert (await house.scan(one.qr)).verdict == "accepted"


async def test_reading_needs_no_signature(house, phone):
    for path in ("/v1/device", "/v1/scans", "/v1/receipts"):
        answer = await house.call("GET", path, headers=phone.cookie)
        assert answer.status == 200, answer.body


async def test_the_query_is_signed_as_it_was_sent(house, phone):
    path = "/v1/photos?judge=check&service=d%C3%A9marches"
    body = b"no picture"
    signed = phone.signature("POST", path, body)
    assert (await house.call("POST", path, data=body, headers=phone.cookie | signed)).status == 422
    other = "/v1/photos?service=d%C3%A9marches&judge=check"
    assert _is_refused(await house.call("POST", other, data=body, headers=phone.cookie | signed))


async def test_a_large_photo_is_hashed_as_it_comes(house, phone):
    body = bytes(range(256)) * 8 * 1024  # 2 MiB: more than any JSON body may have
    signed = phone.signature("POST", "/v1/photos", body)
    answer = await house.call("POST", "/v1/photos", data=BytesIO(body), headers=phone.cookie | signed)
    assert answer.status == 422  # read to its end, and no picture
    changed = body[:-1] + b"\x00"
    answer = await house.call("POST", "/v1/photos", data=BytesIO(changed), headers=phone.cookie | signed)
    assert _is_refused(answer)


async def test_a_signed_goodbye_needs_no_body(house, phone):
    signed = phone.signature("DELETE", "/v1/device", b"")
    assert (await house.call("DELETE", "/v1/device", headers=phone.cookie | signed)).status == 200
    assert (await house.call("GET", "/v1/device", headers=phone.cookie)).status == 401


async def test_a_phone_with_an_old_key_can_be_enrolled_anew(house, phone):
    """Its browser sends the old cookie along, and the old key may be gone."""
    body = {"code": await _invitation(house), "public_key": Phone(generate_private_key(SECP256R1())).jwk}
    assert (await house.call("POST", "/v1/enrolments", json=body, headers=phone.cookie)).status == 201


@pytest.mark.parametrize(
    "public_key",
    [
        {},
        "key",
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
        {"kty": "RSA", "n": "AQAB", "e": "AQAB"},
    ],
)
async def test_a_wrong_key_is_400_and_the_link_can_still_be_used(house, public_key):
    code = await _invitation(house)
    refused = await house.call("POST", "/v1/enrolments", json={"code": code, "public_key": public_key})
    assert refused.status == 400
    assert "public_key" in refused.body["detail"]
    assert (await house.call("POST", "/v1/enrolments", json={"code": code})).status == 201


async def test_the_key_of_a_device_never_changes(house, phone):
    async with house.database() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("UPDATE devices SET public_key = NULL WHERE id = $1", phone.id)
    async with house.as_superuser() as connection:
        for change in ("public_key = NULL", "token_sha256 = decode(repeat('00', 32), 'hex')"):
            with pytest.raises(asyncpg.RestrictViolationError, match="keeps the token and the key"):
                await connection.execute(f"UPDATE devices SET {change} WHERE id = $1", phone.id)
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(
                "INSERT INTO devices (token_sha256, operator_id, site_id, mediator_id, label, public_key)"
                " SELECT sha256('x'), operator_id, site_id, mediator_id, '', sha256('x') FROM devices LIMIT 1"
            )
