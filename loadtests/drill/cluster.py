"""A Valkey Cluster of three masters and their replicas, for a drill. What befalls it is in faults."""

import asyncio
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import redis.asyncio

from embedded.secret_file import new_password, write_secret
from embedded.valkey import Valkey

MASTERS = 3
SLOTS = 16_384
NODE_TIMEOUT_MS = 1_000
BUS_PORT_OFFSET = 10_000
PORT_MAX = 65_535 - BUS_PORT_OFFSET
AGREE_SECONDS_MAX = 120.0
STEP_SECONDS = 0.05


class Cluster:
    def __init__(self, nodes: Sequence[Valkey]) -> None:
        self.nodes = nodes

    @property
    def door(self) -> Valkey:
        """The node that validators are told of."""
        return self.nodes[0]

    async def kill_a_master(self, rng: Random) -> Valkey:
        masters = [node for node in self.nodes if await is_master(node)]
        node = rng.choice(masters)
        await asyncio.to_thread(node.kill)
        return node

    async def until_agreed(self) -> None:
        deadline = time.monotonic() + AGREE_SECONDS_MAX
        for node in self.nodes:
            while b"cluster_state:ok" not in await tell(node, "CLUSTER", "INFO"):
                assert time.monotonic() < deadline, "the cluster does not agree"
                await asyncio.sleep(STEP_SECONDS)

    def discard(self) -> None:
        for node in self.nodes:
            node.kill()
            node.discard()


async def start_cluster(folder: Path) -> Cluster:
    password = new_password()
    ports = _free_ports(2 * MASTERS)
    nodes: list[Valkey] = []
    try:
        for place, port in enumerate(ports):
            nodes.append(await asyncio.to_thread(_start_node, folder / f"node-{place}", port, password))
        cluster = Cluster(nodes)
        await _introduce(cluster, ports)
    except BaseException:
        Cluster(nodes).discard()
        raise
    return cluster


def _start_node(data: Path, port: int, password: str) -> Valkey:
    data.mkdir(parents=True)
    write_secret(data / "password", f"{password}\n")
    settings = {
        "port": str(port),
        "bind": "127.0.0.1",
        "masterauth": password,
        "cluster-enabled": "yes",
        "cluster-config-file": "nodes.conf",
        "cluster-node-timeout": str(NODE_TIMEOUT_MS),
        "repl-diskless-sync-delay": "0",  # a replica that was just started can take over soon
    }
    return Valkey.start(data, settings=settings)


async def _introduce(cluster: Cluster, ports: Sequence[int]) -> None:
    masters, replicas = cluster.nodes[:MASTERS], cluster.nodes[MASTERS:]
    for place, node in enumerate(masters):
        first, last = place * SLOTS // MASTERS, (place + 1) * SLOTS // MASTERS - 1
        await tell(node, "CLUSTER", "ADDSLOTSRANGE", first, last)
    for port in ports[1:]:
        await tell(cluster.door, "CLUSTER", "MEET", "127.0.0.1", port)
    await cluster.until_agreed()
    for master, replica in zip(masters, replicas, strict=True):
        name = await tell(master, "CLUSTER", "MYID")
        deadline = time.monotonic() + AGREE_SECONDS_MAX
        while name not in await tell(replica, "CLUSTER", "NODES"):
            assert time.monotonic() < deadline, "a replica does not know its master"
            await asyncio.sleep(STEP_SECONDS)
        await tell(replica, "CLUSTER", "REPLICATE", name)
    for replica in replicas:
        deadline = time.monotonic() + AGREE_SECONDS_MAX
        while (await tell(replica, "INFO", "replication")).get("master_link_status") != "up":
            assert time.monotonic() < deadline, "a replica does not follow its master"
            await asyncio.sleep(STEP_SECONDS)


async def is_master(node: Valkey) -> bool:
    return bool((await tell(node, "INFO", "replication"))["role"] == "master")


async def tell(node: Valkey, *command: Any) -> Any:
    client = redis.asyncio.Redis.from_url(node.url)
    try:
        return await client.execute_command(*command)  # type: ignore[no-untyped-call]
    finally:
        await client.aclose()


def _free_ports(count: int) -> list[int]:
    """Whose bus ports are free as well, and below the largest port."""
    found: list[int] = []
    rng = Random()
    while len(found) < count:
        port = rng.randrange(20_000, PORT_MAX)
        if port not in found and all(_is_free(one) for one in (port, port + BUS_PORT_OFFSET)):
            found.append(port)
    return found


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
