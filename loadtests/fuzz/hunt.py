"""`python -m loadtests.fuzz.hunt TARGET`: one target in a process of its own, for some seconds. Guided by
coverage (atheris) where that is installed, else by chance. What breaks the target is kept in build/fuzz."""

import argparse
import importlib
import importlib.util
import random
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CORPORA = ROOT / "tests" / "corpora"
KEPT = ROOT / "build" / "fuzz"
SEED = 20_261_121
INPUT_SECONDS_MAX = 5
MEMORY_MIB_MAX = 1_024
OURS = ["keys", "payouts", "console", "validator"]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m loadtests.fuzz.hunt", description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    KEPT.mkdir(parents=True, exist_ok=True)
    if importlib.util.find_spec("atheris"):
        _by_coverage(arguments.target, arguments.seconds, arguments.seed)
    else:
        sys.exit(_by_chance(arguments.target, arguments.seconds, arguments.seed))


def seeds_of(target: str) -> list[bytes]:
    return [path.read_bytes() for path in sorted((CORPORA / target).iterdir())]


def _by_coverage(target: str, seconds: float, seed: int) -> None:
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=OURS):
        from loadtests.fuzz.targets import TARGETS
    # What it finds on its way is many files: they stay outside the tree, only what breaks is kept.
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{target}-") as found:
        shutil.copytree(CORPORA / target, found, dirs_exist_ok=True)
        options = {
            "max_total_time": int(seconds),
            "seed": seed,
            "timeout": INPUT_SECONDS_MAX,
            "rss_limit_mb": MEMORY_MIB_MAX,
            "max_len": 8_192,
            "artifact_prefix": f"{KEPT}/{target}-",
            "print_final_stats": 1,
            "verbosity": 0,
        }
        atheris.Setup([sys.argv[0], *(f"-{name}={value}" for name, value in options.items()), found],
                      TARGETS[target])  # fmt: skip
        atheris.Fuzz()


def _by_chance(target: str, seconds: float, seed: int) -> int:
    from loadtests.fuzz.mutate import mutated
    from loadtests.fuzz.targets import TARGETS

    resource.setrlimit(resource.RLIMIT_AS, (8 * MEMORY_MIB_MAX * 2**20, -1))
    until, count = time.monotonic() + seconds, 0
    for data in mutated(seeds_of(target), random.Random(seed)):
        started = time.monotonic()
        try:
            TARGETS[target](data)
        except Exception:
            (KEPT / f"{target}-{count}").write_bytes(data)
            raise
        if time.monotonic() - started > INPUT_SECONDS_MAX:
            (KEPT / f"{target}-slow-{count}").write_bytes(data)
            return 1
        count += 1
        if time.monotonic() > until:
            break
    print(f"{target}: {count} inputs by chance, none broke it")
    return 0


if __name__ == "__main__":
    main()
