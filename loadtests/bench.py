"""`poincon bench scans`: scans per second beside what bounds them, in one run on one machine, then an audit.

The subjects take turns in several rounds, so that what else the machine does disturbs them alike.
"""

import asyncio
import os
import platform
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

import uvloop

from loadtests.bench_beside import BesideBursts
from loadtests.bench_cold import cold_start_seconds
from loadtests.bench_failure import BenchFailed
from loadtests.bench_hour import memory_of_an_hour
from loadtests.bench_measured import Measured
from loadtests.bench_passes import PassSupply
from loadtests.bench_printing import pdf_cpu_seconds
from loadtests.bench_ratios import (
    LABEL_OF,
    Beside,
    figures_of,
    lines_of,
    ratios_of,
    ratios_of_rows,
    table,
)
from loadtests.bench_scans import ScanBursts
from loadtests.bench_stack import Stack, open_stack
from loadtests.pgbench_inserts import Inserts
from loadtests.pgbench_rows import fill
from loadtests.pgbench_sizes import accepted_count, guard_memory, table_bytes
from validator.group_commit import GroupCommit
from validator.keeper import SnapshotKeeper
from validator.receipt_desk import ReceiptDesk

WARM_UP_SECONDS = 0.3
TURNS_BESIDE_FLOOR = 8  # a fill lies between two of their medians, and the machine changes meanwhile
KEEPER_SECONDS_MAX = 30.0
TAKING = ("single", "two", "single_unguarded", "batch", "group_commit")  # each item leaves an acceptance

Burst: TypeAlias = Callable[[float], Awaitable[Measured]]


class AuditFailed(BenchFailed):
    """The record disagrees with itself after the benchmark; the text is the audit's."""


@dataclass(frozen=True)
class Report:
    text: str
    results: dict[str, Any]


@dataclass(frozen=True)
class Extent:
    """seconds: of each subject, spread over the rounds. Each of the others: 0 leaves its figures out."""

    seconds: float
    rounds: int
    connections: int
    rows: int = 0
    printed_passes: int = 0
    hour_scans: int = 0
    cold_starts: int = 0


def run_bench(extent: Extent, *, say: Callable[[str], None]) -> Report:
    with tempfile.TemporaryDirectory(prefix="poincon-bench-") as folder:
        return uvloop.run(_run(Path(folder), extent, say))


async def _run(folder: Path, extent: Extent, say: Callable[[str], None]) -> Report:
    say("starting PostgreSQL, Valkey, three validators and the floor")
    seconds, rounds = extent.seconds / extent.rounds, extent.rounds
    load_before = os.getloadavg()[0]  # what else the machine does
    async with (
        open_stack(folder) as stack,
        _subjects(stack, folder, extent.connections) as (supply, scans, subjects),
    ):
        empty_bytes = await table_bytes(stack.connection)
        warm = {name: await burst(min(seconds, WARM_UP_SECONDS)) for name, burst in subjects.items()}
        measured: dict[str, list[Measured]] = {name: [] for name in subjects}
        for number in range(1, rounds + 1):
            say(f"round {number} of {rounds}")
            for name, burst in subjects.items():
                measured[name].append(await burst(seconds))

        taken = sum(one.items for name in TAKING for one in [warm[name], *measured[name]])
        ratios = ratios_of(measured)
        ratios["table_bytes_per_scan"] = (await table_bytes(stack.connection) - empty_bytes) / taken
        used_bytes, marked = await guard_memory(stack.servers.valkey.url)
        ratios["valkey_bytes_per_pass"] = used_bytes / marked
        more = await _of_processes(stack, supply, scans, extent, say)
        accepted = await accepted_count(stack.connection)
        say(f"audit of {accepted} acceptances")
        await _audit(stack)
        more |= await _further(stack, supply, scans, extent, say)
    results = {
        **ratios,
        **more,
        "subjects": {name: asdict(figures_of(measured[name])) for name in LABEL_OF},
        "accepted": accepted,
        "audit_clean": True,
        "run": asdict(extent),
        "machine": {
            "cores": os.cpu_count(),
            "load_before": load_before,
            "load_after": os.getloadavg()[0],
            "python": platform.python_version(),
            "kernel": platform.release(),
        },
    }
    told = [table(measured, ratios), *lines_of(more), f"audit clean: {accepted} acceptances"]
    return Report("\n".join(told), results)


