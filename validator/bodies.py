"""Bodies of requests and answers, as they travel in JSON. Fields are added, never renamed."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from validator.code_reading import CODE_CHARS_MAX

SCANS_PER_BATCH_MAX = 500
REASON_CHARS_MAX = 500

Instant: TypeAlias = Annotated[datetime, Meta(tz=True, description="RFC 3339, with offset")]
CodeText: TypeAlias = Annotated[
    str,
    Meta(min_length=1, max_length=CODE_CHARS_MAX, description="what the QR or Code 128 says, or was typed"),
]
ServiceCode: TypeAlias = Annotated[str, Meta(max_length=64, description="code of the service rendered")]


class ScanBody(Struct):
    """One physical scan. A resend repeats attempt_id; prefer UUIDv7 (RFC 9562)."""

    attempt_id: UUID
    code: CodeText
    service: ServiceCode | None = None
    scanned_at: Instant | None = None
    sent_at: Annotated[
        Instant | None, Meta(description="the device's clock when it sends: makes its offset known")
    ] = None


class BatchBody(Struct):
    scans: Annotated[list[ScanBody], Meta(min_length=1, max_length=SCANS_PER_BATCH_MAX)]
    sent_at: Annotated[
        Instant | None, Meta(description="the device's clock when it sends: makes its offset known")
    ] = None


class CheckBody(Struct):
    code: CodeText
    service: ServiceCode | None = None


class UndoBody(Struct):
    # Something to read, and no NUL: PostgreSQL's text can't hold one.
    reason: Annotated[
        str, Meta(min_length=1, max_length=REASON_CHARS_MAX, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")
    ]


class EnrolBody(Struct):
    code: Annotated[str, Meta(min_length=1, max_length=200)]
    public_key: Annotated[
        dict[str, Any] | None,
        Meta(description="JWK (EC, P-256): from then on, requests that change something are signed with it"),
    ] = None


class PassBody(Struct):
    booklet: int
    number: int
    face_value_cents: int | UnsetType = UNSET
    expires_on: Annotated[date | UnsetType, Meta(description="last legal day of use")] = UNSET


class EarlierBody(Struct):
    accepted_at: datetime
    site: str


class AcceptedBody(Struct, tag_field="verdict", tag="accepted"):
    attempt_id: UUID
    # `pass` is a word of Python's.
    pass_: PassBody = msgspec.field(name="pass")
    accepted_at: datetime
    receipt: str
    undone_at: datetime | UnsetType = UNSET


class RefusedBody(Struct, tag_field="verdict", tag="refused"):
    refusal: str
    message: str
    attempt_id: UUID | UnsetType = UNSET
    pass_: PassBody | UnsetType = msgspec.field(name="pass", default=UNSET)
    earlier: EarlierBody | UnsetType = UNSET
    practice: Annotated[bool | UnsetType, Meta(description="a practice pass, worth nothing")] = UNSET


class AcceptableBody(Struct, tag_field="verdict", tag="acceptable"):
    pass_: PassBody = msgspec.field(name="pass")


class ReusedBody(Struct, tag_field="verdict", tag="attempt_reused"):
    """Only within a batch, where one mistaken attempt must not hide the other verdicts."""

    attempt_id: UUID
    message: str


class NotJudgedBody(Struct, tag_field="verdict", tag="not_judged"):
    """Only within a batch: a typed code past the limit on wrong ones; to be sent again later."""

    attempt_id: UUID
    message: str
    retry_after_seconds: int


class VerdictsBody(Struct):
    verdicts: list[AcceptedBody | RefusedBody | ReusedBody | NotJudgedBody]


class UndoneBody(Struct):
    attempt_id: UUID
    pass_: PassBody = msgspec.field(name="pass")
    accepted_at: datetime
    undone_at: datetime


class ListedBody(Struct):
    attempt_id: UUID
    pass_: PassBody = msgspec.field(name="pass")
    amount_cents: int
    accepted_at: datetime
    site: str
    service: str
    receipt: str
    remittance: int | None


class ListBody(Struct):
    scans: list[ListedBody]
    count: Annotated[int, Meta(description="of all that match, on every page")]
    total_cents: int
    next_offset: int | None


class FoundBody(Struct):
    text: str
    format: str
    corners: list[tuple[int, int]]
    check: Annotated[
        AcceptableBody | RefusedBody | UnsetType,
        Meta(description="with judge=check: what a scan of it would be told now; takes nothing"),
    ] = UNSET


class PhotoBody(Struct):
    codes: list[FoundBody]


class DeviceBody(Struct):
    operator: str
    siret: str
    mediator: str
    site: str
    services: list[str]
    service_labels: Annotated[dict[str, str], Meta(description="what each service is called, by its code")]
    label: str


class EnrolledBody(Struct):
    token: str
    device: int


class GoodbyeBody(Struct):
    device: int
    revoked_at: datetime


class RevocationBody(Struct):
    booklet: int
    cause: str
    cancelled_at: datetime


class RevocationsBody(Struct):
    revocations: list[RevocationBody]


class AmendmentBody(Struct):
    amended_at: datetime
    last_day_old: date
    last_day_new: date
    reason: str


class BatchNumbersBody(Struct):
    first_booklet: int
    booklet_count: int


class ProgrammeBody(Struct):
    id: int
    name: str
    funder: str
    face_value_cents: int
    booklet_size: int
    last_day: date
    expires_at: datetime
    amendments: list[AmendmentBody]
    payment_delay_days: Annotated[int, Meta(description="from a remittance's closing to its payment")]
    batches: Annotated[list[BatchNumbersBody], Meta(description="which booklets are this programme's")]


class ProgrammesBody(Struct):
    programmes: list[ProgrammeBody]


class ProblemBody(Struct):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    attempts: Annotated[
        dict[str, str] | UnsetType, Meta(description="by attempt_id, why it can't be remitted")
    ] = UNSET


class HealthBody(Struct):
    status: Literal["ok", "unavailable"]
    failing: list[str]


class ReadyBody(HealthBody):
    parts: Annotated[
        dict[str, str],
        Meta(description="by part, `ok` or what is wrong with it; the guard may be missing, scans go on"),
    ]


KeysetBody: TypeAlias = dict[str, Any]
