"""One running server under its guardian: start, stop, kill; not what the server is."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import BinaryIO

from embedded import guardian
from embedded.account import Account
from embedded.failure import EmbeddedError
from embedded.lock import Lock, kill_holders, wait_free

POLITE_SECONDS = 10.0
GUARDIAN_START_SECONDS = 20.0
GUARDIAN_STOP_SECONDS = POLITE_SECONDS + guardian.URGENT_SECONDS + 5.0
KILL_SECONDS = 10.0
# Whose parent was killed is being stopped by its guardian, or got its death signal: it needs no more time.
LEFTOVER_SECONDS = POLITE_SECONDS + guardian.URGENT_SECONDS

# Our own environment may hold secrets, and other processes of a shared account can read a server's.
SERVER_ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}


@dataclass(frozen=True)
class Launch:
    """What to run; `stdin` reaches the server unread, so that a secret in it is on no disk and in no argv."""

    command: tuple[str, ...]
    account: Account
    folder: Path
    log: Path
    lock: Path
    polite: Signals
    urgent: Signals
    stdin: bytes = b""


class Process:
    def __init__(self, launch: Launch) -> None:
        self.pid = 0
        self._launch = launch
        with contextlib.closing(Lock(launch.lock)) as lock, _open_log(launch.log) as log:
            self._guardian = subprocess.Popen(  # noqa: S603
                [sys.executable, "-I", "-S", guardian.__file__, _orders(launch, lock_fd=lock.fd)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd="/",
                pass_fds=(lock.fd,),
                # A session of its own: Ctrl-C in a terminal must reach us alone, and we stop it in order.
                start_new_session=True,
            )
        self.pid = self._meet_server()

    def _meet_server(self) -> int:
        stdin, stdout = self._guardian.stdin, self._guardian.stdout
        assert stdin is not None
        assert stdout is not None
        pid = b""
        # A guardian that has ended already breaks the pipe; its log says why.
        with contextlib.suppress(BrokenPipeError), stdin, stdout:
            stdin.write(self._launch.stdin)
            stdin.close()
            ready, _, _ = select.select([stdout], [], [], GUARDIAN_START_SECONDS)
            pid = stdout.readline() if ready else b""
        if not pid.strip():
            self.stop()
            raise EmbeddedError(
                f"{self._launch.command[0]} could not be started as {self._launch.account.name}.",
                remedy="read the log below; as root, the account must be one that this machine can switch to",
                log=self._launch.log,
            )
        return int(pid)

    def alive(self) -> bool:
        return self._guardian.poll() is None

    def wait(self, *, seconds: float) -> int | None:
        """The exit status, or None if it still runs after that time."""
        try:
            return self._guardian.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        self._guardian.terminate()
        status = self.wait(seconds=GUARDIAN_STOP_SECONDS)
        if status is not None and status < 0:
            # Somebody killed the guardian: the server got its death signal and is stopping by itself.
            wait_free(self._launch.lock, seconds=LEFTOVER_SECONDS)
        self.kill()

    def kill(self) -> None:
        killed = kill_holders(self._launch.lock, first=self.pid, seconds=KILL_SECONDS)
        # The guardian held the lock too, so that it has ended, or is about to.
        if not killed or self.wait(seconds=KILL_SECONDS) is None:
            raise EmbeddedError(
                f"A process of {self._launch.command[0]} does not end even by SIGKILL.",
                remedy="look for a disk or network folder that does not answer (ps shows state D)",
                log=self._launch.log,
            )


def end_leftover(lock: Path, *, log: Path) -> None:
    """End what a killed parent left behind, so that a server of our own can take its place."""
    if wait_free(lock, seconds=LEFTOVER_SECONDS) or kill_holders(lock, seconds=KILL_SECONDS):
        return
    raise EmbeddedError(
        f"Processes of an earlier start still use {lock.parent}, and do not end even by SIGKILL.",
        remedy=f"look for whoever has {lock} open (fuser {lock}), end it, and start again",
        log=log,
    )


def _open_log(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600), "ab")


def _orders(launch: Launch, *, lock_fd: int) -> str:
    account = launch.account
    become = {} if account.is_ours else {"user": account.uid, "group": account.gid, "extra_groups": []}
    return json.dumps(
        {
            "command": launch.command,
            "folder": str(launch.folder),
            "environment": SERVER_ENVIRONMENT,
            "become": become,
            "lock_fd": lock_fd,
            "parent": os.getpid(),
            "polite": launch.polite.name,
            "urgent": launch.urgent.name,
            "polite_seconds": POLITE_SECONDS,
        }
    )
