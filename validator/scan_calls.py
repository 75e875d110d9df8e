"""The calls that take, test, undo and list: /v1/scans, /v1/checks."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, TypeAlias
from uuid import UUID

from aiohttp import web
from msgspec import Meta

from ledger.acceptances import LIST_MAX, UndoRefusal, acceptance_of_attempt, list_acceptances, undo
from ledger.connect import answering
from ledger.rows import Acceptance
from validator import answers
from validator.badge import device_of
from validator.bodies import (
    AcceptableBody,
    AcceptedBody,
    BatchBody,
    CheckBody,
    ListBody,
    RefusedBody,
    ScanBody,
    UndoBody,
    UndoneBody,
    VerdictsBody,
)
from validator.checks import check_body
from validator.endpoint import Endpoint, answer, read_body, whole
from validator.messages import ATTEMPT_REUSED, language_of
from validator.problems import Problem
from validator.scan import Attempt
from validator.verdict import AttemptReused, scan_time
from validator.wiring import DESK, GUARD, KEEPER, POOL, SCANNING

PAGE_SIZE = 100
OFFSET_MAX = 2**31
Limit: TypeAlias = Annotated[int, Meta(ge=1, le=LIST_MAX)]
Offset: TypeAlias = Annotated[int, Meta(ge=0, le=OFFSET_MAX)]
RECEIPTS_PER_TURN = 16


async def post_scan(request: web.Request) -> web.Response:
    app = request.app
    device = device_of(request, app[KEEPER].current())
    body = await read_body(request, ScanBody)
    now = datetime.now(UTC)

    verdict = await app[SCANNING].scan(_attempt(body, body.sent_at, now), device, now)

    if isinstance(verdict, AttemptReused):
        raise Problem(409, "attempt-reused", ATTEMPT_REUSED)
    return answer(
        answers.verdict_body(
            verdict,
            body.attempt_id,
            snapshot=app[KEEPER].current(),
            desk=app[DESK],
            language=language_of(request.headers.get("Accept-Language", "")),
        )
    )


async def post_batch(request: web.Request) -> web.Response:
    device = device_of(request, request.app[KEEPER].current())
    body = await read_body(request, BatchBody)
    now = datetime.now(UTC)
    attempts = [_attempt(scan, scan.sent_at or body.sent_at, now) for scan in body.scans]

    verdicts = await request.app[SCANNING].scan_many(attempts, device, now)

    snapshot = request.app[KEEPER].current()
    language = language_of(request.headers.get("Accept-Language", ""))
    bodies: list[answers.VerdictBody] = []
    for verdict, attempt in zip(verdicts, attempts, strict=True):
        bodies.append(
            answers.verdict_body(
                verdict, attempt.attempt_id, snapshot=snapshot, desk=request.app[DESK], language=language
            )
        )
        if len(bodies) % RECEIPTS_PER_TURN == 0:
            await asyncio.sleep(0)  # signing hundreds of receipts at once would hold up every single scan
    return answer(VerdictsBody(bodies))


def _attempt(body: ScanBody, sent_at: datetime | None, now: datetime) -> Attempt:
    time = scan_time(scanned_at=body.scanned_at, sent_at=sent_at, now=now)
    return Attempt(body.attempt_id, body.code, body.service or None, time)


async def post_check(request: web.Request) -> web.Response:
    device = device_of(request, request.app[KEEPER].current())
    body = await read_body(request, CheckBody)
    now = datetime.now(UTC)
    return answer(await check_body(request, body.code, service=body.service, device=device, now=now))


async def post_undo(request: web.Request) -> web.Response:
    snapshot = request.app[KEEPER].current()
    device = device_of(request, snapshot)
    attempt_id = _attempt_id(request)
    reason = (await read_body(request, UndoBody)).reason.strip()
    async with answering(request.app[POOL]) as connection:
        acceptance = await acceptance_of_attempt(connection, attempt_id, operator_id=device.operator_id)
        if acceptance is None:
            raise Problem(404, "unknown-attempt", "your operator has no acceptance with this attempt_id")
        # The mark goes before the commit: afterwards, nobody could tell the pass is free again.
        was_forgotten = await request.app[GUARD].forget(snapshot.guard_generation, acceptance.pass_id)
        undone = await undo(
            connection,
            acceptance,
            device_id=device.id,
            at=datetime.now(UTC),
            reason=reason,
            forgotten_in=snapshot.guard_generation if was_forgotten else None,
        )
    if undone is UndoRefusal.REMITTED:
        raise Problem(409, "remitted", "this pass is in a remittance; ask the trustee for a correction")
    if not was_forgotten:
        await request.app[KEEPER].refresh()  # so that whoever scans here next is judged without the mark
    assert isinstance(undone, Acceptance)
    assert undone.undone_at is not None
    return answer(
        UndoneBody(
            attempt_id=attempt_id,
            pass_=answers.pass_body(undone.pass_id, snapshot),
            accepted_at=undone.accepted_at,
            undone_at=undone.undone_at,
        )
    )


def _attempt_id(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["attempt_id"])
    except ValueError:
        raise Problem(400, "malformed", "attempt_id in the path must be a UUID") from None


async def list_scans(request: web.Request) -> web.Response:
    snapshot = request.app[KEEPER].current()
    device = device_of(request, snapshot)
    remitted = _remitted(request)
    limit = whole(request, "limit", PAGE_SIZE, 1, LIST_MAX)
    offset = whole(request, "offset", 0, 0, OFFSET_MAX)
    async with answering(request.app[POOL]) as connection:
        page, count, total_cents = await list_acceptances(
            connection, device.operator_id, remitted=remitted, limit=limit, offset=offset
        )
    desk = request.app[DESK]
    service_codes = {service.id: service.code for service in snapshot.services.values()}
    scans = [
        answers.listed_body(one, snapshot=snapshot, service_codes=service_codes, desk=desk) for one in page
    ]
    next_offset = offset + len(page) if offset + len(page) < count and page else None
    return answer(ListBody(scans=scans, count=count, total_cents=total_cents, next_offset=next_offset))


def _remitted(request: web.Request) -> bool | None:
    match request.query.get("remitted"):
        case None:
            return None
        case "true":
            return True
        case "false":
            return False
        case other:
            raise Problem(400, "malformed", f"remitted must be true or false, not {other!r}")


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/scans",
        post_scan,
        "Take a pass",
        body=ScanBody,
        answers={200: AcceptedBody | RefusedBody},
        problems=(400, 401, 409, 413, 429, 503),
    ),
    Endpoint(
        "POST",
        "/v1/scans/batch",
        post_batch,
        "Take up to 500 passes; verdicts come in the order of the scans",
        body=BatchBody,
        answers={200: VerdictsBody},
        problems=(400, 401, 413, 429, 503),
    ),
    Endpoint(
        "POST",
        "/v1/checks",
        post_check,
        "Test a pass without taking it",
        body=CheckBody,
        answers={200: AcceptableBody | RefusedBody},
        problems=(400, 401, 413, 429, 503),
    ),
    Endpoint(
        "POST",
        "/v1/scans/{attempt_id}/undo",
        post_undo,
        "Undo an acceptance, until it is in a remittance",
        body=UndoBody,
        answers={200: UndoneBody},
        problems=(400, 401, 404, 409, 413, 503),
    ),
    Endpoint(
        "GET",
        "/v1/scans",
        list_scans,
        "The caller's operator's live acceptances, newest first, with totals",
        answers={200: ListBody},
        problems=(400, 401, 503),
        query={
            "remitted": (bool, "only those in a remittance, or only those not yet"),
            "limit": (Limit, f"{PAGE_SIZE} unless told"),
            "offset": (Offset, "how many to leave out"),
        },
    ),
)
