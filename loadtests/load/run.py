"""`poincon bench load`: locust's profiles against a server, ours or any; a table; `poincon audit` at the end.

Locust runs in a process of its own: importing it here would change how Python waits.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from loadtests.bench_failure import BenchFailed
from loadtests.bench_passes import PassSupply
from loadtests.bench_process import ServerProcess
from loadtests.bench_stack import Ground, open_ground
from loadtests.load.workshops import READY_VARIABLE, REPORT_VARIABLE
from validator.settings import secret

# The classes of profiles.py that run together.
PROFILES: dict[str, tuple[str, ...]] = {
    "day": ("Day",),
    "ceiling": ("Ceiling",),
    "storm": ("Storm",),
    "evening": ("Evening",),
    "duplicates": ("Duplicates",),
    "photos": ("Photos",),
    "checks": ("Checks",),
    "cold-start": ("Day",),
    "slow": ("SlowClients", "Day"),
}
LOCUSTFILE = Path(__file__).resolve().parents[1] / "locustfile.py"
DEVICES = 40
CODES_PER_SECOND = {"evening": 3_000, "ceiling": 2_500}  # used up at most; what one locust can ask for
CODES_PER_SECOND_ELSE = 600
STOP_SECONDS_MAX = 30
READY_SECONDS_MAX = 30.0
STEP_SECONDS = 0.02
WRONG_CHARS_TOLD = 300
BUSY_SHARE = 0.8  # of a core: from there on it is locust that is slow


@dataclass(frozen=True)
class Load:
    users: int
    seconds: float
    web: bool = False  # locust's page instead of a run that ends by itself


def run_load(
    profiles: Sequence[str],
    load: Load,
    *,
    url: str | None,
    ready_file: Path | None,
    say: Callable[[str], None],
) -> list[dict[str, Any]]:
    if url is None or ready_file is None:
        return asyncio.run(_run_on_embedded(profiles, load, say))
    told = [run_locust(profile, url, ready_file, load) for profile in profiles]
    if secret(os.environ, "DATABASE_URL"):
        say("audit")
        asyncio.run(audit({}))
    else:
        say("no audit: without DATABASE_URL the record of that server can't be read")
    return told


async def _run_on_embedded(
    profiles: Sequence[str], load: Load, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """On servers of its own, one after the other on the same record, then `poincon audit`."""
    with tempfile.TemporaryDirectory(prefix="poincon-load-") as folder:
        async with open_ground(Path(folder), devices=DEVICES) as ground:
            supply = PassSupply(ground.connection, ground.key_folder, ground.programme_id)
            told = []
            server = ground.validator("validator")
            for profile in profiles:
                say(f"{profile}: {load.users} phones for {load.seconds:g} s")
                told.append(await _run_on(ground, server, supply, profile, load))
            say("audit")
            await audit(ground.environment)
    return told


async def _run_on(
    ground: Ground, server: ServerProcess, supply: PassSupply, profile: str, load: Load
) -> dict[str, Any]:
    rate = CODES_PER_SECOND.get(profile, CODES_PER_SECOND_ELSE)
    passes = await supply.take(round(rate * load.seconds) + load.users * 10)
    ready = ground.logs / "ready.json"
    codes = ground.logs / "codes.jsonl"
    with codes.open("w", encoding="utf-8") as lines:
        for pass_id in passes:
            lines.write(json.dumps({"qr": supply.code(pass_id)}) + "\n")
    ready.write_text(json.dumps({"devices": [{"token": one} for one in ground.tokens], "codes": str(codes)}))
    started = time.perf_counter()
    if profile == "cold-start":  # phones come the moment that it answers, and it knows nothing yet
        server = ground.validator("validator-cold")
    ready_seconds = await _seconds_to_ready(server, started)
    spent = server.cpu_seconds()
    told = await asyncio.to_thread(run_locust, profile, f"http://127.0.0.1:{server.port}", ready, load)
    told["server_cpu_seconds"] = server.cpu_seconds() - spent
    told["ready_seconds"] = ready_seconds
    return told


async def _seconds_to_ready(server: ServerProcess, started: float) -> float:
    """From the start of the process to the first /readyz that says yes."""
    async with asyncio.timeout(READY_SECONDS_MAX), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"http://127.0.0.1:{server.port}/readyz") as response:
                if response.status == 200:
                    return time.perf_counter() - started
            await asyncio.sleep(STEP_SECONDS)


def run_locust(profile: str, url: str, ready: Path, load: Load) -> dict[str, Any]:
    """What locustfile.py reports, or BenchFailed with the end of what locust printed."""
    with tempfile.TemporaryDirectory(prefix="poincon-locust-") as folder:
        report = Path(folder) / "report.json"
        bounded = ["--headless", "--users", str(load.users), "--spawn-rate", str(load.users)]
        bounded += ["--run-time", f"{max(1, round(load.seconds))}s", "--stop-timeout", "5", "--only-summary"]
        command = [
            sys.executable,
            "-m",
            "locust",
            "-f",
            str(LOCUSTFILE),
            "--host",
            url,
            "--loglevel",
            "WARNING",
        ]
        finished = subprocess.run(  # noqa: S603 - our own locustfile
            [*command, *([] if load.web else bounded), *PROFILES[profile]],
            env={**os.environ, READY_VARIABLE: str(ready), REPORT_VARIABLE: str(report)},
            check=False,
            stdout=subprocess.PIPE,
            stderr=None if load.web else subprocess.STDOUT,
            text=True,
            timeout=None if load.web else load.seconds + STOP_SECONDS_MAX,
        )
        if not report.exists():
            raise BenchFailed(f"locust ended with {finished.returncode}: {finished.stdout[-2_000:]}")
        told: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return {"profile": profile, **told}


async def audit(environment: Mapping[str, str]) -> None:
    """The command itself, as an operator of the service would run it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "command.main", "audit"),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    if process.returncode != 0:
        raise BenchFailed(printed.decode())


def table(runs: Sequence[dict[str, Any]]) -> str:
    lines = [f"{'':11}{'':26}{'count':>8}{'failed':>8}{'per s':>9}{'p50 ms':>9}{'p99 ms':>9}"]
    for run in runs:
        lines += [
            f"{run['profile']:11}{one['name']:26}{one['count']:>8}{one['failures']:>8}"
            f"{one['per_second']:>9,.1f}{one['p50_ms']:>9,.0f}{one['p99_ms']:>9,.0f}"
            for one in run["requests"]
        ]
        lines.append(f"{'':11}{_costs(run)}")
    return "\n".join(lines)


def _costs(run: dict[str, Any]) -> str:
    count = max(1, sum(one["count"] for one in run["requests"]))
    share = run["locust_cpu_seconds"] / run["seconds"]
    told = f"{run['scans_judged']} scans judged; locust:"
    told += f" {run['locust_cpu_seconds'] / count * 1e6:,.0f} µs of CPU per request, {share:.0%} of a core"
    if share > BUSY_SHARE:
        told += " (it is locust that is slow here: see `bench scans` for what the server takes)"
    if "server_cpu_seconds" in run:
        told += f"; server: {run['server_cpu_seconds'] / count * 1e6:,.0f} µs"
    if run["profile"] == "cold-start" and "ready_seconds" in run:
        told += f"; ready {run['ready_seconds']:.2f} s after its start"
    return told + "".join([f"\n{'':11}WRONG: {one[:WRONG_CHARS_TOLD]}" for one in run["wrong"]])
