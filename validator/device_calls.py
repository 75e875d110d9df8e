"""The calls of a device about itself and its operator: enrolment, who am I, photos, export of receipts."""

import asyncio
from datetime import UTC, datetime
from typing import Literal

import msgspec
from aiohttp import web

from ledger.acceptances import acceptances_of
from ledger.connect import answering
from ledger.devices import accept_invitation
from ledger.rows import Operator
from scanner.found import IMAGE_BYTES_MAX, refuse_too_many_bytes
from validator.badge import COOKIE, device_of
from validator.bodies import DeviceBody, EnrolBody, EnrolledBody, FoundBody, PhotoBody
from validator.checks import add_checks
from validator.endpoint import Endpoint, answer, in_time, read_body
from validator.problems import Problem
from validator.snapshot import Snapshot
from validator.trouble import TooManyAttempts
from validator.verdict import PARIS
from validator.wiring import DESK, EXPORTS_UNDER_WAY, KEEPER, PHOTOS, PHOTOS_UNDER_WAY, POOL, SETTINGS

COOKIE_SECONDS = 400 * 24 * 3600  # browsers keep no cookie longer
CHUNK_BYTES = 64 * 1024
RECEIPTS_PER_WRITE = 200
RECEIPTS_PER_TURN = 20
EXPORTS_MAX = 2  # each holds a connection of the pool for as long as its reader takes
EXPORT_SECONDS_MAX = 600.0
PHOTOS_PER_DEVICE_MAX = 2


async def post_enrolment(request: web.Request) -> web.Response:
    body = await read_body(request, EnrolBody)
    async with answering(request.app[POOL]) as connection:
        enrolled = await accept_invitation(connection, body.code, now=datetime.now(UTC))
    if enrolled is None:
        raise Problem(403, "enrolment-refused", "this link was used or is too old; ask for a new one")
    device_id, token = enrolled
    await request.app[KEEPER].refresh()
    response = answer(EnrolledBody(token=token, device=device_id), 201)
    response.set_cookie(
        COOKIE,
        token,
        max_age=COOKIE_SECONDS,
        httponly=True,
        samesite="Strict",
        secure=_is_secure(request),
        path="/",
    )
    return response


def _is_secure(request: web.Request) -> bool:
    public_url = request.app[SETTINGS].public_url or ""
    return public_url.startswith("https:") or request.headers.get("X-Forwarded-Proto") == "https"


async def get_device(request: web.Request) -> web.Response:
    snapshot = request.app[KEEPER].current()
    device = device_of(request, snapshot)
    operator = snapshot.operators[device.operator_id]
    today = datetime.now(UTC).astimezone(PARIS).date()
    services: set[str] = set()
    for programme_id in snapshot.programmes:
        services |= snapshot.services_covered(operator.id, programme_id, today) or frozenset()
    return answer(
        DeviceBody(
            operator=operator.name,
            siret=operator.siret,
            mediator=snapshot.persons[device.mediator_id],
            site=snapshot.sites[device.site_id].name,
            services=sorted(services),
            service_labels={code: snapshot.services[code].label for code in sorted(services)},
            label=device.label,
        )
    )


async def post_photo(request: web.Request) -> web.Response:
    device = device_of(request, request.app[KEEPER].current())
    must_check = _must_check(request)
    under_way = request.app[PHOTOS_UNDER_WAY]
    # A hostile photo can hold a worker for seconds: no device may hold them all.
    if under_way[device.id] >= PHOTOS_PER_DEVICE_MAX:
        raise TooManyAttempts("this device has other photos under way", retry_after_seconds=1)
    under_way[device.id] += 1
    try:
        found = await request.app[PHOTOS].read(await _read_image(request))
    finally:
        under_way[device.id] -= 1
        if not under_way[device.id]:
            del under_way[device.id]
    codes = [FoundBody(code.text, code.format, list(code.corners)) for code in found]
    if must_check:
        await add_checks(codes, request, device)
    return answer(PhotoBody(codes))


def _must_check(request: web.Request) -> bool:
    judge = request.query.get("judge")
    if judge not in {None, "check"}:
        raise Problem(400, "malformed", f"judge is check or is left out, not {judge!r}")
    return judge == "check"


