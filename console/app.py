"""The wiring of the console, on one screen: its pages, and how what goes wrong is answered."""

import structlog
from aiohttp import web

from console.booklets_page import cancel, show_booklets
from console.devices_page import invite, revoke, show_device, show_devices, show_enrolment
from console.events_page import show_events
from console.origin import is_from_our_page
from console.overview_page import show_overview
from console.passwords import PasswordDesk
from console.practice_page import print_practice
from console.refusal import (
    BY_STATUS,
    FORM_UNREADABLE,
    NOT_OURS,
    OUR_MISTAKE,
    UNAVAILABLE,
    PageRefused,
    Refusal,
)
from console.rendering import HEADERS, Templates
from console.sign_in import show_sign_in, sign_in, sign_out
from console.sign_in_limits import SignInLimits
from console.visit import HOME, Handler, signed_in
from console.wiring import CONSOLE, Console
from keys.sealed import KeyFolder
from ledger.connect import UNREACHABLE, Pool

SAFE_METHODS = frozenset({"GET", "HEAD"})

log = structlog.get_logger(__name__)


def add_console(
    app: web.Application,
    *,
    pool: web.AppKey[Pool],
    public_url: str | None,
    keys: KeyFolder | None = None,
) -> None:
    """Serve the console under /console.

    pool: the key under which the application holds its pool once it runs.
    keys: where the practice key is; None: practice booklets are printed by the command only.
    public_url: what links to the page start with, such as https://scan.example; None: what the request says.
    """
    console = web.Application(middlewares=[answer_pages])
    console[CONSOLE] = Console(pool, public_url, Templates(), PasswordDesk(), SignInLimits(), keys)
    console.router.add_routes(
        [
            web.get("/static/{name}", get_static),
            web.get("/connexion", show_sign_in),
            web.post("/connexion", sign_in),
            web.post("/deconnexion", signed_in(sign_out)),
            web.get("", signed_in(show_overview)),
            web.get("/telephones", signed_in(show_devices)),
            web.get("/telephones/nouveau", signed_in(show_enrolment)),
            web.post("/telephones/nouveau", signed_in(invite)),
            web.get(r"/telephones/{device:\d+}", signed_in(show_device)),
            web.post(r"/telephones/{device:\d+}/revocation", signed_in(revoke)),
            web.get("/carnets", signed_in(show_booklets)),
            web.post("/carnets/annulation", signed_in(cancel)),
            web.post("/carnets/entrainement", signed_in(print_practice)),
            web.get("/journal", signed_in(show_events)),
        ]
    )
    app.add_subapp(HOME, console)


async def get_static(request: web.Request) -> web.StreamResponse:
    return request.app[CONSOLE].templates.static(request.match_info["name"])


@web.middleware
async def answer_pages(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse what other sites send, answer errors as pages, and put our headers on every answer."""
    try:
        response = await _answered(request, handler)
    except web.HTTPRedirection as redirection:
        redirection.headers.update(HEADERS)
        raise
    response.headers.update(HEADERS)
    return response


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        if request.method not in SAFE_METHODS and not is_from_our_page(request):
            raise PageRefused(NOT_OURS)
        return await handler(request)
    except web.HTTPRedirection:
        raise
    except PageRefused as error:
        return _error_page(request, error.refusal)
    except web.HTTPException as error:
        allowed = {name: value for name, value in error.headers.items() if name == "Allow"}
        return _error_page(request, BY_STATUS.get(error.status, FORM_UNREADABLE), allowed)
    except UNREACHABLE as error:
        log.warning("record_unreachable", error=repr(error), route=request.path)
        return _error_page(request, UNAVAILABLE)
    except Exception:
        log.exception("page_failed", method=request.method, route=request.path)
        return _error_page(request, OUR_MISTAKE)


def _error_page(
    request: web.Request, refusal: Refusal, headers: dict[str, str] | None = None
) -> web.Response:
    templates = request.app[CONSOLE].templates
    return templates.answer(
        "error.html", refusal.status, {**refusal.headers, **(headers or {})}, account=None, refusal=refusal
    )
