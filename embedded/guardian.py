"""The small process between us and a server, run as a script: ends the server when we end; knows no server.

Why a process and not a death signal set by ourselves: the kernel ties that signal to the *thread* that
started the child, and our servers are restarted from worker threads. The guardian has one thread, for life;
should it be killed itself, its own death signal ends the server.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

TICK_SECONDS = 0.25
URGENT_SECONDS = 3.0
PR_SET_PDEATHSIG = 1
WATCHED = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP}


def guard(orders: dict[str, Any]) -> int:
    # Blocked rather than ignored: signals are taken by sigtimedwait, and Ctrl-C is the parent's business.
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    server = start(orders)
    os.write(sys.stdout.fileno(), f"{server.pid}\n".encode())
    while server.poll() is None:
        received = signal.sigtimedwait(WATCHED, TICK_SECONDS)
        told_to_stop = received is not None and received.si_signo == signal.SIGTERM
        if told_to_stop or os.getppid() != orders["parent"]:
            stop(server, orders)
    return server.returncode


def start(orders: dict[str, Any]) -> subprocess.Popen[bytes]:
    # A function run between fork and exec is safe here, and only here: this process has one thread.
    return subprocess.Popen(  # noqa: S603
        orders["command"],
        stdout=sys.stderr,
        cwd=orders["folder"],
        env=orders["environment"],
        umask=0o077,
        pass_fds=(orders["lock_fd"],),
        preexec_fn=ending_with_us(signal.Signals[orders["polite"]]),  # noqa: PLW1509
        **orders["become"],
    )


def ending_with_us(polite: signal.Signals) -> Callable[[], None]:
    libc = ctypes.CDLL(None)
    guardian_pid = os.getpid()

    def in_the_server() -> None:
        # After the change of account, which clears the death signal.
        libc.prctl(PR_SET_PDEATHSIG, int(polite), 0, 0, 0)
        if os.getppid() != guardian_pid:
            os._exit(1)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    return in_the_server


def stop(server: subprocess.Popen[bytes], orders: dict[str, Any]) -> None:
    server.send_signal(signal.Signals[orders["polite"]])
    if ended_within(server, orders["polite_seconds"]):
        return
    server.send_signal(signal.Signals[orders["urgent"]])
    if not ended_within(server, URGENT_SECONDS):
        server.kill()
        server.wait()


def ended_within(server: subprocess.Popen[bytes], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while server.poll() is None:
        left_seconds = deadline - time.monotonic()
        if left_seconds <= 0:
            return False
        signal.sigtimedwait(WATCHED, min(left_seconds, TICK_SECONDS))
    return True


if __name__ == "__main__":
    sys.exit(min(255, abs(guard(json.loads(sys.argv[1])))))
