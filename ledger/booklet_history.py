"""One booklet's life as the record tells it: what it is, what was done to it, by whom and why. Only reads."""

from dataclasses import dataclass
from datetime import date, datetime

from ledger.connect import Connection
from ledger.registers import Event

EVENTS_MAX = 200

BOOKLET = """
SELECT b.number, b.batch_id, t.programme_id, p.name AS programme, b.state, b.pass_count, b.face_value_cents,
       t.issued_at, b.activated_at, b.cancelled_at, b.cancel_cause, p.last_day, p.expires_at <= $2 AS is_over,
       e.dispatched_at, e.delivered_at, y.name AS territory, h.name AS prescriber,
       (SELECT count(*) FROM acceptances a WHERE a.booklet = b.number AND a.undone_at IS NULL) AS accepted,
       coalesce((SELECT sum(g.last_pass - g.first_pass + 1) FROM handouts g
                 WHERE g.booklet = b.number AND g.undone_at IS NULL), 0) AS handed_out,
       (SELECT r.old_booklet FROM replacements r WHERE r.new_booklet = b.number) AS replaces,
       r.new_booklet AS replaced_by, r.old_booklet IS NOT NULL AND r.done_at IS NULL AS is_being_replaced
FROM booklets b JOIN batches t ON t.id = b.batch_id JOIN programmes p ON p.id = t.programme_id
LEFT JOIN booklet_territories e ON e.booklet = b.number LEFT JOIN territories y ON y.id = e.territory_id
LEFT JOIN booklet_custody c ON c.booklet = b.number LEFT JOIN prescribers h ON h.id = c.prescriber_id
LEFT JOIN replacements r ON r.old_booklet = b.number
WHERE b.number = $1"""
EVENTS = """
SELECT id, at, actor, action, subject, reason, detail FROM events
WHERE subject = ANY($1) ORDER BY id LIMIT $2"""


@dataclass(frozen=True, slots=True)
class BookletLife:
    number: int
    batch_id: int
    programme_id: int
    programme: str
    state: str
    pass_count: int
    face_value_cents: int
    issued_at: datetime
    activated_at: datetime | None
    cancelled_at: datetime | None
    cancel_cause: str | None
    last_day: date
    is_over: bool
    dispatched_at: datetime | None
    delivered_at: datetime | None
    territory: str | None
    prescriber: str | None  # who has it, or had it last
    accepted: int
    handed_out: int
    replaces: int | None
    replaced_by: int | None
    is_being_replaced: bool


async def read_life(connection: Connection, number: int, *, now: datetime) -> BookletLife | None:
    row = await connection.fetchrow(BOOKLET, number, now)
    return BookletLife(**row) if row else None


async def events_of(connection: Connection, life: BookletLife) -> list[Event]:
    """Of the booklet and of its batch, oldest first."""
    subjects = [f"booklet:{life.number}", f"batch:{life.batch_id}"]
    return [Event(*row) for row in await connection.fetch(EVENTS, subjects, EVENTS_MAX)]
