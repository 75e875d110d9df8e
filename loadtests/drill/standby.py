"""A synchronous standby of the drilled PostgreSQL: copied, attached, promoted. Nothing breaks it here."""

import asyncio
import os
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from embedded.home import Home
from embedded.postgres import SUPERUSER, Postgres
from embedded.secret_file import write_secret
from ledger.connect import connected
from loadtests.drill.tampering import promote, wait_for_standby

COPY_SECONDS_MAX = 300.0
ATTACH_SECONDS_MAX = 120.0
STEP_SECONDS = 0.05


class Standby(Postgres):
    """Another PostgreSQL whose cluster is a copy of its primary's, and follows it through the proxy."""

    primary: Postgres
    replication_port: int

    def __init__(self, data: Path, primary: Postgres, replication_port: int) -> None:
        super().__init__(data, settings=primary.settings)
        self.primary = primary
        self.replication_port = replication_port

    def prepare(self, home: Home) -> None:
        if not home.files.exists():
            write_secret(home.path / "passwords", (self.primary.home / "passwords").read_text())
            self._copy(home)
        super().prepare(home)

    def _copy(self, home: Home) -> None:
        tool = self.primary.tool("pg_basebackup")
        subprocess.run(  # noqa: S603
            [
                *tool.argv,
                "--pgdata",
                str(home.files),
                "--checkpoint=fast",
                "--no-sync",
                "--wal-method=stream",
            ],
            env={name: value for name, value in tool.env.items() if name != "PGDATABASE"},
            check=True,
            timeout=COPY_SECONDS_MAX,
            capture_output=True,
        )
        password = urlsplit(self.primary.superuser_dsn).password
        reached = f"host=127.0.0.1 port={self.replication_port} user={SUPERUSER} sslmode=disable"
        with (home.files / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"primary_conninfo = '{reached} password={password} application_name=standby'\n")
        (home.files / "standby.signal").touch()
        for folder, _, files in os.walk(home.files):
            home.account.give(Path(folder))
            for name in files:
                home.account.give(Path(folder) / name)

    def answers(self, home: Home) -> bool:
        try:
            lines = (home.files / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() in {"ready", "standby"}

    def settle(self, home: Home) -> None:
        """Nothing: roles and database came with the copy."""


async def attach(primary: Postgres, data: Path, *, replication_port: int) -> Standby:
    """Copy the primary and start the copy; from its return on, no commit returns without it."""
    standby = Standby(data, primary, replication_port)
    await asyncio.to_thread(standby.restart)
    async with connected(primary.superuser_dsn, purpose="drill standby") as superuser:
        deadline = time.monotonic() + ATTACH_SECONDS_MAX
        while not await wait_for_standby(superuser):
            assert time.monotonic() < deadline, "the standby does not follow its primary"
            await asyncio.sleep(STEP_SECONDS)
    return standby


async def promoted(standby: Standby) -> None:
    """Make it take writes, alone until another standby is attached."""
    async with connected(standby.superuser_dsn, purpose="drill standby") as superuser:
        assert await promote(superuser), "the standby was not promoted in time"
