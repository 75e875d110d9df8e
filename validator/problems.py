"""Errors as RFC 9457 problem details, answered in one place; what went wrong inside stays in the log."""

import time
from collections.abc import Awaitable, Callable
from functools import cache
from typing import TypeAlias

import msgspec
import structlog
from aiohttp import web
from msgspec import UNSET, UnsetType
from prometheus_client import Histogram

from ledger.connect import UNREACHABLE
from scanner.found import ImageRefusal, ImageRefused
from scanner.pool import ReaderBusy, ReaderFailed
from validator import metrics
from validator.bodies import ProblemBody
from validator.trouble import CannotDecide, TooManyAttempts

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

TITLES = {
    400: "Malformed request",
    401: "Who asks is not known",
    403: "Not this device's right",
    404: "Not found",
    405: "Method not allowed",
    408: "Too slow",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Image refused",
    429: "Too many requests",
    500: "Internal error",
    503: "Cannot decide now",
}

# Whoever opens an answer of the API in a browser sees text: nothing in it runs, is framed or is kept.
API = ("/v1/", "/healthz", "/readyz", "/metrics", "/openapi.json")
FENCE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "script-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}

log = structlog.get_logger(__name__)


def problem(
    status: int,
    name: str,
    detail: str,
    headers: dict[str, str] | None = None,
    attempts: dict[str, str] | UnsetType = UNSET,
) -> web.Response:
    title = TITLES.get(status, "Error")
    body = ProblemBody(f"urn:poincon:problem:{name}", title, status, detail, attempts)
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        content_type="application/problem+json",
        headers=headers,
    )


class Problem(Exception):
    """Raised by a handler to answer a problem."""

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        headers: dict[str, str] | None = None,
        attempts: dict[str, str] | UnsetType = UNSET,
    ) -> None:
        super().__init__(detail)
        self.response = problem(status, name, detail, headers, attempts)


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    started = time.perf_counter()
    response = await _answered(request, handler)
    resource = request.match_info.route.resource
    route = resource.canonical if resource else "unknown"
    if request.path.startswith(API) and not response.prepared:
        for name, value in FENCE.items():
            response.headers.setdefault(name, value)
    _request_seconds(route, response.status).observe(time.perf_counter() - started)
    return response


@cache
def _request_seconds(route: str, status: int) -> Histogram:
    """Routes are those that the application has, and statuses are few."""
    return metrics.REQUEST_SECONDS.labels(route, str(status))


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Problem as error:
        return error.response
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _http_problem(error)
    except (ImageRefused, ReaderBusy, ReaderFailed) as error:
        return _photo_problem(error)
    except (TooManyAttempts, CannotDecide, *UNREACHABLE) as error:
        return _waiting_problem(error, request)
    except Exception:
        log.exception("request_failed", method=request.method, route=request.path)
        return problem(500, "internal", "our mistake, and logged; try again with the same attempt_id")


def _http_problem(error: web.HTTPException) -> web.Response:
    name = (error.reason or "error").lower().replace(" ", "-")
    headers = {name: value for name, value in error.headers.items() if name == "Allow"}
    return problem(error.status, name, f"{error.status} {error.reason}", headers)


def _photo_problem(error: ImageRefused | ReaderBusy | ReaderFailed) -> web.Response:
    match error:
        case ImageRefused(refusal=ImageRefusal.TOO_MANY_BYTES, message=message):
            return problem(413, "image-too-many-bytes", message)
        case ImageRefused(refusal=refusal, message=message):
            return problem(422, f"image-{refusal.value}".replace("_", "-"), message)
        case ReaderBusy():
            return problem(503, "readers-busy", "too many photos are waiting", {"Retry-After": "2"})
        case _:
            return problem(422, "image-not-read", str(error))


def _waiting_problem(error: Exception, request: web.Request) -> web.Response:
    """The caller is to try again later, with the same attempt id."""
    match error:
        case TooManyAttempts():
            return problem(429, "too-many", str(error), {"Retry-After": str(error.retry_after_seconds)})
        case CannotDecide():
            headers = {"Retry-After": str(error.retry_after_seconds)}
            return problem(503, "cannot-decide", str(error), headers)
        case _:
            if request.transport is not None:  # else the caller went away, and nobody reads this answer
                log.warning("record_unreachable", error=repr(error), route=request.path)
            return problem(503, "cannot-decide", "the record can't be reached", {"Retry-After": "1"})
