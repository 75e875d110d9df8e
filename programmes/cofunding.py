"""The State's share of what passes cost, and what a project may be made of. Pure arithmetic, in cents.

The State pays half of the face value of the passes that were used, as much as the project's own contribution
and its European funds together; a fifth of its grant comes in advance; engineering is a tenth of the budget
at most, and the rest buys passes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

STATE_PERCENT = 50
ENGINEERING_PERCENT_MAX = 10
ADVANCE_PERCENT = 20


class PlanRefused(Exception):
    """The State would not fund it so; the text says why."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A project's budget: who brings what, and what of it is engineering."""

    own_cents: int
    european_cents: int
    state_cents: int
    engineering_cents: int = 0

    def __post_init__(self) -> None:
        if min(self.own_cents, self.european_cents, self.state_cents, self.engineering_cents) < 0:
            raise PlanRefused("no part of a budget is less than nothing")
        if self.state_cents != self.own_cents + self.european_cents:
            raise PlanRefused(
                f"the State brings {self.state_cents} c; its share is what the project brings,"
                f" {self.own_cents} c of its own and {self.european_cents} c of Europe"
            )
        if self.engineering_cents * 100 > self.budget_cents * ENGINEERING_PERCENT_MAX:
            raise PlanRefused(
                f"engineering of {self.engineering_cents} c is over {ENGINEERING_PERCENT_MAX} % of the budget"
                f" of {self.budget_cents} c"
            )

    @property
    def budget_cents(self) -> int:
        return self.own_cents + self.european_cents + self.state_cents

    @property
    def passes_cents(self) -> int:
        return self.budget_cents - self.engineering_cents

    @property
    def advance_cents(self) -> int:
        return self.state_cents * ADVANCE_PERCENT // 100


def state_share(face_cents: int) -> int:
    """Of passes that were used; half a cent is not claimed."""
    assert face_cents >= 0
    return face_cents * STATE_PERCENT // 100


def claims_by_year(plan: Plan, used_cents: Mapping[int, int]) -> dict[int, int]:
    """What is asked of the State for each year, after its advance: never more than its grant in all."""
    claimed, paid_cents, shared_cents = {}, plan.advance_cents, 0
    for year in sorted(used_cents):
        shared_cents += state_share(used_cents[year])
        owed_cents = max(paid_cents, min(plan.state_cents, shared_cents))
        claimed[year] = owed_cents - paid_cents
        paid_cents = owed_cents
    return claimed
