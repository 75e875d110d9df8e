"""The second step of signing in: a code, for accounts with a second factor. Enrolling is elsewhere."""

from datetime import UTC, datetime
from math import ceil

from aiohttp import web

from console.form import read_form
from console.refusal import STALE_FORM, PageRefused
from console.second_factor import CodeAnswer, check_code, wait_seconds
from console.sign_in import start_session, too_many
from console.visit import CSRF_FIELD, HOME, IDLE_MAX, SIGN_IN, csrf_token_of, is_same, token_of
from console.wiring import CONSOLE, acquire
from ledger.account_rows import Session
from ledger.connect import Connection
from ledger.sessions import find_session

TOLD = {
    CodeAnswer.WRONG: "Ce code n’est pas le bon. Attendez le suivant et vérifiez l’heure de votre téléphone.",
    CodeAnswer.SERVED: "Ce code a déjà servi. Attendez le suivant : il change toutes les trente secondes.",
}


async def show_second_step(request: web.Request) -> web.StreamResponse:
    async with acquire(request) as connection:
        token, _ = await _half_session(request, connection)
    return _page(request, token)


async def take_second_step(request: web.Request) -> web.StreamResponse:
    form = await read_form(request)
    async with acquire(request) as connection:
        token, session = await _half_session(request, connection)
        if not is_same(form.get(CSRF_FIELD, ""), csrf_token_of(token)):
            raise PageRefused(STALE_FORM)
        account = session.account
        if (wait := wait_seconds(request, account)) > 0:
            return _page(request, token, 429, too_many(wait), {"Retry-After": str(ceil(wait))})
        answer = await check_code(request, connection, account, form.get("code", ""), now=datetime.now(UTC))
        if answer is not CodeAnswer.RIGHT:
            return _page(request, token, 403, TOLD[answer])
        response = await start_session(request, connection, account, is_whole=True, instead_of=session)
    raise response or web.HTTPSeeOther(SIGN_IN)


async def _half_session(request: web.Request, connection: Connection) -> tuple[str, Session]:
    token = token_of(request)
    session = token and await find_session(connection, token, now=datetime.now(UTC), idle_max=IDLE_MAX)
    if not token or not session:
        raise web.HTTPSeeOther(SIGN_IN)
    if session.proved_at is not None:
        raise web.HTTPSeeOther(HOME)
    return token, session


def _page(
    request: web.Request, token: str, status: int = 200, told: str = "", headers: dict[str, str] | None = None
) -> web.Response:
    templates = request.app[CONSOLE].templates
    csrf_token = csrf_token_of(token)
    return templates.answer(
        "second_step.html", status, headers, account=None, told=told, csrf_token=csrf_token
    )
