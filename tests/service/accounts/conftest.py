"""An instance whose acceptances fall on any instant, for calendars and for accounts over long periods."""

import itertools
import os
import uuid
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from ledger.connect import connect, connected
from loadtests.payout_drill import open_drill

BOOKLETS = 20
BEGINS = datetime(2026, 11, 30, 9, tzinfo=UTC)

# The record's own hand: a scan is judged now, and no test waits for the end of a year.
ACCEPT = """
INSERT INTO acceptances (booklet, attempt_id, accepted_at, seal, device_id, site_id, operator_id,
                         amount_cents, receipt_key_id, service_id, pass_number)
SELECT $1, $2, $3, 0, $4, $5, $6, $7, (SELECT min(id) FROM signing_keys), 1, $8"""


class World:
    """A house, and passes taken of it whenever wanted."""

    def __init__(self, house) -> None:
        self.house = house
        self._passes = {}

    async def accept(self, device, at: datetime, *, count=1, programme_id=None) -> list[uuid.UUID]:
        programme_id = programme_id or self.house.programme_id
        attempts = []
        async with self.house.as_superuser() as connection:
            for _ in range(count):
                booklet, number = await self._pass_of(programme_id)
                attempts.append(uuid.uuid4())
                await connection.execute(
                    ACCEPT, booklet, attempts[-1], at.replace(microsecond=0), device.id, device.site_id,
                    device.operator_id, 1_000, number,
                )  # fmt: skip
        return attempts

    async def _pass_of(self, programme_id):
        left = self._passes.get(programme_id)
        one = next(left, None) if left else None
        if one is None:
            batch = await self.house.issue(programme_id=programme_id, booklets=5)
            self._passes[programme_id] = itertools.product(batch.booklets, range(1, 11))
            one = next(self._passes[programme_id])
        return one


@pytest.fixture(scope="package")
async def world(servers, open_house):
    async with open_house(servers, valkey=9) as house:
        yield World(house)


@pytest.fixture(scope="package")
async def account(world):
    """Somebody of the trustee who decides."""
    async with world.house.database() as connection:
        return await connection.fetchval(
            "INSERT INTO accounts (email, person_id, password_hash)"
            " VALUES ('m@example.org', 1, '$argon2id$x') RETURNING id"
        )


@pytest.fixture(scope="package")
def tamper(servers):
    """As a hand that no grant and no trigger holds."""

    async def tamper(drill, *statements: str) -> None:
        name = await drill.connection.fetchval("SELECT current_database()")
        dsn = servers.postgres.superuser_dsn_of(name)
        async with connected(dsn, purpose="tests") as admin:
            await admin.execute("SET session_replication_role = replica")
            for statement in statements:
                await admin.execute(statement)

    return tamper


@pytest.fixture(scope="package")
def fresh(servers, seed):
    """A drill of payouts on a database of its own, copied from the seeded one."""
    numbers = itertools.count(1)

    @asynccontextmanager
    async def fresh():
        name = f"accounts_{os.getpid()}_{next(numbers)}"
        async with connected(servers.postgres.superuser_dsn, purpose="tests") as admin:
            await admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", seed.template
            )
            await admin.execute(
                f"CREATE DATABASE {name} OWNER poincon_owner TEMPLATE {seed.template} STRATEGY file_copy"
            )
        connection = await connect(servers.postgres.dsn("poincon_app", name), purpose="tests")
        try:
            yield await open_drill(connection, seed.programme_id, booklets=BOOKLETS, now=BEGINS)
        finally:
            await connection.close()
            async with connected(servers.postgres.superuser_dsn, purpose="tests") as admin:
                await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")

    return fresh
