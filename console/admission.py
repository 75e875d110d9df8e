"""Who is let through to a page: a whole session, a role that the route names, a form of our own, and for what
releases money, signs or decides a fresh proof of who it is."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

from aiohttp import web

from console.form import read_form
from console.refusal import STALE_FORM, PageRefused, not_for
from console.upload import UploadedFile, read_upload
from console.visit import (
    CSRF_FIELD,
    HOME,
    IDLE_MAX,
    SIGN_IN,
    Handler,
    Page,
    Visit,
    csrf_token_of,
    is_same,
    token_of,
)
from console.wiring import acquire
from ledger.account_rows import Role, Session
from ledger.connect import Connection
from ledger.sessions import find_session

SECOND_STEP = "/console/connexion/code"
ENROL = "/console/securite/second-facteur"
CONFIRM = "/console/securite/confirmation"
NEXT = "suite"
NEXT_CHARS_MAX = 500
PROOF_AGE_MAX = timedelta(minutes=10)
APPROVING = frozenset({Role.APPROVER})


def admitted(
    page: Page,
    roles: frozenset[Role],
    *,
    is_releasing: bool,
    before_enrolment: bool,
    takes_files: bool = False,
) -> Handler:
    """A page for people with a session; others are sent to sign in. A POST shows the session's own token.

    is_releasing: asks for a proof of the last minutes. before_enrolment: open to those who must still enrol.
    takes_files: its form is long, and read only once it is known who sends it.
    """

    async def handler(request: web.Request) -> web.StreamResponse:
        form: Mapping[str, str] = {}
        files: tuple[UploadedFile, ...] = ()
        if takes_files:
            # No connection is held while a long form comes.
            async with acquire(request) as connection:
                await _let_in(request, connection, roles, before_enrolment=before_enrolment)
            form, files = await read_upload(request)
        elif request.method == "POST":
            form = await read_form(request)
        async with acquire(request) as connection:
            visit = await _let_in(request, connection, roles, before_enrolment=before_enrolment)
            visit = replace(visit, form=form, files=files)
            if request.method == "POST" and not is_same(form.get(CSRF_FIELD, ""), visit.csrf_token):
                raise PageRefused(STALE_FORM)
            if is_releasing and not before_enrolment and lacks_factor(visit):
                raise web.HTTPSeeOther(ENROL)
            if is_releasing and not is_fresh(visit.session, visit.now):
                raise web.HTTPSeeOther(f"{CONFIRM}?{NEXT}={quote(_page_of_form(request), safe='')}")
            return await page(visit)

    return handler


async def _let_in(
    request: web.Request, connection: Connection, roles: frozenset[Role], *, before_enrolment: bool
) -> Visit:
    token = token_of(request)
    if token is None:
        raise web.HTTPSeeOther(SIGN_IN)
    session = await find_session(connection, token, now=datetime.now(UTC), idle_max=IDLE_MAX)
    if session is None:
        raise web.HTTPSeeOther(SIGN_IN)
    if session.proved_at is None:
        raise web.HTTPSeeOther(SECOND_STEP)
    visit = Visit(request, session, csrf_token_of(token), connection)
    if must_enrol(visit) and not before_enrolment:
        raise web.HTTPSeeOther(ENROL)
    if visit.account.role not in roles:
        raise PageRefused(not_for(visit.account.role))
    return visit


def must_enrol(visit: Visit) -> bool:
    """Those who approve need a second factor for all that they do, where the setting says so."""
    return visit.account.role in APPROVING and lacks_factor(visit)


def lacks_factor(visit: Visit) -> bool:
    """Others need one for what they release, sign or decide."""
    return visit.console.require_second_factor and not visit.account.has_second_factor


def is_fresh(session: Session, now: datetime) -> bool:
    return session.proved_at is not None and now - session.proved_at <= PROOF_AGE_MAX


def next_in(fields: Mapping[str, str]) -> str:
    """Where to go on: a page of ours, or the first one. Never another site."""
    path = fields.get(NEXT, "")
    inside = path == HOME or path.startswith((f"{HOME}/", f"{HOME}?"))
    is_plain = path.isascii() and path.isprintable() and "\\" not in path and ".." not in path
    return path if inside and is_plain and len(path) <= NEXT_CHARS_MAX else HOME


def _page_of_form(request: web.Request) -> str:
    """The page whose form was sent, to be shown again: what the form held is not kept."""
    if request.method == "GET":
        return request.path_qs
    try:
        referrer = urlsplit(request.headers.get("Referer", ""))
    except ValueError:
        return HOME
    query = f"?{referrer.query}" if referrer.query else ""
    return next_in({NEXT: f"{referrer.path}{query}"})
