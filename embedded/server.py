"""What PostgreSQL and Valkey have in common: one home, one process, start, stop, again; no commands."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar, Self

from embedded.failure import EmbeddedError
from embedded.home import Home, discard
from embedded.process import Launch, Process, end_leftover
from embedded.socket_folder import close_socket_folder, open_socket_folder

READY_STEP_SECONDS = 0.02


class Server(ABC):
    """A running server. Its address stays the same over restarts; calls from several threads take turns."""

    NAME: ClassVar[str]
    FILES: ClassVar[str]
    SOCKET: ClassVar[str]
    READY_SECONDS: ClassVar[float]

    def __init__(self, data: Path, *, settings: Mapping[str, str] | None = None) -> None:
        self.data = data.absolute()
        self.settings = {**self.default_settings(), **(settings or {})}
        self.wanted = False
        self._turn = threading.RLock()
        self._home: Home | None = None
        self._process: Process | None = None
        self._socket_folder = Path()

    @classmethod
    def start(cls, data: Path, *, settings: Mapping[str, str] | None = None) -> Self:
        server = cls(data, settings=settings)
        server.restart()
        return server

    @property
    def home(self) -> Path:
        """Where the server's files really lie; another folder than asked for when root's account needs it."""
        return self.data.resolve()

    @property
    def socket_folder(self) -> Path:
        return self._socket_folder

    @property
    def pid(self) -> int:
        if self._process is None:
            raise EmbeddedError(f"{self.NAME} is not running.", remedy="start it with restart()")
        return self._process.pid

    def alive(self) -> bool:
        """Running and still at its address: a cleaner of temporary folders may have removed the socket."""
        process = self._process
        return process is not None and process.alive() and (self._socket_folder / self.SOCKET).exists()

    def restart(self) -> None:
        with self._turn:
            self.wanted = True
            self._end()
            try:
                self._begin()
            except OSError as error:
                self._close()
                raise EmbeddedError(
                    f"{self.NAME} could not be started in {self.data}: {error}.",
                    remedy="look for a full disk, a folder that is not ours or a read-only file system",
                    log=self.data / "log",
                ) from error
            except BaseException:
                self._close()
                raise

    def revive(self) -> bool:
        """Start it again if it died and nobody has stopped it since."""
        with self._turn:
            if not self.wanted or self.alive():
                return False
            self.restart()
            return True

    def stop(self) -> None:
        with self._turn:
            self.wanted = False
            self._close()

    def kill(self) -> None:
        """SIGKILL of all its processes, as a crash would; it stays wanted."""
        with self._turn:
            if self._process is not None:
                self._process.kill()

    def discard(self) -> None:
        """Stop, and delete everything it kept."""
        self.stop()
        discard(self.data)

    def _begin(self) -> None:
        home = self._home = self._home or Home(self.data, files=self.FILES)
        end_leftover(home.server_lock, log=home.log)
        self.prepare(home)
        self._socket_folder = open_socket_folder(home, self.SOCKET)
        process = self._process = Process(self.launch(home))
        self._wait_until(lambda: self.answers(home), process=process, log=home.log)
        self.settle(home)

    def _wait_until(self, ready: Callable[[], bool], *, process: Process, log: Path) -> None:
        deadline = time.monotonic() + self.READY_SECONDS
        while not ready():
            if not process.alive():
                raise EmbeddedError(f"{self.NAME} ended while starting.", remedy="read its log", log=log)
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{self.NAME} did not answer within {self.READY_SECONDS:.0f} s.",
                    remedy="read its log; if it is recovering after a crash, start again",
                    log=log,
                )
            time.sleep(READY_STEP_SECONDS)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    def _close(self) -> None:
        try:
            self._end()
        finally:
            self._leave_home()

    def _leave_home(self) -> None:
        home, self._home = self._home, None
        if home is not None:
            close_socket_folder(home)
            home.close()

    @staticmethod
    @abstractmethod
    def default_settings() -> Mapping[str, str]: ...

    @abstractmethod
    def prepare(self, home: Home) -> None:
        """Make what a first start needs; repair what a killed one left."""

    @abstractmethod
    def launch(self, home: Home) -> Launch: ...

    @abstractmethod
    def answers(self, home: Home) -> bool: ...

    @abstractmethod
    def settle(self, home: Home) -> None:
        """What has to be asked of the running server before anybody else uses it."""
