"""`poincon demo --clock`: moves the demo's clock night by night, and does in each what the clerks do.

Nobody has to wait for them to look: what a month brings by itself is there when the clock stands still again.
"""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta

from demo.clock import ClockRefused, DemoClock, record_ahead
from demo.story import PARIS
from ledger.calendars import read_calendars
from ledger.connect import Connection, connected
from programmes.grants import propose_due
from programmes.notices.endings import warn_of_endings
from programmes.notices.renewals import warn_of_renewals
from validator.closings import CalendarClerk
from validator.period_clerks import freeze_returns, keep_endings

NIGHT = time(3, 30)  # after midnight, and after the hour that the end of March has not
SKIPPED_MAX = timedelta(days=3 * 366)
AHEAD = re.compile(r"\+(\d{1,4}) ?(d|j|h)", re.IGNORECASE)
UNITS = {"d": timedelta(days=1), "j": timedelta(days=1), "h": timedelta(hours=1)}


def read_target(text: str, now: datetime) -> datetime:
    """`+30d` and `+12h` from now on, or a day: `2027-01-31`, at the hour that it is."""
    if ahead := AHEAD.fullmatch(text.strip()):
        target = now + int(ahead[1]) * UNITS[ahead[2].lower()]
    else:
        try:
            day = date.fromisoformat(text.strip())
        except ValueError:
            raise ClockRefused(f"{text!r} is no time to go to: +30d, +12h or 2027-01-31") from None
        local = now.astimezone(PARIS).timetz().replace(tzinfo=None)
        target = datetime.combine(day, local, PARIS).astimezone(UTC)
    if target < now:
        raise ClockRefused("the clock only goes forward: what happened stays in the record")
    if target - now > SKIPPED_MAX:
        raise ClockRefused(f"at most {SKIPPED_MAX.days} days at once")
    return target


async def skip(dsn: str, clock: DemoClock, target: datetime, tell: Callable[[str], object]) -> None:
    """Each night on the way is lived, so that months freeze on their 1st and alerts come on their day."""
    async with connected(dsn, purpose="demo") as connection:
        for at in (*nights(clock.now(), target), target):
            clock.move_to(max(at, clock.now()))
            for line in await _live(connection, dsn, clock):
                tell(f"{clock.now().astimezone(PARIS):%d/%m/%Y} : {line}")


def nights(since: datetime, until: datetime) -> Iterator[datetime]:
    day = since.astimezone(PARIS).date()
    while (at := datetime.combine(day, NIGHT, PARIS).astimezone(UTC)) < until:
        if at > since:
            yield at
        day += timedelta(days=1)


async def _live(connection: Connection, dsn: str, clock: DemoClock) -> list[str]:
    await record_ahead(connection, clock)
    now, closed = clock.now(), 0
    if await read_calendars(connection):
        # Over a connection of its own: it holds a lock against the service's clerk as long as that lasts.
        closed = await CalendarClerk(dsn, now=clock.now).look()
    top_ups = len(await propose_due(connection, at=now))
    returns = await freeze_returns(connection, now)
    stages = await keep_endings(connection, now)
    warned = await warn_of_endings(connection, now=now) + await warn_of_renewals(connection, now=now)
    told = {
        "bordereaux clos par le calendrier": closed,
        "abondements proposés": top_ups,
        "états mensuels arrêtés": returns,
        "étapes de la fin de validité": stages,
        "avis d’échéance mis en file": warned,
    }
    return [f"{what} : {count}" for what, count in told.items() if count]
