"""One drill, from orders to report: storm, faults, two last rounds, and the checker's findings after each."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from ledger.connect import connected
from loadtests.drill.checker import Violation, check
from loadtests.drill.evidence import Evidence
from loadtests.drill.faults import FAULTS, flush_valkey, strike_in_turn
from loadtests.drill.healing import Healing, Recovery
from loadtests.drill.history import History
from loadtests.drill.phones import Gate, send_all
from loadtests.drill.plan import UNDO_SHARE, Errand, last_round, storm
from loadtests.drill.plants import PLANTS, Place
from loadtests.drill.stack import Stack, running_stack
from loadtests.drill.tampering import drop_unique_key
from loadtests.drill.validator_process import SERVE

PHONES = 64
BOOKLETS = 200
# What was under way on lines that we cut is over by then, and every validator knows of every undo.
SETTLE_SECONDS = 1.2


@dataclass(frozen=True)
class Orders:
    seed: int
    booklets: int = BOOKLETS
    phones: int = PHONES
    faults: Sequence[str] = ()
    plant: str | None = None

    def __post_init__(self) -> None:
        if unknown := sorted(set(self.faults) - set(FAULTS)):
            raise ValueError(f"unknown faults {unknown}; known are {', '.join(FAULTS)}")
        if self.plant is not None and self.plant not in PLANTS:
            raise ValueError(f"unknown plant {self.plant!r}; known are {', '.join(PLANTS)}")


@dataclass
class Report:
    seed: int
    answers: int = 0
    faults: int = 0
    accepted: int = 0
    gave_up: int = 0
    seconds: float = 0.0
    violations: list[Violation] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)

    @property
    def recovery_s_max(self) -> float:
        return max((recovery.seconds for recovery in self.recoveries), default=0.0)

    def __str__(self) -> str:
        return (
            f"drill seed={self.seed} answers={self.answers} faults={self.faults} accepted={self.accepted}"
            f" gave_up={self.gave_up} violations={len(self.violations)}"
            f" recovery_s_max={self.recovery_s_max:.2f} seconds={self.seconds:.1f}"
        )


async def run_drill(orders: Orders, folder: Path) -> Report:
    """The folder gets the history and the validators' logs; the servers in it are discarded."""
    place = PLANTS[orders.plant].place if orders.plant else None
    module = ("loadtests.drill.planted", str(orders.plant)) if place is Place.VALIDATOR else SERVE
    async with running_stack(folder, booklet_count=orders.booklets, module=module) as stack:
        if place is Place.DATABASE:
            async with connected(stack.servers.postgres.superuser_dsn, purpose="plant") as superuser:
                await drop_unique_key(superuser)
        with History(folder / "history.jsonl") as history:
            return await _Drill(orders, stack, history).run()


class _Drill:
    def __init__(self, orders: Orders, stack: Stack, history: History) -> None:
        self._orders = orders
        self._stack = stack
        self._history = history
        self._rng = Random(orders.seed)
        self._found: dict[Violation, None] = {}  # in the order found, each once

    async def run(self) -> Report:
        seeded = self._stack.seeded
        devices = len(seeded.tokens)
        plant = PLANTS[self._orders.plant] if self._orders.plant else None
        undo_share = plant.undo_share if plant else UNDO_SHARE
        errands = storm(self._rng, seeded.passes, devices, undo_share=undo_share)
        await self._send(errands, plant.faults if plant else self._orders.faults)
        await asyncio.sleep(SETTLE_SECONDS)
        told_accepted = (await self._check(is_over=False)).told_accepted
        # New attempts while the guard is as the storm has left it; then the record has to answer alone.
        await self._send(last_round(self._rng, seeded.passes, (), devices), ())
        await flush_valkey(self._stack, self._rng)
        await self._send(last_round(self._rng, seeded.passes, told_accepted, devices), ())
        return self._sum_up(await self._check(is_over=True))

    async def _send(self, errands: Sequence[Errand], faults: Sequence[str]) -> None:
        gate = Gate(errands)
        stack, history = self._stack, self._history
        phones = send_all(
            gate,
            phone_count=self._orders.phones,
            rng=self._rng,
            ports=stack.ports,
            tokens=stack.seeded.tokens,
            history=history,
        )
        async with asyncio.TaskGroup() as both:
            both.create_task(phones)
            both.create_task(
                strike_in_turn(
                    faults, gate, errand_count=len(errands), stack=stack, rng=self._rng, history=history
                )
            )

    async def _check(self, *, is_over: bool) -> Evidence:
        record = await self._stack.read_record()
        for violation in check(self._history.events, record, is_over=is_over):
            self._found.setdefault(violation)
        return Evidence(self._history.events)

    def _sum_up(self, evidence: Evidence) -> Report:
        report = Report(self._orders.seed, violations=list(self._found))
        report.answers = evidence.answer_count
        report.faults = len(evidence.struck)
        report.accepted = len(evidence.told_accepted)
        report.gave_up = len(evidence.gave_up)
        report.seconds = self._history.now()
        report.recoveries = list(Healing(evidence.struck, evidence.exchanges).recoveries())
        return report
