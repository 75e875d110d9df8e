"""The beginning and the end of a device: enrolled by a link that works once, and its own goodbye."""

from datetime import UTC, datetime

from aiohttp import web

from keys.device_key import point_of_jwk
from ledger.connect import answering
from ledger.devices import accept_invitation, revoke_device
from validator.badge import COOKIE, device_of
from validator.bodies import EnrolBody, EnrolledBody, GoodbyeBody
from validator.endpoint import Endpoint, answer, read_body
from validator.problems import Problem
from validator.wiring import KEEPER, POOL, SETTINGS

COOKIE_SECONDS = 400 * 24 * 3600  # browsers keep no cookie longer
GOODBYE = "rendu depuis le téléphone lui-même"


async def post_enrolment(request: web.Request) -> web.Response:
    body = await read_body(request, EnrolBody)
    public_key = _public_key(body)
    async with answering(request.app[POOL]) as connection:
        enrolled = await accept_invitation(
            connection, body.code, now=datetime.now(UTC), public_key=public_key
        )
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


def _public_key(body: EnrolBody) -> bytes | None:
    """Looked at before the link is: a key that can't be used must not use the link up."""
    if body.public_key is None:
        return None
    try:
        return point_of_jwk(body.public_key)
    except ValueError as error:
        raise Problem(400, "malformed", f"public_key: {error}") from None


def _is_secure(request: web.Request) -> bool:
    public_url = request.app[SETTINGS].public_url or ""
    return public_url.startswith("https:") or request.headers.get("X-Forwarded-Proto") == "https"


async def delete_device(request: web.Request) -> web.Response:
    device = device_of(request, request.app[KEEPER].current())
    now = datetime.now(UTC)
    async with answering(request.app[POOL]) as connection:
        await revoke_device(connection, device.id, at=now, actor=f"device:{device.id}", reason=GOODBYE)
    await request.app[KEEPER].refresh()
    response = answer(GoodbyeBody(device=device.id, revoked_at=now))
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict", secure=_is_secure(request))
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
        "DELETE",
        "/v1/device",
        delete_device,
        "Revoke this device for ever, by itself; what it took stays taken",
        answers={200: GoodbyeBody},
        problems=(401, 503),
    ),
)
