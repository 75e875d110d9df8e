"""Brings the schema to this version, one file of migrations/ after the other. Forward only.

Safe with the old version still running: files only add, each is one transaction, and a lock that can't be had
within seconds makes the run fail rather than block the scans behind it.
"""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files

import asyncpg

from ledger.connect import Connection

LOCK_KEY = 0x504F494E434F4E  # "POINCON": one migration at a time per database
LOCK_TIMEOUT_MS = 5_000
ROLES = ("poincon_app", "poincon_auditor")
FILE_NAME = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")

CREATE_RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version     integer PRIMARY KEY,
    name        text NOT NULL,
    sha256      text NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT clock_timestamp()
)"""
MISSING_ROLES = "SELECT unnest($1::text[]) EXCEPT SELECT rolname FROM pg_roles"
APPLIED = "SELECT version, sha256 FROM schema_migrations"
RECORD = "INSERT INTO schema_migrations (version, name, sha256) VALUES ($1, $2, $3)"
GRANT_READ = "GRANT SELECT ON schema_migrations TO poincon_app, poincon_auditor"


class MigrationError(Exception):
    """The schema can't be brought to this version; the text says why and what to do."""


@dataclass(frozen=True)
class Migration:
    version: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations() -> list[Migration]:
    found = [
        Migration(int(match[1]), match[2], file.read_text(encoding="utf-8"))
        for file in (files("ledger") / "migrations").iterdir()
        if (match := FILE_NAME.match(file.name))
    ]
    found.sort(key=lambda migration: migration.version)
    assert [migration.version for migration in found] == list(range(1, len(found) + 1))
    return found


async def migrate(connection: Connection) -> list[Migration]:
    """Apply what is missing, as the schema's owner; return what was applied."""
    await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
    try:
        missing_roles = sorted(row[0] for row in await connection.fetch(MISSING_ROLES, ROLES))
        if missing_roles:
            raise MigrationError(
                f"create these roles first (CREATE ROLE … LOGIN): {', '.join(missing_roles)}"
            )
        await connection.execute(CREATE_RECORD)
        await connection.execute(GRANT_READ)
        return await _apply_missing(connection)
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", LOCK_KEY)


async def _apply_missing(connection: Connection) -> list[Migration]:
    applied = {row["version"]: row["sha256"] for row in await connection.fetch(APPLIED)}
    known = migrations()
    if applied and max(applied) > len(known):
        raise MigrationError(f"the database is at version {max(applied)}, newer than this program; update it")
    done = []
    for migration in known:
        if migration.version in applied:
            if applied[migration.version] != migration.sha256:
                raise MigrationError(
                    f"{migration.name} was changed after it had been applied; add a new file"
                )
            continue
        await _apply(connection, migration)
        done.append(migration)
    return done


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        async with connection.transaction():
            await connection.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS}")
            await connection.execute(migration.sql)
            await connection.execute(RECORD, migration.version, migration.name, migration.sha256)
    except asyncpg.LockNotAvailableError:
        raise MigrationError(f"{migration.name} changes a table that is in use now; run it again") from None
