"""When passes are granted to a territory, and what hinders it: decided from one reading of the record.

A threshold is reached when the consumed passes are that share of all that the territory holds. Thresholds are
numbered by what was granted before: the first grant is 0, and the top-up that follows n grants is n.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ledger.grant_rows import Condition, Grant, GrantKind, Holdings, Standing
from ledger.rule_rows import Figures

STOCK_WARNINGS_PERCENT = (80, 90)


class Hindrance(StrEnum):
    """Why passes are not granted. Order matters: when several hold, the first is told."""

    NOT_COVERED = "not_covered"
    ALREADY_GRANTED = "already_granted"  # this threshold has its grant, proposed or approved
    CONDITIONS_MISSING = "conditions_missing"
    NOTHING_GRANTED = "nothing_granted"  # no first grant yet: there is nothing to top up
    THRESHOLD_NOT_REACHED = "threshold_not_reached"
    SUSPENDED = "suspended"
    DEADLINE_PASSED = "deadline_passed"
    STOCK_EXHAUSTED = "stock_exhausted"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is next for a territory."""

    kind: GrantKind
    threshold_number: int
    passes: int


def next_grant(standing: Standing) -> Wanted:
    figures = standing.rules.figures
    if standing.grant_count == 0:
        return Wanted(GrantKind.FIRST, 0, figures.first_grant_passes)
    return Wanted(GrantKind.TOP_UP, standing.grant_count, figures.top_up_passes)


def hindrance(standing: Standing, today: date) -> Hindrance | None:
    """What keeps the next grant from being proposed."""
    wanted = next_grant(standing)
    figures = standing.rules.figures
    if not standing.is_covered:
        return Hindrance.NOT_COVERED
    if wanted.threshold_number in standing.proposed_numbers:
        return Hindrance.ALREADY_GRANTED
    if wanted.kind is GrantKind.FIRST and missing_conditions(standing):
        return Hindrance.CONDITIONS_MISSING
    if wanted.kind is GrantKind.TOP_UP and not is_threshold_reached(standing.holdings, figures):
        return Hindrance.THRESHOLD_NOT_REACHED
    return _common_hindrance(standing, wanted.passes, today)


def hindrance_to_approval(grant: Grant, standing: Standing, today: date) -> Hindrance | None:
    """What keeps a proposed grant from being approved now. Its threshold was reached when it was proposed."""
    if not standing.is_covered:
        return Hindrance.NOT_COVERED
    if grant.kind is GrantKind.FIRST and standing.grant_count:
        return Hindrance.ALREADY_GRANTED
    if grant.kind is GrantKind.FIRST and missing_conditions(standing):
        return Hindrance.CONDITIONS_MISSING
    if grant.kind is GrantKind.TOP_UP and not standing.grant_count:
        return Hindrance.NOTHING_GRANTED
    return _common_hindrance(standing, grant.passes, today)


def is_proposed_by_itself(standing: Standing, today: date) -> bool:
    """Top-ups only; and not again what a person refused for this threshold."""
    wanted = next_grant(standing)
    return (
        wanted.kind is GrantKind.TOP_UP
        and wanted.threshold_number not in standing.refused_numbers
        and hindrance(standing, today) is None
    )


def missing_conditions(standing: Standing) -> tuple[Condition, ...]:
    return tuple(one for one in Condition if one not in standing.conditions)


def is_threshold_reached(holdings: Holdings, figures: Figures) -> bool:
    """In whole passes: 50 % of 4,999 is reached by 2,500, not by 2,499."""
    return holdings.held > 0 and holdings.consumed * 100 >= figures.threshold_percent * holdings.held


def passes_to_threshold(holdings: Holdings, figures: Figures) -> int:
    """How many passes are to be consumed until the next top-up is proposed."""
    needed = -(-figures.threshold_percent * holdings.held // 100)
    return max(needed - holdings.consumed, 0)


def stock_warning(granted: int, figures: Figures) -> int | None:
    """The highest warning that the stock has reached, in percent of the cap; None below the first."""
    if figures.stock_cap_passes is None:
        return None
    reached = [one for one in STOCK_WARNINGS_PERCENT if granted * 100 >= one * figures.stock_cap_passes]
    return max(reached, default=None)


def is_late(grant: Grant, today: date) -> bool:
    """Whether its passes were not all there by the day that the convention sets."""
    if grant.deliver_by is None:
        return False
    if grant.is_delivered:
        return grant.delivered_on is not None and grant.delivered_on > grant.deliver_by
    return today > grant.deliver_by


def _common_hindrance(standing: Standing, passes: int, today: date) -> Hindrance | None:
    figures = standing.rules.figures
    if standing.is_suspended:
        return Hindrance.SUSPENDED
    if figures.grant_deadline is not None and today > figures.grant_deadline:
        return Hindrance.DEADLINE_PASSED
    cap = figures.stock_cap_passes
    if cap is not None and standing.programme_granted + passes > cap:
        return Hindrance.STOCK_EXHAUSTED
    return None
