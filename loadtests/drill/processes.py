"""Processes of the drill's own servers, frozen, thawed and killed one by one. Found through /proc."""

import contextlib
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


def family(pid: int) -> list[int]:
    """A process and all that came from it, parents first."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                parent_pid = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent_pid, []).append(int(folder.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


@contextmanager
def frozen(pids: Sequence[int]) -> Iterator[None]:
    """Stopped in the middle of whatever they did, then let on."""
    for pid in pids:
        send(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):
            send(pid, signal.SIGCONT)


def send(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
