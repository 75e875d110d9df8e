"""What anybody may read: keyset, revocations, programmes, health, metrics. Cacheable, for offline pages."""

import hashlib

import msgspec
from aiohttp import web

from ledger.connect import answering
from ledger.facts import cancelled_booklets
from validator import metrics
from validator.bodies import (
    AmendmentBody,
    BatchNumbersBody,
    HealthBody,
    KeysetBody,
    ProgrammeBody,
    ProgrammesBody,
    ReadyBody,
    RevocationBody,
    RevocationsBody,
)
from validator.endpoint import Endpoint, answer
from validator.readiness import readiness
from validator.wiring import DESK, GUARD, KEEPER, POOL, WATCH

CACHE_SECONDS = (
    60  # also how long a cancelled booklet may pass for good in an offline page that is online again
)


def _cacheable(request: web.Request, body: object) -> web.Response:
    encoded = msgspec.json.encode(body)
    tag = f'"{hashlib.sha256(encoded).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": f"public, max-age={CACHE_SECONDS}",
        "Access-Control-Allow-Origin": "*",
    }
    known = {one.value for one in request.if_none_match or ()}
    if known & {tag.strip('"'), "*"}:
        return web.Response(status=304, headers=headers)
    return web.Response(body=encoded, content_type="application/json", headers=headers)


async def get_keyset(request: web.Request) -> web.Response:
    return _cacheable(request, request.app[KEEPER].current().keyring.jwks())


async def get_revocations(request: web.Request) -> web.Response:
    async with answering(request.app[POOL]) as connection:
        cancelled = await cancelled_booklets(connection)
    return _cacheable(request, RevocationsBody([RevocationBody(*one) for one in cancelled]))


async def get_programmes(request: web.Request) -> web.Response:
    snapshot = request.app[KEEPER].current()
    bodies = [
        ProgrammeBody(
            id=programme.id,
            name=programme.name,
            funder=programme.funder,
            face_value_cents=programme.face_value_cents,
            booklet_size=programme.booklet_size,
            last_day=programme.last_day,
            expires_at=programme.expires_at,
            amendments=[
                AmendmentBody(one.amended_at, one.last_day_old, one.last_day_new, one.reason)
                for one in snapshot.amendments
                if one.programme_id == programme.id
            ],
            payment_delay_days=programme.payment_delay_days,
            batches=[
                BatchNumbersBody(one.first_booklet, one.booklet_count)
                for one in snapshot.batches
                if one.programme_id == programme.id
            ],
        )
        for programme in snapshot.programmes.values()
    ]
    return _cacheable(request, ProgrammesBody(bodies))


async def get_health(_: web.Request) -> web.Response:
    return answer(HealthBody("ok", []))


async def get_ready(request: web.Request) -> web.Response:
    """503 unless a scan could be judged and recorded now. Without the guard scans go on: it is only told."""
    app = request.app
    ready = await readiness(app[KEEPER], app[DESK], app[POOL], app[GUARD])
    body = ReadyBody("unavailable" if ready.failing else "ok", ready.failing, ready.parts)
    return answer(body, 503 if ready.failing else 200)


async def get_metrics(request: web.Request) -> web.Response:
    request.app[WATCH].look_here()
    return web.Response(
        body=metrics.exposition(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
    )


def _public(path: str, handler: object, summary: str, answers: dict[int, object]) -> Endpoint:
    problems = (503,) if path.startswith("/v1") else ()
    return Endpoint("GET", path, handler, summary, answers, problems=problems, is_public=True)  # type: ignore[arg-type]


ENDPOINTS = (
    _public("/v1/keyset", get_keyset, "Public keys with their states (JWKS, RFC 7517)", {200: KeysetBody}),
    _public("/v1/revocations", get_revocations, "Cancelled booklets", {200: RevocationsBody}),
    _public(
        "/v1/programmes",
        get_programmes,
        "Face value, validity, amendments, booklet numbers",
        {200: ProgrammesBody},
    ),
    _public("/healthz", get_health, "Alive", {200: HealthBody}),
    _public("/readyz", get_ready, "Able to judge and record a scan", {200: ReadyBody, 503: ReadyBody}),
    _public("/metrics", get_metrics, "Metrics for Prometheus", {200: "text/plain"}),
)
