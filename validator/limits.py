"""Limits on guessing short codes: per device, per operator and for everybody, within an hour.

Kept in Valkey, and beside that in this process, which is what remains when Valkey is down.
"""

import asyncio
import time
from collections import Counter

from ledger.rows import Device
from validator import metrics
from validator.guard import Guard
from validator.trouble import TooManyAttempts

WINDOW_SECONDS = 3_600
WRONG_MAX = {"device": 20, "operator": 100, "everybody": 2_000}
SCOPES_MAX = 10_000  # counters kept in this process


class WrongCodes:
    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._window = 0
        self._here: Counter[str] = Counter()

    async def check(self, device: Device) -> None:
        """Raise TooManyAttempts before a guess is looked at, and before any work on the record."""
        keys = self._keys(device)
        everywhere = await asyncio.gather(*(self._guard.counted(key) for key in keys.values()))
        # Nothing is awaited from here to count_wrong(): of guesses sent at once, each sees those before it.
        for (scope, key), counted in zip(keys.items(), everywhere, strict=True):
            if max(self._here[key], counted or 0) >= WRONG_MAX[scope]:
                raise TooManyAttempts(
                    "too many wrong short codes were typed; scan the QR code, or wait",
                    retry_after_seconds=WINDOW_SECONDS - int(time.time()) % WINDOW_SECONDS,
                )

    async def count_wrong(self, device: Device) -> None:
        metrics.WRONG_CODES.inc()
        for key in self._keys(device).values():
            if len(self._here) < SCOPES_MAX or key in self._here:
                self._here[key] += 1
            await self._guard.count(key, WINDOW_SECONDS)

    def _keys(self, device: Device) -> dict[str, str]:
        window = int(time.time()) // WINDOW_SECONDS
        if window != self._window:
            self._window = window
            self._here.clear()
        return {
            "device": f"pn:wrong:{window}:device:{device.id}",
            "operator": f"pn:wrong:{window}:operator:{device.operator_id}",
            "everybody": f"pn:wrong:{window}:everybody",
        }
