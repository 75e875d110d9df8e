"""An hour of load compressed to minutes: what a process holds in memory before and after."""

from collections.abc import Callable

from loadtests.bench_passes import PassSupply
from loadtests.bench_process import ServerProcess
from loadtests.bench_scans import ScanBursts

BURST_SECONDS = 2.0
WARM_UP_SHARE = 0.1  # of the scans, before memory is looked at first
FIRST_USE_SHARE = 0.8  # at most; the rest are duplicates
MIB = 1024 * 1024


async def memory_of_an_hour(
    scans: ScanBursts,
    supply: PassSupply,
    server: ServerProcess,
    count: int,
    *,
    say: Callable[[str], None],
) -> dict[str, float]:
    """count: the scans of an hour, asked as fast as they are answered: single, in batches and duplicates."""
    # Every booklet is known ahead: what a validator knows grows with what was issued, not with the hour.
    supply.give_back(await supply.take(round(count * FIRST_USE_SHARE)))
    answered, first_bytes = 0, 0
    last_bytes = most_bytes = server.memory_bytes()
    while answered < count:
        for burst in (scans.single, scans.batch, scans.duplicates):
            answered += (await burst(BURST_SECONDS)).items
        last_bytes = server.memory_bytes()
        most_bytes = max(most_bytes, last_bytes)
        if not first_bytes and answered >= count * WARM_UP_SHARE:
            first_bytes = last_bytes
        say(f"{answered} of {count} scans, {last_bytes / MIB:.1f} MiB")
    return {
        "hour_scans": answered,
        "hour_memory_first_mib": first_bytes / MIB,
        "hour_memory_last_mib": last_bytes / MIB,
        "hour_memory_most_mib": most_bytes / MIB,
    }
