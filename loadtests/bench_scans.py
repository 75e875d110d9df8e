"""Scans through HTTP: first uses, second uses, batches, and beside them handlers that store nothing."""

import asyncio
from collections.abc import Sequence

import msgspec

from keys.passes import PassId
from loadtests.bench_answers import (
    Scan,
    WrongAnswer,
    must_be_accepted,
    must_be_taken_before,
    read_verdict,
    read_verdicts,
)
from loadtests.bench_client import Answer, Burst, post, send_burst
from loadtests.bench_measured import Measured
from loadtests.bench_passes import PassSupply, new_attempt
from loadtests.bench_process import ServerProcess, family_cpu_seconds
from loadtests.bench_stack import Stack
from loadtests.pgbench_sizes import wal_bytes

SCANS_PER_BATCH = 100
BATCH_CONNECTIONS_MAX = 8  # 800 scans in flight
# What is prepared per second of a first burst, and given back where it was not used; for later ones, as much
# more than the best so far. One that has used up its requests ends, and counts for as long as it was.
PREPARED_PER_SECOND = 12_000
PREPARED_PER_BEST = 1.4
BARE_PER_SECOND_MAX = 60_000
BARE_REQUESTS = 1_000  # sent again and again: nothing is stored
KNOWN_SECONDS_MAX = 30.0
POLL_SECONDS = 0.05


