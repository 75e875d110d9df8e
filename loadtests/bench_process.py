"""A server of a benchmark: a process of its own that tells its port in its log, and what CPU it has used."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.bench_failure import BenchFailed

START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 20.0
POLL_SECONDS = 0.01
LOG_CHARS_TOLD = 2_000
CLOCK_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ServerFailed(BenchFailed):
    """A server that was to be measured did not start; the text has the end of its log."""


@dataclass(frozen=True)
class ServerProcess:
    pid: int
    port: int

    def cpu_seconds(self) -> float:
        """User and system time so far, in steps of a clock tick; of this process, not of its children."""
        return _cpu_ticks(_stat(self.pid), of_ended_children=False) / CLOCK_TICKS_PER_SECOND

    def memory_bytes(self) -> int:
        """What it holds in memory now, its share of libraries included (resident set)."""
        return int(_stat(self.pid)[21]) * PAGE_BYTES


def family_cpu_seconds(pid: int) -> float:
    """Of a process and all its children, those that have ended too: a PostgreSQL with its backends."""
    stats = [_stat(int(one.name)) for one in Path("/proc").iterdir() if one.name.isdigit()]
    children = sum(
        _cpu_ticks(stat, of_ended_children=False) for stat in stats if stat and stat[1] == str(pid)
    )
    return (_cpu_ticks(_stat(pid), of_ended_children=True) + children) / CLOCK_TICKS_PER_SECOND


def _stat(pid: int) -> list[str]:
    """Fields of proc(5) from the third on; none for a process that has ended meanwhile."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return []
    return stat.rpartition(")")[2].split()  # the name before may hold blanks


def _cpu_ticks(stat: list[str], *, of_ended_children: bool) -> int:
    return sum(int(ticks) for ticks in stat[11 : 15 if of_ended_children else 13])


@contextmanager
def server_process(
    module: str, *arguments: str, environment: Mapping[str, str], log: Path
) -> Iterator[ServerProcess]:
    """`python -m module arguments…`, until the block ends."""
    command = [sys.executable, "-m", module, *arguments]
    with log.open("wb") as log_file:
        process = subprocess.Popen(  # noqa: S603 - our own modules
            command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=log_file
        )
    try:
        yield ServerProcess(process.pid, _port(process, command, log))
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _port(process: subprocess.Popen[bytes], command: Sequence[str], log: Path) -> int:
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines():
            if '"listening"' in line:
                return int(json.loads(line)["port"])
        time.sleep(POLL_SECONDS)
    told = log.read_text(encoding="utf-8", errors="replace")[-LOG_CHARS_TOLD:]
    raise ServerFailed(f"{' '.join(command[1:])} did not start; its log ends with:\n{told}")
