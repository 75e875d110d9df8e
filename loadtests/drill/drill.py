"""One drill, from orders to report: storm, faults, two last rounds, and the checker's findings after each."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from ledger.connect import connected
from loadtests.drill.checker import check
from loadtests.drill.clerk import keep_keys
from loadtests.drill.evidence import Evidence
from loadtests.drill.faults import FAULTS, strike_in_turn
from loadtests.drill.faults_of_valkey import flush_valkey
from loadtests.drill.figures import Strike, strikes
from loadtests.drill.history import History
from loadtests.drill.phones import Gate, send_all
from loadtests.drill.plan import BATCH_SHARE, CLOSE_SHARE, UNDO_SHARE, Errand, last_round, storm
from loadtests.drill.plants import PLANTS, Plant
from loadtests.drill.stack import Stack, running_stack
from loadtests.drill.validator_process import SERVE
from loadtests.drill.violation import Violation
from loadtests.drill.world import World

PHONES = 64
BOOKLETS = 200
# What was under way on lines that we cut is over by then, and every validator knows of every undo.
SETTLE_SECONDS = 1.2
PLAIN = World()


@dataclass(frozen=True)
class Orders:
    seed: int
    booklets: int = BOOKLETS
    phones: int = PHONES
    faults: Sequence[str] = ()
    world: World = PLAIN
    plant: str | None = None
    batch_share: float = BATCH_SHARE

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.faults) - set(FAULTS)):
            raise ValueError(f"unknown faults {unknown}; known are {', '.join(FAULTS)}")
        if self.plant is not None and self.plant not in PLANTS:
            raise ValueError(f"unknown plant {self.plant!r}; known are {', '.join(PLANTS)}")

    @property
    def planted(self) -> Plant | None:
        return PLANTS[self.plant] if self.plant else None


@dataclass
class Report:
    seed: int
    answers: int = 0
    accepted: int = 0
    gave_up: int = 0
    remittances: int = 0
    seconds: float = 0.0
    violations: list[Violation] = field(default_factory=list)
    strikes: list[Strike] = field(default_factory=list)

    @property
    def faults(self) -> int:
        return len(self.strikes)

    @property
    def recovery_s_max(self) -> float:
        return max((one.recovery_s for one in self.strikes if one.recovery_s is not None), default=0.0)

    def __str__(self) -> str:
        return (
            f"drill seed={self.seed} answers={self.answers} faults={self.faults} accepted={self.accepted}"
            f" remittances={self.remittances} gave_up={self.gave_up} violations={len(self.violations)}"
            f" recovery_s_max={self.recovery_s_max:.2f} seconds={self.seconds:.1f}"
        )


async def run_drill(orders: Orders, folder: Path) -> Report:
    """The folder gets the history and the validators' logs; the servers in it are discarded."""
    plant = orders.planted
    module = module_of(orders.plant)
    world = plant.world if plant else orders.world
    async with running_stack(folder, booklet_count=orders.booklets, world=world, module=module) as stack:
        if plant and plant.in_database:
            async with connected(stack.postgres.superuser_dsn, purpose="drill plant") as superuser:
                await plant.in_database(superuser)
        with History(folder / "history.jsonl") as history:
            return await _Drill(orders, stack, history).run()


def module_of(plant: str | None) -> tuple[str, ...]:
    """What a validator runs."""
    if plant is not None and PLANTS[plant].in_validator:
        return ("loadtests.drill.planted", plant)
    return SERVE


async def run_plants(names: Sequence[str], folder: Path, *, seed: int, booklets: int) -> dict[str, Report]:
    """One planted fault after the other on the same servers, with passes of its own: quicker than apart.

    What is planted in the database stays there, so that only the last one may be.
    """
    assert not any(PLANTS[name].in_database for name in names[:-1])
    reports = {}
    count = booklets * len(names)
    async with running_stack(folder, booklet_count=count, world=PLAIN, module=module_of(names[0])) as stack:
        seeded = stack.seeded
        sound = [one for one in seeded.passes if one.pass_id.booklet not in seeded.doomed_booklets]
        share = len(sound) // len(names)
        for place, name in enumerate(names):
            stack.seeded = replace(seeded, passes=sound[place * share : (place + 1) * share])
            if place:
                await asyncio.gather(*(one.restart_as(module_of(name)) for one in stack.validators))
            if change := PLANTS[name].in_database:
                async with connected(stack.postgres.superuser_dsn, purpose="drill plant") as superuser:
                    await change(superuser)
            with History(folder / f"{name}.jsonl") as history:
                reports[name] = await _Drill(Orders(seed, plant=name), stack, history).run()
    return reports


class _Drill:
    def __init__(self, orders: Orders, stack: Stack, history: History) -> None:
        self._orders = orders
        self._stack = stack
        self._history = history
        self._rng = Random(orders.seed)
        self._found: dict[Violation, None] = {}  # in the order found, each once

    async def run(self) -> Report:
        seeded, plant = self._stack.seeded, self._orders.planted
        devices = len(seeded.tokens)
        errands = storm(
            self._rng,
            [one for one in seeded.passes if one.pass_id not in seeded.spared],
            devices,
            undo_share=plant.undo_share if plant else UNDO_SHARE,
            close_share=plant.close_share if plant else CLOSE_SHARE,
            batch_share=plant.batch_share if plant else self._orders.batch_share,
        )
        await self._send(errands, plant.faults if plant else self._orders.faults, keys_change=True)
        await asyncio.sleep(plant.settle_seconds if plant else SETTLE_SECONDS)
        told_accepted = (await self._check(is_over=False)).told_accepted
        # New attempts while the guard is as the storm has left it; then the record has to answer alone.
        await self._send(last_round(self._rng, seeded.passes, (), devices), ())
        await flush_valkey(self._stack, self._rng)
        await self._send(last_round(self._rng, seeded.passes, told_accepted, devices), ())
        return self._sum_up(await self._check(is_over=True))

    async def _send(
        self, errands: Sequence[Errand], faults: Sequence[str], *, keys_change: bool = False
    ) -> None:
        gate = Gate(errands)
        stack, history, count = self._stack, self._history, len(errands)
        phones = send_all(
            gate,
            phone_count=self._orders.phones,
            rng=self._rng,
            ports=stack.ports,
            tokens=stack.seeded.tokens,
            history=history,
        )
        async with asyncio.TaskGroup() as together:
            together.create_task(phones)
            if keys_change:
                together.create_task(keep_keys(stack, gate, history, errand_count=count))
            together.create_task(
                strike_in_turn(faults, gate, errand_count=count, stack=stack, rng=self._rng, history=history)
            )

    async def _check(self, *, is_over: bool) -> Evidence:
        record = await self._stack.read_record()
        for violation in check(self._history.events, record, is_over=is_over):
            self._found.setdefault(violation)
        return Evidence(self._history.events)

    def _sum_up(self, evidence: Evidence) -> Report:
        return Report(
            self._orders.seed,
            answers=evidence.answer_count,
            accepted=len(evidence.told_accepted),
            gave_up=len(evidence.gave_up),
            remittances=sum(told.closed is not None for _, told in evidence.closings),
            seconds=self._history.now(),
            violations=list(self._found),
            strikes=list(strikes(evidence)),
        )
