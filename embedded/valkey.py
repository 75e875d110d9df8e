"""A private Valkey: its settings and how to reach it; nothing of what is kept in it."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from pathlib import Path
from signal import Signals
from urllib.parse import quote

from embedded import binaries
from embedded.failure import EmbeddedError
from embedded.home import Home
from embedded.process import Launch
from embedded.secret_file import new_password, write_secret
from embedded.server import Server

ANSWER_SECONDS = 2.0
SETTING_NAME = re.compile(r"[a-z][a-z0-9-]*")

SETTINGS: Mapping[str, str] = {
    "port": "0",
    "protected-mode": "yes",
    "unixsocketperm": "700",
    "daemonize": "no",
    "maxmemory": "256mb",
    "maxmemory-policy": "allkeys-lru",
    # Nothing outlives the process: lost marks cost speed only. Those of an older state are of little use:
    # none is believed about a booklet in which anything was undone.
    "save": '""',
    "appendonly": "no",
}


class Valkey(Server):
    NAME = "Valkey"
    FILES = "store"
    SOCKET = "valkey.sock"
    READY_SECONDS = 30.0

    @property
    def url(self) -> str:
        return f"unix://:{self._password}@{quote(str(self.socket_folder / self.SOCKET), safe='/')}?db=0"

    @property
    def _password(self) -> str:
        return self._password_file.read_text().strip()

    @property
    def _password_file(self) -> Path:
        return self.home / "password"

    @staticmethod
    def default_settings() -> Mapping[str, str]:
        return SETTINGS

    def prepare(self, home: Home) -> None:
        for name, value in self.settings.items():
            if not SETTING_NAME.fullmatch(name) or not value.isprintable():
                raise EmbeddedError(
                    f"{name!r} {value!r} is not a setting of Valkey.",
                    remedy="give one name and one line each",
                )
        if not self._password_file.exists():
            write_secret(self._password_file, f"{new_password()}\n")
        home.make_folder(home.files)

    def launch(self, home: Home) -> Launch:
        settings = {
            **self.settings,
            "unixsocket": str(self.socket_folder / self.SOCKET),
            "requirepass": self._password,
        }
        lines = "".join(f"{name} {value}\n" for name, value in settings.items())
        return Launch(
            command=(str(binaries.valkey_program(home.account)), "-"),
            account=home.account,
            folder=home.files,
            log=home.log,
            lock=home.server_lock,
            polite=Signals.SIGTERM,
            urgent=Signals.SIGKILL,
            # "-" reads them from standard input: the password is in no argv and in no file of the account.
            stdin=lines.encode(),
        )

    def answers(self, home: Home) -> bool:
        request = f"AUTH {self._password}\r\nPING\r\n".encode()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_SECONDS)
            try:
                connection.connect(str(self.socket_folder / self.SOCKET))
                connection.sendall(request)
                answer = b""
                while answer.count(b"\r\n") < 2 and (part := connection.recv(256)):
                    answer += part
            except OSError:
                return False
        return answer == b"+OK\r\n+PONG\r\n"

    def settle(self, home: Home) -> None:
        """Nothing: it starts empty."""
