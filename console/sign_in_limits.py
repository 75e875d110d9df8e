"""How often one may try to sign in: attempts per e-mail and per address, counted in this process.

The clock is an argument; nothing is kept on disk.
"""

from collections import OrderedDict

WINDOW_SECONDS = 15 * 60.0
ATTEMPTS_PER_EMAIL_MAX = 10
ATTEMPTS_PER_ADDRESS_MAX = 40  # an office shares one address
COUNTERS_MAX = 10_000  # e-mails and addresses remembered; the oldest is forgotten first


class SignInLimits:
    def __init__(self) -> None:
        self._emails = _Counters(ATTEMPTS_PER_EMAIL_MAX)
        self._addresses = _Counters(ATTEMPTS_PER_ADDRESS_MAX)

    def wait_seconds(self, *, email: str, address: str, at: float) -> float:
        """Count an attempt and return 0; or count nothing and return how long to wait.

        Counted before the password is compared: attempts sent at the same time are limited as well.
        """
        wait = max(self._emails.wait_seconds(email, at), self._addresses.wait_seconds(address, at))
        if wait <= 0:
            self._emails.count(email, at)
            self._addresses.count(address, at)
        return wait

    def forgive(self, *, email: str, address: str) -> None:
        """The attempt just counted was right.

        The e-mail starts anew; the address, which may be trying other accounts, gets only this one back.
        """
        self._emails.forget(email)
        self._addresses.take_back(address)


class _Counters:
    """Per name, when its window began and how many attempts it saw."""

    def __init__(self, attempts_max: int) -> None:
        self._attempts_max = attempts_max
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait_seconds(self, name: str, at: float) -> float:
        began_at, attempts = self._current(name, at)
        return began_at + WINDOW_SECONDS - at if attempts >= self._attempts_max else 0.0

    def count(self, name: str, at: float) -> None:
        began_at, attempts = self._current(name, at)
        self._seen[name] = (began_at, attempts + 1)
        while len(self._seen) > COUNTERS_MAX:
            self._seen.popitem(last=False)

    def forget(self, name: str) -> None:
        self._seen.pop(name, None)

    def take_back(self, name: str) -> None:
        if name in self._seen:
            began_at, attempts = self._seen[name]
            self._seen[name] = (began_at, max(0, attempts - 1))

    def _current(self, name: str, at: float) -> tuple[float, int]:
        began_at, attempts = self._seen.get(name, (at, 0))
        if at - began_at >= WINDOW_SECONDS:
            self._seen.pop(name, None)  # its place in the order of forgetting is that of the new window
            return at, 0
        return began_at, attempts
