"""Where a drill keeps its servers and its history, and how it tells its figures. Drills: loadtests/drill."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from loadtests.drill.drill import Report


@pytest.fixture
def drill_folder() -> Iterator[Path]:
    """Where root's unprivileged account may pass, unlike pytest's own temporary folders."""
    folder = Path(tempfile.mkdtemp(prefix="drill-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[Report], None]:
    """Print the line of figures even when the test passes."""

    def print_line(report: Report) -> None:
        with capsys.disabled():
            print(f"\n{report}", end=" ")

    return print_line
