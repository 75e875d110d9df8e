"""pgbench's inserts into a table like our acceptances: what one commit per scan costs without our code."""

import asyncio
import re
from pathlib import Path

from embedded.postgres import Postgres
from ledger.connect import connected
from loadtests.bench_failure import BenchFailed
from loadtests.bench_measured import Measured

DATABASE = "pgbench_inserts"
# A number of rows rather than a time: on a busy machine, opening the connections alone takes seconds.
INSERTS_PER_SECOND = 10_000
JOBS = 1

CREATE_DATABASE = f"CREATE DATABASE {DATABASE}"
CREATE_TABLE = """
CREATE TABLE acceptances (
    booklet bigint NOT NULL, attempt_id uuid NOT NULL, accepted_at timestamptz NOT NULL, seal bigint NOT NULL,
    device_id integer NOT NULL, site_id integer NOT NULL, operator_id integer NOT NULL,
    amount_cents integer NOT NULL, receipt_key_id smallint NOT NULL, service_id smallint NOT NULL,
    pass_number smallint NOT NULL, scanned_at timestamptz, undone_at timestamptz
);
CREATE UNIQUE INDEX acceptances_one_live ON acceptances (booklet, pass_number) WHERE undone_at IS NULL;
CREATE INDEX acceptances_attempt ON acceptances (attempt_id);
CREATE INDEX acceptances_operator ON acceptances (operator_id, accepted_at);
CREATE SEQUENCE passes CACHE 10;
"""
INSERT = """
INSERT INTO acceptances (booklet, pass_number, attempt_id, accepted_at, seal, device_id, site_id, operator_id,
                         amount_cents, receipt_key_id, service_id)
SELECT taken / 10, 1 + taken % 10, uuidv7(), date_trunc('second', now()), taken, 1, 1, 1, 1000, 1, 1
FROM nextval('passes') AS taken
ON CONFLICT (booklet, pass_number) WHERE undone_at IS NULL DO NOTHING;
"""

TPS = re.compile(r"^tps = ([0-9.]+) \(without initial connection time\)", re.MULTILINE)


class PgbenchFailed(BenchFailed):
    """pgbench did not print its rate; the text has what it printed."""


class Inserts:
    def __init__(self, postgres: Postgres, script: Path) -> None:
        self._postgres = postgres
        self._script = script

    async def prepare(self) -> None:
        self._script.write_text(INSERT, encoding="utf-8")
        async with connected(self._postgres.superuser_dsn, purpose="pgbench") as connection:
            await connection.execute(CREATE_DATABASE)
        async with connected(self._postgres.superuser_dsn_of(DATABASE), purpose="pgbench") as connection:
            await connection.execute(CREATE_TABLE)

    async def run(self, *, connections: int, seconds: float) -> Measured:
        tool = self._postgres.tool("pgbench", database=DATABASE)
        each = max(1, round(INSERTS_PER_SECOND * seconds / connections))
        process = await asyncio.create_subprocess_exec(
            *tool.argv,
            *("--no-vacuum", "--protocol=prepared", f"--client={connections}", f"--jobs={JOBS}"),
            *(f"--transactions={each}", f"--file={self._script}"),
            env=dict(tool.env),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
        told = TPS.search(printed.decode())
        if process.returncode or told is None:
            raise PgbenchFailed(printed.decode().strip()[-2_000:])
        return Measured(each * connections, each * connections / float(told[1]))
