"""How consumption goes on, live: what each territory holds and has consumed, week by week. Only reads.

Totals are those of counters.py. Weeks begin on Monday in Paris; a pass is consumed in the week that closed
its remittance.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from ledger.calendar_rows import midnight
from ledger.connect import Connection
from ledger.counters import Counters, add_up, count_places
from ledger.remittance_rows import PARIS

COUNTED = ("consumed", "handed_out")
HOLDINGS = """
SELECT h.territory_id, t.name, h.held_passes
FROM territory_holdings h JOIN territories t ON t.id = h.territory_id
WHERE h.programme_id = $1 ORDER BY t.name"""
BY_WEEK = """
SELECT c.territory_id, date_trunc('week', r.closed_at AT TIME ZONE 'Europe/Paris')::date, count(*)
FROM remittance_lines l JOIN remittances r USING (operator_id, number)
JOIN counted_booklets c ON c.number = l.booklet
WHERE c.programme_id = $1 AND r.closed_at >= $2 AND r.closed_at < $3 GROUP BY 1, 2"""
BENEFICIARIES = """
SELECT c.territory_id, count(*)
FROM handouts h JOIN counted_booklets c ON c.number = h.booklet
WHERE c.programme_id = $1 AND h.undone_at IS NULL AND NOT h.is_replacement GROUP BY c.territory_id"""
RULES = """
SELECT threshold_percent, stock_cap_passes FROM programme_rules
WHERE programme_id = $1 ORDER BY version DESC LIMIT 1"""


@dataclass(frozen=True, slots=True)
class Followed:
    """A territory, or with territory_id None all that a programme's passes did."""

    territory_id: int | None
    name: str
    held_passes: int | None  # None: a programme without a cap
    consumed_passes: int
    weeks: tuple[int, ...]  # consumed, oldest first; the last one goes on

    @property
    def left_passes(self) -> int | None:
        return None if self.held_passes is None else max(0, self.held_passes - self.consumed_passes)


class HandedOut(NamedTuple):
    beneficiaries: int  # hand-outs, each with its questionnaire
    passes: int


@dataclass(frozen=True, slots=True)
class FollowUp:
    first_week: date  # its Monday
    threshold_percent: int
    whole: Followed
    territories: tuple[Followed, ...]
    handed_out_in: Mapping[int | None, HandedOut]  # None: booklets that were delivered nowhere

    def handed_out(self, territory_id: int | None = None) -> HandedOut:
        """None: everywhere."""
        wanted = [
            one for place, one in self.handed_out_in.items() if territory_id is None or place == territory_id
        ]
        return HandedOut(sum(one.beneficiaries for one in wanted), sum(one.passes for one in wanted))

    @property
    def mondays(self) -> list[date]:
        return [self.first_week + timedelta(weeks=place) for place in range(len(self.whole.weeks))]

    def passes_at_threshold(self, one: Followed) -> int | None:
        """How many consumed passes reach the next threshold; rounded up, as the rule is."""
        return None if one.held_passes is None else -(-one.held_passes * self.threshold_percent // 100)


async def follow_up(connection: Connection, programme_id: int, *, now: datetime, weeks: int) -> FollowUp:
    today = now.astimezone(PARIS).date()
    monday = today - timedelta(days=today.weekday())
    first = monday - timedelta(weeks=weeks - 1)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        percent, cap = await connection.fetchrow(RULES, programme_id)
        holdings = await connection.fetch(HOLDINGS, programme_id)
        places = await count_places(connection, now=now, names=COUNTED, programme_id=programme_id)
        until = midnight(monday + timedelta(weeks=1))
        rows = await connection.fetch(BY_WEEK, programme_id, midnight(first), until)
        beneficiaries = dict(await connection.fetch(BENEFICIARIES, programme_id))
    counted = {territory_id: counters for (_, territory_id), counters in places.items()}
    by_week: dict[int | None, list[int]] = defaultdict(lambda: [0] * weeks)
    for territory_id, week, count in rows:
        by_week[territory_id][(week - first).days // 7] += count
    totals = tuple(sum(one[place] for one in by_week.values()) for place in range(weeks))
    return FollowUp(
        first_week=first,
        threshold_percent=percent,
        whole=Followed(None, "Tous les territoires", cap, add_up(counted.values()).consumed.passes, totals),
        territories=tuple(
            Followed(one, name, held, counted.get(one, Counters()).consumed.passes, tuple(by_week[one]))
            for one, name, held in holdings
        ),
        handed_out_in={
            one: HandedOut(count, counted[one].handed_out.passes) for one, count in beneficiaries.items()
        },
    )
