"""Drills one after the other, as many minutes as asked, each on fresh servers; their figures in one sum.

Everything follows from one seed: the seed of each drill, its world and its faults.
"""

import asyncio
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from loadtests.drill.abilities import demand_in_ci
from loadtests.drill.drill import Orders, Report, run_drill
from loadtests.drill.faults import drawn, skipped
from loadtests.drill.figures import by_kind
from loadtests.drill.world import WORLDS

BOOKLETS_PER_DRILL = 1_500
FAULTS_PER_DRILL = 40
PLANT_BOOKLETS = 60  # a planted fault brings its own faults, and shows soon
PHONES = 32
BATCH_SHARE = 0.9  # more answers for the same work of phones, which share the machine with what they drill
# One after the other: each world has faults that the others do not have.
IN_TURN = ("plain", "clocks", "standby", "cluster")
SEED_BITS = 32
VIOLATIONS_TOLD_MAX = 50


@dataclass
class Series:
    seed: int
    reports: list[tuple[str, Report]] = field(default_factory=list)  # with the world of each
    broken_off: str = ""  # why the last drill came to no end

    def told(self) -> dict[str, Any]:
        reports = [report for _, report in self.reports]
        violations = [violation for report in reports for violation in report.violations]
        return {
            "seed": self.seed,
            "answers": sum(report.answers for report in reports),
            "faults": sum(report.faults for report in reports),
            "violations": len(violations),
            "accepted": sum(report.accepted for report in reports),
            "gave_up": sum(report.gave_up for report in reports),
            "remittances": sum(report.remittances for report in reports),
            "recovery_s_max": round(max((report.recovery_s_max for report in reports), default=0.0), 3),
            "seconds": round(sum(report.seconds for report in reports), 1),
            "skipped": skipped(),
            "broken_off": self.broken_off,
            "by_fault": by_kind(strike for report in reports for strike in report.strikes),
            "drills": [_told(world, report) for world, report in self.reports],
            "found": [violation._asdict() for violation in violations[:VIOLATIONS_TOLD_MAX]],
        }


def _told(world: str, report: Report) -> dict[str, Any]:
    return {
        "seed": report.seed,
        "world": world,
        "answers": report.answers,
        "faults": report.faults,
        "violations": len(report.violations),
        "seconds": round(report.seconds, 1),
    }


def run_series(
    minutes: float, seed: int, *, plant: str | None = None, say: Callable[[Series], None] = lambda _: None
) -> Series:
    """As many drills as begin within that time, and one at least. What went wrong keeps its folder."""
    demand_in_ci()
    rng = Random(seed)
    series = Series(seed)
    deadline = time.monotonic() + 60 * minutes
    decks = {world: drawn(Random(rng.getrandbits(SEED_BITS)), WORLDS[world].offered()) for world in IN_TURN}
    place = 0
    while place == 0 or time.monotonic() < deadline:
        world = IN_TURN[place % len(IN_TURN)]
        faults = [next(decks[world]) for _ in range(FAULTS_PER_DRILL)]
        orders = Orders(
            rng.getrandbits(SEED_BITS),
            booklets=PLANT_BOOKLETS if plant else BOOKLETS_PER_DRILL,
            faults=faults,
            world=WORLDS[world].offered(),
            plant=plant,
            batch_share=BATCH_SHARE,
            phones=PHONES,
        )
        try:
            series.reports.append((world, drill_once(orders)))
        except (Exception, KeyboardInterrupt) as error:
            # What was drilled before is told all the same.
            traceback.print_exc()
            series.broken_off = repr(error)
            return series
        say(series)
        place += 1
    return series


def drill_once(orders: Orders) -> Report:
    """In a folder of its own, which stays in /tmp when something was found."""
    folder = Path(tempfile.mkdtemp(prefix="poincon-drill-", dir="/tmp"))
    folder.chmod(0o711)  # where root's unprivileged account has to pass
    report = asyncio.run(run_drill(orders, folder))
    if report.violations:
        (folder / "violations").write_text("".join(f"{one}\n" for one in report.violations))
        print(f"what was sent and told, and the logs: {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder)
    return report
