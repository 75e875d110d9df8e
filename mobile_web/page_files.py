"""The page's files as they are sent: read and compressed once, and the list that a phone keeps."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import brotli
import msgspec

from mobile_web.vendored import is_precompressed, read_lock, vendor_folder

CONTENT_TYPE_OF: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "png": "image/png",
    "svg": "image/svg+xml",
    "wasm": "application/wasm",
    "webmanifest": "application/manifest+json",
}
PLAIN_TEXT: Final = "text/plain; charset=utf-8"
# Everything else is served under /page/.
URL_OF: Final = {
    "index.html": "/",
    "service_worker.js": "/service_worker.js",
    "manifest.webmanifest": "/manifest.webmanifest",
}
VENDOR_URL: Final = "/page/vendor/"
FILES_URL: Final = "/page/files.json"
WORKER_URL: Final = "/service_worker.js"

FILE_BYTES_MAX: Final = 128 * 1024
VENDORED_BYTES_MAX: Final = 1024 * 1024
DIGEST_CHARS: Final = 32  # enough to tell one version from another, and half the weight
BROTLI_QUALITY: Final = 11
COMMENT_LINE: Final = re.compile(rb"^ *//.*$", re.MULTILINE)  # none of our texts in backticks has such a line
GZIP_LEVEL: Final = 9


class Encoding(StrEnum):
    IDENTITY = "identity"
    GZIP = "gzip"
    BROTLI = "br"


@dataclass(frozen=True, slots=True)
class PageFile:
    url: str
    content_type: str
    digest: str  # SHA-256 of the file itself
    bodies: dict[Encoding, bytes]

    @property
    def body(self) -> bytes:
        return self.bodies[Encoding.IDENTITY]


class Release(msgspec.Struct, frozen=True):
    """What belongs together: `version` changes with any of it. Icons are the browser's to keep."""

    version: str
    files: list[dict[str, str]]
    vendor: list[str]


@cache
def read_files() -> tuple[PageFile, ...]:
    """Once per process: the best compression takes a moment."""
    own = sorted(_own_files(), key=lambda file: file.url)
    vendored = _vendored_files()
    release = release_of(own, vendored)
    listing = msgspec.json.encode(release)
    kept = [file for file in own if file.url != WORKER_URL]
    workers = [_released(file, listing) for file in own if file.url == WORKER_URL]
    return (*kept, *workers, *vendored, _page_file(FILES_URL, listing))


def release_of(own: list[PageFile], vendored: list[PageFile]) -> Release:
    together = hashlib.sha256()
    for file in (*own, *vendored):
        together.update(f"{file.url} {file.digest}\n".encode())
    return Release(
        version=together.hexdigest()[:16],
        files=[{"url": file.url, "sha256": file.digest[:DIGEST_CHARS]} for file in own if _is_kept(file)],
        vendor=[file.url for file in vendored if file.content_type != PLAIN_TEXT],
    )


def _is_kept(file: PageFile) -> bool:
    return file.url != WORKER_URL and file.content_type != CONTENT_TYPE_OF["png"]


def is_vendored(file: PageFile) -> bool:
    return file.url.startswith(VENDOR_URL)


def _released(worker: PageFile, listing: bytes) -> PageFile:
    """Browsers look for a new version by comparing this one file: it names all the others."""
    return _page_file(worker.url, b"self.RELEASE = " + listing + b"\n" + worker.body)


def _own_files() -> list[PageFile]:
    folder = files("mobile_web").joinpath("static")
    return [
        _page_file(
            URL_OF.get(file.name, f"/page/{file.name}"), _without_comments(file.name, file.read_bytes())
        )
        for file in folder.iterdir()
        if file.is_file()
    ]


def _without_comments(name: str, body: bytes) -> bytes:
    """A phone has no use for lines that hold a comment alone, a fifth of the modules' weight. The lines stay,
    empty, so that what a browser tells of an error is right."""
    if not name.endswith(".js"):
        return body
    return COMMENT_LINE.sub(b"", body)


def _page_file(url: str, body: bytes) -> PageFile:
    assert len(body) <= FILE_BYTES_MAX, f"{url} is too large for a phone"
    content_type = CONTENT_TYPE_OF["html" if url == "/" else url.rpartition(".")[2]]
    bodies = {Encoding.IDENTITY: body}
    if content_type != CONTENT_TYPE_OF["png"]:  # which is compressed already
        bodies[Encoding.GZIP] = gzip.compress(body, GZIP_LEVEL, mtime=0)
        bodies[Encoding.BROTLI] = brotli.compress(body, quality=BROTLI_QUALITY)
    return PageFile(url, content_type, hashlib.sha256(body).hexdigest(), bodies)


def _vendored_files() -> list[PageFile]:
    """What the lock names, licences included. No gzip: whoever has a camera to offer here takes Brotli."""
    vendor = vendor_folder()
    return [
        _vendored_file(vendor, f"{package.folder}/{path}")
        for package in read_lock(vendor)
        for path in package.files
    ]


def _vendored_file(vendor: Traversable, path: str) -> PageFile:
    body = vendor.joinpath(path).read_bytes()
    assert len(body) <= VENDORED_BYTES_MAX, f"{path} is too large for a phone"
    bodies = {Encoding.IDENTITY: body}
    if is_precompressed(path):
        bodies[Encoding.BROTLI] = vendor.joinpath(f"{path}.br").read_bytes()
    content_type = CONTENT_TYPE_OF.get(path.rpartition(".")[2], PLAIN_TEXT)
    return PageFile(f"{VENDOR_URL}{path}", content_type, hashlib.sha256(body).hexdigest(), bodies)
