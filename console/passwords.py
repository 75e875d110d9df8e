"""Passwords: made, hashed, compared (argon2id). Whose they are, and how often one may try, is elsewhere."""

import asyncio
import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

PASSWORD_CHARS_MIN = 12
PASSWORD_CHARS_MAX = 200
GENERATED_GROUPS, GROUP_CHARS = 5, 4  # 99 bits
READABLE = "23456789abcdefghjkmnpqrstuvwxyz"  # none that is taken for another on paper
COMPARED_AT_ONCE_MAX = 2  # each takes 64 MiB and a core for a moment; scans go first
WAITING_MAX = 16

hasher = PasswordHasher()  # argon2id with the parameters of RFC 9106 for little memory


class PasswordRefused(Exception):
    """Not a password that an account may have; the text says why."""


class TooManyComparisons(Exception):
    """More people are signing in at this moment than we let wait."""


def new_password() -> str:
    groups = range(GENERATED_GROUPS)
    return "-".join("".join(secrets.choice(READABLE) for _ in range(GROUP_CHARS)) for _ in groups)


def hash_password(password: str) -> str:
    if not PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX:
        raise PasswordRefused(
            f"a password has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters, not {len(password)}"
        )
    return hasher.hash(_composed(password))


def matches(password: str, password_hash: str | None) -> bool:
    """None stands for an account that does not exist: it takes as long as a wrong password."""
    if len(password) > PASSWORD_CHARS_MAX:
        return False
    try:
        return hasher.verify(password_hash or _decoy(), _composed(password)) and password_hash is not None
    except VerifyMismatchError:
        return False


class PasswordDesk:
    """Compares beside the event loop, a few at once, so that a rush of sign-ins delays no scan."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(COMPARED_AT_ONCE_MAX)
        self._waiting = 0

    async def matches(self, password: str, password_hash: str | None) -> bool:
        if self._waiting >= WAITING_MAX:
            raise TooManyComparisons
        self._waiting += 1
        try:
            async with self._free:
                return await asyncio.to_thread(matches, password, password_hash)
        finally:
            self._waiting -= 1


@cache
def _decoy() -> str:
    return hasher.hash(new_password())


def _composed(password: str) -> str:
    """Keyboards write é as one code point or as two; both are the same password."""
    return unicodedata.normalize("NFC", password)
