"""Bodies of /v1/remittances and /v1/money, as they travel in JSON. Fields are added, never renamed."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from ledger.remittance_rows import LINES_MAX


class CloseBody(Struct):
    """Without attempt_ids: all that was accepted and not remitted yet."""

    attempt_ids: Annotated[list[UUID], Meta(min_length=1, max_length=LINES_MAX)] | None = None
    request_id: Annotated[
        UUID | None, Meta(description="names this closing: a repeat answers the remittance that it closed")
    ] = None


class RemittanceLineBody(Struct):
    line: int
    attempt_id: UUID
    booklet: int
    number: Annotated[int, Meta(description="of the pass in its booklet")]
    amount_cents: int
    accepted_at: datetime
    site: str
    service: Annotated[str, Meta(description="code of the service rendered; empty: not said")]
    site_id: int
    programme_id: int


class PartBody(Struct):
    """What the funds of one programme owe of a remittance."""

    programme_id: int
    programme: str
    funder: str
    count: int
    total_cents: int
    payment_delay_days: int


class RemittanceSummaryBody(Struct, kw_only=True):
    number: Annotated[int, Meta(description="without gap per operator")]
    state: Annotated[str, Meta(description="closed: frozen, and waiting to be paid")]
    closed_at: datetime
    count: int
    total_cents: int
    expected_payment_on: date
    paid_at: datetime | UnsetType = UNSET


class RemittanceBody(RemittanceSummaryBody, kw_only=True):
    siret: str
    operator: str
    lines_sha256: Annotated[
        str, Meta(description="hex; over the first eleven columns of the CSV: see its documentation")
    ]
    certification: Annotated[str, Meta(description="what was certified at the closing, word for word")]
    certified_by: str | None
    parts: list[PartBody]
    lines: list[RemittanceLineBody]


class RemittancesBody(Struct):
    remittances: list[RemittanceSummaryBody]
    count: Annotated[int, Meta(description="of all, on every page")]
    next_offset: int | None


class SumBody(Struct):
    count: int
    total_cents: int


class MoneyBody(Struct):
    """The operator's live acceptances; each is in one of the three sums."""

    accepted: Annotated[SumBody, Meta(description="accepted, and not in a remittance yet")]
    remitted: Annotated[SumBody, Meta(description="in a closed remittance that is not paid yet")]
    paid: SumBody
    payment_delay_days: Annotated[int, Meta(description="published: from a closing now to its payment")]
    expected_payment_on: Annotated[date, Meta(description="of a remittance closed now")]
    certification: Annotated[str, Meta(description="what a closing by this device certifies, word for word")]
