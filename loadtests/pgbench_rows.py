"""A record that is years old: millions of acceptances put beside those measured. Not through our code.

Their seals are made up, so that no audit is run afterwards; booklets that nobody issued stay out of memory.
"""

from embedded.servers import Servers
from ledger.connect import Connection, connected

ROWS_PER_STATEMENT = 500_000
STATEMENT_SECONDS = 600
FIRST_BOOKLET = 1_000_000_000
PASSES_PER_BOOKLET = 10

FILL = """
INSERT INTO acceptances (booklet, pass_number, attempt_id, accepted_at, seal, device_id, site_id, operator_id,
                         amount_cents, receipt_key_id, service_id)
SELECT $1::bigint + n / $3::int, 1 + n % $3::int, uuidv7(), date_trunc('second', now()), n, like_.device_id,
       like_.site_id, like_.operator_id, like_.amount_cents, like_.receipt_key_id, like_.service_id
FROM generate_series(0, $2::int - 1) AS n, (SELECT * FROM acceptances LIMIT 1) AS like_
"""
INDEXES = (
    "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'acceptances'"
)
TIDY = "VACUUM (ANALYZE) acceptances"
SETTLE = "CHECKPOINT"


async def fill(servers: Servers, rows: int) -> None:
    async with connected(servers.postgres.superuser_dsn, purpose="bench") as connection:
        # Indexes are made anew at the end: sooner done, and as packed as those of rows in their order.
        indexes = await connection.fetch(INDEXES)
        for name, _ in indexes:
            await connection.execute(f'DROP INDEX "{name}"')
        for done in range(0, rows, ROWS_PER_STATEMENT):
            await _fill_some(connection, done, min(ROWS_PER_STATEMENT, rows - done))
        for _, definition in indexes:
            await connection.execute(definition, timeout=STATEMENT_SECONDS)
        await connection.execute(TIDY, timeout=STATEMENT_SECONDS)
        # What is measured next must not pay for writing all this to the disk.
        await connection.execute(SETTLE, timeout=STATEMENT_SECONDS)


async def _fill_some(connection: Connection, done: int, rows: int) -> None:
    first = FIRST_BOOKLET + done // PASSES_PER_BOOKLET
    await connection.execute(FILL, first, rows, PASSES_PER_BOOKLET, timeout=STATEMENT_SECONDS)
