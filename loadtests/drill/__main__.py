"""`python -m loadtests.drill`: a drill by hand, as long as asked. Exit 1 when the checker finds something."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path
from random import Random

from loadtests.drill.drill import BOOKLETS, Orders, run_drill
from loadtests.drill.faults import FAULTS
from loadtests.drill.plants import PLANTS

VIOLATIONS_TOLD_MAX = 20


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m loadtests.drill", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--booklets", type=int, default=BOOKLETS)
    parser.add_argument("--faults", type=int, default=2 * len(FAULTS), help="how many, drawn at random")
    parser.add_argument("--plant", choices=PLANTS, help="a fault in the code, with the faults that show it")
    given = parser.parse_args()

    rng = Random(given.seed)
    faults = [rng.choice(list(FAULTS)) for _ in range(given.faults)]
    orders = Orders(given.seed, booklets=given.booklets, faults=faults, plant=given.plant)
    folder = Path(tempfile.mkdtemp(prefix="poincon-drill-"))
    report = asyncio.run(run_drill(orders, folder))

    print(report)
    for recovery in report.recoveries:
        print(f"  {recovery.fault}: back after {recovery.seconds:.2f} s")
    for violation in report.violations[:VIOLATIONS_TOLD_MAX]:
        print(f"  {violation.kind}: {violation.subject}: {violation.detail}")
    print(f"  history and logs: {folder}")
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
