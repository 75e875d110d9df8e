"""Closings on the programmes' calendars: which are due, and each made once. Days are in calendar_rows.py."""

from collections import defaultdict
from datetime import date, datetime

from ledger.acceptances import LOCK_OPERATOR
from ledger.calendar_rows import Calendar, Due, last_due_day, request_of
from ledger.connect import Connection
from ledger.events import record_event
from ledger.programme_rules import follow
from ledger.programmes import UnknownProgramme
from ledger.remittance_rows import LINES_MAX, PARIS, ClosedRemittance, Remittance
from ledger.remittances import close_remittance, read_remittance

CLOSINGS_PER_DAY_MAX = 1_000  # of one operator: ten million passes
ACTOR = "calendar"

LOCK_CLOSINGS = "SELECT pg_try_advisory_lock(5, 0)"
LOCK = "SELECT closing_calendar FROM programmes WHERE id = $1 FOR UPDATE"
SET = "UPDATE programmes SET closing_calendar = $2 WHERE id = $1"
CALENDARS = "SELECT id, closing_calendar FROM programmes WHERE closing_calendar <> 'none' ORDER BY id"
# An undone acceptance may be the only one: its operator then has nothing to close, which is found out later.
OPERATORS = """
SELECT id, name, siret FROM operators o
WHERE EXISTS (SELECT FROM acceptances a WHERE a.operator_id = o.id) ORDER BY id"""
OF_REQUEST = "SELECT number FROM remittances WHERE operator_id = $1 AND request_id = $2"
WAITING = """
SELECT a.attempt_id FROM acceptances a
JOIN booklets b ON b.number = a.booklet JOIN batches t ON t.id = b.batch_id
WHERE a.operator_id = $1 AND a.undone_at IS NULL AND a.accepted_at < $2 AND t.programme_id = ANY($3)
  AND NOT EXISTS (SELECT FROM remittance_lines l WHERE l.operator_id = a.operator_id
                  AND (l.booklet, l.pass_number, l.attempt_id) = (a.booklet, a.pass_number, a.attempt_id))
ORDER BY a.accepted_at, a.booklet, a.pass_number LIMIT $4"""


async def set_calendar(
    connection: Connection, programme_id: int, calendar: Calendar, *, reason: str | None, actor: str
) -> None:
    async with connection.transaction():
        before = await connection.fetchval(LOCK, programme_id)
        if before is None:
            raise UnknownProgramme(f"no programme {programme_id}")
        if before == calendar:
            return
        await connection.execute(SET, programme_id, calendar.value)
        await follow(
            connection,
            programme_id,
            reason=reason or f"closing calendar: {calendar.value}",
            actor=actor,
            closing_calendar=calendar,
        )
        await record_event(
            connection,
            actor=actor,
            action="programme.calendar",
            subject=f"programme:{programme_id}",
            reason=reason,
            before=before,
            after=calendar.value,
        )


async def read_calendars(connection: Connection) -> dict[int, Calendar]:
    """Of the programmes that have one."""
    return {row["id"]: Calendar(row["closing_calendar"]) for row in await connection.fetch(CALENDARS)}


async def due_closings(connection: Connection, *, at: datetime) -> list[Due]:
    """What the calendars ask for at this instant, whether it is done already or not; oldest day first."""
    programmes: dict[date, list[int]] = defaultdict(list)
    for programme_id, calendar in (await read_calendars(connection)).items():
        day = last_due_day(calendar, at.astimezone(PARIS).date())
        assert day is not None
        programmes[day].append(programme_id)
    if not programmes:
        return []
    operators = await connection.fetch(OPERATORS)
    return [
        Due(row["id"], row["name"], row["siret"], day, tuple(programmes[day]))
        for day in sorted(programmes)
        for row in operators
    ]


async def is_only_closer(connection: Connection) -> bool:
    """Whether nobody else closes now; nobody will until this connection ends.

    It spares work: that each day is closed once holds without it.
    """
    is_ours: bool = await connection.fetchval(LOCK_CLOSINGS)
    return is_ours


async def close_due(
    connection: Connection, due: Due, *, certification: str, at: datetime
) -> list[Remittance]:
    """Close what is due, in as many remittances as it takes; those that this call closed.

    The day is done once: a pass that a phone brings later, even with an earlier instant, waits for the next.
    """
    closed = []
    for place in range(CLOSINGS_PER_DAY_MAX):
        one, is_new = await _close_one(connection, due, place, certification=certification, at=at)
        if one is None:
            break
        if is_new:
            closed.append(one.remittance)
        if len(one.lines) < LINES_MAX:
            break
    return closed


async def _close_one(
    connection: Connection, due: Due, place: int, *, certification: str, at: datetime
) -> tuple[ClosedRemittance | None, bool]:
    request_id = request_of(due.operator_id, due.day, place)
    async with connection.transaction():
        # Held from the choice of the passes to their closing: nobody undoes or closes one of them meanwhile.
        await connection.execute(LOCK_OPERATOR, due.operator_id)
        number = await connection.fetchval(OF_REQUEST, due.operator_id, request_id)
        if number is not None:
            return await read_remittance(connection, due.operator_id, number), False
        waiting = await connection.fetch(
            WAITING, due.operator_id, due.accepted_before, list(due.programme_ids), LINES_MAX
        )
        if not waiting:
            return None, False
        closed = await close_remittance(
            connection,
            due.operator_id,
            at=at,
            actor=ACTOR,
            certified_by=None,
            certification=certification,
            attempt_ids=[row["attempt_id"] for row in waiting],
            request_id=request_id,
        )
        assert isinstance(closed, ClosedRemittance), closed
        return closed, True
