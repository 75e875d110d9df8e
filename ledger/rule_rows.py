"""What a programme's convention says, frozen and without I/O. Deciding with it is programmes/'s."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ledger.calendar_rows import Calendar

# Days are counted from it, before and after: the calendar must hold them (0021_rules_hold.sql).
LAST_DAY_MIN, LAST_DAY_MAX = date(2000, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True, slots=True)
class Figures:
    """All that an amendment may change; the defaults are those of the first calls for projects."""

    last_day_of_use: date  # the last legal day, without the grace
    grace_days: int = 0
    claim_window_days: int = 0  # after the grace, to put into counter-payment what was scanned
    convention: str = ""  # its reference
    mandate_starts_on: date | None = None
    mandate_ends_on: date | None = None
    payment_delay_days: int = 30  # published: from a remittance's closing to its payment
    closing_calendar: Calendar = Calendar.NONE
    stock_cap_passes: int | None = None  # of all territories together; None: none
    first_grant_passes: int = 5_000
    top_up_passes: int = 2_500
    threshold_percent: int = 50  # of all the passes that a territory holds
    grant_deadline: date | None = None  # the last day on which a grant is approved
    delivery_working_days: int = 20
    pic_share_percent: int = 50
    publics: tuple[str, ...] = ()  # codes of those whom the convention targets
    service_ids: tuple[int, ...] = ()
    territory_ids: tuple[int, ...] = ()

    @property
    def last_day(self) -> date:
        """The last day on which a pass is taken, grace included."""
        return self.last_day_of_use + timedelta(days=self.grace_days)

    @property
    def last_claim_day(self) -> date:
        return self.last_day + timedelta(days=self.claim_window_days)


@dataclass(frozen=True, slots=True)
class Rules:
    """One version of them: the first, or an amendment."""

    programme_id: int
    version: int
    decided_at: datetime
    decided_by: str  # an actor, as in events
    in_force_from: date  # and not before it was decided
    reason: str
    figures: Figures
