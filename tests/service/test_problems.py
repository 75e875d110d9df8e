"""Errors as problem details: one shape for all, and nothing of the inside in them."""

import gzip
import io

import pytest

JSON_BYTES_MAX = 1024 * 1024


async def _problem(answer, status):
    assert answer.status == status, answer
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.body["status"] == status
    assert answer.body["type"].startswith("urn:poincon:problem:")
    assert answer.body["title"]
    assert answer.body["detail"]
    return answer.body


async def test_a_path_that_does_not_exist_is_404(house):
    await _problem(await house.call("GET", "/v1/nothing"), 404)
    await _problem(await house.call("POST", "/v1/scans/x/y/z"), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/v1/checks", "POST"), ("DELETE", "/v1/scans", "GET"), ("PUT", "/v1/keyset", "GET")],
)
async def test_a_method_that_a_path_does_not_take_is_405_and_says_which_it_takes(
    house, method, path, allowed
):
    answer = await house.call(method, path)
    await _problem(answer, 405)
    assert allowed in answer.headers["Allow"]


async def test_a_body_over_a_mebibyte_is_413(house):
    body = b'{"code": "' + b"A" * JSON_BYTES_MAX + b'"}'
    for path in ("/v1/scans", "/v1/scans/batch", "/v1/checks"):
        answer = await house.call("POST", path, data=io.BytesIO(body), device=house.devices[0])
        await _problem(answer, 413)


async def test_a_small_body_that_unpacks_to_a_large_one_is_refused_unread(house):
    body = gzip.compress(b'{"code": "' + b"A" * 50 * JSON_BYTES_MAX + b'"}')
    assert len(body) < JSON_BYTES_MAX
    headers = {"Content-Encoding": "gzip"}
    answer = await house.call("POST", "/v1/checks", data=body, device=house.devices[0], headers=headers)
    assert "Content-Encoding" in (await _problem(answer, 400))["detail"]


async def test_no_answer_of_the_api_runs_in_a_browser_is_framed_or_kept(house):
    device = house.devices[0]
    for path in ("/v1/device", "/v1/scans", "/v1/remittances/999999", "/v1/nowhere", "/readyz"):
        answer = await house.call("GET", path, device=device)
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert answer.headers["Cache-Control"] == "no-store", path
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path
    assert "max-age" in (await house.call("GET", "/v1/keyset")).headers["Cache-Control"]


async def test_a_malformed_body_names_the_field(house):
    answer = await house.call("POST", "/v1/checks", json={"code": 5}, device=house.devices[0])
    assert "$.code" in (await _problem(answer, 400))["detail"]


async def test_401_comes_before_anything_is_read(house):
    await _problem(await house.call("POST", "/v1/scans", data=b"not json"), 401)


async def test_an_attempt_reused_is_409(house, new_attempt_id):
    one, other = await house.passes(2)
    attempt_id = new_attempt_id()
    await house.scan(one.qr, attempt_id=attempt_id)
    await _problem(await house.scan(other.qr, attempt_id=attempt_id), 409)


async def test_a_mistake_of_ours_tells_nothing_of_the_inside(house):
    async with house.as_superuser() as connection:
        await connection.execute("ALTER TABLE undos RENAME TO undos_away")
        try:
            [one] = await house.passes(1)
            attempt_id = "01890000-0000-7000-8000-0000000000ff"
            await house.scan(one.qr, attempt_id=attempt_id)
            path = f"/v1/scans/{attempt_id}/undo"
            async with house.client.post(
                path, json={"reason": "x"}, headers=house.devices[0].headers
            ) as response:
                text = await response.text()
                assert response.status == 500
        finally:
            await connection.execute("ALTER TABLE undos_away RENAME TO undos")
    assert "undos" not in text
    assert "Traceback" not in text
    assert (await house.undo(attempt_id)).status == 200