async def _of_processes(
    stack: Stack, supply: PassSupply, scans: ScanBursts, extent: Extent, say: Callable[[str], None]
) -> dict[str, float]:
    """How long a validator takes to start, and what it holds in memory after much work."""
    told: dict[str, float] = {}
    if extent.cold_starts:
        say(f"{extent.cold_starts} cold starts")
        started = [await cold_start_seconds(stack, supply) for _ in range(extent.cold_starts)]
        told["cold_start_s"] = median(started)
    if extent.hour_scans:
        told |= await memory_of_an_hour(scans, supply, stack.validator, extent.hour_scans, say=say)
    return told


async def _further(
    stack: Stack, supply: PassSupply, scans: ScanBursts, extent: Extent, say: Callable[[str], None]
) -> dict[str, float]:
    """What is measured after the audit: it costs much, or leaves rows that no audit would believe."""
    further: dict[str, float] = {}
    if extent.printed_passes:
        say(f"a PDF of {extent.printed_passes} passes")
        further["pdf_cpu_s_5000"] = await asyncio.to_thread(pdf_cpu_seconds, supply, extent.printed_passes)
    if extent.rows:
        before = await _beside_floor(scans, extent)
        say(f"{extent.rows} rows more")
        await fill(stack.servers, extent.rows)
        after = await _beside_floor(scans, extent)
        further |= ratios_of_rows(before, after) | {"rows_filled": extent.rows}
    return further


async def _beside_floor(scans: ScanBursts, extent: Extent) -> Beside:
    seconds = extent.seconds / extent.rounds
    await scans.single(min(seconds, WARM_UP_SECONDS))
    return [(await scans.single(seconds), await scans.floor(seconds)) for _ in range(TURNS_BESIDE_FLOOR)]


@asynccontextmanager
async def _subjects(
    stack: Stack, folder: Path, connections: int
) -> AsyncIterator[tuple[PassSupply, ScanBursts, Mapping[str, Burst]]]:
    """In the order of a round: those that are compared stand together."""
    inserts = Inserts(stack.servers.postgres, folder / "insert.sql")
    await inserts.prepare()
    supply = PassSupply(stack.connection, stack.key_folder, stack.programme_id)
    async with _group_commit(stack) as (keeper, group_commit):
        scans = ScanBursts(stack, supply, connections)
        beside = BesideBursts(supply, inserts, keeper, group_commit, connections)
        yield (
            supply,
            scans,
            {
                "bare": scans.bare,
                "floor_sodium": scans.floor_sodium,
                "floor": scans.floor,
                "single": scans.single,
                "two": scans.two,
                "single_unguarded": scans.single_unguarded,
                "duplicates": scans.duplicates,
                "duplicates_elsewhere": scans.duplicates_elsewhere,
                "duplicates_unguarded": scans.duplicates_unguarded,
                "batch": scans.batch,
                "ed25519": beside.ed25519,
                "ed25519_sodium": beside.ed25519_sodium,
                "group_commit": beside.group_commit,
                "inserts": beside.inserts,
            },
        )


@asynccontextmanager
async def _group_commit(stack: Stack) -> AsyncIterator[tuple[SnapshotKeeper, GroupCommit]]:
    dsn = stack.environment["DATABASE_URL"]
    keeper = SnapshotKeeper(dsn)
    desk = ReceiptDesk(keeper, stack.key_folder)
    group_commit = GroupCommit(dsn, desk.seals)
    await keeper.start()
    try:
        async with asyncio.timeout(KEEPER_SECONDS_MAX):
            while not await keeper.refresh():
                pass  # a busy machine: it waits a second each time
        desk.open_keys()
        await group_commit.start()
        yield keeper, group_commit
        await group_commit.close()
    finally:
        await keeper.close()


async def _audit(stack: Stack) -> None:
    """The command itself, as an operator of the service would run it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "command.main", "audit"),
        env={**os.environ, **stack.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    if process.returncode != 0:
        raise AuditFailed(printed.decode())
