"""What keeps pages for everybody cheap: an answer remembered for a while, and how often one may send. In this
process; nothing is kept on disk."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

WINDOW_SECONDS = 3_600.0
SENT_PER_ADDRESS_MAX = 5
SENT_BY_ALL_MAX = 200  # an hour: by this process
ADDRESSES_MAX = 10_000

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """One value, read again when it is older than so many seconds, by one reader at a time."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = asyncio.Lock()
        self._kept: tuple[float, Value] | None = None

    async def get(self, read: Callable[[], Awaitable[Value]]) -> Value:
        async with self._lock:
            now = time.monotonic()
            if self._kept is None or now - self._kept[0] >= self._seconds:
                self._kept = (now, await read())
            return self._kept[1]


class SendingLimits:
    def __init__(self) -> None:
        self._sent: OrderedDict[str, list[float]] = OrderedDict()
        self._all: list[float] = []

    def may_send(self, address: str, at: float) -> bool:
        """Counts what it allows."""
        recent = [one for one in self._sent.pop(address, []) if at - one < WINDOW_SECONDS]
        self._all = [one for one in self._all if at - one < WINDOW_SECONDS]
        is_allowed = len(recent) < SENT_PER_ADDRESS_MAX and len(self._all) < SENT_BY_ALL_MAX
        if is_allowed:
            recent.append(at)
            self._all.append(at)
        self._sent[address] = recent
        while len(self._sent) > ADDRESSES_MAX:
            self._sent.popitem(last=False)
        return is_allowed
