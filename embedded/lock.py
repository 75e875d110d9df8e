"""File locks that end with their holders, and who holds one; decides nothing about servers."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
import weakref
from pathlib import Path
from typing import ClassVar

WAIT_STEP_SECONDS = 0.02


class Lock:
    """An exclusive lock on a file, held until close() or until every process that inherited it has ended."""

    _open: ClassVar[weakref.WeakSet[Lock]] = weakref.WeakSet()

    def __init__(self, path: Path) -> None:
        """Raises BlockingIOError when somebody else holds it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self.fd = os.open(path, flags, 0o600)
        try:
            fcntl.flock(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self.fd)
            raise
        Lock._open.add(self)

    def sign(self) -> None:
        os.ftruncate(self.fd, 0)
        os.pwrite(self.fd, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def _forget_locks_of_parent() -> None:
    # A forked worker (a process pool) may outlive a killed parent; it must not keep the parent's locks.
    for lock in list(Lock._open):
        lock.close()


os.register_at_fork(after_in_child=_forget_locks_of_parent)


def is_free(path: Path) -> bool:
    try:
        Lock(path).close()
    except BlockingIOError:
        return False
    return True


def wait_free(path: Path, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not is_free(path):
        if time.monotonic() > deadline:
            return False
        time.sleep(WAIT_STEP_SECONDS)
    return True


def holders(path: Path) -> list[int]:
    """The processes that hold the lock: only a descendant of whoever took it can.

    A process that merely has the file open (a backup) is not one: it must never be killed.
    """
    if not path.exists():
        return []
    numbers = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid in numbers if pid != os.getpid() and _holds(pid, path.stat())]


def _holds(pid: int, file: os.stat_result) -> bool:
    # Processes of other accounts and those that end meanwhile are not ours to see.
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if os.path.samestat(entry.stat(), file):
                    return "FLOCK" in Path(f"/proc/{pid}/fdinfo/{entry.name}").read_text()
    return False


def kill_holders(path: Path, *, first: int | None = None, seconds: float) -> bool:
    """SIGKILL, the given process first so that it starts no others, until nobody holds the lock."""
    deadline = time.monotonic() + seconds
    while not is_free(path) and time.monotonic() < deadline:
        for pid in sorted(holders(path), key=lambda pid: pid != first):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(WAIT_STEP_SECONDS)
    return is_free(path)
