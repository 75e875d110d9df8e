"""What the OpenAPI document promises, held by requests that nobody wrote: a short run of `make fuzz`."""

import asyncio

import pytest

from loadtests.fuzz.contract import fuzz_contract

SECONDS = 15
EXAMPLES = 3
SEED = 20_261_121

pytest.importorskip("schemathesis")


async def test_no_request_drawn_from_the_document_gets_what_it_does_not_promise(house):
    device = await house.operator()
    codes = [one.qr for one in await house.passes(200)]
    url = str(house.client.make_url("/")).rstrip("/")
    report = await asyncio.to_thread(
        fuzz_contract,
        url,
        device.token,
        codes,
        seconds=SECONDS,
        seed=SEED,
        examples=EXAMPLES,
        phases=("fuzzing", "stateful"),
    )
    assert report.holds, report.output
    assert report.operations >= 20
    assert report.cases > 50
    assert (await house.call("GET", "/v1/device", device=device)).status == 200
    async with house.database() as connection:
        taken = await connection.fetchval(
            "SELECT count(*) FROM acceptances WHERE operator_id = $1", device.operator_id
        )
    assert taken > 0, "none of its requests got as far as the record"
