"""What the demo keeps in its folder: secrets in 0600 files, booklets, codes, a bank statement."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

from demo.clock import CLOCK_FILE
from keys.sealed import KeyFolder
from programmes.printing import appearing_whole


class DemoFolder:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.servers = root / "servers"
        self.keys = root / "keys"
        self.codes = root / "codes.jsonl"
        self.booklets_pdf = root / "carnets.pdf"
        self.booklets_csv = root / "carnets.csv"
        self.practice_pdf = root / "entrainement.pdf"
        self.statement = root / "releve-a-importer.xml"
        self.environment = root / "environment.json"
        self.clock = root / CLOCK_FILE
        self._passphrase = root / "passphrase"
        self._secrets = root / "secrets.json"
        self._key_folder: KeyFolder | None = None

    def create(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        if not self._passphrase.exists():
            write_private(self._passphrase, secrets.token_urlsafe(24) + "\n")

    @property
    def passphrase_file(self) -> Path:
        return self._passphrase

    @property
    def passphrase(self) -> str:
        return self._passphrase.read_text(encoding="utf-8").strip()

    @property
    def key_folder(self) -> KeyFolder:
        if self._key_folder is None:
            self._key_folder = _OpenedOnce(self.keys, self.passphrase)
        return self._key_folder

    def kept(self, name: str) -> Any:
        """What the seed shows once (a device's token, a password) and the demo shows again at each start."""
        return self._read_secrets().get(name)

    def keep(self, name: str, value: object) -> None:
        write_private(self._secrets, json.dumps(self._read_secrets() | {name: value}, ensure_ascii=False))

    def _read_secrets(self) -> dict[str, Any]:
        if not self._secrets.exists():
            return {}
        kept: dict[str, Any] = json.loads(self._secrets.read_text(encoding="utf-8"))
        return kept


class _OpenedOnce(KeyFolder):
    """Opening a seal is slow on purpose; the story needs the same keys again and again."""

    def __init__(self, folder: Path, passphrase: str) -> None:
        super().__init__(folder, passphrase)
        self._opened: dict[str, bytes] = {}

    def _read(self, name: str) -> bytes:
        if name not in self._opened:
            self._opened[name] = super()._read(name)
        return self._opened[name]


def write_private(path: Path, text: str) -> None:
    with appearing_whole(path) as file:
        file.write(text.encode())
        os.fchmod(file.fileno(), 0o600)
