"""What a drill does to the database by hand: cut connections, take a safeguard away. The room's only SQL."""

from ledger.connect import Connection

CUT = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'poincon %' AND pid <> pg_backend_pid()"""

CLAIM_DEFINITION = "SELECT pg_get_functiondef('claim_passes'::regproc)"
ONE_LIVE = "ON CONFLICT (booklet, pass_number) WHERE undone_at IS NULL DO NOTHING"
NO_UNIQUE_KEY = """
DROP INDEX acceptances_one_live;
CREATE INDEX acceptances_one_live ON acceptances (booklet, pass_number) WHERE undone_at IS NULL"""


async def cut_connections(superuser: Connection) -> int:
    """End every connection of a validator, as a firewall or an administrator would; return how many."""
    return int(await superuser.fetchval(CUT))


async def drop_unique_key(superuser: Connection) -> None:
    """Leave an index that no longer says "one live acceptance per pass", and a claim that does without it."""
    definition = await superuser.fetchval(CLAIM_DEFINITION)
    assert definition.count(ONE_LIVE) == 1, "claim_passes() is written otherwise now: plant this fault anew"
    async with superuser.transaction():
        await superuser.execute(NO_UNIQUE_KEY)
        await superuser.execute(definition.replace(ONE_LIVE, ""))
