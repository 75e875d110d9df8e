"""Signing in with e-mail and password, and out. What a session may then do is the pages'."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from math import ceil

import structlog
from aiohttp import web

from console.form import read_form
from console.origin import address_of, is_https
from console.passwords import TooManyComparisons
from console.visit import COOKIE, HOME, SIGN_IN, Visit, token_of
from console.wiring import CONSOLE, acquire
from ledger.accounts import Account, close_session, find_account, find_session, open_session, read_email

SESSION = timedelta(hours=12)
TOKEN_BYTES = 32
BUSY_SECONDS = 5

WRONG = "Adresse ou mot de passe incorrect."

log = structlog.get_logger(__name__)


async def show_sign_in(request: web.Request) -> web.StreamResponse:
    if await _account_of(request) is not None:
        raise web.HTTPSeeOther(HOME)
    return _sign_in_page(request)


async def sign_in(request: web.Request) -> web.StreamResponse:
    form = await read_form(request)
    given, password = form.get("email", ""), form.get("password", "")
    email = read_email(given)
    limits = request.app[CONSOLE].limits
    counted = {"email": email or "", "address": address_of(request)}
    if (wait := limits.wait_seconds(**counted, at=time.monotonic())) > 0:
        log.warning("sign_in_limited", **counted)
        minutes = ceil(wait / 60)
        told = f"Trop d’essais. Réessayez dans {minutes} minute{'s' if minutes > 1 else ''}."
        return _sign_in_page(request, 429, told, given, {"Retry-After": str(ceil(wait))})
    try:
        account = await _proven(request, email, password)
    except TooManyComparisons:
        told = "Trop de connexions en ce moment. Réessayez dans quelques secondes."
        return _sign_in_page(request, 429, told, given, {"Retry-After": str(BUSY_SECONDS)})
    token = secrets.token_urlsafe(TOKEN_BYTES)
    if account is None or not await _open(request, account, token):
        log.warning("sign_in_refused", **counted)
        return _sign_in_page(request, 403, WRONG, given)
    limits.forgive(**counted)
    response = web.HTTPSeeOther(HOME)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION.total_seconds()),
        path=HOME,
        httponly=True,
        samesite="Strict",
        secure=is_https(request, request.app[CONSOLE].public_url),
    )
    raise response


async def sign_out(visit: Visit) -> web.StreamResponse:
    token = token_of(visit.request)
    assert token is not None
    await close_session(visit.connection, token, visit.account)
    response = web.HTTPSeeOther(SIGN_IN)
    response.del_cookie(COOKIE, path=HOME)
    raise response


async def _proven(request: web.Request, email: str | None, password: str) -> Account | None:
    """The account whose password this is. The same answer, as late, for an account that does not exist."""
    account = None
    if email is not None:
        async with acquire(request) as connection:
            account = await find_account(connection, email)
    usable = account if account and account.disabled_at is None else None
    proven = await request.app[CONSOLE].passwords.matches(password, usable.password_hash if usable else None)
    return usable if proven else None


async def _open(request: web.Request, account: Account, token: str) -> bool:
    now = datetime.now(UTC)
    async with acquire(request) as connection:
        return await open_session(connection, account, token, now=now, expires_at=now + SESSION)


async def _account_of(request: web.Request) -> Account | None:
    token = token_of(request)
    if token is None:
        return None
    async with acquire(request) as connection:
        return await find_session(connection, token, now=datetime.now(UTC))


def _sign_in_page(
    request: web.Request,
    status: int = 200,
    told: str = "",
    email: str = "",
    headers: dict[str, str] | None = None,
) -> web.Response:
    templates = request.app[CONSOLE].templates
    return templates.answer("sign_in.html", status, headers, account=None, told=told, email=email)
