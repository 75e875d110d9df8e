"""What is answered while PostgreSQL or Valkey is away, and that all is well afterwards without help."""

import asyncio
import os
import signal
import tempfile
from pathlib import Path

import pytest

from embedded.servers import Servers
from validator import keeper

WELL_AGAIN_SECONDS = 10.0


@pytest.fixture(scope="module")
def own_servers():
    """Servers that nobody else needs, under a folder which root's unprivileged account may pass."""
    with tempfile.TemporaryDirectory(prefix="outages-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        servers = Servers.start(Path(folder))
        yield servers
        servers.discard()


@pytest.fixture(scope="module")
async def cottage(own_servers, open_house):
    async with open_house(own_servers, valkey=3) as house:
        yield house
        await asyncio.to_thread(own_servers.postgres.revive)


@pytest.fixture
def until_ready(cottage, until):
    async def is_ready():
        return (await cottage.call("GET", "/readyz")).status == 200

    return lambda: until(is_ready, seconds=WELL_AGAIN_SECONDS)


@pytest.fixture
def until_judged(cottage, until):
    """As a phone does: the same attempt again, until it is judged."""

    def insist(code, **how):
        async def verdict():
            answer = await cottage.scan(code, **how)
            assert answer.status in {200, 503}, answer
            return answer.verdict if answer.status == 200 else None

        return until(verdict, seconds=WELL_AGAIN_SECONDS)

    return insist


async def test_without_valkey_scans_go_on_and_with_it_again_they_are_quick_again(
    cottage, own_servers, new_attempt_id
):
    one, other, third = await cottage.passes(3)
    attempt_id = new_attempt_id()
    first = await cottage.scan(one.qr, attempt_id=attempt_id)
    await asyncio.to_thread(own_servers.valkey.stop)
    try:
        assert (await cottage.call("GET", "/readyz")).status == 200
        assert (await cottage.scan(one.qr, attempt_id=attempt_id)).body == first.body
        assert (await cottage.scan(one.qr)).verdict == "already_accepted"
        assert (await cottage.scan(other.qr)).verdict == "accepted"
        assert (await cottage.scan(third.short)).verdict == "accepted"
        before = await cottage.generation()
        assert (await cottage.undo(attempt_id)).status == 200
        assert await cottage.generation() == before + 1
        assert (await cottage.scan(one.qr)).verdict == "accepted"
    finally:
        await asyncio.to_thread(own_servers.valkey.restart)
    assert (await cottage.scan(other.qr)).verdict == "already_accepted"
    metric = 'poincon_guard_total{answer="mark"}'
    async with asyncio.timeout(WELL_AGAIN_SECONDS):
        before = await _metric(cottage, metric)
        while await _metric(cottage, metric) == before:  # marks are written and found again
            await cottage.scan(other.qr)


async def _metric(cottage, name):
    lines = (await cottage.call("GET", "/metrics")).body.splitlines()
    return next((line for line in lines if line.startswith(name)), None)


async def test_without_postgresql_nothing_is_accepted_and_all_say_503_or_what_they_know(
    cottage, own_servers, new_attempt_id, until_ready, until_judged
):
    one, other, third = await cottage.passes(3)
    taken, waiting = new_attempt_id(), new_attempt_id()
    first = await cottage.scan(one.qr, attempt_id=taken)
    device = cottage.devices[0]
    await asyncio.to_thread(own_servers.postgres.stop)
    try:
        for answer in (
            await cottage.scan(other.qr, attempt_id=waiting),
            await cottage.scan(other.short),
            await cottage.scan(one.qr, attempt_id=taken),
            await cottage.batch([{"attempt_id": new_attempt_id(), "code": third.qr}]),
            await cottage.check(other.qr),
            await cottage.undo(taken),
            await cottage.call("GET", "/v1/scans", device=device),
            await cottage.call("GET", "/v1/receipts", device=device),
            await cottage.call("GET", "/v1/revocations"),
            await cottage.call("POST", "/v1/enrolments", json={"code": "x"}),
        ):
            assert answer.status == 503, answer
            assert int(answer.headers["Retry-After"]) > 0
            assert answer.headers["Content-Type"].startswith("application/problem+json")
        not_ready = await cottage.call("GET", "/readyz")
        assert (not_ready.status, not_ready.body["status"]) == (503, "unavailable")
        assert (await cottage.call("GET", "/healthz")).status == 200
        for path in ("/v1/keyset", "/v1/programmes", "/metrics", "/openapi.json"):
            assert (await cottage.call("GET", path)).status == 200
        # Known in memory: a refusal takes nothing, and may be told.
        assert (await cottage.scan("bonjour")).verdict == "unreadable"
        assert (await cottage.call("GET", "/v1/device", device=device)).status == 200
    finally:
        await asyncio.to_thread(own_servers.postgres.restart)
    await until_ready()
    assert await until_judged(other.qr, attempt_id=waiting) == "accepted"
    assert (await cottage.scan(one.qr, attempt_id=taken)).body == first.body


async def test_facts_too_old_to_judge_by_are_not_judged_by(
    cottage, own_servers, monkeypatch, until_ready, until_judged
):
    [one] = await cottage.passes(1)
    await asyncio.to_thread(own_servers.postgres.stop)
    try:
        monkeypatch.setattr(keeper, "AGE_SECONDS_MAX", 0.2)
        await asyncio.sleep(0.3)
        for answer in (await cottage.scan("bonjour"), await cottage.call("GET", "/v1/keyset")):
            assert answer.status == 503
    finally:
        monkeypatch.undo()
        await asyncio.to_thread(own_servers.postgres.restart)
    await until_ready()
    assert await until_judged(one.qr) == "accepted"


async def test_a_crash_of_postgresql_under_load_loses_nothing_that_was_told(
    cottage, own_servers, new_attempt_id
):
    passes = await cottage.passes(120)
    attempts = [new_attempt_id() for _ in passes]
    told = {}

    async def insist(one, attempt_id):
        async with asyncio.timeout(20):
            while True:
                answer = await cottage.scan(one.qr, attempt_id=attempt_id)
                assert answer.status in {200, 503}, answer
                if answer.status == 200:
                    assert answer.verdict == "accepted"
                    told[attempt_id] = answer.body
                    return
                await asyncio.sleep(0.1)

    async def crash():
        for _ in range(2):
            await asyncio.sleep(0.15)
            await asyncio.to_thread(own_servers.postgres.kill)
            await asyncio.to_thread(own_servers.postgres.restart)

    async def trickle(part):
        for pair in part:
            await insist(*pair)
            await asyncio.sleep(0.01)

    pairs = list(zip(passes, attempts, strict=True))
    await asyncio.gather(crash(), *(trickle(pairs[n::6]) for n in range(6)))
    assert len(told) == 120
    for one, attempt_id in pairs:
        assert (await cottage.scan(one.qr, attempt_id=attempt_id)).body == told[attempt_id]
    async with cottage.database() as connection:
        twice = await connection.fetch(
            "SELECT booklet FROM acceptances WHERE undone_at IS NULL"
            " GROUP BY booklet, pass_number HAVING count(*) > 1"
        )
    assert twice == []


async def test_a_postgresql_that_hangs_makes_nobody_wait_for_ever(
    cottage, own_servers, new_attempt_id, monkeypatch, until_judged
):
    monkeypatch.setattr("validator.group_commit.FLUSH_SECONDS_MAX", 0.5)
    monkeypatch.setattr("ledger.connect.answering.__wrapped__.__kwdefaults__", {"seconds": 0.5})
    [one] = await cottage.passes(1)
    assert (await cottage.check(one.qr)).verdict == "acceptable"  # leaves an idle connection behind
    attempt_id = new_attempt_id()
    processes = [own_servers.postgres.pid, *_children(own_servers.postgres.pid)]
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        async with asyncio.timeout(8):
            answers = await asyncio.gather(
                cottage.scan(one.qr, attempt_id=attempt_id),
                cottage.check(one.qr),
                cottage.call("GET", "/v1/scans", device=cottage.devices[0]),
            )
        assert [answer.status for answer in answers] == [503] * 3
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
    assert await until_judged(one.qr, attempt_id=attempt_id) == "accepted"


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def test_with_both_away_and_back_the_same_attempts_are_taken(
    cottage, own_servers, new_attempt_id, until_ready, until_judged
):
    [one] = await cottage.passes(1)
    attempt_id = new_attempt_id()
    await asyncio.to_thread(own_servers.stop)
    try:
        assert (await cottage.scan(one.qr, attempt_id=attempt_id)).status == 503
    finally:
        await asyncio.to_thread(own_servers.postgres.restart)
        await asyncio.to_thread(own_servers.valkey.restart)
    await until_ready()
    assert await until_judged(one.qr, attempt_id=attempt_id) == "accepted"
