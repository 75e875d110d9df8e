"""What nobody honest sends: every answer is a clear 4xx, never a 500, and the service goes on."""

import asyncio

import pytest

from validator import endpoint
from validator.wiring import EXPORTS_UNDER_WAY

DEEP = 100_000


async def _post(house, path, data, **headers):
    return await house.call("POST", path, data=data, device=house.devices[0], headers=headers)


@pytest.mark.parametrize("path", ["/v1/scans", "/v1/scans/batch", "/v1/checks", "/v1/enrolments"])
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"code": "\xff"}',
        b'{"code": "\\ud800"}',
        b'{"code": 1, "attempt_id": 2}',
        b'{"x": ' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"x": ' + b'{"x":' * DEEP + b"1" + b"}" * DEEP + b"}",
        b'{"attempt_id": "1e3", "code": 7}',
        b'{"scans": "none"}',
    ],
    ids=range(12),
)
async def test_a_body_that_is_not_what_the_call_takes_is_malformed(house, path, data):
    answer = await _post(house, path, data)
    assert answer.status == 400, answer
    assert answer.headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    "token", ["é", "\udcff\udcfe", "a" * 201, "a" * 5_000, "Bearer", " ", "\t", "ÿ" * 43]
)
async def test_a_token_of_any_shape_is_just_unknown(house, token):
    reader, writer = await asyncio.open_connection(house.client.server.host, house.client.server.port)
    request = (
        f"GET /v1/device HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    )
    writer.write(request.encode("utf-8", "surrogateescape"))
    status = (await reader.readline()).split()[1]
    writer.close()
    assert status == b"401"


@pytest.mark.parametrize(
    ("scanned_at", "sent_at"),
    [
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00+14:00", None),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("9999-12-31T23:59:59-12:00", None),
        ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00Z"),
        ("1900-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    ],
)
async def test_an_instant_at_the_end_of_time_is_judged_and_never_an_error(house, scanned_at, sent_at):
    [one] = await house.passes(1)
    answer = await house.scan(one.qr, scanned_at=scanned_at, sent_at=sent_at)
    assert answer.status in {200, 400}, answer


@pytest.mark.parametrize("reason", ["", "   ", "\n\t", "a\x00b", "\x00", "x" * 501, None])
async def test_an_undo_without_a_reason_that_can_be_kept_is_malformed(house, new_attempt_id, reason):
    [one] = await house.passes(1)
    attempt_id = new_attempt_id()
    await house.scan(one.qr, attempt_id=attempt_id)
    answer = await house.undo(attempt_id, reason=reason)
    assert answer.status == 400, answer


async def test_a_body_that_says_gzip_and_is_not_is_malformed(house):
    answer = await _post(house, "/v1/scans", b"not gzip at all", **{"Content-Encoding": "gzip"})
    assert answer.status == 400, answer


async def test_the_largest_code_that_a_qr_symbol_holds_gets_a_verdict(house):
    assert (await house.scan("1" * 7_089)).verdict == "unreadable"


@pytest.mark.parametrize(
    "code", ["PN1:", "PN1:%%", "PN2:ABC", "bonjour", "\x00", "😀", " ", "PN1:" + "A" * 150]
)
async def test_a_code_of_any_text_gets_a_verdict(house, code):
    answer = await house.scan(code)
    assert answer.verdict in {"unreadable", "unknown_format"}
    assert "pass" not in answer.body


async def test_a_request_cut_in_the_middle_leaves_the_service_standing(house):
    host, port = house.client.server.host, house.client.server.port
    head = f"POST /v1/scans HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.devices[0].token}\r\n"
    for rest in ("Content-Length: 500\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "Content-Le"):
        _, writer = await asyncio.open_connection(host, port)
        writer.write((head + rest).encode())
        await writer.drain()
        writer.close()
    assert (await house.call("GET", "/healthz")).status == 200


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=-1", "limit=1e3", "limit=²", "offset=99999999999"]
)
async def test_a_page_out_of_bounds_is_malformed(house, query):
    assert (await house.call("GET", f"/v1/scans?{query}", device=house.devices[0])).status == 400


async def test_a_body_that_never_comes_is_given_up(house, monkeypatch):
    monkeypatch.setattr(endpoint, "BODY_SECONDS_MAX", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", house.client.server.port)
    writer.write(
        b"POST /v1/scans HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\n"
        + f"Authorization: Bearer {house.devices[0].token}\r\n\r\n{{".encode()
    )
    async with asyncio.timeout(5):
        assert b" 408 " in await reader.readline()
    writer.close()


async def test_one_export_at_a_time_for_a_device(house):
    device = await house.operator()
    under_way = house.apps[0][EXPORTS_UNDER_WAY]
    under_way.add(device.id)
    try:
        answer = await house.call("GET", "/v1/receipts", device=device)
    finally:
        under_way.remove(device.id)
    assert answer.status == 429
    assert (await house.call("GET", "/v1/receipts", device=device)).status == 200
