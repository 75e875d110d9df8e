"""The checker can fail: each fault planted in the code or in the schema is caught, as what it is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from command.drill import drill
from loadtests.drill.drill import Orders, Report, run_drill
from loadtests.drill.plants import PLANTS

BOOKLETS = 10
# The others need a standby or minutes; docs/drills.md tells of the run that caught them.
QUICK = [name for name, plant in PLANTS.items() if plant.is_quick]


@pytest.mark.parametrize("name", QUICK)
async def test_a_planted_fault_is_caught(
    name: str, drill_folder: Path, tell: Callable[[Report], None]
) -> None:
    report = await run_drill(Orders(7, booklets=BOOKLETS, plant=name), drill_folder)

    tell(report)
    assert PLANTS[name].caught_as & {violation.kind for violation in report.violations}


def test_the_command_lists_what_can_be_planted() -> None:
    listed = CliRunner().invoke(drill, ["--plant", "list"])

    assert [line.split()[0] for line in listed.output.splitlines()] == list(PLANTS)
    assert CliRunner().invoke(drill, ["--plant", "nothing"]).exit_code == 2
