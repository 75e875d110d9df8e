"""The calls by which an operator closes remittances, reads them back and follows its money."""

import asyncio
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeAlias

from aiohttp import web
from msgspec import Meta

from ledger.connect import answering
from ledger.correction_rows import Correction, Dispute
from ledger.corrections import waiting_corrections
from ledger.disputes import disputes_of, held_disputes
from ledger.money import operator_money
from ledger.remittance_rows import (
    LINES_MAX,
    ClosedRemittance,
    CloseRefusal,
    NotRemittable,
    Remittance,
)
from ledger.remittances import LIST_MAX, close_remittance, list_remittances, read_remittance
from ledger.rows import Device
from payouts.certification import certification_text
from payouts.drawing import DrawingBusy
from payouts.remittance_csv import file_name, remittance_csv
from programmes.grants import propose_after
from validator.badge import device_of
from validator.endpoint import Endpoint, answer, read_body, whole
from validator.problems import Problem
from validator.remittance_bodies import (
    CloseBody,
    CorrectionBody,
    DisputeBody,
    MoneyBody,
    PartBody,
    RemittanceBody,
    RemittanceLineBody,
    RemittancesBody,
    RemittanceSummaryBody,
    SumBody,
)
from validator.snapshot import Snapshot
from validator.trouble import TooManyAttempts
from validator.wiring import DRAWINGS, KEEPER, POOL

PAGE_SIZE = 50
OFFSET_MAX = 2**31
Limit: TypeAlias = Annotated[int, Meta(ge=1, le=LIST_MAX)]
Offset: TypeAlias = Annotated[int, Meta(ge=0, le=OFFSET_MAX)]
NUMBER_CHARS_MAX = 9
CLOSING_SECONDS_MAX = 30.0  # 10,000 lines are written and read back

DETAIL_OF = {
    CloseRefusal.NOTHING_TO_REMIT: "every accepted pass is in a remittance already; scan passes first",
    CloseRefusal.REQUEST_REUSED: "this request_id closed other passes; draw a fresh one for another closing",
}


async def post_remittance(request: web.Request) -> web.Response:
    snapshot = request.app[KEEPER].current()
    device = device_of(request, snapshot)
    body = await read_body(request, CloseBody)
    now = datetime.now(UTC)
    async with answering(request.app[POOL], seconds=CLOSING_SECONDS_MAX) as connection:
        closed = await close_remittance(
            connection,
            device.operator_id,
            at=now,
            actor=f"device:{device.id}",
            certified_by=device.mediator_id,
            certification=_certification(device, snapshot),
            attempt_ids=body.attempt_ids,
            request_id=body.request_id,
        )
        if isinstance(closed, ClosedRemittance):
            await propose_after(connection, closed.remittance, at=now)
    match closed:
        case CloseRefusal():
            raise Problem(409, closed.value, DETAIL_OF[closed])
        case NotRemittable(attempts):
            told = {str(attempt_id): why.value for attempt_id, why in sorted(attempts.items())}
            detail = f"{len(told)} of these can't be remitted, so none was; `attempts` says which and why"
            raise Problem(409, "not-remittable", detail, attempts=told)
        case ClosedRemittance():
            return answer(await asyncio.to_thread(_remittance_body, closed), 201)


def _certification(device: Device, snapshot: Snapshot) -> str:
    operator = snapshot.operators[device.operator_id]
    return certification_text(
        operator=operator.name, operator_siret=operator.siret, person=snapshot.persons[device.mediator_id]
    )


async def list_own_remittances(request: web.Request) -> web.Response:
    device = device_of(request, request.app[KEEPER].current())
    limit = whole(request, "limit", PAGE_SIZE, 1, LIST_MAX)
    offset = whole(request, "offset", 0, 0, OFFSET_MAX)
    async with answering(request.app[POOL]) as connection:
        page, count = await list_remittances(connection, device.operator_id, limit=limit, offset=offset)
    next_offset = offset + len(page) if page and offset + len(page) < count else None
    return answer(RemittancesBody([_summary_body(one) for one in page], count, next_offset))


async def get_remittance(request: web.Request) -> web.Response:
    closed = await _own(request)
    async with answering(request.app[POOL]) as connection:
        disputes = await disputes_of(connection, closed.remittance.operator_id, closed.remittance.number)
    # In a thread, like all that grows with the lines: the loop belongs to the scans.
    return answer(await asyncio.to_thread(_remittance_body, closed, disputes))


async def get_remittance_csv(request: web.Request) -> web.Response:
    closed = await _own(request)
    lines = await asyncio.to_thread(remittance_csv, closed)
    return _file(closed, lines, "csv", "text/csv")


async def get_remittance_pdf(request: web.Request) -> web.Response:
    closed = await _own(request)
    try:
        drawn = await request.app[DRAWINGS].draw(closed)
    except DrawingBusy as error:
        raise TooManyAttempts(f"{error}; ask again", retry_after_seconds=3) from None
    return _file(closed, drawn, "pdf", "application/pdf")


async def _own(request: web.Request) -> ClosedRemittance:
    device = device_of(request, request.app[KEEPER].current())
    text = request.match_info["number"]
    if not text.isascii() or not text.isdigit() or len(text) > NUMBER_CHARS_MAX:
        raise Problem(400, "malformed", "the number of a remittance is digits only")
    async with answering(request.app[POOL]) as connection:
        closed = await read_remittance(connection, device.operator_id, int(text))
    if closed is None:
        raise Problem(404, "unknown-remittance", "your operator has no remittance of this number")
    return closed


