"""The guard on a Valkey Cluster: marks are found on whichever node they lie, and when a master is lost."""

import asyncio
import tempfile
import uuid
import zlib
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from redis.asyncio.cluster import RedisCluster
from redis.crc import key_slot

from keys.passes import PassId
from ledger.generation import raise_generation
from loadtests.drill.cluster import MASTERS, SLOTS, is_master, start_cluster
from validator import guard_nodes
from validator.guard import Guard, Mark, booklet_key, open_client
from validator.guard_line import Silence
from validator.guard_rebuild import rebuild_guard

NOON = datetime(2026, 6, 15, 10, 0, tzinfo=UTC)
PASSES = [PassId(booklet, 3) for booklet in range(1, 61)]
FAILOVER_SECONDS_MAX = 30.0
WAIT_SECONDS_MAX = 20.0


@pytest.fixture(scope="module")
def folder():
    """Which root's unprivileged account may pass."""
    with tempfile.TemporaryDirectory(prefix="guard-cluster-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="module")
async def cluster(folder):
    cluster = await start_cluster(folder)
    yield cluster
    cluster.discard()


@pytest.fixture
async def guard(cluster):
    guard = Guard(open_client(_url(cluster)))
    await guard.start()
    yield guard
    await guard.close()


def _url(cluster):
    """As a service elsewhere reaches it: cluster and sockets do not go together."""
    password = urlsplit(cluster.door.url).password
    return f"redis://:{password}@127.0.0.1:{cluster.door.settings['port']}/0"


def _attempt(pass_id):
    return uuid.UUID(int=pass_id.booklet)


class Marks:
    """Of all passes, under a generation of their own."""

    def __init__(self, guard, generation, until):
        self._guard, self.generation, self._until = guard, generation, until

    async def write(self):
        """Until all are found: those on their way when a node is lost are lost with it."""

        async def written():
            for one in PASSES:
                self._guard.remember(
                    self.generation, one, attempt_id=_attempt(one), accepted_at=NOON, site_id=1
                )
            return all(await self.found())

        await self._until(written, seconds=FAILOVER_SECONDS_MAX)

    async def found(self):
        marks = await self._guard.find(self.generation, PASSES)
        for one, mark in zip(PASSES, marks, strict=True):
            assert isinstance(mark, Silence) or mark.is_of(_attempt(one))
        return [isinstance(mark, Mark) for mark in marks]


@pytest.fixture
def marks(guard, until, request):
    return Marks(guard, zlib.crc32(request.node.name.encode()), until)


def _holder(pass_id):
    return key_slot(booklet_key(0, pass_id.booklet).encode()) * MASTERS // SLOTS


async def test_the_marks_of_every_booklet_are_found_on_whichever_node_they_lie(guard, marks, until):
    assert {_holder(one) for one in PASSES} == set(range(MASTERS))
    await marks.write()

    async def forgotten():
        for one in PASSES:
            await guard.forget(marks.generation, one)
        return await guard.find(marks.generation, PASSES) == [Silence.NO_MARK] * len(PASSES)

    await until(forgotten)


async def test_counters_count_on_whichever_node_they_lie(guard, until):
    keys = [f"pn:wrong:1:device:{number}" for number in range(20)]

    async def counts():
        told = [await guard.count(key, 60) for key in keys]
        return None if None in told else told

    first, second = await until(counts), await until(counts)
    assert all(after > before >= 1 for before, after in zip(first, second, strict=True))


@pytest.mark.parametrize("place", [0, 1])
async def test_a_lost_master_silences_its_share_until_its_replica_takes_over(cluster, marks, until, place):
    """Number 0 is the node that the guard was told of: it goes on with those that it has met."""
    lost = cluster.nodes[place]
    await marks.write()
    assert await is_master(lost)
    await asyncio.to_thread(lost.kill)
    try:

        async def others_answer():
            found = await marks.found()
            return all(is_found or _holder(one) == place for is_found, one in zip(found, PASSES, strict=True))

        await until(others_answer)
        await marks.write()
    finally:
        await asyncio.to_thread(lost.restart)
        await cluster.until_agreed()


async def test_more_nodes_than_are_kept_make_nobody_wait(guard, monkeypatch):
    """Addresses of the past, say: what is asked over a line that is dropped is told that nobody knows."""
    monkeypatch.setattr(guard_nodes, "NODES_MAX", 1)
    async with asyncio.timeout(WAIT_SECONDS_MAX):
        for _ in range(20):
            told = await guard.find(1, PASSES)
            assert set(told) <= set(Silence)
            assert len(guard._nodes._lines) <= 1


async def test_a_rebuild_reaches_every_node(house, cluster, new_attempt_id):
    for one in await house.passes(3):
        assert (await house.scan(one.qr, attempt_id=new_attempt_id())).verdict == "accepted"
    async with house.database() as connection:
        await raise_generation(connection, actor="tests", reason="another Valkey")
        first, _ = await rebuild_guard(connection, _url(cluster))
        await raise_generation(connection, actor="tests", reason="once more")
        again, dropped = await rebuild_guard(connection, _url(cluster))
    await house.refreshed()
    assert first == again > 0
    assert dropped > 0
    client = RedisCluster.from_url(_url(cluster))
    try:
        generation = await house.generation()
        keys = [key async for key in client.scan_iter(match=f"pn:mark:{generation}:*")]
        old = [key async for key in client.scan_iter(match=f"pn:mark:{generation - 1}:*")]
    finally:
        await client.aclose()
    assert keys
    assert not old
