"""The account that servers run as: our own, or an unprivileged one when we are root; starts nothing."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from embedded.failure import EmbeddedError

# A machine's owner may create `poincon` to keep our files apart; `nobody` exists everywhere.
UNPRIVILEGED_NAMES = ("poincon", "nobody")


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int

    @property
    def is_ours(self) -> bool:
        return self.uid == os.geteuid()

    def may_enter(self, folder: Path) -> bool:
        """Whether every folder down to this one lets the account through, by its mode bits alone."""
        folder = folder.resolve()
        return self.is_ours or all(self._may(part, stat.S_IXOTH) for part in (folder, *folder.parents))

    def may_read(self, file: Path, *, run: bool = False) -> bool:
        wanted = stat.S_IROTH | (stat.S_IXOTH if run else 0)
        return self.is_ours or (self.may_enter(file.parent) and self._may(file.resolve(), wanted))

    def _may(self, path: Path, wanted_of_others: int) -> bool:
        status = path.stat()
        if status.st_uid == self.uid:
            wanted = wanted_of_others << 6
        elif status.st_gid == self.gid:
            wanted = wanted_of_others << 3
        else:
            wanted = wanted_of_others
        return status.st_mode & wanted == wanted

    def give(self, path: Path) -> None:
        if not self.is_ours:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def account_for_first_start() -> Account:
    return _unprivileged() if os.geteuid() == 0 else _ourselves()


def account_for(files: Path) -> Account:
    """The owner of what an earlier start left there, else the account that a first start takes."""
    if os.geteuid() != 0 or not files.exists():
        return account_for_first_start()
    owner_uid = files.lstat().st_uid
    if owner_uid == 0:
        raise EmbeddedError(
            f"{files} belongs to root, and PostgreSQL refuses to run as root.",
            remedy=f"give it to an unprivileged account (chown -R nobody {files}), or choose another --data",
        )
    return _by_uid(owner_uid, remedy=f"create an account with uid {owner_uid}, the owner of {files}")


def _ourselves() -> Account:
    return _by_uid(os.geteuid(), remedy="run as an account that has one, or set DATABASE_URL and VALKEY_URL")


def _by_uid(uid: int, *, remedy: str) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        # initdb and psql refuse such an account with a message that says less.
        raise EmbeddedError(f"The account with uid {uid} has no passwd entry.", remedy=remedy) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _unprivileged() -> Account:
    for name in UNPRIVILEGED_NAMES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and this machine has no unprivileged account for it "
        f"({' or '.join(UNPRIVILEGED_NAMES)}).",
        remedy="useradd --system --no-create-home poincon, or run as a plain user",
    )