async def _read_image(request: web.Request) -> bytes:
    """The body, given up as soon as it is over the limit rather than once it is in memory."""
    if request.content_type.startswith("multipart/"):
        raise Problem(415, "unsupported-media-type", "send the image itself as the body, not a form")
    refuse_too_many_bytes(request.content_length or 0)
    image = bytearray()
    async with in_time():
        async for chunk in request.content.iter_chunked(CHUNK_BYTES):
            image += chunk
            refuse_too_many_bytes(len(image))
    if not image:
        raise Problem(400, "malformed", "the body is empty; send the bytes of a JPEG, PNG or WebP image")
    return bytes(image)


async def get_receipts(request: web.Request) -> web.StreamResponse:
    """JSON lines: the keyset, then each acceptance with its receipt. `poincon receipts verify` reads it."""
    snapshot = request.app[KEEPER].current()
    device = device_of(request, snapshot)
    exports = request.app[EXPORTS_UNDER_WAY]
    if device.id in exports or len(exports) >= EXPORTS_MAX:
        raise TooManyAttempts("an export is under way; try again when it has ended", retry_after_seconds=5)
    exports.add(device.id)
    try:
        return await _export_receipts(request, snapshot.operators[device.operator_id], snapshot)
    finally:
        exports.remove(device.id)


async def _export_receipts(
    request: web.Request, operator: Operator, snapshot: Snapshot
) -> web.StreamResponse:
    desk = request.app[DESK]
    response = web.StreamResponse(
        headers={
            "Content-Type": "application/jsonl",
            "Content-Disposition": f'attachment; filename="recus-{operator.siret}.jsonl"',
        }
    )
    head = {"operator": operator.siret, "keyset": snapshot.keyring.jwks()}
    lines = [msgspec.json.encode(head)]
    async with answering(request.app[POOL], seconds=EXPORT_SECONDS_MAX) as connection:
        await response.prepare(request)
        count = 0
        async for acceptance in acceptances_of(connection, operator.id):
            lines.append(
                msgspec.json.encode(
                    {
                        "receipt": desk.receipt(acceptance, snapshot),
                        "booklet": acceptance.pass_id.booklet,
                        "number": acceptance.pass_id.number,
                        "amount_cents": acceptance.amount_cents,
                        "accepted_at": acceptance.accepted_at,
                        "undone_at": acceptance.undone_at,
                    }
                )
            )
            count += 1
            if count % RECEIPTS_PER_TURN == 0:
                await asyncio.sleep(0)  # scans have their turn between signatures
            if len(lines) >= RECEIPTS_PER_WRITE:
                await response.write(b"\n".join(lines) + b"\n")
                lines.clear()
    lines.append(msgspec.json.encode({"receipts": count}))  # an export cut short lacks this line
    await response.write(b"\n".join(lines) + b"\n")
    await response.write_eof()
    return response


ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/enrolments",
        post_enrolment,
        "Enrol this device with the code of a link that works once",
        body=EnrolBody,
        answers={201: EnrolledBody},
        problems=(400, 403, 413, 503),
        is_public=True,
    ),
    Endpoint(
        "GET",
        "/v1/device",
        get_device,
        "Whose device this is, and the services it may name",
        answers={200: DeviceBody},
        problems=(401, 503),
    ),
    Endpoint(
        "POST",
        "/v1/photos",
        post_photo,
        f"Read the codes on a photo (JPEG, PNG or WebP, {IMAGE_BYTES_MAX // 1024 // 1024} MiB at most)",
        body="image/*",
        answers={200: PhotoBody},
        query={
            "judge": (Literal["check"], "also test each code found, as /v1/checks does"),
            "service": (str, "code of the service to test for"),
        },
        problems=(400, 401, 413, 415, 422, 429, 503),
    ),
    Endpoint(
        "GET",
        "/v1/receipts",
        get_receipts,
        "All receipts of the caller's operator with the keyset, as JSON lines",
        answers={200: "application/jsonl"},
        problems=(401, 429, 503),
    ),
)
