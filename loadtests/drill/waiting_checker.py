"""Whether scans waited for Valkey while it was away: they may be slower, but must go on. Pure."""

from collections.abc import Iterator

from loadtests.drill.evidence import Evidence
from loadtests.drill.violation import Kind, Violation

OUTAGE_SECONDS_MIN = 1.2  # shorter ones show nothing
# Nobody is patient for that long with a guard whose budget is 40 ms, however busy the machine.
PATIENCE_SECONDS = 1.0
SCANS_MIN = 20


def held_up(evidence: Evidence) -> Iterator[Violation]:
    for struck in evidence.struck:
        if not struck.is_outage or struck.ended - struck.at < OUTAGE_SECONDS_MIN:
            continue
        since = struck.ended - PATIENCE_SECONDS
        waiting = [one for one in evidence.exchanges if one.sent.at <= since < one.end.at]
        told = [one for one in evidence.exchanges if since < one.end.at < struck.ended]
        if len(waiting) >= SCANS_MIN and not told:
            detail = f"{len(waiting)} requests waited through the last {PATIENCE_SECONDS} s of the outage"
            yield Violation(Kind.HELD_UP, struck.fault, detail)
