"""Hand-outs: which passes of a booklet went to one beneficiary, by whom, and the coded answers.

Whoever handed a part of a booklet out accepts none of its passes: persons, not logins
(booklets.prescribed_by, co_prescriptions).
"""

from datetime import datetime
from uuid import UUID

from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.handout_rows import BookletToHandOut, Handout, HandoutRefusal, NewHandout, UndoCause

LISTED_MAX = 200

LOCK = "SELECT FROM booklets WHERE number = $1 FOR UPDATE"
# Scans hold it shared, from before they look at who prescribed to their commit (0021_rules_hold.sql): who has
# it alone sees every pass that was taken, and is seen by every scan to come.
LOCK_SCANS = "SELECT pg_advisory_xact_lock(21, hashint8($1::bigint))"
BOOKLET = """
SELECT b.number, t.programme_id, p.name, b.pass_count, b.face_value_cents,
       b.state = 'active', b.state = 'cancelled', p.expires_at <= $2,
       -- A booklet that went back to the trustee, or to another territory, is in nobody's safe here.
       CASE WHEN e.territory_id = s.territory_id THEN c.prescriber_id END,
       coalesce((SELECT r.was_handed_out FROM replacements r WHERE r.new_booklet = b.number), false),
       ARRAY(SELECT generate_series(h.first_pass::integer, h.last_pass::integer) FROM handouts h
             WHERE h.booklet = b.number AND h.undone_at IS NULL),
       ARRAY(SELECT a.pass_number FROM acceptances a WHERE a.booklet = b.number AND a.undone_at IS NULL),
       ARRAY(SELECT d.mediator_id FROM acceptances a JOIN devices d ON d.id = a.device_id
             WHERE a.booklet = b.number AND a.undone_at IS NULL)
FROM booklets b JOIN batches t ON t.id = b.batch_id JOIN programmes p ON p.id = t.programme_id
LEFT JOIN booklet_custody c ON c.booklet = b.number LEFT JOIN prescribers s ON s.id = c.prescriber_id
LEFT JOIN booklet_territories e ON e.booklet = b.number
WHERE b.number = $1"""
HEAD_COLUMNS = 10  # before the sets
COLUMNS = """
h.id, h.request_id, h.booklet, h.first_pass, h.last_pass, h.prescriber_id, p.name, h.person_id, n.name,
h.handed_at, h.is_replacement, h.undone_at"""
FROM = "FROM handouts h JOIN prescribers p ON p.id = h.prescriber_id JOIN persons n ON n.id = h.person_id"
BY_REQUEST = f"SELECT {COLUMNS} {FROM} WHERE h.request_id = $1"
OF_BOOKLET = f"SELECT {COLUMNS} {FROM} WHERE h.booklet = $1 ORDER BY h.id"
OF_PRESCRIBER = f"SELECT {COLUMNS} {FROM} WHERE h.prescriber_id = $1 ORDER BY h.id DESC LIMIT $2"
FIND = f"SELECT {COLUMNS} {FROM} WHERE h.id = $1"
ADD = """
INSERT INTO handouts (request_id, booklet, first_pass, last_pass, prescriber_id, person_id, handed_at,
                      is_replacement, questionnaire_id, answers, publics)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id"""
PRESCRIBE = "UPDATE booklets SET prescribed_by = $2 WHERE number = $1 AND prescribed_by IS NULL"
PRESCRIBE_TOO = """
INSERT INTO co_prescriptions (booklet, person_id)
SELECT number, $2 FROM booklets WHERE number = $1 AND prescribed_by <> $2
ON CONFLICT DO NOTHING"""
UNDO = """
UPDATE handouts SET undone_at = $2, undone_by = $3, undo_cause = $4 WHERE id = $1 AND undone_at IS NULL
RETURNING id"""
TAKEN = """
SELECT EXISTS (SELECT FROM acceptances a WHERE a.booklet = $1 AND a.pass_number BETWEEN $2 AND $3
               AND a.undone_at IS NULL)"""


class HandoutRefused(Exception):
    """Nothing was handed out."""

    def __init__(self, why: HandoutRefusal) -> None:
        super().__init__(f"nothing was handed out: {why.value}")
        self.why = why


async def find_booklet_to_hand_out(
    connection: Connection, number: int, *, now: datetime
) -> BookletToHandOut | None:
    row = await connection.fetchrow(BOOKLET, number, now)
    if row is None:
        return None
    return BookletToHandOut(*row[:HEAD_COLUMNS], *map(frozenset, row[HEAD_COLUMNS:]))


