"""The parts of a running console, under one typed key: what its handlers reach them by."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import TypeAlias

from aiohttp import web

from console.passwords import PasswordDesk
from console.rendering import Templates
from console.sign_in_limits import SignInLimits
from console.statement_desk import StatementDesk
from keys.sealed import KeyFolder
from keys.second_factor import SecondFactorKeys
from keys.webhook_secret import WebhookKeys
from ledger.account_rows import Role
from ledger.connect import Connection, Pool
from payouts.drawing import DrawingDesk
from payouts.rendering_desk import RenderingDesk

CONNECTION_SECONDS_MAX = 5.0  # waited for a free one of the pool, which scans need more

# Answers the export of an operator's receipts, whose keys are the service's.
ReceiptExport: TypeAlias = Callable[[web.Request, Connection, int], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Console:
    pool: web.AppKey[Pool]  # of the application that the console was added to
    public_url: str | None
    roles_of: Mapping[tuple[str, str], frozenset[Role]]  # by method and path as routes.py writes them
    keys: KeyFolder | None = None  # for practice booklets; the keys of passes may well be elsewhere
    second_factors: SecondFactorKeys | None = None  # None: nobody can enrol one here
    require_second_factor: bool = False  # of those who approve; of others for what they sign or decide
    receipts: ReceiptExport | None = None
    database_url: str | None = None  # for what is made in a process apart; None: by the command only
    renderings: RenderingDesk = field(default_factory=RenderingDesk)
    webhook_keys: WebhookKeys | None = None  # None: no webhook can be added here
    allows_private_webhooks: bool = False
    sends_mail: bool = False
    drawings: DrawingDesk = field(default_factory=DrawingDesk)
    statements: StatementDesk = field(default_factory=StatementDesk)
    templates: Templates = field(default_factory=Templates)
    passwords: PasswordDesk = field(default_factory=PasswordDesk)
    limits: SignInLimits = field(default_factory=SignInLimits)
    code_limits: SignInLimits = field(default_factory=SignInLimits)  # second factors, apart from passwords


CONSOLE = web.AppKey("CONSOLE", Console)


def acquire(request: web.Request) -> AbstractAsyncContextManager[Connection]:
    pool = request.config_dict[request.app[CONSOLE].pool]
    acquired: AbstractAsyncContextManager[Connection] = pool.acquire(timeout=CONNECTION_SECONDS_MAX)
    return acquired
