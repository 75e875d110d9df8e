"""`make fuzz`: every target in turn, then the contract against a service started for it. Bounded in time; one
JSON line at the end, exit status 1 when something broke."""

import argparse
import asyncio
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from loadtests.bench_passes import PassSupply
from loadtests.bench_stack import open_ground
from loadtests.fuzz.contract import ContractReport, fuzz_contract
from loadtests.fuzz.hunt import KEPT, SEED
from loadtests.fuzz.targets import TARGETS

CONTRACT_SHARE = 0.4  # of the time
PASSES = 200
SECONDS_OVER = 60


def main() -> None:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--only", choices=[*TARGETS, "contract"], action="append")
    arguments = parser.parse_args()
    chosen = arguments.only or [*TARGETS, "contract"]
    targets = [name for name in chosen if name in TARGETS]
    seconds = arguments.minutes * 60
    share = CONTRACT_SHARE if "contract" in chosen and targets else float("contract" in chosen)
    started = time.monotonic()
    broken = [
        name for name in targets if not _hunt(name, seconds * (1 - share) / len(targets), arguments.seed)
    ]
    contract = _contract(int(seconds * share), arguments.seed) if share else None
    if contract and not contract.holds:
        print(contract.output)
        broken.append("contract")
    told = {
        "seed": arguments.seed,
        "seconds": round(time.monotonic() - started),
        "by_coverage": importlib.util.find_spec("atheris") is not None,
        "targets": targets,
        "contract_cases": contract.cases if contract else 0,
        "contract_phases": contract.phases if contract else {},
        "broken": broken,
        "kept": str(KEPT) if broken else None,
    }
    print(json.dumps(told))
    sys.exit(bool(broken))


def _hunt(target: str, seconds: float, seed: int) -> bool:
    """True when nothing broke it."""
    command = [sys.executable, "-W", "ignore", "-m", "loadtests.fuzz.hunt", target]
    ended = subprocess.run(  # noqa: S603 - our own program
        [*command, "--seconds", str(max(1.0, seconds)), "--seed", str(seed)],
        capture_output=True,
        text=True,
        timeout=seconds + SECONDS_OVER,
        check=False,
    )
    said = (ended.stdout + ended.stderr).splitlines()
    holds = ended.returncode == 0
    print("\n".join(said[-1:] if holds else [f"{target}:", *said[-30:]]), flush=True)
    return holds


def _contract(seconds: int, seed: int) -> ContractReport:
    async def work() -> ContractReport:
        with tempfile.TemporaryDirectory(prefix="fuzz-", dir="/tmp") as folder:
            async with open_ground(Path(folder)) as ground:
                supply = PassSupply(ground.connection, ground.key_folder, ground.programme_id)
                codes = [supply.code(one) for one in await supply.take(PASSES)]
                url = f"http://127.0.0.1:{ground.validator('contract').port}"
                return await asyncio.to_thread(
                    fuzz_contract, url, ground.tokens[0], codes, seconds=seconds, seed=seed
                )

    return asyncio.run(work())


if __name__ == "__main__":
    main()
