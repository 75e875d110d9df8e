"""A private PostgreSQL: its cluster, its roles and how to reach it; nothing of what is stored in it."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from urllib.parse import quote

from embedded import binaries
from embedded.failure import EmbeddedError
from embedded.home import Home
from embedded.process import Launch, Process
from embedded.secret_file import new_password, sync_folder, write_secret
from embedded.server import Server

ROLES = ("poincon_owner", "poincon_app", "poincon_auditor")
SUPERUSER = "postgres"
DATABASE = "poincon"
# No TCP port is opened: the number only names the socket's file.
PORT = 5432
INITDB_SECONDS = 120.0
BOOTSTRAP_SECONDS = 60.0
SETTING_NAME = re.compile(r"[a-z_][a-z0-9_.]*")

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # After a crash every file is synced before recovery; one call does it in a fraction of the time.
    "recovery_init_sync_method": "syncfs",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    # The wheel is built without lz4 and zstd.
    "wal_compression": "pglz",
    "max_locks_per_transaction": "256",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


@dataclass(frozen=True)
class Tool:
    """A program of the wheel, ready to reach this server: run [*argv, …] with env."""

    argv: tuple[str, ...]
    env: Mapping[str, str]


class Postgres(Server):
    NAME = "PostgreSQL"
    FILES = "cluster"
    SOCKET = f".s.PGSQL.{PORT}"
    # Recovery after a crash reads up to max_wal_size again.
    READY_SECONDS = 120.0

    @property
    def bin_dir(self) -> Path:
        return binaries.postgres_folder()

    @property
    def superuser_dsn(self) -> str:
        return self._dsn(SUPERUSER, DATABASE)

    def dsn(self, role: str = "poincon_owner", database: str = DATABASE) -> str:
        if role not in ROLES:
            raise ValueError(f"no role {role!r}: take one of {', '.join(ROLES)}")
        return self._dsn(role, database)

    def superuser_dsn_of(self, database: str) -> str:
        return self._dsn(SUPERUSER, database)

    def _dsn(self, role: str, database: str) -> str:
        password = _read_passwords(self._pgpass)[role]
        host = quote(str(self.socket_folder), safe="/")
        return f"postgresql://{role}:{password}@/{database}?host={host}&port={PORT}"

    def tool(self, name: str, *, role: str = SUPERUSER, database: str = DATABASE) -> Tool:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
        address = {"PGHOST": str(self.socket_folder), "PGPORT": str(PORT), "PGUSER": role}
        secret = {"PGDATABASE": database, "PGPASSFILE": str(self._pgpass)}
        return Tool(argv=(str(self.bin_dir / name),), env={**environment, **address, **secret})

    @property
    def _pgpass(self) -> Path:
        return self.home / "passwords"

    @staticmethod
    def default_settings() -> Mapping[str, str]:
        return SETTINGS

    def prepare(self, home: Home) -> None:
        for name in self.settings:
            if not SETTING_NAME.fullmatch(name):
                raise EmbeddedError(
                    f"{name!r} is not a setting of PostgreSQL.",
                    remedy="take a name from the view pg_settings",
                )
        if not home.files.exists():
            if not self._pgpass.exists():
                passwords = {role: new_password() for role in (SUPERUSER, *ROLES)}
                write_secret(self._pgpass, "".join(f"*:*:*:{role}:{pw}\n" for role, pw in passwords.items()))
            _make_cluster(home, password=_read_passwords(self._pgpass)[SUPERUSER])
        _check_version(home)
        _remove_stale_pid(home)

    def launch(self, home: Home) -> Launch:
        settings = {**self.settings, "unix_socket_directories": str(self.socket_folder), "port": str(PORT)}
        program = binaries.postgres_folder(home.account) / "postgres"
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = (str(program), "-D", str(home.files), *options)
        return _launch(home, command, polite=Signals.SIGINT, urgent=Signals.SIGQUIT)

    def answers(self, home: Home) -> bool:
        """As pg_ctl decides it: the postmaster itself says so in its file, whose lines have fixed places."""
        try:
            lines = (home.files / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def settle(self, home: Home) -> None:
        passwords = _read_passwords(self._pgpass)
        script = Path(__file__).with_name("bootstrap.sql").read_text()
        variables = "".join(f"\\set {role} '{passwords[role]}'\n" for role in ROLES)
        psql = self.tool("psql", database="postgres")
        try:
            # The passwords go by standard input, where no other process can read them.
            subprocess.run(  # noqa: S603
                [*psql.argv, "--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1"],
                env=psql.env,
                input=(variables + script).encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=BOOTSTRAP_SECONDS,
                check=True,
            )
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            told = (error.stderr or b"").decode("utf-8", "replace").strip()
            raise EmbeddedError(
                f"The roles and the database could not be made: {told or error}",
                remedy=f"if {self._pgpass} is not the one made with the cluster, put that one back",
                log=home.log,
            ) from None


def _read_passwords(pgpass: Path) -> dict[str, str]:
    try:
        lines = pgpass.read_text().splitlines()
    except FileNotFoundError:
        raise EmbeddedError(
            f"{pgpass}, which holds the passwords made with the cluster, is missing.",
            remedy="put it back from a copy, or choose another --data",
        ) from None
    fields = (line.split(":") for line in lines)
    return {role: password for *_, role, password in fields}


def _make_cluster(home: Home, *, password: str) -> None:
    """Under another name until it is whole: a cluster that is there is one that initdb has finished."""
    new = home.path / "cluster.new"
    # initdb reads the password from a file of its own account; a pipe of ours it may not open.
    password_file = home.path / "cluster.new.password"
    if new.exists():
        shutil.rmtree(new)
    write_secret(password_file, f"{password}\n")
    home.account.give(password_file)
    home.make_folder(new)
    initdb = str(binaries.postgres_folder(home.account) / "initdb")
    what = ("--pgdata", str(new), "--username", SUPERUSER, "--data-checksums", "--no-instructions")
    # One call instead of one per file: seconds less on a busy disk, and the same durability.
    durable = ("--sync-method=syncfs",)
    access = ("--auth=scram-sha-256", f"--pwfile={password_file}")
    text = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    process = Process(_launch(home, (initdb, *what, *durable, *access, *text), polite=Signals.SIGTERM))
    status = process.wait(seconds=INITDB_SECONDS)
    process.stop()
    password_file.unlink()
    if status != 0:
        raise EmbeddedError(
            f"initdb could not make the cluster in {home.path}.",
            remedy="read its log: most often the disk is full, or the folder's file system refuses chown",
            log=home.log,
        )
    new.rename(home.files)
    sync_folder(home.path)


def _launch(
    home: Home, command: tuple[str, ...], *, polite: Signals, urgent: Signals = Signals.SIGKILL
) -> Launch:
    return Launch(
        command=command,
        account=home.account,
        folder=home.path,
        log=home.log,
        lock=home.server_lock,
        polite=polite,
        urgent=urgent,
    )


def _check_version(home: Home) -> None:
    found = (home.files / "PG_VERSION").read_text().strip()
    postgres = binaries.postgres_folder(home.account) / "postgres"
    told = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True).stdout  # noqa: S603
    ours = told.split()[-1].partition(".")[0]
    if found != ours:
        raise EmbeddedError(
            f"The cluster in {home.path} was made by PostgreSQL {found}, and the wheel's is {ours}.",
            remedy=f"dump it with a wheel of version {found} (pg_dumpall), and load it under another --data",
        )


def _remove_stale_pid(home: Home) -> None:
    """After a crash its number may be another process's by now, and PostgreSQL would refuse to start.

    None of ours runs (their lock is free); what remains to be ruled out is a postmaster started by hand.
    """
    pid_file = home.files / "postmaster.pid"
    if not pid_file.exists():
        return
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and _is_postgres_in(home.files, process):
            raise EmbeddedError(
                f"A PostgreSQL not started by us (process {process.name}) uses {home.files}.",
                remedy=f"stop it (kill -INT {process.name}), and start again",
            )
    pid_file.unlink()


def _is_postgres_in(cluster: Path, process: Path) -> bool:
    # It goes to its cluster before it writes its file, so that its folder tells more than the file does.
    with contextlib.suppress(OSError):
        return (process / "comm").read_text() == "postgres\n" and (process / "cwd").readlink() == cluster
    return False
