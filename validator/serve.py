"""Runs validator processes: one here, or several that share the port and are started again when they die."""

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace

import structlog
import uvloop
from aiohttp import web

from validator import metrics
from validator.app import build_app
from validator.settings import Settings

SHUTDOWN_SECONDS = 8.0  # in-flight scans are answered within; a flush takes less
LAST_REQUESTS_SECONDS = 0.2  # for what was accepted last to begin
BACKLOG = 1_024
RESTART_SECONDS = 0.5
PROCESSES_MAX = 64
GARBAGE_THRESHOLDS = (20_000, 20, 50)  # objects more than before; some megabytes at most between two looks
HEADER_BYTES_MAX = 8_190
KEEPALIVE_SECONDS = 75.0

log = structlog.get_logger(__name__)


def serve(settings: Settings, *, share_port: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; scans in flight are answered first."""
    with open_socket(settings.host, settings.port, share_port=share_port) as listener:
        uvloop.run(run_until_told(settings, listener, leash=sys.stdin.fileno() if share_port else None))


def open_socket(host: str, port: int, *, share_port: bool) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if share_port:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = f"port {port} of {host} can't be had ({error.strerror}); give another with --port"
        raise OSError(error.errno, reason) from None
    return listener


async def run_until_told(settings: Settings, listener: socket.socket, *, leash: int | None = None) -> None:
    """leash: a pipe whose other end the parent holds; its end is ours too."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    if leash is not None:
        loop.add_reader(leash, stop.set)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(
        build_app(settings),
        access_log=None,
        shutdown_timeout=SHUTDOWN_SECONDS,
        keepalive_timeout=KEEPALIVE_SECONDS,
        max_line_size=HEADER_BYTES_MAX,
        max_field_size=HEADER_BYTES_MAX,
        # A body that unfolds a thousandfold would hold the loop for seconds, even after it was refused.
        auto_decompress=False,
    )
    await runner.setup()
    calm_garbage_collection()
    try:
        site = web.SockSite(runner, listener, backlog=BACKLOG)
        await site.start()
        log.info("listening", host=settings.host, port=listener.getsockname()[1], pid=os.getpid())
        await stop.wait()
        log.info("stopping", pid=os.getpid())
        await site.stop()
        # Connections accepted a moment ago: aiohttp would drop their requests, and then wait for them.
        await asyncio.sleep(LAST_REQUESTS_SECONDS)
    finally:
        if leash is not None:
            loop.remove_reader(leash)
        await runner.cleanup()


def calm_garbage_collection() -> None:
    """Requests leave few cycles, so look for them less often, and never again at what was made at start.

    Measured: a ninth of the CPU of a scan went there, and a look at everything stopped all scans for 100 ms.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


def supervise(settings: Settings, environment: Mapping[str, str]) -> None:
    """Start settings.processes of us on one port, and each again when it dies, until told to stop.

    environment: what settings were read from; the children read it again.
    """
    if not 1 <= settings.processes <= PROCESSES_MAX:
        raise ValueError(f"processes must be 1 to {PROCESSES_MAX}, not {settings.processes}")
    # The parent holds the port, so that it is the same for every child and nobody takes it meanwhile.
    with (
        tempfile.TemporaryDirectory(prefix="poincon-metrics-") as directory,
        open_socket(settings.host, settings.port, share_port=True) as holder,
    ):
        fixed = replace(settings, port=holder.getsockname()[1])
        _Family(fixed, {**environment, metrics.DIRECTORY_VARIABLE: directory}).run()


class _Family:
    def __init__(self, settings: Settings, environment: dict[str, str]) -> None:
        self._settings = settings
        self._environment = environment
        self._children: list[subprocess.Popen[bytes]] = []
        self._stopping = False

    def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self._children = [self._start() for _ in range(self._settings.processes)]
        while not self._stopping:
            for place, child in enumerate(self._children):
                if child.poll() is not None and not self._stopping:
                    log.error("process_died", pid=child.pid, status=child.returncode)
                    metrics.forget_process(child.pid, self._environment[metrics.DIRECTORY_VARIABLE])
                    self._children[place] = self._start()
            time.sleep(RESTART_SECONDS)
        for child in self._children:
            child.terminate()
        for child in self._children:
            try:
                child.wait(SHUTDOWN_SECONDS * 2)
            except subprocess.TimeoutExpired:
                log.error("process_killed", pid=child.pid)
                child.kill()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "command.main", "serve", "--share-port"]
        return subprocess.Popen(  # noqa: S603 - our own program
            [*command, "--host", self._settings.host, "--port", str(self._settings.port)],
            env=self._environment | {"POINCON_PROCESSES": "1"},
            stdin=subprocess.PIPE,  # its end tells the child that we are gone, even by kill -9
        )

    def _stop(self, *_: object) -> None:
        self._stopping = True
