"""A connection to PostgreSQL that is dead without a word: what it may hold up, and for how long.

Found by the drills (docs/drills.md): minutes of 503 after a network had been back.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from embedded.servers import Servers
from ledger import connect
from ledger.connect import answering, connected, open_pool
from loadtests.drill.proxy_process import ProxyProcess, Route
from loadtests.drill.stack import socket_of
from validator import clerk, keeper, readiness
from validator.clerk import Clerk
from validator.keeper import SnapshotKeeper

TAKE_LOCK = "SELECT pg_advisory_xact_lock(1, 4711)"
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query = $1"
GONE_SECONDS_MAX = 5.0
READ_AGAIN_SECONDS_MAX = 60.0
STATEMENTS = 24  # more than it takes to open a line and to read all facts for the first time


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


# ReadyForQuery, idle or in a transaction (PostgreSQL's protocol, section 54.7).
READY = re.compile(rb"Z\x00\x00\x00\x05[IT]")


@asynccontextmanager
async def falling_silent(socket: str, after: int) -> AsyncIterator[int]:
    """A port of PostgreSQL whose first line dies without a word once the server was ready so often."""
    lines = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal lines
        lines += 1
        said_max = after if lines == 1 else None
        server_reader, server_writer = await asyncio.open_unix_connection(socket)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(forward(reader, server_writer, None))
                both.create_task(forward(server_reader, writer, said_max))
        finally:
            for one in (writer, server_writer):
                one.close()
                with contextlib.suppress(OSError):
                    await one.wait_closed()

    async def forward(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ready_max: int | None
    ) -> None:
        ready = 0
        while chunk := await reader.read(65_536):
            if ready_max is None or ready < ready_max:
                writer.write(chunk)
            ready += len(READY.findall(chunk))
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_at_whatever_statement_a_line_dies_the_facts_are_read_again_over_another(
    instance, servers: Servers, until: Callable[..., Awaitable[object]], monkeypatch
) -> None:
    monkeypatch.setattr(connect, "CONNECT_SECONDS_MAX", 0.5)
    monkeypatch.setattr(keeper, "READING_SECONDS_MAX", 0.5)
    monkeypatch.setattr(keeper, "FIRST_READING_SECONDS_MAX", 0.5)
    monkeypatch.setattr(keeper, "RECONNECT_SECONDS", 0.01)
    monkeypatch.setattr(keeper, "POLL_SECONDS", 0.05)

    async def survives(after: int) -> None:
        async with falling_silent(str(socket_of(servers.postgres)), after) as port:
            kept = SnapshotKeeper(_at(instance.dsn, port))
            await kept.start()
            try:
                # Longer than a line that was opened before it died is believed.
                await asyncio.sleep(1.5)

                async def is_fresh() -> bool:
                    return await kept.refresh(0.3)

                await until(is_fresh, seconds=GONE_SECONDS_MAX)
            finally:
                await kept.close()

    async with asyncio.timeout(READ_AGAIN_SECONDS_MAX):
        for first in range(1, STATEMENTS, 6):
            await asyncio.gather(*(survives(after) for after in range(first, first + 6)))


@pytest.fixture
def dying(instance, proxy) -> Callable[[asyncpg.Connection], Awaitable[None]]:
    """Work in the middle of whose transaction its line dies without a word."""

    async def work(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await proxy.tell(Route.POSTGRES, "half_open")
            await connection.execute("SELECT 4711")

    return work


async def test_a_clerk_on_a_dead_line_is_given_up(instance, proxy, dying, monkeypatch) -> None:
    monkeypatch.setattr(clerk, "LOOK_SECONDS_MAX", 0.3)
    async with asyncio.timeout(GONE_SECONDS_MAX):
        with pytest.raises(connect.UNREACHABLE):
            await Clerk("essai", _through(instance.dsn, proxy), dying, seconds=1.0).look()


async def test_a_clerk_on_a_dead_line_stops_when_it_is_told_to(instance, proxy, dying) -> None:
    one = Clerk("essai", _through(instance.dsn, proxy), dying, seconds=3_600)
    await one.start()
    await asyncio.sleep(0.5)
    assert await _ends(one.close())


async def _ends(work: Coroutine[object, object, None]) -> bool:
    """By itself: a second cancellation would free what the first one left waiting."""
    ended, _ = await asyncio.wait({asyncio.create_task(work)}, timeout=GONE_SECONDS_MAX)
    return bool(ended)


@pytest.mark.parametrize("after", [2, 8, 14])
async def test_facts_that_are_read_on_a_dead_line_do_not_keep_a_validator_from_stopping(
    instance, servers: Servers, after: int
) -> None:
    async with falling_silent(str(socket_of(servers.postgres)), after) as port:
        kept = SnapshotKeeper(_at(instance.dsn, port))
        await kept.start()
        await asyncio.sleep(0.5)
        assert await _ends(kept.close())


async def test_whoever_is_cancelled_leaves_its_line_and_waits_for_nothing_on_it(instance, proxy) -> None:
    async with open_pool(_through(instance.dsn, proxy), purpose="tests") as pool:

        async def work() -> None:
            async with answering(pool) as connection:
                await proxy.tell(Route.POSTGRES, "half_open")
                await connection.execute("SELECT 4711")

        one = asyncio.create_task(work())
        await asyncio.sleep(0.5)
        one.cancel()
        done, _ = await asyncio.wait({one}, timeout=GONE_SECONDS_MAX / 2)
        assert done
        assert one.cancelled()


async def test_whether_the_record_is_ready_is_told_on_dead_lines_too(
    instance, proxy, until: Callable[..., Awaitable[object]]
) -> None:
    async with open_pool(_through(instance.dsn, proxy), purpose="tests") as pool:

        async def is_ready() -> bool:
            return await readiness._record(pool) == readiness.OK

        await until(is_ready, seconds=READ_AGAIN_SECONDS_MAX)
        await proxy.tell(Route.POSTGRES, "half_open")
        asked = asyncio.create_task(is_ready())
        done, _ = await asyncio.wait({asked}, timeout=READ_AGAIN_SECONDS_MAX)
        assert done
        assert not asked.result()
        await until(is_ready, seconds=READ_AGAIN_SECONDS_MAX)


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
    return _at(dsn, proxy.ports[Route.POSTGRES])


def _at(dsn: str, port: int) -> str:
    parts = urlsplit(dsn)
    assert parse_qs(parts.query)["port"]
    address = f"127.0.0.1:{port}"
    return f"postgresql://{parts.username}:{parts.password}@{address}{parts.path}?sslmode=disable"
