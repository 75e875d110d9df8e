"""Where a server's socket goes: in its home, or in a short private folder; never one somebody else made."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import stat
from pathlib import Path

from embedded.failure import EmbeddedError
from embedded.home import Home

# sun_path holds 108 bytes, the last of them zero.
SOCKET_PATH_BYTES_MAX = 107
# Others mean something in a connection string or in a server's settings (a comma separates folders).
PLAIN_PATH = re.compile(rb"[A-Za-z0-9_./+-]+")


def open_socket_folder(home: Home, socket_name: str) -> Path:
    """The folder, fresh and private to the server's account; `socket` in the home is it or a link to it."""
    beside_files = home.path / "socket"
    _clear(beside_files)
    path = os.fsencode(beside_files / socket_name)
    if len(path) <= SOCKET_PATH_BYTES_MAX and PLAIN_PATH.fullmatch(path):
        home.make_folder(beside_files)
        return beside_files

    outer = short_folder(home.path)
    _make_ours(outer)
    outer.chmod(0o700 if home.account.is_ours else 0o711)
    inner = outer / "socket"
    _clear(inner)
    home.make_folder(inner)
    beside_files.symlink_to(inner)
    return inner


def close_socket_folder(home: Home) -> None:
    beside_files = home.path / "socket"
    if beside_files.is_symlink():
        inner = beside_files.readlink()
        _clear(inner)
        with contextlib.suppress(OSError):
            inner.parent.rmdir()
    _clear(beside_files)


def short_folder(home_path: Path) -> Path:
    digest = hashlib.sha256(os.fsencode(home_path)).hexdigest()[:16]
    return _short_base() / f"poincon-{os.geteuid()}-{digest}"


def _short_base() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.geteuid() != 0 and runtime and PLAIN_PATH.fullmatch(os.fsencode(runtime)):
        with contextlib.suppress(OSError):
            status = os.stat(runtime)  # noqa: PTH116
            if len(runtime) <= 40 and status.st_uid == os.geteuid() and status.st_mode & 0o077 == 0:
                return Path(runtime)
    # _make_ours refuses a folder that somebody else has put there.
    return Path("/tmp")  # noqa: S108


def _make_ours(folder: Path) -> None:
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    is_private_folder = stat.S_ISDIR(status.st_mode) and status.st_mode & 0o022 == 0
    if status.st_uid != os.geteuid() or not is_private_folder:
        mode = stat.filemode(status.st_mode)
        raise EmbeddedError(
            f"{folder} was made by somebody else (uid {status.st_uid}, {mode}): "
            "a server reached through it could be theirs.",
            remedy="look who made it, remove it, and start again; or choose a shorter --data "
            f"(the socket's path must stay within {SOCKET_PATH_BYTES_MAX} bytes)",
        )


def _clear(folder: Path) -> None:
    if folder.is_symlink():
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)
