"""What PostgreSQL and Valkey say they hold: write-ahead log, table and index, and memory, in bytes."""

import redis.asyncio

from ledger.connect import Connection
from validator.guard import PREFIX

WAL_POSITION = "SELECT pg_current_wal_insert_lsn() - '0/0'"
# What an accepted scan leaves in the record, indexes and free space within pages included.
TABLES_SIZE = "SELECT pg_total_relation_size('acceptances') + pg_total_relation_size('flushes')"
ACCEPTED = "SELECT count(*) FROM acceptances"
KEYS_PER_STEP = 1_000


async def wal_bytes(connection: Connection) -> int:
    return int(await connection.fetchval(WAL_POSITION))


async def table_bytes(connection: Connection) -> int:
    return int(await connection.fetchval(TABLES_SIZE))


async def accepted_count(connection: Connection) -> int:
    return int(await connection.fetchval(ACCEPTED))


async def guard_memory(valkey_url: str) -> tuple[int, int]:
    """Bytes of all marks with their keys, and how many passes are marked."""
    used_bytes = passes = 0
    client = redis.asyncio.Redis.from_url(valkey_url)
    try:
        cursor = 0
        while True:
            cursor, keys = await client.scan(cursor, match=f"{PREFIX}*", count=KEYS_PER_STEP)
            pipe = client.pipeline(transaction=False)
            for key in keys:
                pipe.memory_usage(key)
                pipe.hlen(key)
            answers = await pipe.execute()
            used_bytes += sum(answers[::2])
            passes += sum(answers[1::2])
            if not cursor:
                return used_bytes, passes
    finally:
        await client.aclose()
