"""The end of a programme's validity, stage by stage: which day asks for what, and of whom. Pure.

Days are counted from the last legal day of use, D. D-30 alert, D-15 booklets that nobody got are blocked (the
funder approves), D-7 acknowledged, D the end, then the grace; after it passes are refused, and when the last
offline scan can have come their money is released; from D+37 both sides sign what is unused.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from ledger.calendar_rows import midnight
from ledger.releases import LATE_SCANS_MAX
from ledger.remittance_rows import PARIS

ALERT_DAYS, BLOCK_DAYS, ACKNOWLEDGE_DAYS, STATEMENT_DAYS = 30, 15, 7, 37


class Stage(StrEnum):
    """What is recorded once it was done."""

    ALERT = "alert"
    BLOCK_PROPOSED = "block_proposed"  # by the trustee
    BLOCK_APPROVED = "block_approved"  # by the funder
    ACKNOWLEDGED = "acknowledged"  # by the funder: it knows that the end comes
    RELEASED = "released"  # circulation → funds


class Phase(StrEnum):
    """Where a programme is; each begins at a midnight of Paris."""

    RUNNING = "running"
    ALERT = "alert"
    BLOCK = "block"
    LAST_WEEK = "last_week"
    GRACE = "grace"
    OVER = "over"
    STATEMENT = "statement"


@dataclass(frozen=True, slots=True)
class Validity:
    last_day: date  # of use, without the grace
    grace_days: int

    @property
    def alert_on(self) -> date:
        return self.last_day - timedelta(days=ALERT_DAYS)

    @property
    def block_on(self) -> date:
        return self.last_day - timedelta(days=BLOCK_DAYS)

    @property
    def acknowledge_on(self) -> date:
        return self.last_day - timedelta(days=ACKNOWLEDGE_DAYS)

    @property
    def refused_on(self) -> date:
        """The first day on which every pass is refused, online and offline."""
        return self.last_day + timedelta(days=self.grace_days + 1)

    @property
    def released_from(self) -> datetime:
        """Until then a phone may bring a scan made in time, which is rightly accepted and paid."""
        return midnight(self.refused_on) + LATE_SCANS_MAX

    @property
    def statement_on(self) -> date:
        """D+37; later where a long grace has not released its money by then."""
        settled = self.released_from.astimezone(PARIS).date() + timedelta(days=1)
        return max(self.last_day + timedelta(days=STATEMENT_DAYS), settled)

    def phase(self, now: datetime) -> Phase:
        today = now.astimezone(PARIS).date()
        begins = (
            (Phase.STATEMENT, self.statement_on),
            (Phase.OVER, self.refused_on),
            (Phase.GRACE, self.last_day + timedelta(days=1)),
            (Phase.LAST_WEEK, self.acknowledge_on),
            (Phase.BLOCK, self.block_on),
            (Phase.ALERT, self.alert_on),
        )
        return next((phase for phase, day in begins if today >= day), Phase.RUNNING)


def due_stages(validity: Validity, done: Collection[Stage], now: datetime) -> list[Stage]:
    """What waits to be done now, in its order. After the end nothing is blocked or acknowledged any more."""
    today = now.astimezone(PARIS).date()
    is_before_end = today < validity.refused_on
    wanted = (
        (Stage.ALERT, today >= validity.alert_on and is_before_end),
        (Stage.BLOCK_PROPOSED, today >= validity.block_on and is_before_end),
        (Stage.BLOCK_APPROVED, Stage.BLOCK_PROPOSED in done and is_before_end),
        (Stage.ACKNOWLEDGED, today >= validity.acknowledge_on and is_before_end),
        (Stage.RELEASED, now >= validity.released_from),
    )
    return [stage for stage, is_wanted in wanted if is_wanted and stage not in done]
