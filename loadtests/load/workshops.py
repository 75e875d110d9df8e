"""What all phones of a load test share: devices, codes that nobody has scanned, what was seen. No locust."""

import json
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

READY_VARIABLE = "POINCON_READY_FILE"
REPORT_VARIABLE = "POINCON_LOAD_REPORT"
CODES_MAX = 1_000_000
WRONG_TOLD_MAX = 5


class Workshops:
    """ready_file: what `poincon demo --ready-file` writes, or any that names `devices` and `codes`."""

    def __init__(self, ready_file: Path) -> None:
        ready: dict[str, Any] = json.loads(ready_file.read_text(encoding="utf-8"))
        self.tokens: list[str] = [device["token"] for device in ready["devices"]]
        self._codes = _read_codes(Path(ready["codes"]))
        self.wrong: list[str] = []
        self.cpu_at_start = time.process_time()
        self.scans_judged = 0
        self.codes_gone = False
        self._winners: dict[str, str] = {}  # code: the attempt that was accepted

    def codes(self, count: int) -> list[str]:
        """Fewer than asked for when none are left: the test then ends."""
        taken = list(islice(self._codes, count))
        self.codes_gone = self.codes_gone or len(taken) < count
        return taken

    def saw_accepted(self, code: str, attempt_id: str) -> str | None:
        """What is wrong with it: a pass is taken once, however many phones try."""
        winner = self._winners.setdefault(code, attempt_id)
        return None if winner == attempt_id else f"two attempts accepted: {winner} and {attempt_id}"

    def note_wrong(self, text: str) -> None:
        if len(self.wrong) < WRONG_TOLD_MAX:
            self.wrong.append(text)


def _read_codes(path: Path) -> Iterator[str]:
    with path.open(encoding="utf-8") as lines:
        for line in islice(lines, CODES_MAX):
            yield json.loads(line)["qr"]
