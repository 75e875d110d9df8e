"""When to try again: pure, so that the whole patience of the service can be read here."""

from datetime import datetime, timedelta

# A greylisting server wants a few minutes; a broken one may need the night, and a week-end to be noticed.
WAITS = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 4 * 60, 12 * 60, 24 * 60, 24 * 60, 24 * 60)
)
ATTEMPTS_MAX = len(WAITS) + 1


def next_attempt_at(attempts: int, *, now: datetime) -> datetime | None:
    """attempts: how many failed, this one included. None: tried long enough, a person is told."""
    assert attempts >= 1
    return now + WAITS[attempts - 1] if attempts < ATTEMPTS_MAX else None
