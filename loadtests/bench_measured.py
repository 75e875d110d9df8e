"""What one burst of one subject measured. How bursts compare is in bench_ratios.py."""

from dataclasses import dataclass, field

CLOCK_TICK_SECONDS = 0.01


@dataclass
class Measured:
    """items: scans, commits or verifies; latencies: seconds from request to answer."""

    items: int
    seconds: float
    latencies: list[float] = field(default_factory=list)
    server_cpu_seconds: float | None = None
    client_cpu_seconds: float | None = None
    record_cpu_seconds: float | None = None  # of PostgreSQL, all its processes
    wal_bytes: int = 0

    @property
    def per_second(self) -> float:
        return self.items / self.seconds

    def cpu_per_item(self, *, whole: bool = False) -> float:
        """Seconds of the server, whole: of PostgreSQL too; at least one tick of the clock."""
        record_seconds = (self.record_cpu_seconds or 0.0) if whole else 0.0
        return max((self.server_cpu_seconds or 0.0) + record_seconds, CLOCK_TICK_SECONDS) / self.items

    def latency(self, quantile: float) -> float:
        """Nearest rank."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]
