"""A signed-in person's request: whose it is, its form, its answer. Who may make it is in admission.py."""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from aiohttp import web

from console.form import FieldRefused
from console.navigation import places_for
from console.upload import UploadedFile
from console.wiring import CONSOLE, Console
from ledger.account_rows import Account, Role, Session
from ledger.connect import Connection

COOKIE = "poincon_console"
TOKEN_CHARS_MAX = 200
CSRF_FIELD = "csrf"
HOME = "/console"
SIGN_IN = "/console/connexion"
IDLE_MAX = timedelta(hours=1)


@dataclass(frozen=True)
class Visit:
    request: web.Request
    session: Session
    csrf_token: str
    connection: Connection
    form: Mapping[str, str] = field(default_factory=dict)
    files: tuple[UploadedFile, ...] = ()  # of the routes that take them
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def account(self) -> Account:
        return self.session.account

    @property
    def console(self) -> Console:
        return self.request.app[CONSOLE]

    def may(self, method: str, path: str) -> bool:
        """Whether this account's role opens the route, written as in routes.py; False for one that is not."""
        return self.account.role in self.console.roles_of.get((method, path), frozenset[Role]())

    def show(
        self, template: str, *, status: int = 200, wrong: FieldRefused | None = None, **context: object
    ) -> web.Response:
        """wrong: the field to correct; what was typed is shown again."""
        return self.console.templates.answer(
            template,
            422 if wrong else status,
            None,
            account=self.account,
            places=places_for(self.account.role, self.console.roles_of),
            csrf_token=self.csrf_token,
            form=self.form,
            wrong=wrong,
            may=self.may,
            **context,
        )


Page: TypeAlias = Callable[[Visit], Awaitable[web.StreamResponse]]
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


def token_of(request: web.Request) -> str | None:
    token = request.cookies.get(COOKIE)
    return token if token and len(token) <= TOKEN_CHARS_MAX else None


def csrf_token_of(session_token: str) -> str:
    """Derived, so that it needs no keeping; no way leads back from it to the session's token."""
    return hmac.digest(session_token.encode(), b"poincon console csrf", hashlib.sha256).hex()


def is_same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
