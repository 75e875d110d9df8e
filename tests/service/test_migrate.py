"""Migrations: again and again, several at once, and never over something they do not know."""

import asyncio

import asyncpg
import pytest

from ledger.connect import connected
from ledger.migrate import Migration, MigrationError, migrate, migrations


@pytest.fixture
async def empty(servers):
    """The DSN of the owner of a database without schema."""
    name = "migrated"
    async with connected(servers.postgres.superuser_dsn, purpose="tests") as connection:
        await connection.execute(f"CREATE DATABASE {name} OWNER poincon_owner")
        yield servers.postgres.dsn("poincon_owner", name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


async def _migrate(dsn):
    async with connected(dsn, purpose="tests") as connection:
        return [migration.version for migration in await migrate(connection)]


async def test_four_at_once_apply_each_file_once(empty):
    applied = await asyncio.gather(*(_migrate(empty) for _ in range(4)))
    assert sorted(applied, key=len)[-1] == [migration.version for migration in migrations()]
    assert sum(len(versions) for versions in applied) == len(migrations())
    assert await _migrate(empty) == []


async def test_a_file_changed_after_it_was_applied_is_refused(empty):
    await _migrate(empty)
    async with connected(empty, purpose="tests") as connection:
        await connection.execute("UPDATE schema_migrations SET sha256 = 'another' WHERE version = 1")
    with pytest.raises(MigrationError, match="was changed after it had been applied"):
        await _migrate(empty)


async def test_a_database_newer_than_the_program_is_refused_untouched(empty):
    await _migrate(empty)
    async with connected(empty, purpose="tests") as connection:
        await connection.execute("INSERT INTO schema_migrations VALUES (9999, 'future', 'x')")
    with pytest.raises(MigrationError, match="newer than this program"):
        await _migrate(empty)


async def test_a_migration_that_fails_leaves_nothing_of_it(empty):
    async with connected(empty, purpose="tests") as connection:
        await connection.execute("CREATE TABLE undos (in_the_way int)")
    with pytest.raises(asyncpg.DuplicateTableError):
        await _migrate(empty)
    async with connected(empty, purpose="tests") as connection:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert {row["tablename"] for row in tables} == {"undos", "schema_migrations"}
        await connection.execute("DROP TABLE undos")
    assert await _migrate(empty) == [migration.version for migration in migrations()]


async def test_a_table_in_use_makes_the_run_give_up_rather_than_block_the_scans(empty, monkeypatch):
    await _migrate(empty)
    known = migrations()
    another = Migration(len(known) + 1, "add_column", "ALTER TABLE persons ADD COLUMN note text")
    monkeypatch.setattr("ledger.migrate.migrations", lambda: [*known, another])
    monkeypatch.setattr("ledger.migrate.LOCK_TIMEOUT_MS", 100)
    async with connected(empty, purpose="tests") as busy:
        async with busy.transaction():
            await busy.execute("SELECT FROM persons")
            with pytest.raises(MigrationError, match="in use now; run it again"):
                await _migrate(empty)
        assert await _migrate(empty) == [another.version]
