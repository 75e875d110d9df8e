"""From the start of a validator's process to its first accepted scan, on a record that others have filled."""

import asyncio
import time

import msgspec

from loadtests.bench_answers import Scan, must_be_accepted, read_verdict
from loadtests.bench_client import post, send_burst
from loadtests.bench_failure import BenchFailed
from loadtests.bench_passes import PassSupply, new_attempt
from loadtests.bench_process import server_process
from loadtests.bench_stack import Stack

ACCEPTED_SECONDS_MAX = 60.0
STEP_SECONDS = 0.005
ANSWER_SECONDS = 5.0


async def cold_start_seconds(stack: Stack, supply: PassSupply) -> float:
    [pass_id] = await supply.take(1)
    scan = Scan(new_attempt(), pass_id)
    body = {"attempt_id": str(scan.attempt_id), "code": supply.code(pass_id)}
    request = post("/v1/scans", token=stack.tokens[0], body=msgspec.json.encode(body))
    started = time.perf_counter()
    serve = ("command.main", "serve", "--port", "0")
    with server_process(*serve, environment=stack.environment, log=stack.logs / "cold.log") as server:
        while (passed := time.perf_counter() - started) < ACCEPTED_SECONDS_MAX:
            # The same attempt again and again, as a phone does: 503 until the record has been read.
            [answer] = (
                await send_burst(server.port, [request], connections=1, seconds=ANSWER_SECONDS)
            ).answers
            if answer.status == 200:
                must_be_accepted(read_verdict(answer), scan)
                return time.perf_counter() - started
            await asyncio.sleep(STEP_SECONDS)
    raise BenchFailed(f"a validator that was started took no scan within {passed:.0f} s")
