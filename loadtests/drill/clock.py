"""The clock of a validator that jumps: its wall clock alone, by faketime; its monotonic clock stays true."""

from pathlib import Path

from loadtests.drill.abilities import faketime_library

READ_SECONDS = 1  # how often faketime looks at its file


class Clock:
    def __init__(self, file: Path) -> None:
        self._file = file
        self.set(0)

    def set(self, ahead_seconds: int) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(f"{ahead_seconds:+d}\n")
        new.replace(self._file)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(faketime_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": str(READ_SECONDS),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",  # its name in older versions
            "FAKETIME_DONT_RESET": "1",
        }
