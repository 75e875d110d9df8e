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
GUARD_MARK, GUARD_FAILED = GUARD.labels("mark"), GUARD.labels("failed")
GUARD_DISBELIEVED = GUARD.labels("disbelieved")
GUARD_SILENCE = {answer: GUARD.labels(answer) for answer in ("no_mark", "unavailable")}
WAITING = Gauge("poincon_waiting_candidates", "Scans waiting for the record", multiprocess_mode="livesum")
SNAPSHOT_AGE = Gauge(
    "poincon_snapshot_age_seconds", "Age of the facts in memory", multiprocess_mode="livemax"
)
PHOTOS = Gauge("poincon_photos_under_way", "Photos being read", multiprocess_mode="livesum")
WRONG_CODES = Counter("poincon_wrong_short_codes", "Typed codes that nobody issued: guesses")
PART_READY = Gauge("poincon_part_ready", "1: this part answers", ["part"], multiprocess_mode="livemin")
KEY_SIGNS = Gauge(
    "poincon_key_signs_seconds",
    "How long the active key should still sign; 0: there is none, or it should have been replaced",
    ["purpose"],
    multiprocess_mode="livemin",
)
KEY_WARNINGS = Gauge(
    "poincon_key_warnings", "What `poincon keys list` warns of", multiprocess_mode="livemostrecent"
)
UNEXPLAINED_LINES = Gauge(
    "poincon_unreconciled_lines",
    "Lines of the bank that nobody has explained",
    multiprocess_mode="livemostrecent",
)
UNEXPLAINED_CENTS = Gauge(
    "poincon_unreconciled_cents",
    "Their cents that are not explained, without sign",
    multiprocess_mode="livemostrecent",
)
UNEXPLAINED_DAYS = Gauge(
    "poincon_unreconciled_days", "Since the oldest of them was booked", multiprocess_mode="livemostrecent"
)
OWED_CENTS = Gauge(
    "poincon_owed_cents", "Owed to operators for closed remittances", multiprocess_mode="livemostrecent"
)
LATE_REMITTANCES = Gauge(
    "poincon_late_remittances",
    "Remittances unpaid after the day that was announced",
    multiprocess_mode="livemostrecent",
)
DRAFT_BATCHES = Gauge(
    "poincon_draft_batches", "Batches of transfers to be approved", multiprocess_mode="livemostrecent"
)
BATCHES_UNDER_WAY = Gauge(
    "poincon_batches_under_way", "Approved and not reconciled", multiprocess_mode="livemostrecent"
)
FIGURES_READ_AT = Gauge(
    "poincon_figures_read_timestamp_seconds",
    "When the figures of the record were read last",
    multiprocess_mode="livemostrecent",
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
