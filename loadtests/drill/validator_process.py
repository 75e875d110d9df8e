"""One validator as a process of its own, on a port that stays its own while it is dead."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from loadtests.drill import leash

READY_SECONDS_MAX = 300.0  # on a machine that works for others
READY_STEP_SECONDS = 0.05
STOP_SECONDS_MAX = 60.0
ENDED_WELL = {0, -signal.SIGTERM}  # the latter when it was told before it had begun to serve
SERVE = ("command.main", "serve")


class ValidatorFailed(Exception):
    """A validator did not start or stop as it should; the text says where its log is."""


class ValidatorProcess:
    def __init__(self, environment: Mapping[str, str], log: Path, *, module: tuple[str, ...] = SERVE) -> None:
        # Bound and never listening: nobody else takes the port, and while we are dead it refuses connections.
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._holder.bind(("127.0.0.1", 0))
        self.port: int = self._holder.getsockname()[1]
        self.environment = {**environment, "POINCON_PORT": str(self.port)}
        self.module = module
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert self._process is None
        leashed = (sys.executable, "-I", "-S", leash.__file__, str(os.getpid()))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [*leashed, sys.executable, "-m", *self.module],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    async def ready(self) -> None:
        async with aiohttp.ClientSession() as session, asyncio.timeout(READY_SECONDS_MAX):
            while True:
                if self._process is None or self._process.poll() is not None:
                    raise ValidatorFailed(f"a validator ended while starting; see {self._log}")
                try:
                    async with session.get(f"http://127.0.0.1:{self.port}/readyz") as response:
                        if response.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(READY_STEP_SECONDS)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def restart_as(self, module: tuple[str, ...]) -> None:
        self.kill()
        self.module = module
        self.start()
        await self.ready()

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def stop(self) -> None:
        """As an administrator would; raises ValidatorFailed when it does not end by itself and well."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            raise ValidatorFailed(f"told to stop, a validator ran on; see {self._log}") from None
        if status not in ENDED_WELL:
            raise ValidatorFailed(f"told to stop, a validator ended with status {status}; see {self._log}")
        self._process = None

    def close(self) -> None:
        self.kill()
        self._holder.close()
