"""Grants of passes to territories: read, proposed and decided.

The cap is the database's (0019_grants_hold.sql); when a grant is due, and what hinders it, is programmes/'s.
"""

from datetime import date, datetime

from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.grant_rows import Condition, Grant, GrantKind, GrantRefused, GrantState, Holdings, Standing
from ledger.programme_rules import rules_on

LIST_MAX = 1_000
TERRITORIES_MAX = 1_000

# Who grants waits for who grants: what is read after it stays true to the end of the transaction.
LOCK = "SELECT FROM programmes WHERE id = $1 FOR NO KEY UPDATE"
STANDINGS = """
SELECT h.territory_id, t.name,
       h.granted_passes, h.reduced_passes, h.restituted_passes, h.held_passes, h.dispatched_passes,
       h.delivered_passes, h.consumed_passes,
       ARRAY(SELECT c.condition FROM territory_conditions c
             WHERE (c.programme_id, c.territory_id) = (h.programme_id, h.territory_id)
               AND c.withdrawn_at IS NULL AND c.met_on <= $2) AS conditions,
       is_suspended(h.programme_id, h.territory_id) AS is_suspended,
       EXISTS (SELECT FROM programme_territories p
               WHERE (p.programme_id, p.territory_id) = (h.programme_id, h.territory_id)) AS is_covered,
       h.grant_count,
       ARRAY(SELECT g.threshold_number FROM grants g
             WHERE (g.programme_id, g.territory_id) = (h.programme_id, h.territory_id)
               AND g.state = 'refused') AS refused_numbers,
       ARRAY(SELECT g.threshold_number FROM grants g
             WHERE (g.programme_id, g.territory_id) = (h.programme_id, h.territory_id)
               AND g.state = 'proposed') AS proposed_numbers,
       granted_of(h.programme_id) AS programme_granted
FROM territory_holdings h JOIN territories t ON t.id = h.territory_id
WHERE h.programme_id = $1 AND ($3::integer IS NULL OR h.territory_id = $3) ORDER BY t.name, t.id LIMIT $4"""
ADD = """
INSERT INTO grants (programme_id, territory_id, kind, threshold_number, passes, rules_version, held_passes,
                    consumed_passes, proposed_at, proposed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
ON CONFLICT (programme_id, territory_id, threshold_number) WHERE state <> 'refused' DO NOTHING RETURNING id"""
DECIDE = """
UPDATE grants SET state = $2, decided_at = $3, decided_by = $4, reason = $5, deliver_by = $6
WHERE id = $1 AND state = 'proposed' RETURNING id"""
GRANTS = """
SELECT g.id, g.programme_id, g.territory_id, t.name, g.kind, g.threshold_number, g.passes, g.held_passes,
       g.consumed_passes, g.proposed_at, g.proposed_by, g.state, g.decided_at, p.name, g.reason, g.deliver_by,
       d.delivered, d.dispatched, d.delivered_on
FROM grants g JOIN territories t ON t.id = g.territory_id LEFT JOIN persons p ON p.id = g.decided_by,
LATERAL (SELECT coalesce(sum(d.passes) FILTER (WHERE d.delivered_at IS NOT NULL), 0)::integer AS delivered,
                coalesce(sum(d.passes), 0)::integer AS dispatched,
                max(paris_day(d.delivered_at)) AS delivered_on
         FROM deliveries d WHERE d.grant_id = g.id) AS d"""
ONE = f"{GRANTS} WHERE g.id = $1"
OF_PROGRAMME = f"""
{GRANTS} WHERE g.programme_id = $1 AND ($2::integer IS NULL OR g.territory_id = $2)
ORDER BY g.id DESC LIMIT $3"""
GRANTED = "SELECT granted_of($1)"


async def lock_grants(connection: Connection, programme_id: int) -> None:
    if await connection.execute(LOCK, programme_id) != "SELECT 1":
        raise GrantRefused(f"no programme {programme_id}; `poincon programmes list` shows those known")


