"""The calls of a device about itself and its operator: who am I, photos, export of receipts."""

import asyncio
import hashlib
from datetime import UTC, datetime
from typing import Literal

import msgspec
from aiohttp import web

from ledger.acceptances import acceptances_of
from ledger.connect import answering
from ledger.rows import Operator
from scanner.found import IMAGE_BYTES_MAX, refuse_too_many_bytes
from validator.badge import device_of
from validator.bodies import DeviceBody, FoundBody, PhotoBody
from validator.checks import add_checks
from validator.device_signature import DueSignature, due_signature
from validator.endpoint import Endpoint, answer, in_time
from validator.problems import Problem
from validator.snapshot import Snapshot
from validator.trouble import TooManyAttempts
from validator.verdict import PARIS
from validator.wiring import DESK, EXPORTS_UNDER_WAY, KEEPER, PHOTOS, PHOTOS_UNDER_WAY, POOL

CHUNK_BYTES = 64 * 1024
RECEIPTS_PER_WRITE = 200
RECEIPTS_PER_TURN = 20
EXPORTS_MAX = 2  # each holds a connection of the pool for as long as its reader takes
EXPORT_SECONDS_MAX = 600.0
PHOTOS_PER_DEVICE_MAX = 2


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
    signature = due_signature(request, device)
    must_check = _must_check(request)
    under_way = request.app[PHOTOS_UNDER_WAY]
    # A hostile photo can hold a worker for seconds: no device may hold them all.
    if under_way[device.id] >= PHOTOS_PER_DEVICE_MAX:
        raise TooManyAttempts("this device has other photos under way", retry_after_seconds=1)
    under_way[device.id] += 1
    try:
        found = await request.app[PHOTOS].read(await _read_image(request, signature))
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


async def _read_image(request: web.Request, signature: DueSignature | None) -> bytes:
    """The body, given up as soon as it is over the limit rather than once it is in memory."""
    if request.content_type.startswith("multipart/"):
        raise Problem(415, "unsupported-media-type", "send the image itself as the body, not a form")
    refuse_too_many_bytes(request.content_length or 0)
    image, digest = bytearray(), hashlib.sha256()
    async with in_time():
        async for chunk in request.content.iter_chunked(CHUNK_BYTES):
            image += chunk
            refuse_too_many_bytes(len(image))
            if signature:
                digest.update(chunk)
    if signature:
        signature.check(digest.digest())
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
