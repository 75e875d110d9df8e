"""The usage report that partners hand in: passes and people, trainings, organisations, usage rate.

Pure: from counts that the ledger made and from the monthly returns. Small cells stay withheld.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from programmes.returns import sum_of, tables_of
from programmes.suppression import Table


@dataclass(frozen=True, slots=True)
class Usage:
    distributed_passes: int  # handed out to somebody
    beneficiaries: int  # hand-outs, each of which is one questionnaire
    consumed_passes: int
    publics: Table  # consumed passes by kind of public
    trainings: Table  # by service rendered
    organisations: Table  # by operator

    @property
    def rate_tenths(self) -> int | None:
        """Consumed of each thousand distributed; None: nothing was."""
        return 1_000 * self.consumed_passes // self.distributed_passes if self.distributed_passes else None


def usage(
    facts: Sequence[Mapping[str, Any]],
    *,
    distributed_passes: int,
    beneficiaries: int,
    territory: str | None = None,
) -> Usage:
    """facts: of the monthly returns of the period."""
    tables = tables_of(facts, territory=territory)
    nothing = Table(0, ())
    found = {name: tables.get(name, nothing) for name in ("public", "service", "operator")}
    consumed = found["service"].total
    assert territory is not None or consumed == sum_of(facts, "consumed_passes")
    tables_told = found["public"], found["service"], found["operator"]
    return Usage(distributed_passes, beneficiaries, consumed, *tables_told)
