"""Serves the médiateur's page: this package's files, and the headers that fence them in. Nobody's data."""

from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Final, TypeAlias

from aiohttp import ETag, hdrs, web

from mobile_web.page_files import CONTENT_TYPE_OF, Encoding, PageFile, is_vendored, read_files

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Everything is forbidden, then what the page uses is allowed: its own files, the API, the camera, a photo.
POLICY: Final = MappingProxyType(
    {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' blob:",
        "media-src": "'self' blob:",
        "connect-src": "'self'",
        "worker-src": "'self'",
        "manifest-src": "'self'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
        "require-trusted-types-for": "'script'",
        # One policy, which makes the addresses of our two workers and nothing else.
        "trusted-types": "poincon",
    }
)
# A worker is fenced in by its own answer: only the one that decodes pictures may compile WebAssembly.
POLICY_OF: Final = MappingProxyType(
    {"/page/decode_worker.js": POLICY | {"script-src": "'self' 'wasm-unsafe-eval'"}}
)
HEADERS: Final = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Vary": hdrs.ACCEPT_ENCODING,
    }
)
# Browsers heed these, and the policy above, for what opens by itself: the page, a picture, a worker. With
# each of fifty modules they would weigh as much as half of our code.
OPENED_HEADERS: Final = MappingProxyType(
    {
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
)
OPENED_TYPES: Final = frozenset({CONTENT_TYPE_OF["html"], CONTENT_TYPE_OF["svg"]})
# Kept, but asked about at each visit: modules of two versions should not run together.
ASKED_ABOUT: Final = "no-cache"
# A year: the address of a vendored file holds its version.
KEPT: Final = "public, max-age=31536000, immutable"

ACCEPTED_CODINGS_MAX: Final = 16
ETAG_HEX: Final = 16


def add_page(app: web.Application) -> None:
    """Serve / and its files: only those read here, so that no path can lead elsewhere."""
    for file in read_files():
        app.router.add_get(file.url, serve(file))


def headers_of(file: PageFile) -> dict[str, str]:
    headers = {**HEADERS, "Cache-Control": KEPT if is_vendored(file) else ASKED_ABOUT}
    if file.url.endswith("_worker.js") or file.content_type in OPENED_TYPES:
        policy = POLICY_OF.get(file.url, POLICY)
        headers |= OPENED_HEADERS
        headers["Content-Security-Policy"] = "; ".join(f"{name} {value}" for name, value in policy.items())
    return headers


def serve(file: PageFile) -> Handler:
    headers = headers_of(file)

    async def get_file(request: web.Request) -> web.Response:
        encoding = best_encoding(file, request.headers.get(hdrs.ACCEPT_ENCODING, ""))
        etag = f"{file.digest[:ETAG_HEX]}{'' if encoding is Encoding.IDENTITY else f'-{encoding}'}"
        is_known = any(known.value == etag for known in request.if_none_match or ())
        response = web.Response(status=304) if is_known else web.Response(body=file.bodies[encoding])
        if not is_known:
            response.headers[hdrs.CONTENT_TYPE] = file.content_type
            if encoding is not Encoding.IDENTITY:
                response.headers[hdrs.CONTENT_ENCODING] = encoding
        response.headers.update(headers)
        response.etag = ETag(etag)
        return response

    return get_file


def best_encoding(file: PageFile, accepted: str) -> Encoding:
    """The smallest that the client names; what it can't be read to accept is sent as it is."""
    named = set()
    for coding in accepted.lower().split(",")[:ACCEPTED_CODINGS_MAX]:
        name, _, weight = coding.partition(";")
        if weight.replace(" ", "").rstrip("0.") != "q=":
            named.add(name.strip())
    usable = [encoding for encoding in file.bodies if encoding in named]
    return min(usable, key=lambda encoding: len(file.bodies[encoding]), default=Encoding.IDENTITY)
