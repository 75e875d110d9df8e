"""Signing in with e-mail and password, and out. The second factor is in second_step.py; what a session may
then do is the pages'."""

import secrets
import time
from datetime import UTC, datetime, timedelta
from math import ceil

import structlog
from aiohttp import web

from console.admission import SECOND_STEP
from console.form import read_form
from console.origin import address_of, is_https
from console.passwords import TooManyComparisons
from console.visit import COOKIE, HOME, IDLE_MAX, SIGN_IN, Visit, token_of
from console.wiring import CONSOLE, acquire
from ledger.account_rows import Account, Session
from ledger.accounts import find_account, read_email
from ledger.connect import Connection
from ledger.sessions import close_session, find_session, open_session

SESSION = timedelta(hours=12)
SECOND_STEP_MAX = timedelta(minutes=10)
TOKEN_BYTES = 32
BUSY_SECONDS = 5

WRONG = "Adresse ou mot de passe incorrect."

log = structlog.get_logger(__name__)


async def show_sign_in(request: web.Request) -> web.StreamResponse:
    session = await _session_of(request)
    if session is not None and session.proved_at is not None:
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
        return _sign_in_page(request, 429, too_many(wait), given, {"Retry-After": str(ceil(wait))})
    try:
        account = await _proven(request, email, password)
    except TooManyComparisons:
        told = "Trop de connexions en ce moment. Réessayez dans quelques secondes."
        return _sign_in_page(request, 429, told, given, {"Retry-After": str(BUSY_SECONDS)})
    if account is not None:
        async with acquire(request) as connection:
            is_whole = not account.has_second_factor
            response = await start_session(request, connection, account, is_whole=is_whole)
        if response is not None:
            limits.forgive(**counted)
            raise response
    log.warning("sign_in_refused", **counted)
    return _sign_in_page(request, 403, WRONG, given)


async def start_session(
    request: web.Request,
    connection: Connection,
    account: Account,
    *,
    is_whole: bool,
    instead_of: Session | None = None,
) -> web.HTTPSeeOther | None:
    """Open a session and return the answer that carries its cookie; None where it may not be opened any more.

    A half session leads to the second step alone; a whole one has a token of its own.
    """
    token = secrets.token_urlsafe(TOKEN_BYTES)
    now, lasts = datetime.now(UTC), SESSION if is_whole else SECOND_STEP_MAX
    opened = await open_session(
        connection,
        account,
        token,
        now=now,
        idle_max=IDLE_MAX,
        expires_at=now + lasts,
        user_agent=_plain(request.headers.get("User-Agent", "")),
        is_proved=is_whole,
        instead_of=instead_of,
    )
    if not opened:
        return None
    response = web.HTTPSeeOther(HOME if is_whole else SECOND_STEP)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(lasts.total_seconds()),
        path=HOME,
        httponly=True,
        samesite="Strict",
        secure=is_https(request, request.app[CONSOLE].public_url),
    )
    return response


async def sign_out(visit: Visit) -> web.StreamResponse:
    await close_session(visit.connection, visit.session)
    raise signed_out()


def signed_out() -> web.HTTPSeeOther:
    response = web.HTTPSeeOther(SIGN_IN)
    response.del_cookie(COOKIE, path=HOME)
    return response


def too_many(wait_seconds: float) -> str:
    minutes = ceil(wait_seconds / 60)
    return f"Trop d’essais. Réessayez dans {minutes} minute{'s' if minutes > 1 else ''}."


async def _proven(request: web.Request, email: str | None, password: str) -> Account | None:
    """The account whose password this is. The same answer, as late, for an account that does not exist."""
    account = None
    if email is not None:
        async with acquire(request) as connection:
            account = await find_account(connection, email)
    usable = account if account and account.disabled_at is None else None
    proven = await request.app[CONSOLE].passwords.matches(password, usable.password_hash if usable else None)
    return usable if proven else None


async def _session_of(request: web.Request) -> Session | None:
    token = token_of(request)
    if token is None:
        return None
    async with acquire(request) as connection:
        return await find_session(connection, token, now=datetime.now(UTC), idle_max=IDLE_MAX)


def _plain(user_agent: str) -> str:
    """PostgreSQL keeps no NUL, and headers may hold what is no text."""
    return "".join(letter for letter in user_agent if letter.isascii() and letter.isprintable())


def _sign_in_page(
    request: web.Request,
    status: int = 200,
    told: str = "",
    email: str = "",
    headers: dict[str, str] | None = None,
) -> web.Response:
    templates = request.app[CONSOLE].templates
    return templates.answer("sign_in.html", status, headers, account=None, told=told, email=email)
