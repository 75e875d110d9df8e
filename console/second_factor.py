"""Checks a code of a second factor, or a recovery code: each serves once, and few may be tried. No page."""

import time
from datetime import datetime
from enum import Enum, auto

import structlog
from aiohttp import web

from console.origin import address_of
from console.wiring import CONSOLE
from keys.second_factor import matching_step
from ledger.account_rows import Account
from ledger.connect import Connection
from ledger.second_factors import find_second_factor, note_refused_code, use_recovery_code, use_step

RECOVERY_CODES = 10
RECOVERY_GROUPS, RECOVERY_GROUP_CHARS = 3, 4  # 59 bits
CODE_DIGITS_MAX = 8  # more is a recovery code

log = structlog.get_logger(__name__)


class CodeAnswer(Enum):
    RIGHT = auto()
    WRONG = auto()
    SERVED = auto()  # right, and used before: somebody may have read it over a shoulder


def wait_seconds(request: web.Request, account: Account) -> float:
    """Count a try and return 0; or how long to wait. Asked before any code is compared."""
    limits = request.app[CONSOLE].code_limits
    return limits.wait_seconds(email=account.email, address=address_of(request), at=time.monotonic())


def forgive(request: web.Request, account: Account) -> None:
    """The try just counted was right."""
    request.app[CONSOLE].code_limits.forgive(email=account.email, address=address_of(request))


async def check_code(
    request: web.Request, connection: Connection, account: Account, typed: str, *, now: datetime
) -> CodeAnswer:
    keys = request.app[CONSOLE].second_factors
    factor = await find_second_factor(connection, account)
    if keys is None or factor is None:
        return CodeAnswer.WRONG
    letters = "".join(letter for letter in typed if letter.isalnum())
    if len(letters) > CODE_DIGITS_MAX:
        answer = CodeAnswer.WRONG
        if await use_recovery_code(connection, account, keys.recovery_mac(typed, account.id), at=now):
            answer = CodeAnswer.RIGHT
    else:
        step = matching_step(keys.unseal(factor.sealed_secret, account.id), letters, now=now)
        if step is None:
            answer = CodeAnswer.WRONG
        else:
            answer = CodeAnswer.RIGHT if await use_step(connection, account, step) else CodeAnswer.SERVED
    if answer is CodeAnswer.RIGHT:
        forgive(request, account)
    else:
        log.warning("code_refused", email=account.email, why=answer.name)
        await note_refused_code(connection, account)
    return answer
