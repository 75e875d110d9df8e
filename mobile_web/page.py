"""Serves the médiateur's page: this package's files, and the headers that fence them in. Nobody's data."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final, TypeAlias

from aiohttp import ETag, hdrs, web

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

CONTENT_TYPE_OF: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
FILE_BYTES_MAX: Final = 128 * 1024

# Everything is forbidden, then what the page uses is allowed: its own files, the API, and a photo it holds.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)
HEADERS: Final = MappingProxyType(
    {
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        # Kept, but asked about at each visit: modules of two versions should not run together.
        "Cache-Control": "no-cache",
    }
)


@dataclass(frozen=True, slots=True)
class PageFile:
    name: str
    body: bytes
    content_type: str
    etag: str


def add_page(app: web.Application) -> None:
    """Serve / and its files under /page/: only those read here, so that no path can lead elsewhere."""
    for file in read_files():
        path = "/" if file.name == "index.html" else f"/page/{file.name}"
        app.router.add_get(path, serve(file))


def read_files() -> list[PageFile]:
    folder = files("mobile_web").joinpath("static")
    return [_page_file(file.name, file.read_bytes()) for file in folder.iterdir() if file.is_file()]


def _page_file(name: str, body: bytes) -> PageFile:
    assert len(body) <= FILE_BYTES_MAX, f"{name} is too large for a phone"
    content_type = CONTENT_TYPE_OF[name.rpartition(".")[2]]
    return PageFile(name, body, content_type, hashlib.sha256(body).hexdigest()[:32])


def serve(file: PageFile) -> Handler:
    async def get_file(request: web.Request) -> web.Response:
        is_known = any(etag.value == file.etag for etag in request.if_none_match or ())
        response = web.Response(status=304) if is_known else web.Response(body=file.body)
        if not is_known:
            response.headers[hdrs.CONTENT_TYPE] = file.content_type
        response.headers.update(HEADERS)
        response.etag = ETag(file.etag)
        return response

    return get_file
