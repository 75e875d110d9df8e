"""Drills of payouts, each on a database of its own that is copied from the seeded one."""

import asyncio
import itertools
import os
from collections.abc import Awaitable

import pytest

from ledger.connect import connect
from loadtests.payout_drill import Drill, open_drill

BOOKLETS = 20

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def run(servers, seed):
    """Run something on a loop of its own: hypothesis calls plain functions."""
    loop = asyncio.new_event_loop()

    def run(work: Awaitable):
        return loop.run_until_complete(work)

    yield run
    loop.close()


@pytest.fixture(scope="session")
def fresh(servers, seed, run):
    """A drill on a database of its own, copied from the seeded one."""

    async def copied(name: str) -> None:
        admin = await connect(servers.postgres.superuser_dsn, purpose="tests")
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", seed.template
        )
        await admin.execute(
            f"CREATE DATABASE {name} OWNER poincon_owner TEMPLATE {seed.template} STRATEGY file_copy"
        )
        await admin.close()

    async def dropped(name: str) -> None:
        admin = await connect(servers.postgres.superuser_dsn, purpose="tests")
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()

    class Fresh:
        async def __aenter__(self) -> Drill:
            self.name = f"drill_{os.getpid()}_{next(_numbers)}"
            await copied(self.name)
            self.dsn = servers.postgres.dsn("poincon_app", self.name)
            self.connection = await connect(self.dsn, purpose="tests")
            self.drill = await open_drill(self.connection, seed.programme_id, booklets=BOOKLETS)
            return self.drill

        async def tamper(self, *statements: str) -> None:
            """As a hand that no grant and no trigger holds."""
            admin = await connect(servers.postgres.superuser_dsn_of(self.name), purpose="tests")
            try:
                for statement in statements:
                    await admin.execute(statement)
            finally:
                await admin.close()

        async def __aexit__(self, *_: object) -> None:
            await self.connection.close()
            await dropped(self.name)

    return Fresh
