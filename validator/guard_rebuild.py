"""Refills the guard from PostgreSQL, and drops what earlier generations left."""

from typing import Any

from redis.asyncio.cluster import RedisCluster
from redis.exceptions import NoPermissionError

from ledger.acceptances import guard_facts
from ledger.connect import Connection
from ledger.facts import load_generation
from validator.guard import ASK_RECORD, PREFIX, booklet_key, mark_value, open_client

COMMANDS_PER_PIPELINE = 1_000
SECONDS_MAX = 5.0  # for an answer


async def rebuild_guard(connection: Connection, valkey_url: str) -> tuple[int, int]:
    """Return how many marks were written and how many keys of earlier generations were dropped.

    Safe while scans go on: marks are only added where there is none, and an undone pass is never marked.
    """
    generation = await load_generation(connection)
    client = await _open(valkey_url)
    marks = dropped = 0
    try:
        pipe = client.pipeline(transaction=False)  # each booklet by itself: a cluster could not do otherwise
        async for row in guard_facts(connection):
            key = booklet_key(generation, row["booklet"])
            if row["ever_undone"]:
                pipe.hset(key, str(row["pass_number"]), ASK_RECORD)
            else:
                value = mark_value(row["attempt_id"], row["accepted_at"], row["site_id"])
                pipe.hsetnx(key, str(row["pass_number"]), value)
            marks += 1
            if marks % COMMANDS_PER_PIPELINE == 0:
                await pipe.execute()
        await pipe.execute()
        current = f"{PREFIX}{generation}:".encode()
        async for found in client.scan_iter(match=f"{PREFIX}*", count=COMMANDS_PER_PIPELINE):
            if not found.startswith(current):
                dropped += await client.unlink(found)
    finally:
        await client.aclose()
    return marks, dropped


async def _open(valkey_url: str) -> Any:
    """One server's client, or that of the cluster that it belongs to: their commands are the same."""
    client = open_client(valkey_url, seconds=SECONDS_MAX)
    try:
        is_cluster = (await client.info("cluster")).get("cluster_enabled")
    except NoPermissionError:
        is_cluster = False
    except BaseException:
        await client.aclose()
        raise
    if not is_cluster:
        return client
    await client.aclose()
    return RedisCluster.from_url(valkey_url, socket_timeout=SECONDS_MAX, socket_connect_timeout=SECONDS_MAX)