def refuse_handout(booklet: BookletToHandOut | None, new: NewHandout) -> HandoutRefusal | None:
    """The first reason that holds; None: it may be handed out."""
    if booklet is None:
        return HandoutRefusal.UNKNOWN_BOOKLET
    passes = set(range(new.first_pass, new.last_pass + 1))
    reasons = {
        HandoutRefusal.NOT_IN_STOCK: booklet.prescriber_id != new.prescriber_id,
        HandoutRefusal.CANCELLED: booklet.is_cancelled,
        HandoutRefusal.NOT_ACTIVE: not booklet.is_active,
        HandoutRefusal.EXPIRED: booklet.is_expired,
        HandoutRefusal.BEYOND_BOOKLET: not passes or min(passes) < 1 or max(passes) > booklet.pass_count,
        HandoutRefusal.HANDED_OUT: bool(passes & booklet.handed_out),
        HandoutRefusal.ALREADY_ACCEPTED: bool(passes & booklet.accepted),
        HandoutRefusal.OWN_ACCEPTANCE: new.person_id in booklet.accepted_by,
    }
    return next((why for why, holds in reasons.items() if holds), None)


async def hand_out(connection: Connection, new: NewHandout, *, at: datetime, actor: str) -> Handout:
    """Record it; a repeat of the same request is told what it did. Raises HandoutRefused."""
    async with connection.transaction():
        await connection.execute(LOCK, new.booklet)
        await connection.execute(LOCK_SCANS, new.booklet)
        if known := await connection.fetchrow(BY_REQUEST, new.request_id):
            return _handout(known)
        booklet = await find_booklet_to_hand_out(connection, new.booklet, now=at)
        if why := refuse_handout(booklet, new):
            raise HandoutRefused(why)
        assert booklet is not None
        added = await connection.fetchval(
            ADD,
            new.request_id,
            new.booklet,
            new.first_pass,
            new.last_pass,
            new.prescriber_id,
            new.person_id,
            at,
            booklet.is_replacement,
            None if booklet.is_replacement else new.questionnaire_id,
            None if booklet.is_replacement else new.answers,
            [] if booklet.is_replacement else list(new.publics),
        )
        await connection.execute(PRESCRIBE, new.booklet, new.person_id)
        await connection.execute(PRESCRIBE_TOO, new.booklet, new.person_id)
        await record_event(
            connection,
            actor=actor,
            action="booklet.hand_out",
            subject=f"booklet:{new.booklet}",
            prescriber=new.prescriber_id,
            first_pass=new.first_pass,
            last_pass=new.last_pass,
        )
        return _handout(await connection.fetchrow(FIND, added))


async def undo_handout(
    connection: Connection, handout_id: int, *, cause: UndoCause, at: datetime, actor: str
) -> bool:
    """It was a mistake, and no pass was taken since; False: too late. Who handed it out stays barred."""
    async with connection.transaction():
        handout = await find_handout(connection, handout_id)
        if handout is None:
            return False
        await connection.execute(LOCK, handout.booklet)
        if await connection.fetchval(TAKEN, handout.booklet, handout.first_pass, handout.last_pass):
            return False
        if await connection.fetchval(UNDO, handout_id, at, actor, cause.value) is None:
            return False
        await record_event(
            connection,
            actor=actor,
            action="booklet.undo_hand_out",
            subject=f"booklet:{handout.booklet}",
            cause=cause.value,
            first_pass=handout.first_pass,
            last_pass=handout.last_pass,
        )
    return True


async def find_handout(connection: Connection, handout_id: int) -> Handout | None:
    row = await connection.fetchrow(FIND, handout_id)
    return _handout(row) if row else None


async def find_by_request(connection: Connection, request_id: UUID) -> Handout | None:
    row = await connection.fetchrow(BY_REQUEST, request_id)
    return _handout(row) if row else None


async def handouts_of_booklet(connection: Connection, booklet: int) -> list[Handout]:
    return [_handout(row) for row in await connection.fetch(OF_BOOKLET, booklet)]


async def newest_handouts(
    connection: Connection, prescriber_id: int, *, limit: int = LISTED_MAX
) -> list[Handout]:
    return [_handout(row) for row in await connection.fetch(OF_PRESCRIBER, prescriber_id, limit)]


def _handout(row: Record) -> Handout:
    return Handout(*row)
