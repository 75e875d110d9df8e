"""Two dozen phones, two validators, twenty faults, on a stack with everything that this machine offers."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from loadtests.drill.abilities import demand_in_ci
from loadtests.drill.drill import Orders, Report, run_drill
from loadtests.drill.faults import fitting
from loadtests.drill.world import WORLDS

SEED = 20_240_116
FAULTS = 20
BOOKLETS = 40
PHONES = 24
# They wait for what takes eleven seconds to be found out; `poincon drill` has them.
TOO_LONG = {"half_open_postgres_lines"}


@pytest.mark.timeout(240)
async def test_a_stack_that_keeps_breaking_takes_each_pass_once_and_keeps_every_word(
    drill_folder: Path, tell: Callable[[Report], None]
) -> None:
    demand_in_ci()
    rng, world = Random(SEED), WORLDS["everything"].offered()
    names = [name for name in fitting(world) if name not in TOO_LONG]
    faults = rng.sample(names, min(FAULTS, len(names)))
    faults += rng.choices(names, k=FAULTS - len(faults))

    orders = Orders(SEED, booklets=BOOKLETS, faults=faults, world=world, phones=PHONES)
    report = await run_drill(orders, drill_folder)

    tell(report)
    assert report.violations == []
    assert report.gave_up == 0
    assert report.accepted >= 10 * BOOKLETS
    assert report.remittances > 0
    assert report.faults == FAULTS
