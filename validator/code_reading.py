"""From the text of any carrier to a pass whose signature or MAC was checked: QR, Code 128 or typed."""

from functools import lru_cache
from typing import TypeAlias

from keys.pass_code import open_code
from keys.passes import CodeFault, PracticePass, SignedPass
from keys.practice import open_practice_code, open_practice_short_code, practice_secret
from keys.short_code import (
    TypedCode,
    looks_like_short_code,
    open_short_code,
    programme_secret,
    read_short_code,
)
from ledger.rows import Device
from validator.limits import WrongCodes
from validator.snapshot import Snapshot

PROGRAMMES_CACHED_MAX = 256
CODES_REMEMBERED_MAX = 16_384  # some 8 MB; a pass is tried again, or a batch sent again, within minutes
CODE_CHARS_MAX = 7_089  # what the largest QR symbol holds: whatever was scanned gets a verdict

ReadPass: TypeAlias = SignedPass | PracticePass | CodeFault


class CodeReader:
    def __init__(self, master_secret: bytes, wrong_codes: WrongCodes) -> None:
        self._secret_of = lru_cache(PROGRAMMES_CACHED_MAX)(
            lambda programme_id: programme_secret(master_secret, programme_id)
        )
        # Whoever signed a text under a keyring signed it: a keyring never changes, another takes its place.
        self._open_code = lru_cache(CODES_REMEMBERED_MAX)(open_code)
        self._practice_secret = practice_secret(master_secret)
        self._wrong_codes = wrong_codes

    async def read(self, text: str, device: Device, snapshot: Snapshot) -> ReadPass:
        """Raises TooManyAttempts for a short code when too many wrong ones were tried."""
        text = text.strip()
        if not looks_like_short_code(text):
            opened = self._open_code(text, snapshot.keyring)
            if opened is CodeFault.UNKNOWN_KEY:
                return open_practice_code(text, snapshot.keyring) or opened
            return opened
        typed = read_short_code(text)
        if isinstance(typed, CodeFault):
            return typed
        await self._wrong_codes.check(device)
        opened_short = self._open_short(typed, snapshot)
        if opened_short is CodeFault.FORGED:
            await self._wrong_codes.count_wrong(device)
        return opened_short

    def _open_short(self, typed: TypedCode, snapshot: Snapshot) -> ReadPass:
        if typed.pass_id.is_practice:
            return open_practice_short_code(typed, self._practice_secret) or CodeFault.FORGED
        booklet = snapshot.booklets.get(typed.pass_id.booklet)
        # A booklet that does not exist and a wrong MAC get one answer: guesses must not map what was issued.
        programme_id = booklet.programme_id if booklet else 0
        opened = open_short_code(typed, self._secret_of(programme_id))
        return opened if booklet else CodeFault.FORGED
