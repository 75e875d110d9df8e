"""What this machine lets a drill do, and what it lacks, by name. Mounts and starts nothing that stays."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path


class Ability(StrEnum):
    SMALL_DISK = "a small disk"
    STRACE = "strace"
    FAKETIME = "faketime"


# What apt-get provides: lacking it is an error in CI (requirements/system.sh installs both).
PROVIDED_BY_APT = frozenset({Ability.STRACE, Ability.FAKETIME})
FAKETIME_LIBRARY = "libfaketimeMT.so.1"


class AbilityMissing(Exception):
    """CI lacks what it could have installed; the text says which package."""


@cache
def missing() -> Mapping[Ability, str]:
    """What can't be done here, and why."""
    reasons = {
        Ability.SMALL_DISK: _why_no_small_disk(),
        Ability.STRACE: _why_no_strace(),
        Ability.FAKETIME: "" if faketime_library() else "faketime is not installed",
    }
    return {ability: reason for ability, reason in reasons.items() if reason}


def demand_in_ci() -> None:
    lacking = sorted(ability.value for ability in missing() if ability in PROVIDED_BY_APT)
    if lacking and os.environ.get("CI") == "true":
        raise AbilityMissing(f"CI lacks {', '.join(lacking)}: apt-get install {' '.join(lacking)}")


def faketime_library() -> Path | None:
    found = sorted(Path("/usr/lib").glob(f"*/faketime/{FAKETIME_LIBRARY}"))
    return found[0] if found else None


def _why_no_small_disk() -> str:
    if os.geteuid() != 0:
        return "only root may mount one"
    with tempfile.TemporaryDirectory(prefix="poincon-disk-") as folder:
        try:
            mount(Path(folder), size_bytes=1 << 20)
        except (OSError, subprocess.CalledProcessError):
            return "this machine refuses to mount one"
        unmount(Path(folder))
    return ""


def _why_no_strace() -> str:
    strace = shutil.which("strace")
    if strace is None:
        return "strace is not installed"
    # Attached to a sister process, as to a server's: Yama may allow children only.
    sister = subprocess.Popen(["/bin/sleep", "10"])
    try:
        attached = subprocess.Popen(  # noqa: S603
            [strace, "-qq", "-e", "trace=none", "-p", str(sister.pid)], stderr=subprocess.DEVNULL
        )
        try:
            attached.wait(0.3)
        except subprocess.TimeoutExpired:
            return ""
        else:
            return "tracing is not allowed here"
        finally:
            attached.terminate()
            attached.wait()
    finally:
        sister.kill()
        sister.wait()


def mount(folder: Path, *, size_bytes: int) -> None:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=0711", "tmpfs", str(folder)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603


def unmount(folder: Path) -> None:
    # Lazily: whatever still has a file open there is being killed, and must not keep the mount for ever.
    subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)  # noqa: S603, S607
