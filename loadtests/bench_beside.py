"""What stands beside scans through HTTP: Ed25519 on one core, the bare group commit, pgbench's inserts."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_sign_open

from ledger.rows import Candidate, Outcome
from loadtests.bench_answers import WrongAnswer
from loadtests.bench_floor import SIGNED_BYTES
from loadtests.bench_measured import Measured
from loadtests.bench_passes import PassSupply, new_attempt
from loadtests.pgbench_inserts import Inserts
from validator.group_commit import GroupCommit
from validator.keeper import SnapshotKeeper

COMMITS_PER_SECOND_MAX = 40_000


class BesideBursts:
    def __init__(
        self,
        supply: PassSupply,
        inserts: Inserts,
        keeper: SnapshotKeeper,
        group_commit: GroupCommit,
        connections: int,
    ) -> None:
        self._supply = supply
        self._inserts = inserts
        self._keeper = keeper
        self._group_commit = group_commit
        self._connections = connections

    async def ed25519(self, seconds: float) -> Measured:
        """Verifies of one thread, by OpenSSL: the rate that the goal was set with."""
        key = Ed25519PrivateKey.generate()
        message = bytes(SIGNED_BYTES)
        verify, signature = key.public_key().verify, key.sign(message)
        return _repeated(lambda: verify(signature, message), seconds)

    async def ed25519_sodium(self, seconds: float) -> Measured:
        """By libsodium, which the validator verifies with."""
        key = Ed25519PrivateKey.generate()
        signed = key.sign(bytes(SIGNED_BYTES)) + bytes(SIGNED_BYTES)
        raw_public_key = key.public_key().public_bytes_raw()
        return _repeated(lambda: crypto_sign_open(signed, raw_public_key), seconds)

    async def inserts(self, seconds: float) -> Measured:
        """One commit per row, from as many clients as there are connections."""
        return await self._inserts.run(connections=self._connections, seconds=seconds)

    async def group_commit(self, seconds: float) -> Measured:
        """Candidates straight into a group commit: no HTTP, no code to verify, no receipt to sign."""
        candidates = await self._candidates(max(1, round(COMMITS_PER_SECOND_MAX * seconds)))
        left = iter(candidates)
        started = time.perf_counter()
        ends_at = started + seconds

        async def submit() -> int:
            committed = 0
            while time.perf_counter() < ends_at and (candidate := next(left, None)):
                [claimed] = await self._group_commit.submit([candidate])
                if claimed.outcome is not Outcome.TAKEN:
                    raise WrongAnswer(f"the record answered {claimed.outcome} for a first use")
                committed += 1
            return committed

        committed = sum(await asyncio.gather(*(submit() for _ in range(self._connections))))
        passed = time.perf_counter() - started
        self._supply.give_back([candidate.pass_id for candidate in candidates[committed:]])
        return Measured(committed, passed)

    async def _candidates(self, count: int) -> list[Candidate]:
        passes = await self._supply.take(count)
        snapshot = self._keeper.current()
        device = min(snapshot.devices.values(), key=lambda one: one.id)
        [programme] = snapshot.programmes.values()
        judged_at = datetime.now(UTC)
        return [
            Candidate(
                pass_id=pass_id,
                attempt_id=new_attempt(),
                device_id=device.id,
                site_id=device.site_id,
                operator_id=device.operator_id,
                service_id=0,
                amount_cents=programme.face_value_cents,
                judged_at=judged_at,
            )
            for pass_id in passes
        ]


def _repeated(work: Callable[[], object], seconds: float) -> Measured:
    """One thread, which gives its CPU seconds for the server's: nothing else works here."""
    done, started, cpu_started = 0, time.perf_counter(), time.thread_time()
    while (passed := time.perf_counter() - started) < seconds:
        work()
        done += 1
    return Measured(done, passed, server_cpu_seconds=time.thread_time() - cpu_started)
