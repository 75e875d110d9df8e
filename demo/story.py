"""Who acts in the demo's eleven months, and when: days are counted back from today, in Paris. No deeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from demo.clock import record_at
from demo.folder import DemoFolder
from demo.prescribers import KnownPrescriber
from ledger.account_rows import Account
from ledger.connect import Connection
from ledger.rows import Facts, Operator, Programme

PARIS = ZoneInfo("Europe/Paris")


@dataclass(frozen=True)
class Story:
    """Facts are of before the story: what it adds to the record is not in them."""

    connection: Connection  # in the one transaction of the story: after a kill, all of it happened or nothing
    folder: DemoFolder
    facts: Facts
    programme: Programme
    territories: Mapping[str, int]  # by name
    prescribers: Sequence[KnownPrescriber]
    preparer: Account
    approver: Account
    today: date

    @property
    def operators(self) -> list[Operator]:
        """In the order of demo/instance.toml."""
        return sorted(self.facts.operators.values(), key=lambda one: one.id)

    async def come_to(self, days_ago: int) -> None:
        """What is recorded from now on is of that day."""
        await record_at(self.connection, self.at(days_ago, 12))

    def day(self, days_ago: int) -> date:
        return self.today - timedelta(days=days_ago)

    def at(self, days_ago: int, hour: int, minute: int = 0) -> datetime:
        return datetime.combine(self.day(days_ago), time(hour, minute), PARIS).astimezone(UTC)


def today_in_paris(now: datetime) -> date:
    return now.astimezone(PARIS).date()
