"""What the demo keeps in its folder: secrets in 0600 files, booklets, codes, a bank statement."""

import json
import os
import secrets
from pathlib import Path
from typing import Any

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
        self._passphrase = root / "passphrase"
        self._secrets = root / "secrets.json"

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
        return KeyFolder(self.keys, self.passphrase)

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


def write_private(path: Path, text: str) -> None:
    with appearing_whole(path) as file:
        file.write(text.encode())
        os.fchmod(file.fileno(), 0o600)
