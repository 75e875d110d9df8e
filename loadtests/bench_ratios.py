"""From bursts to figures: rates as medians over the rounds, ratios round by round, a table. No I/O."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeAlias

from loadtests.bench_measured import Measured

Rounds: TypeAlias = Mapping[str, Sequence[Measured]]
Beside: TypeAlias = Sequence[tuple[Measured, Measured]]  # single scans, and the floor next to them

LABEL_OF = {
    "bare": "aiohttp handler: badge and JSON, nothing stored",
    "floor": "the same, one Ed25519 verify and one sign (floor)",
    "floor_sodium": "the same, by libsodium",
    "single": "single scans",
    "two": "single scans by two processes",
    "single_unguarded": "single scans, no Valkey",
    "batch": "scans in batches of 100",
    "duplicates": "duplicates",
    "duplicates_elsewhere": "duplicates, at a validator that never saw the code",
    "duplicates_unguarded": "duplicates, no Valkey",
    "group_commit": "group commit, without HTTP",
    "inserts": "pgbench, one insert per commit",
    "ed25519": "Ed25519 verifies, one thread",
    "ed25519_sodium": "the same, by libsodium",
}
RATIOS = {
    "single_vs_floor": ("single", "floor"),
    "single_vs_floor_sodium": ("single", "floor_sodium"),
    "single_vs_bare": ("single", "bare"),
    "batch_vs_ed25519": ("batch", "ed25519"),
    "batch_vs_ed25519_sodium": ("batch", "ed25519_sodium"),
    "commit_vs_insert": ("group_commit", "inserts"),
    "duplicates_vs_first": ("duplicates", "single"),
    "duplicates_elsewhere_vs_first": ("duplicates_elsewhere", "single"),
    "guard_first_use_ratio": ("single", "single_unguarded"),
    "guard_duplicate_ratio": ("duplicates", "duplicates_unguarded"),
}
# The same ratios by CPU seconds, which another load on the machine hardly moves: of the process that serves,
# and where PostgreSQL is to be spared work, of PostgreSQL too.
SERVER_CPU_RATIOS = (
    "single_vs_floor",
    "single_vs_floor_sodium",
    "single_vs_bare",
    "batch_vs_ed25519",
    "batch_vs_ed25519_sodium",
)
WHOLE_CPU_RATIOS = (
    "duplicates_vs_first",
    "duplicates_elsewhere_vs_first",
    "guard_first_use_ratio",
    "guard_duplicate_ratio",
)
GOALS = {
    "single_vs_floor": "≥ 0.6",
    "batch_vs_ed25519": "≥ 0.6",
    "duplicates_vs_first": "≥ 1.3",
    "guard_first_use_ratio": "≥ 0.9",
    "guard_duplicate_ratio": "≥ 1.3",
    "cpu_per_scan_two_vs_one": "≤ 1.15",
    "rows10m_vs_empty": "≥ 0.9",
    "single_vs_floor_cpu": "≥ 0.6",
    "batch_vs_ed25519_cpu": "≥ 0.6",
    "duplicates_vs_first_cpu": "≥ 1.3",
    "guard_first_use_ratio_cpu": "≥ 0.9",
    "guard_duplicate_ratio_cpu": "≥ 1.3",
    "p99_over_p50": "≤ 5",
    "wal_bytes_per_scan": "≤ 700",
    "table_bytes_per_scan": "≤ 200",
    "valkey_bytes_per_pass": "≤ 40",
}


CPU_OF = ("server", "record", "client")


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one subject; times in the units that their names end in."""

    per_second: float
    p50_ms: float | None
    p99_ms: float | None
    server_cpu_us: float | None  # per item, as the next one
    record_cpu_us: float | None
    client_cpu_us: float | None


def figures_of(bursts: Sequence[Measured]) -> Figures:
    timed = [one for one in bursts if one.latencies]
    items = sum(one.items for one in bursts)
    return Figures(
        per_second=median(one.per_second for one in bursts),
        p50_ms=median(one.latency(0.50) for one in timed) * 1_000 if timed else None,
        p99_ms=median(one.latency(0.99) for one in timed) * 1_000 if timed else None,
        server_cpu_us=_per_item_us([one.server_cpu_seconds for one in bursts], items),
        record_cpu_us=_per_item_us([one.record_cpu_seconds for one in bursts], items),
        client_cpu_us=_per_item_us([one.client_cpu_seconds for one in bursts], items),
    )


