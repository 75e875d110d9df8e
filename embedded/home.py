"""The folder of one server: where it lies, whose it is, and that one start uses it; not what is in it."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import stat
import tempfile
from pathlib import Path

from embedded.account import Account, account_for, account_for_first_start
from embedded.failure import EmbeddedError
from embedded.lock import Lock

LOG = logging.getLogger(__name__)
# Where root's clusters go when their account cannot pass through the folders above the one asked for.
PLACES = Path("/var/lib/poincon")
LOG_BYTES_MAX = 8 * 1024 * 1024


class Home:
    """Open and locked for as long as its server is wanted.

    `files` is the server's own and belongs to its account; all else belongs to us and is closed to others:
    `log`, `lock` (ours), `server.lock` (inherited by every process of the server), secrets, `socket`.
    """

    def __init__(self, asked: Path, *, files: str) -> None:
        self.path = _settle(asked)
        self.files = self.path / files
        self.log = self.path / "log"
        self.server_lock = self.path / "server.lock"
        self.account: Account = account_for(self.files)
        self.path.chmod(0o700 if self.account.is_ours else 0o711)
        self._check_reach(asked)
        self._lock = self._take_lock()
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.replace(self.path / "log.old")

    def _check_reach(self, asked: Path) -> None:
        if self.account.may_enter(self.path):
            return
        raise EmbeddedError(
            f"{asked} cannot be reached by the account {self.account.name}, which runs its server for root.",
            remedy=f"let that account pass through every folder above {self.path} (mode o+x), "
            "or choose another --data",
        )

    def _take_lock(self) -> Lock:
        path = self.path / "lock"
        try:
            lock = Lock(path)
        except BlockingIOError:
            owner = path.read_text().strip() or "unknown"
            raise EmbeddedError(
                f"{self.path} is in use by process {owner}.",
                remedy="stop that process first, or choose another --data",
            ) from None
        lock.sign()
        return lock

    def close(self) -> None:
        self._lock.close()

    def make_folder(self, path: Path) -> None:
        """A folder of the server's account, closed to everybody else."""
        path.mkdir(mode=0o700, exist_ok=True)
        self.account.give(path)


def _settle(asked: Path) -> Path:
    """The real folder for what was asked: itself, or a place that the server's account can reach.

    Root's data may lie where an unprivileged account cannot pass (/root/…, mode 0700). The mode of folders
    above is not ours to change, so the server's folder is made elsewhere and a link left where it was asked.
    """
    # Not resolve(), which would follow the link that we make ourselves.
    asked = Path(os.path.abspath(asked))  # noqa: PTH100
    if not str(asked).isprintable():
        raise EmbeddedError(
            f"The path {str(asked)!r} has characters that cannot be printed.",
            remedy="choose a --data without line breaks or control characters",
        )
    try:
        asked.parent.mkdir(parents=True, exist_ok=True)
        _make(asked)
        real = asked.resolve(strict=True)
        status = real.stat()
    except OSError as error:
        raise EmbeddedError(
            f"{asked} cannot be made or used: {error.strerror} ({error.filename}).",
            remedy="choose a --data where you may write; remove a link whose target is gone",
        ) from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.geteuid():
        raise EmbeddedError(
            f"{real} is not a folder of ours (it belongs to uid {status.st_uid}, we are {os.geteuid()}).",
            remedy="run as the account that made it, or choose another --data",
        )
    return real


def _make(asked: Path) -> None:
    if asked.is_symlink() or (asked.is_dir() and any(asked.iterdir())):
        return
    account = account_for_first_start()
    if account.may_enter(asked.parent):
        asked.mkdir(mode=0o700, exist_ok=True)
        return
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        asked.rmdir()
    place = _new_place(asked)
    try:
        asked.symlink_to(place)
    except FileExistsError:
        # Another start was quicker; its lock decides.
        place.rmdir()
        return
    LOG.warning(
        "%s cannot be reached by the account %s, which runs servers for root: its files go to %s, "
        "and a link to them is left in its place",
        asked,
        account.name,
        place,
    )


def _new_place(asked: Path) -> Path:
    temporary = Path(tempfile.gettempdir()).resolve()
    if asked.resolve().is_relative_to(temporary):
        return Path(tempfile.mkdtemp(prefix="poincon-", dir=temporary))
    PLACES.mkdir(mode=0o755, exist_ok=True)
    PLACES.chmod(0o755)
    return Path(tempfile.mkdtemp(prefix=f"{asked.parent.name}-{asked.name}-", dir=PLACES))


def discard(asked: Path) -> None:
    """Delete a stopped server's folder, wherever it lies, with everything in it."""
    real = asked.resolve()
    if asked.is_symlink():
        asked.unlink()
    shutil.rmtree(real, ignore_errors=True)
