"""All faults by name, which of them a stack can have, and how they strike among the errands."""

from collections.abc import Iterator, Mapping, Sequence
from random import Random

from loadtests.drill.abilities import Ability, missing
from loadtests.drill.fault import Fault
from loadtests.drill.faults_of_postgres import POSTGRES_FAULTS
from loadtests.drill.faults_of_validators import VALIDATOR_FAULTS
from loadtests.drill.faults_of_valkey import VALKEY_FAULTS
from loadtests.drill.history import History, Struck
from loadtests.drill.phones import Gate
from loadtests.drill.stack import Stack
from loadtests.drill.world import World

FAULTS: Mapping[str, Fault] = {**VALKEY_FAULTS, **POSTGRES_FAULTS, **VALIDATOR_FAULTS}

NEEDS: Mapping[str, Ability] = {
    "fill_disk": Ability.SMALL_DISK,
    "fail_syncs": Ability.STRACE,
    "slow_syncs": Ability.STRACE,
    "jump_clock": Ability.FAKETIME,
}


def skipped() -> dict[str, str]:
    """The faults that no stack of this machine can have, and why."""
    lacking = missing()
    return {name: lacking[need] for name, need in NEEDS.items() if need in lacking}


def fitting(world: World) -> list[str]:
    return [name for name, fault in FAULTS.items() if name not in skipped() and fault.fits(world)]


def drawn(rng: Random, world: World) -> Iterator[str]:
    """Faults without end: each as often as its weight says, in an order that never comes again."""
    deck = [name for name in fitting(world) for _ in range(FAULTS[name].weight)]
    while True:
        yield from rng.sample(deck, len(deck))


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
        history.add(Struck(began, name, history.now(), fault.excuses, validator, fault.is_outage))
    await gate.open_until(errand_count)
