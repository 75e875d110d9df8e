"""Applications of organisations that want to accept passes: frozen, without I/O."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

PARIS = ZoneInfo("Europe/Paris")
SITES_MAX = 20
APPEAL = timedelta(days=60)  # about the two months of appeals in French administrative practice


class Decision(StrEnum):
    ACCEPTED = "accepted"
    REFUSED = "refused"


class Stage(StrEnum):
    """Where an application is."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    APPEALED = "appealed"
    APPEAL_REFUSED = "appeal_refused"


@dataclass(frozen=True, slots=True)
class Criteria:
    version: int
    published_at: datetime
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AppliedSite:
    name: str
    address: str
    postcode: str
    commune: str


@dataclass(frozen=True, slots=True)
class NewApplication:
    criteria_version: int
    programme_id: int
    siret: str
    organisation: str
    contact_name: str
    contact_address: str
    service_ids: tuple[int, ...]
    sites: tuple[AppliedSite, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Application:
    id: int
    told: NewApplication
    programme: str
    received_at: datetime
    decision: Decision | None
    decided_at: datetime | None
    decided_by: int | None  # a person
    reason: str | None
    appealed_at: datetime | None
    appeal_text: str | None
    appeal_decision: Decision | None
    appeal_decided_at: datetime | None
    appeal_reason: str | None
    operator_id: int | None

    @property
    def stage(self) -> Stage:
        if self.operator_id is not None:
            return Stage.ACCEPTED
        if self.appeal_decision is Decision.REFUSED:
            return Stage.APPEAL_REFUSED
        if self.appealed_at is not None:
            return Stage.APPEALED
        return Stage.REFUSED if self.decision is Decision.REFUSED else Stage.RECEIVED

    @property
    def waits(self) -> bool:
        return self.stage in {Stage.RECEIVED, Stage.APPEALED}

    @property
    def appeal_until(self) -> date | None:
        """The last day of an appeal; None where there is none to make."""
        if self.decision is not Decision.REFUSED or self.decided_at is None or self.appealed_at is not None:
            return None
        return last_appeal_day(self.decided_at)


def last_appeal_day(decided_at: datetime) -> date:
    return (decided_at + APPEAL).astimezone(PARIS).date()


class ApplicationRefused(Exception):
    """Nothing was changed; the text says why and what to do."""