class ScanBursts:
    def __init__(self, stack: Stack, supply: PassSupply, connections: int) -> None:
        self._stack = stack
        self._supply = supply
        self._connections = connections
        self._taken: list[PassId] = []  # through the guarded validator: their marks are in Valkey
        self._taken_unguarded: list[PassId] = []
        self._seen_elsewhere = 0  # how many of the taken ones the second validator was asked about
        self._best: dict[str, float] = {}  # items per second, by subject

    async def bare(self, seconds: float) -> Measured:
        return await self._store_nothing("/bare", seconds)

    async def floor(self, seconds: float) -> Measured:
        return await self._store_nothing("/floor", seconds)

    async def floor_sodium(self, seconds: float) -> Measured:
        return await self._store_nothing("/floor_sodium", seconds)

    async def single(self, seconds: float) -> Measured:
        measured, used = await self._first_uses(self._stack.validator, seconds)
        self._taken += used
        return measured

    async def two(self, seconds: float) -> Measured:
        """First uses by two validators on one record, each with half of the clients."""
        servers = (self._stack.validator, self._stack.second)
        half = max(1, self._to_prepare("two", seconds) // 2)
        scans = _new_scans(await self._supply.take(2 * half))
        requests = [self._request("/v1/scans", body) for body in self._bodies(scans)]
        for server in servers:
            await self._until_known(server, scans[-1].pass_id)
        clients = max(1, self._connections // 2)

        cpu_before = sum(server.cpu_seconds() for server in servers)
        bursts = await asyncio.gather(
            send_burst(servers[0].port, requests[:half], connections=clients, seconds=seconds),
            send_burst(servers[1].port, requests[half:], connections=clients, seconds=seconds),
        )
        cpu_seconds = sum(server.cpu_seconds() for server in servers) - cpu_before

        answers = [answer for burst in bursts for answer in burst.answers]
        for burst, first in zip(bursts, (0, half), strict=True):
            for place, answer in enumerate(_in_order(burst), start=first):
                must_be_accepted(read_verdict(answer), scans[place])
            self._supply.give_back([scan.pass_id for scan in scans[first:][len(burst.answers) : half]])
        return self._noted(
            "two",
            Measured(
                items=len(answers),
                seconds=max(burst.seconds for burst in bursts),
                latencies=[answer.seconds for answer in answers],
                server_cpu_seconds=cpu_seconds,
            ),
        )

    async def single_unguarded(self, seconds: float) -> Measured:
        measured, used = await self._first_uses(self._stack.unguarded, seconds)
        self._taken_unguarded += used
        return measured

    async def duplicates(self, seconds: float) -> Measured:
        """Of passes that the same validator has just taken."""
        return await self._second_uses(self._stack.validator, self._taken, seconds)

    async def duplicates_elsewhere(self, seconds: float) -> Measured:
        """At a validator that never saw these codes, and verifies each."""
        unseen = self._taken[self._seen_elsewhere :]
        self._seen_elsewhere = len(self._taken)
        return await self._second_uses(self._stack.second, unseen, seconds, once=True)

    async def duplicates_unguarded(self, seconds: float) -> Measured:
        return await self._second_uses(self._stack.unguarded, self._taken_unguarded, seconds)

    async def batch(self, seconds: float) -> Measured:
        count = max(1, self._to_prepare("batch", seconds) // SCANS_PER_BATCH)
        scans = _new_scans(await self._supply.take(count * SCANS_PER_BATCH))
        batches = [scans[at : at + SCANS_PER_BATCH] for at in range(0, len(scans), SCANS_PER_BATCH)]
        requests = [self._request("/v1/scans/batch", {"scans": self._bodies(one)}) for one in batches]
        await self._until_known(self._stack.validator, scans[-1].pass_id)

        connections = min(self._connections, BATCH_CONNECTIONS_MAX)
        burst, measured = await self._send(self._stack.validator, requests, seconds, connections)

        for place, answer in enumerate(_in_order(burst)):
            for verdict, scan in zip(read_verdicts(answer), batches[place], strict=True):
                must_be_accepted(verdict, scan)
        measured.items = SCANS_PER_BATCH * len(burst.answers)
        self._supply.give_back([scan.pass_id for scan in scans[measured.items :]])
        return self._noted("batch", measured)

    async def _store_nothing(self, path: str, seconds: float) -> Measured:
        scans = _new_scans(await self._supply.take(BARE_REQUESTS))
        self._supply.give_back([scan.pass_id for scan in scans])
        requests = [self._request(path, body) for body in self._bodies(scans)]
        repeats = max(1, round(BARE_PER_SECOND_MAX * seconds / BARE_REQUESTS))
        burst, measured = await self._send(self._stack.floor, requests * repeats, seconds, self._connections)
        for place, answer in enumerate(_in_order(burst)):
            verdict = read_verdict(answer)
            if verdict.attempt_id != scans[place % BARE_REQUESTS].attempt_id:
                raise WrongAnswer(f"{path} answered another attempt than it was asked about")
        return measured

    async def _first_uses(self, server: ServerProcess, seconds: float) -> tuple[Measured, list[PassId]]:
        """Also the passes that were taken."""
        scans = _new_scans(await self._supply.take(self._to_prepare("first", seconds)))
        requests = [self._request("/v1/scans", body) for body in self._bodies(scans)]
        await self._until_known(server, scans[-1].pass_id)

        burst, measured = await self._send(server, requests, seconds, self._connections)

        for place, answer in enumerate(_in_order(burst)):
            must_be_accepted(read_verdict(answer), scans[place])
        used, unused = scans[: measured.items], scans[measured.items :]
        self._supply.give_back([scan.pass_id for scan in unused])
        return self._noted("first", measured), [scan.pass_id for scan in used]

    async def _second_uses(
        self, server: ServerProcess, taken: Sequence[PassId], seconds: float, *, once: bool = False
    ) -> Measured:
        """Another device's attempts on passes taken before, the last ones taken; once: none of them twice."""
        count = self._to_prepare("second", seconds)
        repeats = 1 if once else -(-count // len(taken))
        scans = _new_scans(list(taken[-count:]) * repeats)[:count]
        requests = [self._request("/v1/scans", body, device=1) for body in self._bodies(scans)]
        burst, measured = await self._send(server, requests, seconds, self._connections)
        for place, answer in enumerate(_in_order(burst)):
            must_be_taken_before(read_verdict(answer), scans[place])
        return self._noted("second", measured)

    def _to_prepare(self, subject: str, seconds: float) -> int:
        per_second = self._best.get(subject, PREPARED_PER_SECOND / PREPARED_PER_BEST) * PREPARED_PER_BEST
        return max(1, round(per_second * seconds))

    def _noted(self, subject: str, measured: Measured) -> Measured:
        self._best[subject] = max(self._best.get(subject, 0.0), measured.per_second)
        return measured

    async def _send(
        self, server: ServerProcess, requests: Sequence[bytes], seconds: float, connections: int
    ) -> tuple[Burst, Measured]:
        wal_before, cpu_before = await wal_bytes(self._stack.connection), server.cpu_seconds()
        record_cpu_before = self._record_cpu_seconds()
        burst = await send_burst(server.port, requests, connections=connections, seconds=seconds)
        return burst, Measured(
            items=len(burst.answers),
            seconds=burst.seconds,
            latencies=[answer.seconds for answer in burst.answers],
            server_cpu_seconds=server.cpu_seconds() - cpu_before,
            client_cpu_seconds=burst.client_cpu_seconds,
            record_cpu_seconds=self._record_cpu_seconds() - record_cpu_before,
            wal_bytes=await wal_bytes(self._stack.connection) - wal_before,
        )

    def _record_cpu_seconds(self) -> float:
        return family_cpu_seconds(self._stack.servers.postgres.pid)

    async def _until_known(self, server: ServerProcess, pass_id: PassId) -> None:
        """Wait until a validator has heard of the booklet that was issued last."""
        check = self._request("/v1/checks", {"code": self._supply.code(pass_id)})
        async with asyncio.timeout(KNOWN_SECONDS_MAX):
            while True:
                burst = await send_burst(server.port, [check], connections=1, seconds=POLL_SECONDS)
                if b'"acceptable"' in burst.answers[0].body:
                    return
                await asyncio.sleep(POLL_SECONDS)

    def _bodies(self, scans: Sequence[Scan]) -> list[dict[str, str]]:
        return [
            {"attempt_id": str(scan.attempt_id), "code": self._supply.code(scan.pass_id)} for scan in scans
        ]

    def _request(self, path: str, body: object, *, device: int = 0) -> bytes:
        return post(path, token=self._stack.tokens[device], body=msgspec.json.encode(body))


def _new_scans(passes: Sequence[PassId]) -> list[Scan]:
    return [Scan(new_attempt(), pass_id) for pass_id in passes]


def _in_order(burst: Burst) -> list[Answer]:
    """By request; requests are sent in order and all that were sent are answered, so that none is missing."""
    return sorted(burst.answers, key=lambda answer: answer.request)
