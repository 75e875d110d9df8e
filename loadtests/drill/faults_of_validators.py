"""What befalls validators: killed, frozen, restarted, with a clock that jumps; and everything at once."""

import asyncio
from random import Random

from loadtests.drill.clock import READ_SECONDS
from loadtests.drill.fault import (
    GUARD_IS_BLIND,
    VALIDATOR_IS_AWAY,
    VALIDATOR_IS_BEHIND,
    Fault,
    postgres_back,
    stay_away,
    stay_down,
)
from loadtests.drill.processes import family, frozen
from loadtests.drill.stack import Stack

JUMP_SECONDS_MAX = 20 * 3_600  # less than the programme and its booklets are old


async def kill_validator(stack: Stack, rng: Random) -> int:
    place = rng.randrange(len(stack.validators))
    stack.validators[place].kill()
    await stay_down(rng)
    stack.validators[place].start()
    return place


async def freeze_validator(stack: Stack, rng: Random) -> int:
    place = rng.randrange(len(stack.validators))
    with frozen(family(stack.validators[place].pid)):
        await stay_away(rng)
    return place


async def restart_validator(stack: Stack, rng: Random) -> int:
    place = rng.randrange(len(stack.validators))
    await asyncio.to_thread(stack.validators[place].stop)
    stack.validators[place].start()
    return place


async def jump_clock(stack: Stack, rng: Random) -> int:
    place = rng.randrange(len(stack.validators))
    stack.clocks[place].set(rng.randint(-JUMP_SECONDS_MAX, JUMP_SECONDS_MAX))
    await asyncio.sleep(READ_SECONDS)
    await stay_away(rng)
    stack.clocks[place].set(0)
    await asyncio.sleep(READ_SECONDS)
    return place


async def kill_everything(stack: Stack, rng: Random) -> None:
    for validator in stack.validators:
        validator.kill()
    await asyncio.to_thread(stack.postgres.kill)
    await asyncio.to_thread(stack.valkey.kill)
    await stay_down(rng)
    # The validators first: they have to wait for their servers by themselves.
    for validator in stack.validators:
        validator.start()
    await asyncio.to_thread(stack.valkey.restart)
    await postgres_back(stack)


VALIDATOR_FAULTS = {
    "kill_validator": Fault(kill_validator, VALIDATOR_IS_AWAY),
    "freeze_validator": Fault(freeze_validator, VALIDATOR_IS_BEHIND),
    "restart_validator": Fault(restart_validator, VALIDATOR_IS_AWAY),
    "jump_clock": Fault(jump_clock, (), weight=16, fits=lambda world: world.has_false_clocks),
    "kill_everything": Fault(kill_everything, (*VALIDATOR_IS_AWAY, *GUARD_IS_BLIND), weight=3),
}
