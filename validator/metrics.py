"""What is counted and measured, for Prometheus."""

import os

from prometheus_client import REGISTRY as PROCESS_REGISTRY
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

DIRECTORY_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

VERDICTS = Counter("poincon_verdicts", "Judged scans", ["verdict"])
REQUEST_SECONDS = Histogram(
    "poincon_request_seconds", "From request to answer", ["route", "status"], buckets=SECONDS
)
FLUSH_SIZE = Histogram(
    "poincon_flush_candidates", "Candidates in a group commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
FLUSH_SECONDS = Histogram("poincon_flush_seconds", "Duration of a group commit", buckets=SECONDS)
GUARD = Counter("poincon_guard", "What the guard answered", ["answer"])
WAITING = Gauge("poincon_waiting_candidates", "Scans waiting for the record", multiprocess_mode="livesum")
SNAPSHOT_AGE = Gauge(
    "poincon_snapshot_age_seconds", "Age of the facts in memory", multiprocess_mode="livemax"
)


def exposition() -> bytes:
    """The metrics of this process, or of all processes that share a directory."""
    if DIRECTORY_VARIABLE not in os.environ:
        return generate_latest(PROCESS_REGISTRY)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def forget_process(pid: int, directory: str) -> None:
    """Drop the gauges that a process which has ended left in the directory shared with it."""
    multiprocess.mark_process_dead(pid, directory)  # type: ignore[no-untyped-call]
