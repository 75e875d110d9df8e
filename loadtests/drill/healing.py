"""How long each fault could still be felt, validator by validator, and what it excused meanwhile. Pure."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from math import inf
from typing import NamedTuple

from loadtests.drill.evidence import Exchange
from loadtests.drill.history import Excuse, Struck, Told

# Requests that were under way when the first one succeeded may still fail.
GRACE_SECONDS = 1.0
# Phones ask again within a second: longer without a request, and the drill itself was pausing.
PAUSE_SECONDS_MIN = 3.0


class Recovery(NamedTuple):
    """From when all was started again to the first acceptance sent after it, at the slowest validator.

    Time in which nobody asked anything, because the drill was reading the record, does not count.
    """

    struck: Struck
    seconds: float

    @property
    def fault(self) -> str:
        return self.struck.fault


class Healing:
    def __init__(self, struck: Sequence[Struck], exchanges: Sequence[Exchange]) -> None:
        self._struck = struck
        self._validators = {exchange.sent.validator for exchange in exchanges}
        self._sent_ats: dict[int, list[float]] = defaultdict(list)
        self._all_sent_ats = sorted(exchange.sent.at for exchange in exchanges)
        told_ats: dict[int, list[float]] = defaultdict(list)
        for sent, end in sorted(exchanges, key=lambda exchange: exchange.sent.at):
            if isinstance(end, Told) and _tells_of_a_commit(end):
                self._sent_ats[sent.validator].append(sent.at)
                told_ats[sent.validator].append(end.at)
        # At each place the earliest answer to a request sent then or later.
        self._soonest_ats = {
            validator: list(accumulate(reversed(ats), min))[::-1] for validator, ats in told_ats.items()
        }
        self._healed_at: list[dict[int, float]] = []  # by fault, then by validator
        for one in struck:
            healed_at = {v: self._first_told(v, one.ended) for v in self._concerned(one)}
            self._healed_at.append(healed_at)

    def _concerned(self, struck: Struck) -> list[int]:
        return sorted(self._validators) if struck.validator is None else [struck.validator]

    def _first_told(self, validator: int, after: float) -> float:
        place = bisect_left(self._sent_ats[validator], after)
        return self._soonest_ats[validator][place] if place < len(self._sent_ats[validator]) else inf

    def recoveries(self) -> Iterator[Recovery]:
        for place, (struck, healed_at) in enumerate(zip(self._struck, self._healed_at, strict=True)):
            seconds = [
                at - struck.ended - self._paused_seconds(struck.ended, at)
                for validator, at in healed_at.items()
                if not self._is_anothers(place, validator, healed_at=at)
            ]
            if seconds:
                yield Recovery(struck, max(seconds))

    def _paused_seconds(self, since: float, until: float) -> float:
        if until == inf:
            return 0.0
        sent_ats = self._all_sent_ats
        asked = [since, *sent_ats[bisect_left(sent_ats, since) : bisect_left(sent_ats, until)], until]
        return sum(gap for a, b in pairwise(asked) if (gap := b - a) >= PAUSE_SECONDS_MIN)

    def _is_anothers(self, place: int, validator: int, *, healed_at: float) -> bool:
        """Whether the wait for a validator is to be counted for an earlier fault, or for a later one."""
        struck = self._struck[place]
        is_still_down = not _takes_down(struck) and any(
            _takes_down(earlier) and ats.get(validator, -inf) > struck.at
            for earlier, ats in zip(self._struck[:place], self._healed_at[:place], strict=True)
        )
        is_struck_again = any(
            _takes_down(later) and later.validator in {None, validator} and later.at < healed_at
            for later in self._struck[place + 1 :]
        )
        return is_still_down or is_struck_again

    def is_excused(self, excuse: Excuse, *, validator: int, since: float, until: float) -> bool:
        """Whether some fault explains what a validator did to a request that was under way in that time."""
        return any(
            excuse in struck.excuses
            and struck.at <= until
            and since <= healed_at.get(validator, -inf) + GRACE_SECONDS
            for struck, healed_at in zip(self._struck, self._healed_at, strict=True)
        )


def _tells_of_a_commit(told: Told) -> bool:
    """Only an acceptance shows that the record is written again: the guard alone can refuse."""
    return any(verdict.verdict == "accepted" for verdict in told.verdicts)


def _takes_down(struck: Struck) -> bool:
    return Excuse.CANNOT_DECIDE in struck.excuses
