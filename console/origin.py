"""Where a request comes from: our own pages or elsewhere, which address, whether over https. Nobody is
identified here."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

ADDRESS_CHARS_MAX = 64


def is_from_our_page(request: web.Request) -> bool:
    """True for what a page of this very origin sent; browsers let no page forge either header."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    # Browsers send no Sec-Fetch-Site over plain http to another machine.
    try:
        origin = urlsplit(request.headers.get("Origin", ""))
    except ValueError:
        return False
    return origin.scheme in {"http", "https"} and origin.netloc.lower() == request.host.lower()


def address_of(request: web.Request) -> str:
    """Who connected: told by our balancer when the connection comes from a private network, else its peer."""
    peer = request.remote or "unknown"
    forwarded = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return forwarded[:ADDRESS_CHARS_MAX] if forwarded and _is_private(peer) else peer


def is_https(request: web.Request, public_url: str | None) -> bool:
    return _scheme(request) == "https" or (public_url or "").startswith("https:")


def origin_of(request: web.Request, public_url: str | None) -> str:
    """What links to our pages start with."""
    return (public_url or f"{_scheme(request)}://{request.host}").rstrip("/")


def _scheme(request: web.Request) -> str:
    return "https" if request.headers.get("X-Forwarded-Proto") == "https" else request.scheme


def _is_private(address: str) -> bool:
    try:
        return ip_address(address.partition("%")[0]).is_private
    except ValueError:
        return False
