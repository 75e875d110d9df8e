"""The checker can fail: each fault planted in the code or in the schema is caught, as what it is."""

from collections.abc import Callable
from pathlib import Path

import pytest

from loadtests.drill.drill import Orders, Report, run_drill
from loadtests.drill.plants import PLANTS

BOOKLETS = 10


@pytest.mark.parametrize("name", PLANTS)
async def test_a_planted_fault_is_caught(
    name: str, drill_folder: Path, tell: Callable[[Report], None]
) -> None:
    report = await run_drill(Orders(7, booklets=BOOKLETS, plant=name), drill_folder)

    tell(report)
    assert PLANTS[name].caught_as in {violation.kind for violation in report.violations}
