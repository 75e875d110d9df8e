"""Counters of a whole instance, from one consistent reading. Only reads; lists of single things are in
registers.py."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from ledger.connect import Connection, Record
from ledger.rows import BookletState

# One pass over each large table, counted by programme, booklet's state and operator; the few rows are added
# up here. LEFT JOIN: an acceptance of a booklet that nobody issued still counts for its operator, and shows.
OF_BOOKLET = """
LEFT JOIN booklets b ON b.number = x.booklet LEFT JOIN batches t ON t.id = b.batch_id"""
ACCEPTED = f"""
SELECT t.programme_id, b.state, x.operator_id, count(*), sum(x.amount_cents)::bigint
FROM acceptances x {OF_BOOKLET} WHERE x.undone_at IS NULL GROUP BY t.programme_id, b.state, x.operator_id"""
# A line stands for a live acceptance: what is remitted can't be undone.
CONSUMED = f"""
SELECT t.programme_id, b.state, x.operator_id, count(*), sum(x.amount_cents)::bigint
FROM remittance_lines x {OF_BOOKLET} GROUP BY t.programme_id, b.state, x.operator_id"""
BOOKLETS = """
SELECT t.programme_id, b.state, count(*), sum(b.pass_count)::bigint,
       sum(b.pass_count * b.face_value_cents)::bigint
FROM booklets b JOIN batches t ON t.id = b.batch_id GROUP BY t.programme_id, b.state"""
PROGRAMMES = """
SELECT id, name, funder, face_value_cents, booklet_size, last_day, expires_at <= $1 AS is_over
FROM programmes ORDER BY id"""
OPERATORS = "SELECT id, name, siret FROM operators ORDER BY name, id"


class Tally(NamedTuple):
    passes: int
    cents: int


@dataclass(frozen=True, slots=True)
class ProgrammeCounters:
    id: int
    name: str
    funder: str
    face_value_cents: int
    booklet_size: int
    last_day: date
    is_over: bool
    booklets_issued: int  # ever, whatever became of them
    booklets_active: int
    booklets_cancelled: int
    accepted: Tally  # live acceptances
    consumed: Tally  # of these, in a closed remittance
    outstanding: Tally  # of active booklets, not accepted and not expired


@dataclass(frozen=True, slots=True)
class OperatorCounters:
    id: int
    name: str
    siret: str
    accepted: Tally
    consumed: Tally

    @property
    def unremitted(self) -> Tally:
        return _less(self.accepted, self.consumed)


@dataclass(frozen=True, slots=True)
class Overview:
    read_at: datetime
    programmes: tuple[ProgrammeCounters, ...]
    operators: tuple[OperatorCounters, ...]

    @property
    def agrees(self) -> bool:
        """Both ways of adding up give the same; false when somebody changed rows by hand."""
        accepted_agree = _sum(p.accepted for p in self.programmes) == _sum(o.accepted for o in self.operators)
        consumed_agree = _sum(p.consumed for p in self.programmes) == _sum(o.consumed for o in self.operators)
        return accepted_agree and consumed_agree


async def read_overview(connection: Connection, *, now: datetime) -> Overview:
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        programmes = await connection.fetch(PROGRAMMES, now)
        operators = await connection.fetch(OPERATORS)
        booklets = [_Booklets(*row) for row in await connection.fetch(BOOKLETS)]
        accepted = [_Taken(*row) for row in await connection.fetch(ACCEPTED)]
        consumed = [_Taken(*row) for row in await connection.fetch(CONSUMED)]
    return Overview(
        now,
        tuple(
            _programme(
                row,
                [one for one in booklets if one.programme_id == row["id"]],
                [one for one in accepted if one.programme_id == row["id"]],
                [one for one in consumed if one.programme_id == row["id"]],
            )
            for row in programmes
        ),
        tuple(
            OperatorCounters(
                row["id"],
                row["name"],
                row["siret"],
                _sum(one.tally for one in accepted if one.operator_id == row["id"]),
                _sum(one.tally for one in consumed if one.operator_id == row["id"]),
            )
            for row in operators
        ),
    )


class _Booklets(NamedTuple):
    programme_id: int
    state: str
    booklets: int
    passes: int
    cents: int


class _Taken(NamedTuple):
    programme_id: int | None  # None: of a booklet that nobody issued
    state: str | None
    operator_id: int
    passes: int
    cents: int

    @property
    def tally(self) -> Tally:
        return Tally(self.passes, self.cents)


def _programme(
    row: Record, booklets: list[_Booklets], accepted: list[_Taken], consumed: list[_Taken]
) -> ProgrammeCounters:
    active = [one for one in booklets if one.state == BookletState.ACTIVE]
    taken = _sum(one.tally for one in accepted if one.state == BookletState.ACTIVE)
    left = _less(_sum(Tally(one.passes, one.cents) for one in active), taken)
    return ProgrammeCounters(
        id=row["id"],
        name=row["name"],
        funder=row["funder"],
        face_value_cents=row["face_value_cents"],
        booklet_size=row["booklet_size"],
        last_day=row["last_day"],
        is_over=row["is_over"],
        booklets_issued=sum(one.booklets for one in booklets),
        booklets_active=sum(one.booklets for one in active),
        booklets_cancelled=sum(one.booklets for one in booklets if one.state == BookletState.CANCELLED),
        accepted=_sum(one.tally for one in accepted),
        consumed=_sum(one.tally for one in consumed),
        outstanding=Tally(0, 0) if row["is_over"] else left,
    )


def _sum(tallies: Iterable[Tally]) -> Tally:
    passes = cents = 0
    for tally in tallies:
        passes += tally.passes
        cents += tally.cents
    return Tally(passes, cents)


def _less(whole: Tally, part: Tally) -> Tally:
    return Tally(whole.passes - part.passes, whole.cents - part.cents)
