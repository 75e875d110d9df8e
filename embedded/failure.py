"""The one exception of this room, and the end of a server's log to go with it; nothing that recovers."""

from __future__ import annotations

import os
from pathlib import Path

LOG_LINES_TOLD_MAX = 15
LOG_BYTES_READ_MAX = 16_384


class EmbeddedError(Exception):
    """An embedded server cannot do what was asked: what was wrong, what to do, what its log says."""

    def __init__(self, wrong: str, *, remedy: str, log: Path | None = None) -> None:
        lines = [wrong, f"What to do: {remedy}"]
        if log is not None:
            lines += [f"End of {log}:", *(f"  {line}" for line in log_end(log))]
        super().__init__("\n".join(lines))


def log_end(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            size_bytes = file.seek(0, os.SEEK_END)
            file.seek(max(0, size_bytes - LOG_BYTES_READ_MAX))
            text = file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ["(no log was written)"]
    return text.splitlines()[-LOG_LINES_TOLD_MAX:] or ["(the log is empty)"]
