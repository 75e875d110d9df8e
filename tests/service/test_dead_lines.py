"""A connection to PostgreSQL that is dead without a word: what it may hold up, and for how long.

Found by the drills (docs/drills.md): minutes of 503 after a network had been back.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from embedded.servers import Servers
from ledger import connect
from ledger.connect import answering, connected, open_pool
from loadtests.drill.proxy_process import ProxyProcess, Route
from loadtests.drill.stack import socket_of
from validator import keeper
from validator.keeper import SnapshotKeeper

TAKE_LOCK = "SELECT pg_advisory_xact_lock(1, 4711)"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query = $1"
GONE_SECONDS_MAX = 5.0


@pytest.fixture
async def queue(instance, until, monkeypatch) -> Callable[..., object]:
    """Two requests that want one lock: the first holds it in its transaction, the second may wait for it."""
    monkeypatch.setattr(connect, "CLIENT_LOOK_MS", 100)

    @asynccontextmanager
    async def opened() -> AsyncIterator[tuple[asyncpg.Connection, asyncpg.Connection]]:
        async with (
            open_pool(instance.dsn, purpose="tests") as pool,
            pool.acquire() as holder,
            pool.acquire() as waiter,
        ):
            transaction = holder.transaction()
            await transaction.start()
            await holder.execute(TAKE_LOCK)
            yield holder, waiter
            with contextlib.suppress(asyncpg.InterfaceError):  # once its end was noticed
                holder.terminate()

    return opened


async def test_a_request_does_not_wait_for_a_lock_longer_than_its_client_for_it(queue, monkeypatch) -> None:
    monkeypatch.setattr(connect, "REQUEST_LOCK_MS_MAX", 100)

    async with queue() as (_, waiter):
        with pytest.raises(connect.UNREACHABLE):
            await waiter.execute(TAKE_LOCK)


async def test_who_stops_between_parse_and_execution_loses_its_locks(queue, monkeypatch) -> None:
    monkeypatch.setattr(connect, "REQUEST_TRANSACTION_MS_MAX", 300)

    async with queue() as (holder, waiter):
        await waiter.execute("SET transaction_timeout = 0")
        # The server has parsed it and waits for what to do with it: it is not idle, and holds its lock.
        await holder.prepare("SELECT 4711")

        async with asyncio.timeout(GONE_SECONDS_MAX):
            await waiter.execute(TAKE_LOCK)


async def test_whoever_left_the_queue_leaves_no_backend_in_it(
    queue, superuser, until: Callable[..., Awaitable[object]]
) -> None:
    async def waiting() -> int:
        return await superuser.fetchval(WAITING, TAKE_LOCK)

    async def none_waiting() -> bool:
        return await waiting() == 0

    async with queue() as (_, waiter):
        gone = asyncio.ensure_future(waiter.execute(TAKE_LOCK))
        await until(waiting)
        waiter.terminate()
        with pytest.raises(connect.UNREACHABLE):
            await gone

        await until(none_waiting, seconds=GONE_SECONDS_MAX)


async def test_when_one_line_turns_out_dead_those_opened_with_it_are_not_used_again(instance) -> None:
    async with open_pool(instance.dsn, purpose="tests") as pool:
        async with pool.acquire() as one, pool.acquire() as other:
            pids = {one.get_server_pid(), other.get_server_pid()}
        with pytest.raises(connect.UNREACHABLE):
            async with answering(pool, seconds=0.05) as dead:
                await dead.execute("SELECT pg_sleep(10)")

        async with pool.acquire() as one, pool.acquire() as other:
            assert not pids & {one.get_server_pid(), other.get_server_pid()}


@pytest.fixture
async def proxy(servers: Servers) -> AsyncIterator[ProxyProcess]:
    proxy = await asyncio.to_thread(ProxyProcess.start, {Route.POSTGRES: socket_of(servers.postgres)})
    yield proxy
    await asyncio.to_thread(proxy.close)


async def test_nobody_waits_for_the_answer_to_a_goodbye_on_a_dead_line(instance, proxy, monkeypatch) -> None:
    monkeypatch.setattr(connect, "GOODBYE_SECONDS_MAX", 0.1)
    async with asyncio.timeout(GONE_SECONDS_MAX):
        async with (
            open_pool(_through(instance.dsn, proxy), purpose="tests") as pool,
            connected(_through(instance.dsn, proxy), purpose="tests") as connection,
        ):
            assert await pool.fetchval("SELECT 1") == await connection.fetchval("SELECT 1")
            await proxy.tell(Route.POSTGRES, "half_open")
    assert connection.is_closed()


async def test_a_dead_line_does_not_age_the_snapshot(
    instance, proxy, until: Callable[..., Awaitable[object]], monkeypatch
) -> None:
    monkeypatch.setattr(keeper, "READING_SECONDS_MAX", 0.3)
    monkeypatch.setattr(keeper, "POLL_SECONDS", 0.05)
    kept = SnapshotKeeper(_through(instance.dsn, proxy))
    await kept.start()
    try:
        assert await kept.refresh(GONE_SECONDS_MAX)
        await proxy.tell(Route.POSTGRES, "half_open")
        assert not await kept.refresh(0.1)

        async def is_fresh() -> bool:
            return await kept.refresh(0.1)

        await until(is_fresh, seconds=GONE_SECONDS_MAX)
    finally:
        await kept.close()


def _through(dsn: str, proxy: ProxyProcess) -> str:
    parts = urlsplit(dsn)
    assert parse_qs(parts.query)["port"]
    address = f"127.0.0.1:{proxy.ports[Route.POSTGRES]}"
    return f"postgresql://{parts.username}:{parts.password}@{address}{parts.path}?sslmode=disable"
