"""What befalls Valkey: forgotten, killed, frozen, cut off, slow. Scans have to go on through all of it."""

import asyncio
from random import Random

from loadtests.drill.cluster import is_master, tell
from loadtests.drill.fault import GUARD_IS_BLIND, Fault, stay_away, stay_down
from loadtests.drill.processes import family, frozen
from loadtests.drill.proxy_process import Route
from loadtests.drill.stack import Stack

SLOW_SECONDS = (0.02, 0.3)  # around the guard's budget, and over it


async def flush_valkey(stack: Stack, _: Random) -> None:
    nodes = stack.cluster.nodes if stack.cluster else [stack.valkey]
    for node in nodes:
        # A replica refuses it, and forgets with its master.
        if await is_master(node):
            await tell(node, "FLUSHALL")


async def cut_valkey(stack: Stack, _: Random) -> None:
    await tell(stack.valkey, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


async def reset_valkey_lines(stack: Stack, _: Random) -> None:
    await stack.proxy.tell(Route.VALKEY, "cut")


async def half_open_valkey_lines(stack: Stack, _: Random) -> None:
    await stack.proxy.tell(Route.VALKEY, "half_open")


async def slow_valkey_lines(stack: Stack, rng: Random) -> None:
    await stack.proxy.tell(Route.VALKEY, "delay", rng.uniform(*SLOW_SECONDS))
    await stay_away(rng)
    await stack.proxy.tell(Route.VALKEY, "delay", 0)


async def stop_valkey(stack: Stack, rng: Random) -> None:
    await asyncio.to_thread(stack.valkey.kill)
    await stay_away(rng)
    await asyncio.to_thread(stack.valkey.restart)


async def freeze_valkey(stack: Stack, rng: Random) -> None:
    with frozen(family(stack.valkey.pid)):
        await stay_away(rng)


async def kill_master(stack: Stack, rng: Random) -> None:
    assert stack.cluster is not None
    node = await stack.cluster.kill_a_master(rng)
    await asyncio.sleep(rng.uniform(0.5, 4.0))  # its replica takes its place, or has no time to
    await asyncio.to_thread(node.restart)
    await stack.cluster.until_agreed()
    await stay_down(rng)


VALKEY_FAULTS = {
    "flush_valkey": Fault(flush_valkey, GUARD_IS_BLIND),
    "cut_valkey": Fault(cut_valkey, GUARD_IS_BLIND),
    "reset_valkey_lines": Fault(reset_valkey_lines, GUARD_IS_BLIND),
    "half_open_valkey_lines": Fault(half_open_valkey_lines, GUARD_IS_BLIND),
    "slow_valkey_lines": Fault(slow_valkey_lines, GUARD_IS_BLIND, is_outage=True),
    "stop_valkey": Fault(stop_valkey, GUARD_IS_BLIND, is_outage=True),
    "freeze_valkey": Fault(freeze_valkey, GUARD_IS_BLIND, is_outage=True),
    "kill_master": Fault(
        kill_master, GUARD_IS_BLIND, is_outage=True, weight=16, fits=lambda world: world.has_cluster
    ),
}
