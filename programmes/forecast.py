"""When the next threshold and the end of the stock come: a straight line through the last weeks. Pure.

The pace is what was consumed in the last eight whole weeks, by week; its range is between the slower and the
faster half of them. It is no promise: closings come in lumps, holidays and campaigns are not in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

WEEKS = 8
DAYS_MAX = 3_650  # later is "not in sight"


@dataclass(frozen=True, slots=True)
class Forecast:
    """Days on which so many passes will be consumed; None: not in sight at that pace."""

    expected: date | None
    earliest: date | None
    latest: date | None


def weekly_pace(weeks: Sequence[int]) -> tuple[Fraction, Fraction, Fraction]:
    """The slowest, the mean and the fastest pace, in passes a week, of the last whole weeks, oldest first."""
    assert len(weeks) == WEEKS
    halves = (Fraction(sum(half), WEEKS // 2) for half in (weeks[: WEEKS // 2], weeks[WEEKS // 2 :]))
    slow, fast = sorted(halves)
    return slow, Fraction(sum(weeks), WEEKS), fast


def forecast(left: int, weeks: Sequence[int], *, today: date) -> Forecast:
    """left: passes until then."""
    slow, mean, fast = weekly_pace(weeks)
    return Forecast(_day(left, mean, today), _day(left, fast, today), _day(left, slow, today))


def _day(left: int, pace: Fraction, today: date) -> date | None:
    if left <= 0:
        return today
    if not pace:
        return None
    days = -(-left * 7 * pace.denominator // pace.numerator)
    return today + timedelta(days=days) if days <= DAYS_MAX else None