def _file(closed: ClosedRemittance, content: bytes, suffix: str, media_type: str) -> web.Response:
    """The same facts make the same bytes, so that their hash tells whether one has them already."""
    headers = {
        "ETag": f'"{hashlib.sha256(content).hexdigest()[:32]}"',
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f'attachment; filename="{file_name(closed, suffix)}"',
    }
    charset = "utf-8" if media_type.startswith("text/") else None
    return web.Response(body=content, content_type=media_type, charset=charset, headers=headers)


async def get_money(request: web.Request) -> web.Response:
    snapshot = request.app[KEEPER].current()
    device = device_of(request, snapshot)
    async with answering(request.app[POOL]) as connection:
        money = await operator_money(connection, device.operator_id, now=datetime.now(UTC))
        pending = await waiting_corrections(connection, device.operator_id)
        held = await held_disputes(connection, device.operator_id)
    return answer(
        MoneyBody(
            accepted=SumBody(money.accepted.count, money.accepted.total_cents),
            remitted=SumBody(money.remitted.count, money.remitted.total_cents),
            paid=SumBody(money.paid.count, money.paid.total_cents),
            payment_delay_days=money.payment_delay_days,
            expected_payment_on=money.expected_payment_on,
            certification=_certification(device, snapshot),
            corrections_pending=[_correction_body(one) for one in pending],
            disputes_held=[_dispute_body(one) for one in held],
        )
    )


def _summary_body(remittance: Remittance) -> RemittanceSummaryBody:
    return RemittanceSummaryBody(
        number=remittance.number,
        state=remittance.state.value,
        closed_at=remittance.closed_at,
        count=remittance.line_count,
        total_cents=remittance.total_cents,
        payable_cents=remittance.payable_cents,
        expected_payment_on=remittance.expected_payment_on,
        **_payment(remittance),
    )


def _correction_body(one: Correction) -> CorrectionBody:
    return CorrectionBody(
        id=one.id,
        programme_id=one.programme_id,
        amount_cents=one.amount_cents,
        cause=one.cause.value,
        reason=one.reason,
        attempt_id=one.attempt_id,
        decided_at=one.decided_at,
    )


def _dispute_body(one: Dispute) -> DisputeBody:
    return DisputeBody(
        id=one.id,
        remittance=one.number,
        line=one.line,
        programme_id=one.programme_id,
        amount_cents=one.amount_cents,
        reason=one.reason,
        opened_at=one.opened_at,
        outcome=one.outcome.value if one.outcome else None,
        resolution=one.resolution,
    )


def _payment(remittance: Remittance) -> dict[str, Any]:
    """What the bank said of it, once it said something."""
    payment = remittance.payment
    if payment.paid_at is None:
        return {}
    return {"paid_at": payment.paid_at, "bank_reference": payment.bank_reference}


def _remittance_body(closed: ClosedRemittance, disputes: Sequence[Dispute] = ()) -> RemittanceBody:
    remittance, names = closed.remittance, closed.remittance.names
    return RemittanceBody(
        number=remittance.number,
        state=remittance.state.value,
        closed_at=remittance.closed_at,
        count=remittance.line_count,
        total_cents=remittance.total_cents,
        payable_cents=remittance.payable_cents,
        expected_payment_on=remittance.expected_payment_on,
        **_payment(remittance),
        siret=remittance.siret,
        operator=names.operator,
        lines_sha256=remittance.lines_sha256.hex(),
        certification=remittance.certification,
        certified_by=names.certified_by,
        parts=[
            PartBody(
                programme_id=part.programme_id,
                programme=names.programmes[part.programme_id],
                funder=names.funders[part.programme_id],
                count=part.line_count,
                total_cents=part.total_cents,
                payment_delay_days=part.payment_delay_days,
            )
            for part in remittance.parts
        ],
        lines=[
            RemittanceLineBody(
                line=line.line,
                attempt_id=line.attempt_id,
                booklet=line.pass_id.booklet,
                number=line.pass_id.number,
                amount_cents=line.amount_cents,
                accepted_at=line.accepted_at,
                site=names.sites[line.site_id],
                service=line.service,
                site_id=line.site_id,
                programme_id=line.programme_id,
            )
            for line in closed.lines
        ],
        corrections=[_correction_body(one) for one in closed.corrections],
        disputes=[_dispute_body(one) for one in disputes],
    )


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/remittances",
        post_remittance,
        f"Put accepted passes into counter-payment: close a remittance, {LINES_MAX} lines at most",
        body=CloseBody,
        answers={201: RemittanceBody},
        problems=(400, 401, 409, 413, 503),
    ),
    Endpoint(
        "GET",
        "/v1/remittances",
        list_own_remittances,
        "The caller's operator's remittances, newest first",
        answers={200: RemittancesBody},
        problems=(400, 401, 503),
        query={
            "limit": (Limit, f"{PAGE_SIZE} unless told"),
            "offset": (Offset, "how many to leave out"),
        },
    ),
    # Before the plain number, whose pattern would take these too.
    Endpoint(
        "GET",
        "/v1/remittances/{number}.pdf",
        get_remittance_pdf,
        "The bordereau as PDF/A-3b with its CSV attached; the same bytes each time",
        answers={200: "application/pdf"},
        problems=(400, 401, 404, 429, 503),
    ),
    Endpoint(
        "GET",
        "/v1/remittances/{number}.csv",
        get_remittance_csv,
        "The lines as CSV; SHA-256 over its first eleven columns gives lines_sha256",
        answers={200: "text/csv"},
        problems=(400, 401, 404, 503),
    ),
    Endpoint(
        "GET",
        "/v1/remittances/{number}",
        get_remittance,
        "One remittance with its lines",
        answers={200: RemittanceBody},
        problems=(400, 401, 404, 503),
    ),
    Endpoint(
        "GET",
        "/v1/money",
        get_money,
        "What the caller's operator is owed: accepted, remitted, paid",
        answers={200: MoneyBody},
        problems=(401, 503),
    ),
)
