"""What a drill does to the database by hand: cut, promote, take safeguards away. The room's only SQL."""

from ledger.connect import Connection

OUR_BACKENDS = """
FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'poincon %' AND pid <> pg_backend_pid()
  AND application_name NOT LIKE 'poincon drill%'"""
CUT = f"SELECT count(pg_terminate_backend(pid)) {OUR_BACKENDS}"
BACKENDS = f"SELECT pid {OUR_BACKENDS} ORDER BY application_name, pid"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"

# The copy was made without it, or with it: said anew each time, and seen by all within moments.
NAME_STANDBY = "ALTER SYSTEM SET synchronous_standby_names = '*'"
NAME_NONE = "ALTER SYSTEM SET synchronous_standby_names = ''"
RELOAD = "SELECT pg_reload_conf()"
FOLLOWS = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming' AND sync_state = 'sync'"
PROMOTE = "SELECT pg_promote()"

CLAIM_DEFINITION = "SELECT pg_get_functiondef('claim_passes'::regproc)"
ONE_LIVE = "ON CONFLICT (booklet, pass_number) WHERE undone_at IS NULL DO NOTHING"
NO_UNIQUE_KEY = """
DROP INDEX acceptances_one_live;
CREATE INDEX acceptances_one_live ON acceptances (booklet, pass_number) WHERE undone_at IS NULL"""
# A slow disk: what two flushes hold overlaps for long enough to show in which order they take it.
SLOW_ROWS = """
CREATE FUNCTION take_slowly() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_sleep(0.01); RETURN NEW; END';
CREATE TRIGGER take_slowly BEFORE INSERT ON acceptances FOR EACH ROW EXECUTE FUNCTION take_slowly()"""
SORTED_LOCKS = "FROM unnest(attempt_ids) AS a ORDER BY 1"
SORTED_ROWS = "ORDER BY c.booklet, c.pass_number"


async def cut_connections(superuser: Connection) -> int:
    """End every connection of a validator, as a firewall or an administrator would; return how many."""
    return int(await superuser.fetchval(CUT))


async def backends(superuser: Connection) -> list[int]:
    """The processes of PostgreSQL that serve validators."""
    return [row[0] for row in await superuser.fetch(BACKENDS)]


async def deadlocks(connection: Connection) -> int:
    """How many there were since the server last recovered from a crash."""
    return int(await connection.fetchval(DEADLOCKS))


async def wait_for_standby(superuser: Connection) -> bool:
    """Say that commits wait for a standby; whether one follows by now."""
    await superuser.execute(NAME_STANDBY)
    await superuser.fetchval(RELOAD)
    return bool(await superuser.fetchval(FOLLOWS))


async def promote(superuser: Connection) -> bool:
    """Make a standby take writes, alone until another one is attached; waits for it."""
    is_promoted = bool(await superuser.fetchval(PROMOTE))
    await superuser.execute(NAME_NONE)
    await superuser.fetchval(RELOAD)
    return is_promoted


async def drop_unique_key(superuser: Connection) -> None:
    """Leave an index that no longer says "one live acceptance per pass", and a claim that does without it."""
    await _rewrite_claim(superuser, {ONE_LIVE: ""}, NO_UNIQUE_KEY)


async def unsort_claims(superuser: Connection) -> None:
    """Take rows and locks in whatever order the candidates come, slowly enough to be seen."""
    changes = {SORTED_LOCKS: "FROM unnest(attempt_ids) AS a", SORTED_ROWS: ""}
    await _rewrite_claim(superuser, changes, SLOW_ROWS)


async def _rewrite_claim(superuser: Connection, changes: dict[str, str], statements: str) -> None:
    definition = await superuser.fetchval(CLAIM_DEFINITION)
    for old, new in changes.items():
        assert definition.count(old) == 1, "claim_passes() is written otherwise now: plant this fault anew"
        definition = definition.replace(old, new)
    async with superuser.transaction():
        await superuser.execute(statements)
        await superuser.execute(definition)
