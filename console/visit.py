"""A signed-in person's request: whose it is, its form, its answer. Signing in and out is in sign_in.py."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from aiohttp import web

from console.form import FieldRefused, read_form
from console.refusal import STALE_FORM, PageRefused
from console.wiring import CONSOLE, acquire
from ledger.accounts import Account, find_session
from ledger.connect import Connection

COOKIE = "poincon_console"
TOKEN_CHARS_MAX = 200
CSRF_FIELD = "csrf"
HOME = "/console"
SIGN_IN = "/console/connexion"


@dataclass(frozen=True)
class Visit:
    request: web.Request
    account: Account
    csrf_token: str
    connection: Connection
    form: Mapping[str, str] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def show(
        self, template: str, *, status: int = 200, wrong: FieldRefused | None = None, **context: object
    ) -> web.Response:
        """wrong: the field to correct; what was typed is shown again."""
        return self.request.app[CONSOLE].templates.answer(
            template,
            422 if wrong else status,
            None,
            account=self.account,
            csrf_token=self.csrf_token,
            form=self.form,
            wrong=wrong,
            **context,
        )


Page: TypeAlias = Callable[[Visit], Awaitable[web.StreamResponse]]
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def signed_in(page: Page) -> Handler:
    """A page for people with a session; others are sent to sign in. A POST shows the session's own token."""

    async def handler(request: web.Request) -> web.StreamResponse:
        form = await read_form(request) if request.method == "POST" else {}
        token = token_of(request)
        if token is None:
            raise web.HTTPSeeOther(SIGN_IN)
        async with acquire(request) as connection:
            account = await find_session(connection, token, now=datetime.now(UTC))
            if account is None:
                raise web.HTTPSeeOther(SIGN_IN)
            visit = Visit(request, account, csrf_token_of(token), connection, form)
            if request.method == "POST" and not _same(form.get(CSRF_FIELD, ""), visit.csrf_token):
                raise PageRefused(STALE_FORM)
            return await page(visit)

    return handler


def token_of(request: web.Request) -> str | None:
    token = request.cookies.get(COOKIE)
    return token if token and len(token) <= TOKEN_CHARS_MAX else None


def csrf_token_of(session_token: str) -> str:
    """Derived, so that it needs no keeping; no way leads back from it to the session's token."""
    return hmac.digest(session_token.encode(), b"poincon console csrf", hashlib.sha256).hex()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
