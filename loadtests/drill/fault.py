"""What a fault is, and what it may rightly cause. Which there are is in faults.py."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from embedded.failure import EmbeddedError
from ledger.connect import UNREACHABLE, connected
from loadtests.drill.history import Excuse
from loadtests.drill.stack import Stack
from loadtests.drill.world import World

DOWN_SECONDS = (0.1, 0.6)
AWAY_SECONDS = (0.5, 2.5)
BACK_STEP_SECONDS = 0.1
BACK_SECONDS_MAX = 180.0
ALONE_SECONDS_MAX = 5.0

# Without Valkey scans go on, at most slower: only what an undo could not reach there may be known later.
GUARD_IS_BLIND = (Excuse.STALE_MARK,)
RECORD_IS_AWAY = (Excuse.CANNOT_DECIDE,)
VALIDATOR_IS_AWAY = (Excuse.CANNOT_DECIDE, Excuse.BROKEN_LINE)
# A validator that was stopped, or has lost its line, has not been told of anything meanwhile.
VALIDATOR_IS_BEHIND = (Excuse.CANNOT_DECIDE, Excuse.STALE_MARK)


def _anywhere(_: World) -> bool:
    return True


@dataclass(frozen=True)
class Fault:
    """strike: break, and start again what was broken; returns the validator concerned, None for all."""

    strike: Callable[[Stack, Random], Awaitable[int | None]]
    excuses: tuple[Excuse, ...]
    is_outage: bool = False
    weight: int = 4  # how often beside others: 1 where it takes long
    fits: Callable[[World], bool] = _anywhere


async def stay_down(rng: Random) -> None:
    await asyncio.sleep(rng.uniform(*DOWN_SECONDS))


async def stay_away(rng: Random) -> None:
    await asyncio.sleep(rng.uniform(*AWAY_SECONDS))


async def postgres_back(stack: Stack) -> None:
    """Start again what has died, as those who keep servers alive would, until it answers."""
    async with asyncio.timeout(BACK_SECONDS_MAX):
        while not await _answers(stack, seconds=ALONE_SECONDS_MAX):
            # A recovery that met a failing disk leaves a server that waits for ever: seen under strace.
            await asyncio.to_thread(stack.postgres.kill)


async def _answers(stack: Stack, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            for server in (stack.postgres, stack.standby):
                if server is not None:
                    await asyncio.to_thread(server.revive)
            async with connected(stack.postgres.superuser_dsn, purpose="drill"):
                return True
        except (EmbeddedError, *UNREACHABLE):
            await asyncio.sleep(BACK_STEP_SECONDS)
    return False
