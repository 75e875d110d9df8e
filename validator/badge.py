"""Who asks: the device behind a request, by its token in the header or in the page's own cookie."""

from aiohttp import web

from ledger.devices import token_sha256
from ledger.rows import Device
from validator.problems import Problem
from validator.snapshot import Snapshot

COOKIE = "poincon_device"
TOKEN_CHARS_MAX = 200
CHALLENGE = 'Bearer realm="poincon"'
SAFE_METHODS = frozenset({"GET", "HEAD"})

_KNOWN = web.RequestKey("known", tuple[Snapshot, Device])


def device_of(request: web.Request, snapshot: Snapshot) -> Device:
    """Raise a 401 problem unless the request carries the token of an enrolled device that was not revoked."""
    known: tuple[Snapshot, Device] | None = request.get(_KNOWN)
    if known is not None and known[0] is snapshot:  # asked twice of the same facts
        return known[1]
    token = _token(request)
    device = snapshot.devices.get(token_sha256(token)) if token else None
    if device is None:
        raise _unauthorised("no or unknown device token; enrol this device")
    if device.revoked_at is not None:
        raise _unauthorised("this device was revoked; enrol it again")
    request[_KNOWN] = (snapshot, device)
    return device


def _token(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token if _may_be_a_token(token) else None
    cookie = request.cookies.get(COOKIE)
    # A page elsewhere could make the browser send the cookie: only our own page may change things with it.
    if (
        cookie
        and request.method not in SAFE_METHODS
        and request.headers.get("Sec-Fetch-Site") != "same-origin"
    ):
        return None
    return cookie if cookie and _may_be_a_token(cookie) else None


def _may_be_a_token(text: str) -> bool:
    """Ours are ASCII; bytes that are not UTF-8 arrive as surrogates, which can't be encoded again."""
    return text.isascii() and len(text) <= TOKEN_CHARS_MAX


def _unauthorised(detail: str) -> Problem:
    return Problem(401, "unauthorised", detail, {"WWW-Authenticate": CHALLENGE})
