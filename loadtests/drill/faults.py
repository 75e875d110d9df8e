"""What the world does to the stack, and what each fault may rightly cause. What it kills it starts again."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

import redis.asyncio

from ledger.connect import connected
from loadtests.drill.history import Excuse, History, Struck
from loadtests.drill.phones import Gate
from loadtests.drill.stack import Stack
from loadtests.drill.tampering import cut_connections

DOWN_SECONDS = (0.1, 0.6)

# Without Valkey scans go on, at most slower: only what an undo could not reach there may be known later.
GUARD_IS_BLIND = (Excuse.STALE_MARK,)
RECORD_IS_AWAY = (Excuse.CANNOT_DECIDE,)
VALIDATOR_IS_AWAY = (Excuse.CANNOT_DECIDE, Excuse.BROKEN_LINE)


@dataclass(frozen=True)
class Fault:
    """strike: break, and start again what was broken; returns the validator concerned, None for all."""

    strike: Callable[[Stack, Random], Awaitable[int | None]]
    excuses: tuple[Excuse, ...]


async def flush_valkey(stack: Stack, _: Random) -> None:
    await _tell_valkey(stack, "FLUSHALL")


async def cut_valkey(stack: Stack, _: Random) -> None:
    await _tell_valkey(stack, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


async def stop_valkey(stack: Stack, rng: Random) -> None:
    await asyncio.to_thread(stack.servers.valkey.kill)
    await _stay_down(rng)
    await asyncio.to_thread(stack.servers.valkey.restart)


async def cut_postgres(stack: Stack, _: Random) -> None:
    async with connected(stack.servers.postgres.superuser_dsn, purpose="drill") as superuser:
        await cut_connections(superuser)


async def kill_postgres(stack: Stack, rng: Random) -> None:
    await asyncio.to_thread(stack.servers.postgres.kill)
    await _stay_down(rng)
    await asyncio.to_thread(stack.servers.postgres.restart)


async def kill_validator(stack: Stack, rng: Random) -> int:
    place = rng.randrange(len(stack.validators))
    stack.validators[place].kill()
    await _stay_down(rng)
    stack.validators[place].start()
    return place


async def restart_validator(stack: Stack, rng: Random) -> int:
    place = rng.randrange(len(stack.validators))
    await asyncio.to_thread(stack.validators[place].stop)
    stack.validators[place].start()
    return place


async def kill_everything(stack: Stack, rng: Random) -> None:
    for validator in stack.validators:
        validator.kill()
    await asyncio.to_thread(stack.servers.postgres.kill)
    await asyncio.to_thread(stack.servers.valkey.kill)
    await _stay_down(rng)
    # The validators first: they have to wait for their servers by themselves.
    for validator in stack.validators:
        validator.start()
    await asyncio.to_thread(stack.servers.valkey.restart)
    await asyncio.to_thread(stack.servers.postgres.restart)


FAULTS: Mapping[str, Fault] = {
    "flush_valkey": Fault(flush_valkey, GUARD_IS_BLIND),
    "stop_valkey": Fault(stop_valkey, GUARD_IS_BLIND),
    "kill_postgres": Fault(kill_postgres, RECORD_IS_AWAY),
    "kill_validator": Fault(kill_validator, VALIDATOR_IS_AWAY),
    "restart_validator": Fault(restart_validator, VALIDATOR_IS_AWAY),
    "cut_postgres": Fault(cut_postgres, RECORD_IS_AWAY),
    "cut_valkey": Fault(cut_valkey, GUARD_IS_BLIND),
    "kill_everything": Fault(kill_everything, (*VALIDATOR_IS_AWAY, *GUARD_IS_BLIND)),
}


async def strike_in_turn(
    names: Sequence[str], gate: Gate, *, errand_count: int, stack: Stack, rng: Random, history: History
) -> None:
    """One fault after the other, evenly among the errands: load before, during and after each."""
    step = errand_count / (len(names) + 1)
    for place, name in enumerate(names, 1):
        await gate.open_until(int((place + 1) * step))
        await gate.reach(int(place * step))
        fault = FAULTS[name]
        began = history.now()
        validator = await fault.strike(stack, rng)
        history.add(Struck(began, name, history.now(), fault.excuses, validator))
    await gate.open_until(errand_count)


async def _stay_down(rng: Random) -> None:
    await asyncio.sleep(rng.uniform(*DOWN_SECONDS))


async def _tell_valkey(stack: Stack, *command: str) -> None:
    client = redis.asyncio.Redis.from_url(stack.servers.valkey.url)
    try:
        await client.execute_command(*command)  # type: ignore[no-untyped-call]
    finally:
        await client.aclose()