def ratios_of(rounds: Rounds) -> dict[str, float]:
    """The two of a ratio are neighbours in time: what disturbs one round disturbs both of them."""
    ratios = {
        name: median(
            one.per_second / other.per_second for one, other in zip(rounds[above], rounds[below], strict=True)
        )
        for name, (above, below) in RATIOS.items()
    }
    for name in (*SERVER_CPU_RATIOS, *WHOLE_CPU_RATIOS):
        above, below = RATIOS[name]
        whole = name in WHOLE_CPU_RATIOS
        ratios[f"{name}_cpu"] = median(
            other.cpu_per_item(whole=whole) / one.cpu_per_item(whole=whole)
            for one, other in zip(rounds[above], rounds[below], strict=True)
        )
    singles = rounds["single"]
    ratios["cpu_per_scan_two_vs_one"] = median(
        two.cpu_per_item() / one.cpu_per_item() for one, two in zip(singles, rounds["two"], strict=True)
    )
    ratios["p99_over_p50"] = median(one.latency(0.99) / one.latency(0.50) for one in singles)
    ratios["wal_bytes_per_scan"] = median(one.wal_bytes / one.items for one in singles)
    return ratios


def ratios_of_rows(before: Beside, after: Beside) -> dict[str, float]:
    """Single scans beside the rows of years against those before, each against the floor of its own minutes:
    a fill lies between them, and whatever else the machine does changes meanwhile."""

    def changed(figure: Callable[[Measured], float]) -> float:
        return _beside_floor(after, figure) / _beside_floor(before, figure)

    return {
        "rows10m_vs_empty": changed(lambda one: one.per_second),
        "rows10m_vs_empty_cpu": 1 / changed(lambda one: one.cpu_per_item(whole=True)),
        "rows10m_p99_vs_empty": changed(lambda one: one.latency(0.99)),
        "rows10m_wal_bytes_per_scan": median(one.wal_bytes / one.items for one, _ in after),
        "rows10m_record_cpu_us": median(1e6 * (one.record_cpu_seconds or 0) / one.items for one, _ in after),
        "empty_record_cpu_us": median(1e6 * (one.record_cpu_seconds or 0) / one.items for one, _ in before),
    }


def _beside_floor(bursts: Beside, figure: Callable[[Measured], float]) -> float:
    return median(figure(single) / figure(floor) for single, floor in bursts)


def table(rounds: Rounds, ratios: Mapping[str, float]) -> str:
    columns = ("per second", 11), ("p50 ms", 9), ("p99 ms", 9), *((f"{one} µs", 11) for one in CPU_OF)
    lines = [" " * 52 + "".join([f"{name:>{width}}" for name, width in columns])]
    for name, label in LABEL_OF.items():
        of = figures_of(rounds[name])
        lines.append(
            f"{label:52}{of.per_second:>11,.0f}{_cell(of.p50_ms, 9)}{_cell(of.p99_ms, 9)}"
            f"{_cell(of.server_cpu_us, 11)}{_cell(of.record_cpu_us, 11)}{_cell(of.client_cpu_us, 11)}"
        )
    lines += [
        "µs: CPU of the process that serves, of PostgreSQL and of the client, per scan or duplicate",
        "",
    ]
    return "\n".join([*lines, *lines_of(ratios)])


def lines_of(ratios: Mapping[str, float]) -> list[str]:
    return [f"{name:34}{value:>12,.2f}   {GOALS.get(name, '')}".rstrip() for name, value in ratios.items()]


def _per_item_us(spent_seconds: Sequence[float | None], items: int) -> float | None:
    known = [one for one in spent_seconds if one is not None]
    return sum(known) / items * 1_000_000 if known and items else None


def _cell(value: float | None, width: int) -> str:
    return f"{'' if value is None else f'{value:,.1f}':>{width}}"
