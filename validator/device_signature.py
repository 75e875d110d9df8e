"""Signatures on requests that change something, by the device's own key: a stolen token alone takes nothing.

A device that was enrolled without a key signs nothing. A device with one signs however its token comes: a
cookie that was copied can be sent as a bearer token too.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps

from aiohttp import web

from keys.device_key import SIGNATURE_BYTES, from_base64url, to_sign, verifies
from ledger.rows import Device
from validator.badge import CHALLENGE, SAFE_METHODS, device_of
from validator.endpoint import SIGNATURE_HEADER, Endpoint, read_content
from validator.problems import Problem
from validator.wiring import KEEPER


@dataclass(frozen=True, slots=True)
class DueSignature:
    """What a request shows for a signature; nothing is verified before `check`."""

    point: bytes
    signature: bytes
    method: str
    path: str

    def check(self, body_sha256: bytes) -> None:
        """Raise a 401 problem unless the device's key signed this very request."""
        message = to_sign(method=self.method, path=self.path, body_sha256=body_sha256)
        if not verifies(self.point, self.signature, message):
            raise _unsigned(f"{SIGNATURE_HEADER} is not this device's signature of this request")


def due_signature(request: web.Request, device: Device) -> DueSignature | None:
    """None: none is due. Raise a 401 problem when one is and there is none, before any body is read."""
    if device.public_key is None:
        return None
    text = request.headers.get(SIGNATURE_HEADER)
    if text is None:
        raise _unsigned(
            f"this device was enrolled with a key: sign the request with it, in {SIGNATURE_HEADER}"
        )
    try:
        signature = from_base64url(text)
    except ValueError:
        signature = b""
    if len(signature) != SIGNATURE_BYTES:
        raise _unsigned(
            f"{SIGNATURE_HEADER} must be r and s, {SIGNATURE_BYTES} bytes, in base64url without padding"
        )
    return DueSignature(device.public_key, signature, request.method, request.raw_path)


def asking_for_signature(endpoint: Endpoint) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The endpoint's handler, reached only by requests that are signed where they have to be."""
    # What is not JSON is too large to be read ahead: its handler asks, and hashes while it reads.
    if endpoint.is_public or endpoint.method in SAFE_METHODS or isinstance(endpoint.body, str):
        return endpoint.handler

    @wraps(endpoint.handler)
    async def asking(request: web.Request) -> web.StreamResponse:
        device = device_of(request, request.app[KEEPER].current())
        if signature := due_signature(request, device):
            signature.check(hashlib.sha256(await read_content(request)).digest())
        return await endpoint.handler(request)

    return asking


def _unsigned(detail: str) -> Problem:
    return Problem(401, "device-signature", detail, {"WWW-Authenticate": CHALLENGE})
