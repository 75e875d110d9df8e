"""What is told of each fault, and of each kind over many drills: answers meanwhile, time to recover. Pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate
from statistics import median
from typing import Any, NamedTuple

from loadtests.drill.evidence import Evidence
from loadtests.drill.healing import Healing
from loadtests.drill.history import Told


class Strike(NamedTuple):
    fault: str
    seconds: float  # from breaking to what was broken being started again
    answers: int  # told from then until every validator had recovered
    recovery_s: float | None  # None: another fault came first


def strikes(evidence: Evidence) -> Iterator[Strike]:
    recovery_of = {
        id(one.struck): one.seconds for one in Healing(evidence.struck, evidence.exchanges).recoveries()
    }
    told = sorted(
        (one.end.at, max(1, len(one.end.verdicts)))
        for one in evidence.exchanges
        if isinstance(one.end, Told) and one.end.status != 503
    )
    ats = [at for at, _ in told]
    sums = [0, *accumulate(count for _, count in told)]
    for struck in evidence.struck:
        recovery_s = recovery_of.get(id(struck))
        until = struck.ended + (recovery_s or 0.0)
        answers = sums[bisect_left(ats, until)] - sums[bisect_left(ats, struck.at)]
        yield Strike(struck.fault, struck.ended - struck.at, answers, recovery_s)


def by_kind(found: Iterable[Strike]) -> dict[str, dict[str, Any]]:
    kinds: dict[str, list[Strike]] = defaultdict(list)
    for strike in found:
        kinds[strike.fault].append(strike)
    return {kind: _told_of(ones) for kind, ones in sorted(kinds.items())}


def _told_of(ones: list[Strike]) -> dict[str, Any]:
    recoveries = [one.recovery_s for one in ones if one.recovery_s is not None]
    return {
        "count": len(ones),
        "answers_during": sum(one.answers for one in ones),
        "recovery_s_median": round(median(recoveries), 3) if recoveries else None,
        "recovery_s_max": round(max(recoveries), 3) if recoveries else None,
    }
