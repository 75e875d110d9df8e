"""The wiring of the console, on one screen: its pages, and how what goes wrong is answered."""

import structlog
from aiohttp import web

from console.origin import is_from_our_page
from console.public_site import add_public_pages
from console.refusal import (
    BY_STATUS,
    FORM_UNREADABLE,
    NOT_OURS,
    OUR_MISTAKE,
    UNAVAILABLE,
    PageRefused,
    Refusal,
)
from console.rendering import HEADERS
from console.routes import OPEN_ROUTES, ROUTES, roles_by_route
from console.visit import HOME, Handler
from console.wiring import CONSOLE, Console, ReceiptExport
from keys.sealed import KeyFolder
from keys.second_factor import SecondFactorKeys
from keys.webhook_secret import WebhookKeys
from ledger.connect import UNREACHABLE, Pool

SAFE_METHODS = frozenset({"GET", "HEAD"})

log = structlog.get_logger(__name__)


def add_console(
    app: web.Application,
    *,
    pool: web.AppKey[Pool],
    public_url: str | None,
    keys: KeyFolder | None = None,
    master_secret: bytes | None = None,
    require_second_factor: bool = False,
    receipts: ReceiptExport | None = None,
    database_url: str | None = None,
    allows_private_webhooks: bool = False,
    sends_mail: bool = False,
) -> None:
    """Serve the console under /console.

    pool: the key under which the application holds its pool once it runs.
    keys: where the practice key is; None: practice booklets are printed by the command only.
    master_secret: seals second factors; None: nobody can enrol one.
    require_second_factor: of those who approve; of others for what they sign or decide.
    receipts: exports an operator's receipts; None: the service that has their keys is elsewhere.
    database_url: of the pool's record; None: accounts are rendered by the command only.
    allows_private_webhooks: addresses of our own network may be called. sends_mail: notices leave by mail.
    public_url: what links to the page start with, such as https://scan.example; None: what the request says.
    """
    console = web.Application(middlewares=[answer_pages])
    console[CONSOLE] = Console(
        pool,
        public_url,
        roles_by_route(),
        keys=keys,
        second_factors=SecondFactorKeys(master_secret) if master_secret else None,
        require_second_factor=require_second_factor,
        receipts=receipts,
        database_url=database_url,
        webhook_keys=WebhookKeys(master_secret) if master_secret else None,
        allows_private_webhooks=allows_private_webhooks,
        sends_mail=sends_mail,
    )
    for route in (*OPEN_ROUTES, *ROUTES):
        add = console.router.add_get if route.method == "GET" else console.router.add_post
        add(route.path, route.handler)
    app.add_subapp(HOME, console)
    add_public_pages(app, pool=pool, templates=console[CONSOLE].templates)


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
