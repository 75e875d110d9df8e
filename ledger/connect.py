"""Connections to PostgreSQL: how they are opened and bounded. No statement of the business is here.

Nothing in this program cancels a statement: with a synchronous standby, a cancelled wait leaves a row
committed here that the standby never got (design.md, section 4). What takes too long loses its connection.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeAlias

import asyncpg

Connection: TypeAlias = asyncpg.Connection
Pool: TypeAlias = asyncpg.Pool
Record: TypeAlias = asyncpg.Record

CONNECT_SECONDS_MAX = 5.0
ANSWER_SECONDS_MAX = 10.0
GOODBYE_SECONDS_MAX = 3.0  # a line may be dead without a word, and then nobody answers the goodbye either
POOL_SIZE_MAX = 8
IDLE_IN_TRANSACTION_MS_MAX = 30_000
# Of requests, which queue for the same locks: whoever lost its line must not hold them for long, nor take
# them in its turn. Idle time does not count between the parse of a statement and its execution; a
# transaction's time does.
REQUEST_IDLE_MS_MAX = 10_000
REQUEST_LOCK_MS_MAX = 5_000
REQUEST_TRANSACTION_MS_MAX = 35_000  # longer than any request waits for its answer, exports apart
KEEPALIVE_SECONDS = 4
CLIENT_LOOK_MS = 2_000  # how often the server looks whether its client is still there, while it works for it

TAKES_WRITES = """
SELECT NOT pg_is_in_recovery() AND current_setting('fsync') = 'on'
       AND current_setting('synchronous_commit') <> 'off'"""

# What a lost or refused connection raises; the service answers 503 to it, a command says so and ends.
UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the next query on a connection that the server has just ended
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidAuthorizationSpecificationError,  # a wrong password too
    asyncpg.InvalidCatalogNameError,  # no such database
    asyncpg.DiskFullError,
    asyncpg.OutOfMemoryError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.LockNotAvailableError,
)


async def _set_codecs(connection: Connection) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


def _server_settings(purpose: str) -> dict[str, str]:
    return {
        "application_name": f"poincon {purpose}",
        "timezone": "UTC",
        "default_transaction_isolation": "read committed",  # claim_passes() needs a snapshot per statement
        "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_MS_MAX),
        # A client whose machine is gone is found out in the middle of its transaction as well.
        "client_connection_check_interval": str(CLIENT_LOOK_MS),
        "tcp_keepalives_idle": str(KEEPALIVE_SECONDS),
        "tcp_keepalives_interval": str(KEEPALIVE_SECONDS),
        "tcp_keepalives_count": "2",
    }


async def connect(dsn: str, *, purpose: str) -> Connection:
    connection = await asyncpg.connect(
        dsn, timeout=CONNECT_SECONDS_MAX, server_settings=_server_settings(purpose)
    )
    try:
        # A line may die right after it was opened, and then no answer ever comes.
        async with asyncio.timeout(CONNECT_SECONDS_MAX):
            await _set_codecs(connection)
    except BaseException:
        connection.terminate()
        raise
    return connection


@asynccontextmanager
async def connected(dsn: str, *, purpose: str) -> AsyncIterator[Connection]:
    connection = await connect(dsn, purpose=purpose)
    try:
        yield connection
    finally:
        await hang_up(connection)


async def hang_up(connection: Connection) -> None:
    try:
        await connection.close(timeout=GOODBYE_SECONDS_MAX)
    except UNREACHABLE:
        connection.terminate()


@asynccontextmanager
async def open_pool(dsn: str, *, purpose: str, **options: Any) -> AsyncIterator[Pool]:
    """A pool that opens its first connection on demand, so that a service starts while PostgreSQL is down."""
    bounds = {
        "idle_in_transaction_session_timeout": str(REQUEST_IDLE_MS_MAX),
        "lock_timeout": str(REQUEST_LOCK_MS_MAX),
        "transaction_timeout": str(REQUEST_TRANSACTION_MS_MAX),
    }
    pool = await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=POOL_SIZE_MAX,
        timeout=CONNECT_SECONDS_MAX,
        init=_set_codecs,
        server_settings=_server_settings(purpose) | bounds,
        **options,
    )
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), GOODBYE_SECONDS_MAX)
        except TimeoutError:
            pool.terminate()


@asynccontextmanager
async def answering(pool: Pool, *, seconds: float = ANSWER_SECONDS_MAX) -> AsyncIterator[Connection]:
    """A connection of the pool, which is closed when its work is not done in time: nobody waits for ever."""
    gave_up = asyncio.Event()

    def give_up(connection: Connection) -> None:
        gave_up.set()
        connection.terminate()

    async with pool.acquire(timeout=min(seconds, CONNECT_SECONDS_MAX)) as connection:
        giving_up = asyncio.get_running_loop().call_later(seconds, give_up, connection)
        try:
            if 1_000 * seconds > REQUEST_TRANSACTION_MS_MAX:
                # An export, which holds no lock, and goes as fast as its client reads.
                await connection.execute(f"SET transaction_timeout = {int(1_000 * seconds)}")
                await connection.execute(
                    f"SET idle_in_transaction_session_timeout = {IDLE_IN_TRANSACTION_MS_MAX}"
                )
            yield connection
        except asyncio.CancelledError:
            connection.terminate()  # giving it back would cancel its statement, and wait for an answer
            raise
        finally:
            giving_up.cancel()
            if gave_up.is_set():
                # Its line may be dead without a word, and then those opened with it are: none is used again.
                await pool.expire_connections()


@contextmanager
def ending_in(connection: Connection, seconds: float) -> Iterator[None]:
    """Close the connection when its work is not done in time.

    Whoever is cancelled within a transaction waits for its rollback, on a line that is dead for ever.
    """
    giving_up = asyncio.get_running_loop().call_later(seconds, connection.terminate)
    try:
        yield
    finally:
        giving_up.cancel()


async def takes_writes(connection: Connection) -> bool:
    """False on a standby (never judge from a replica), and where a commit would not wait for the disk."""
    answer: bool = await connection.fetchval(TAKES_WRITES)
    return answer
