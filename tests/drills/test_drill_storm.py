"""64 phones, 2,000 passes, two validators: on a sound stack, then on one that is broken again and again."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from loadtests.drill.drill import Orders, Report, run_drill
from loadtests.drill.faults import FAULTS

SEED = 20_240_116
RECOVERY_SECONDS_MAX = (
    20.0  # a validator that was killed starts anew, on a machine that is busy with the storm
)


async def test_a_storm_takes_each_pass_once_and_keeps_every_word(
    drill_folder: Path, tell: Callable[[Report], None]
) -> None:
    report = await run_drill(Orders(SEED), drill_folder)

    tell(report)
    assert report.violations == []
    assert report.gave_up == 0
    assert report.accepted >= 2_000
    assert report.answers >= 10_000


@pytest.mark.timeout(120)
async def test_a_storm_on_a_stack_that_keeps_breaking_loses_nothing_and_needs_no_help(
    drill_folder: Path, tell: Callable[[Report], None]
) -> None:
    in_turn = list(FAULTS)
    faults = in_turn + Random(SEED).sample(in_turn, 4)

    report = await run_drill(Orders(SEED + 1, faults=faults), drill_folder)

    tell(report)
    assert report.violations == []
    assert report.gave_up == 0
    assert report.accepted >= 2_000
    assert report.faults == len(faults)
    assert report.recovery_s_max <= RECOVERY_SECONDS_MAX