async def standings(
    connection: Connection, programme_id: int, *, day: date, territory_id: int | None = None
) -> list[Standing]:
    """Of each territory that the programme covers or has granted passes to, by name."""
    rules = await rules_on(connection, programme_id, day)
    rows = await connection.fetch(STANDINGS, programme_id, day, territory_id, TERRITORIES_MAX)
    return [
        Standing(
            programme_id=programme_id,
            territory_id=row["territory_id"],
            territory=row["name"],
            rules=rules,
            holdings=_holdings(row),
            conditions=frozenset(Condition(one) for one in row["conditions"]),
            is_suspended=row["is_suspended"],
            is_covered=row["is_covered"],
            grant_count=row["grant_count"],
            refused_numbers=frozenset(row["refused_numbers"]),
            proposed_numbers=frozenset(row["proposed_numbers"]),
            programme_granted=row["programme_granted"],
        )
        for row in rows
    ]


async def standing_of(connection: Connection, programme_id: int, territory_id: int, *, day: date) -> Standing:
    found = await standings(connection, programme_id, day=day, territory_id=territory_id)
    if not found:
        raise GrantRefused(f"territory {territory_id} is not in programme {programme_id}")
    return found[0]


async def programme_granted(connection: Connection, programme_id: int) -> int:
    """Passes of all territories together, less what was taken off or came back."""
    return int(await connection.fetchval(GRANTED, programme_id))


async def add_grant(
    connection: Connection,
    standing: Standing,
    *,
    kind: GrantKind,
    threshold_number: int,
    passes: int,
    actor: str,
    reason: str | None = None,
    at: datetime,
) -> Grant | None:
    """Propose it; None when this threshold has its grant already, proposed or approved."""
    grant_id = await connection.fetchval(
        ADD,
        standing.programme_id,
        standing.territory_id,
        kind.value,
        threshold_number,
        passes,
        standing.rules.version,
        standing.holdings.held,
        standing.holdings.consumed,
        at,
        actor,
    )
    if grant_id is None:
        return None
    await record_event(
        connection,
        actor=actor,
        action="grant.propose",
        subject=f"grant:{grant_id}",
        reason=reason,
        territory=standing.territory,
        passes=passes,
        threshold=threshold_number,
    )
    return await find_grant(connection, grant_id)


async def decide_grant(
    connection: Connection,
    grant: Grant,
    state: GrantState,
    *,
    person_id: int,
    actor: str,
    reason: str | None,
    deliver_by: date | None = None,
    at: datetime,
) -> Grant:
    """The database refuses an approval that its rules exclude, whoever asks."""
    decided = await connection.fetchval(DECIDE, grant.id, state.value, at, person_id, reason, deliver_by)
    if decided is None:
        raise GrantRefused(f"grant {grant.id} was decided meanwhile")
    await record_event(
        connection,
        actor=actor,
        action="grant.approve" if state is GrantState.APPROVED else "grant.refuse",
        subject=f"grant:{grant.id}",
        reason=reason,
        territory=grant.territory,
        passes=grant.passes,
    )
    return await find_grant(connection, grant.id)


async def find_grant(connection: Connection, grant_id: int) -> Grant:
    row = await connection.fetchrow(ONE, grant_id)
    if row is None:
        raise GrantRefused(f"no grant {grant_id}; `poincon grants list` shows those known")
    return _grant(row)


async def list_grants(
    connection: Connection, programme_id: int, *, territory_id: int | None = None
) -> list[Grant]:
    """The newest first."""
    rows = await connection.fetch(OF_PROGRAMME, programme_id, territory_id, LIST_MAX)
    return [_grant(row) for row in rows]


def _holdings(row: Record) -> Holdings:
    names = ("granted", "reduced", "restituted", "held", "dispatched", "delivered", "consumed")
    return Holdings(**{name: int(row[f"{name}_passes"]) for name in names})


def _grant(row: Record) -> Grant:
    told = list(row)
    told[4], told[11] = GrantKind(told[4]), GrantState(told[11])
    return Grant(*told)
