"""The parts of a running console, under one typed key: what its handlers reach them by."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from aiohttp import web

from console.passwords import PasswordDesk
from console.rendering import Templates
from console.sign_in_limits import SignInLimits
from keys.sealed import KeyFolder
from ledger.connect import Connection, Pool

CONNECTION_SECONDS_MAX = 5.0  # waited for a free one of the pool, which scans need more


@dataclass(frozen=True)
class Console:
    pool: web.AppKey[Pool]  # of the application that the console was added to
    public_url: str | None
    templates: Templates
    passwords: PasswordDesk
    limits: SignInLimits
    keys: KeyFolder | None  # for practice booklets; the keys of passes may well be elsewhere


CONSOLE = web.AppKey("CONSOLE", Console)


def acquire(request: web.Request) -> AbstractAsyncContextManager[Connection]:
    pool = request.config_dict[request.app[CONSOLE].pool]
    acquired: AbstractAsyncContextManager[Connection] = pool.acquire(timeout=CONNECTION_SECONDS_MAX)
    return acquired
