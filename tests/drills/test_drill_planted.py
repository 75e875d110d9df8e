"""The checker can fail: each fault planted in the code or in the schema is caught, as what it is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from command.drill import drill
from loadtests.drill.drill import Report, run_plants
from loadtests.drill.plants import PLANTS

SEED = 7
BOOKLETS = 10
# The others need a standby or more time; docs/drills.md tells of the run that caught them. What is planted in
# the database comes last.
QUICK = sorted(
    (name for name, plant in PLANTS.items() if plant.is_quick),
    key=lambda name: PLANTS[name].in_database is not None,
)


@pytest.mark.timeout(240)
async def test_each_quick_planted_fault_is_caught(drill_folder: Path, tell: Callable[[Report], None]) -> None:
    reports = await run_plants(QUICK, drill_folder, seed=SEED, booklets=BOOKLETS)

    for name, report in reports.items():
        tell(report)
        assert PLANTS[name].caught_as & {violation.kind for violation in report.violations}, name


def test_the_command_lists_what_can_be_planted() -> None:
    listed = CliRunner().invoke(drill, ["--plant", "list"])

    assert [line.split()[0] for line in listed.output.splitlines()] == list(PLANTS)
    assert CliRunner().invoke(drill, ["--plant", "nothing"]).exit_code == 2
