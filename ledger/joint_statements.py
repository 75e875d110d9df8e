"""The joint statement of what is unused (état contradictoire), its two signatures, what becomes of the value.

Once both sides signed, the funder decides: refunded, swapped into another of its programmes, or issued again
there. What is not decided yet stays in the programme's funds and is shown as such, to everybody.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import asyncpg

from ledger.book_rows import SUSPENSE, BalanceRefused, EntryKind, circulation_of, funds_of, transfer
from ledger.booklets import issue_batch
from ledger.books import balance_of, post
from ledger.connect import Connection, Record
from ledger.counters import add_up, count_places
from ledger.events import record_event
from ledger.validity_ends import UNRELEASED, EndingProgramme

LOCK = "SELECT face_value_cents, booklet_size FROM programmes WHERE id = $1 FOR NO KEY UPDATE"
COUNTED = ("issued", "waiting", "scanned", "consumed", "expired", "cancelled")
STATEMENT = "id, programme_id, last_day, facts, facts_sha256, unused_cents, drawn_at, drawn_by"
ADD = f"""
INSERT INTO joint_statements (programme_id, last_day, facts, facts_sha256, unused_cents, drawn_at, drawn_by)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING {STATEMENT}"""
FIND = f"SELECT {STATEMENT} FROM joint_statements WHERE programme_id = $1 AND last_day = $2"
SIGN = """
INSERT INTO joint_signatures (statement_id, side, person_id, facts_sha256, signed_at, actor)
VALUES ($1, $2, $3, $4, $5, $6)"""
SIGNATURES = """
SELECT s.side, p.name, s.signed_at FROM joint_signatures s JOIN persons p ON p.id = s.person_id
WHERE s.statement_id = $1 ORDER BY s.signed_at"""
DECIDE = """
INSERT INTO unused_decisions (statement_id, kind, amount_cents, to_programme, reason, decided_by, decided_at,
                              entry, batch_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id"""
DECISIONS = """
SELECT d.id, d.kind, d.amount_cents, t.name, d.reason, p.name, d.decided_at, d.batch_id, r.confirmed_at
FROM unused_decisions d JOIN persons p ON p.id = d.decided_by LEFT JOIN programmes t ON t.id = d.to_programme
LEFT JOIN refunds r ON r.decision_id = d.id WHERE d.statement_id = $1 ORDER BY d.id"""
DECISION = """
SELECT d.kind, d.amount_cents, d.reason, s.programme_id FROM unused_decisions d
JOIN joint_statements s ON s.id = d.statement_id WHERE d.id = $1"""
# Debits of the bank that nothing explains and that are of this amount.
REFUND_LINES = """
SELECT l.id, l.reference, l.booked_on, l.label FROM bank_lines l
WHERE l.amount_cents = -$1::bigint AND NOT EXISTS (SELECT FROM refunds r WHERE r.bank_line_id = l.id)
  AND NOT EXISTS (SELECT FROM matches m WHERE m.bank_line_id = l.id AND m.undone_at IS NULL)
ORDER BY l.booked_on, l.id LIMIT 50"""
ADD_REFUND = """
INSERT INTO refunds (bank_line_id, decision_id, confirmed_at, confirmed_by, entry)
VALUES ($1, $2, $3, $4, $5)"""
REFERENCE = "SELECT reference FROM bank_lines WHERE id = $1"


class Side(StrEnum):
    TRUSTEE = "trustee"
    FUNDER = "funder"


class Become(StrEnum):
    """What becomes of unused value."""

    REFUND = "refund"  # back to the funder's account
    SWAP = "swap"  # into the funds of another programme of the funder
    REISSUE = "reissue"  # there as well, with new booklets that it buys


class StatementRefused(Exception):
    """Nothing was done; the text says why."""


@dataclass(frozen=True, slots=True)
class JointStatement:
    id: int
    programme_id: int
    last_day: date
    facts: Mapping[str, Any]
    facts_sha256: bytes
    unused_cents: int
    drawn_at: datetime
    drawn_by: str


@dataclass(frozen=True, slots=True)
class Signature:
    side: Side
    person: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Decision:
    id: int
    kind: Become
    amount_cents: int
    to_programme: str | None
    reason: str
    person: str
    decided_at: datetime
    batch_id: int | None
    refunded_at: datetime | None  # the bank's line was found

    @property
    def is_done(self) -> bool:
        return self.kind is not Become.REFUND or self.refunded_at is not None


async def draw_statement(
    connection: Connection, ending: EndingProgramme, *, at: datetime, actor: str
) -> JointStatement:
    """What is unused, told once; drawn again, what was told. Needs the release of all that expired."""
    async with connection.transaction():
        await connection.execute(LOCK, ending.id)
        if found := await find_statement(connection, ending):
            return found
        counts = await _counts(connection, ending.id, at=at)
        circulating = -await balance_of(connection, circulation_of(ending.id))
        is_unreleased = await connection.fetchval(UNRELEASED, ending.id)
        if is_unreleased or circulating != counts["waiting_cents"]:
            raise StatementRefused("the value of expired passes was not released yet")
        unused_cents = -await balance_of(connection, funds_of(ending.id))
        facts = {
            "programme": ending.name,
            "funder": ending.funder,
            "last_day": ending.last_day.isoformat(),
            **counts,
            "unused_cents": unused_cents,
        }
        digest = hashlib.sha256(signed_text(facts).encode()).digest()
        row = await connection.fetchrow(
            ADD, ending.id, ending.last_day, facts, digest, unused_cents, at, actor
        )
        await record_event(
            connection,
            actor=actor,
            action="validity.statement",
            subject=f"programme:{ending.id}",
            amount_cents=unused_cents,
            sha256=digest.hex(),
        )
    return JointStatement(*row)


async def _counts(connection: Connection, programme_id: int, *, at: datetime) -> dict[str, int]:
    """By the public counters: a booklet and the one that replaced it are one."""
    places = await count_places(connection, now=at, names=COUNTED, programme_id=programme_id)
    whole = add_up(places.values())
    return {
        "booklets": whole.issued.booklets - whole.waiting.booklets,
        "activated_passes": whole.issued.passes - whole.waiting.passes,
        "consumed_passes": whole.consumed.passes,
        "waiting_passes": whole.scanned.passes - whole.consumed.passes,
        "waiting_cents": whole.scanned.cents - whole.consumed.cents,
        "expired_passes": whole.expired.passes,
        "cancelled_passes": whole.cancelled.passes,
    }


def signed_text(facts: Mapping[str, Any]) -> str:
    """What is hashed and signed, letter by letter."""
    return json.dumps(facts, ensure_ascii=False, sort_keys=True)


async def find_statement(connection: Connection, ending: EndingProgramme) -> JointStatement | None:
    row = await connection.fetchrow(FIND, ending.id, ending.last_day)
    return JointStatement(*row) if row else None


async def sign_statement(
    connection: Connection,
    statement: JointStatement,
    side: Side,
    *,
    person_id: int,
    seen: bytes,
    at: datetime,
    actor: str,
) -> None:
    """seen: the hash of what was on the screen of whoever signs."""
    try:
        async with connection.transaction():
            await connection.execute(SIGN, statement.id, side.value, person_id, seen, at, actor)
            await record_event(
                connection,
                actor=actor,
                action="validity.sign",
                subject=f"programme:{statement.programme_id}",
                sha256=seen.hex(),
            )
    except asyncpg.UniqueViolationError:
        raise StatementRefused("this side has signed, or the same person for the other one") from None
    except asyncpg.CheckViolationError:
        raise StatementRefused("what was on the screen is not what the statement says") from None


async def signatures_of(connection: Connection, statement: JointStatement) -> dict[Side, Signature]:
    rows = await connection.fetch(SIGNATURES, statement.id)
    return {Side(row[0]): Signature(Side(row[0]), row[1], row[2]) for row in rows}


async def decide_unused(
    connection: Connection,
    statement: JointStatement,
    kind: Become,
    amount_cents: int,
    *,
    to_programme: int | None = None,
    reason: str,
    person_id: int,
    at: datetime,
    actor: str,
) -> int:
    """Its number. Money leaves the programme at once for another one; for a refund, with the bank's line."""
    assert (to_programme is None) == (kind is Become.REFUND)
    try:
        async with connection.transaction():
            await connection.execute(LOCK, statement.programme_id)
            entry = batch_id = None
            if to_programme is not None:
                batch_id = await _issue_again(connection, kind, to_programme, amount_cents, actor=actor)
                postings = transfer(
                    amount_cents, debit=funds_of(statement.programme_id), credit=funds_of(to_programme)
                )
                entry = await post(
                    connection, kind=EntryKind.REFUND, postings=postings, actor=actor, reason=reason, at=at,
                    subject=f"statement:{statement.id}",
                )  # fmt: skip
            return int(
                await connection.fetchval(
                    DECIDE, statement.id, kind.value, amount_cents, to_programme, reason, person_id, at,
                    entry, batch_id,
                )
            )  # fmt: skip
    except (asyncpg.CheckViolationError, BalanceRefused) as error:
        raise StatementRefused(str(error)) from None


async def _issue_again(
    connection: Connection, kind: Become, programme_id: int, amount_cents: int, *, actor: str
) -> int | None:
    """New booklets for all of the value, to be printed; activated like any others once they are delivered."""
    if kind is not Become.REISSUE:
        return None
    row = await connection.fetchrow(LOCK, programme_id)
    if row is None:
        raise StatementRefused(f"no programme {programme_id}")
    booklet_cents = row["face_value_cents"] * row["booklet_size"]
    count, rest = divmod(amount_cents, booklet_cents)
    if rest or not count:
        raise StatementRefused(f"{amount_cents} c are no whole booklets of {booklet_cents} c")
    return (await issue_batch(connection, programme_id, count, actor=actor)).id


async def decisions_of(connection: Connection, statement: JointStatement) -> list[Decision]:
    rows = await connection.fetch(DECISIONS, statement.id)
    return [Decision(row[0], Become(row[1]), *tuple(row)[2:]) for row in rows]


async def refund_lines(connection: Connection, amount_cents: int) -> list[Record]:
    """Lines of the bank that may be a refund of this amount: id, reference, day, label."""
    return list(await connection.fetch(REFUND_LINES, amount_cents))


async def confirm_refund(
    connection: Connection, decision_id: int, line_id: int, *, at: datetime, actor: str
) -> None:
    """This debit of the bank gave the funder its money back: funds → suspense, whence the bank took it."""
    try:
        async with connection.transaction():
            kind, amount_cents, reason, programme_id = await connection.fetchrow(DECISION, decision_id)
            assert kind == Become.REFUND
            entry = await _book_refund(
                connection, programme_id, amount_cents, line_id, reason=reason, at=at, actor=actor
            )
            await connection.execute(ADD_REFUND, line_id, decision_id, at, actor, entry)
    except (asyncpg.CheckViolationError, asyncpg.UniqueViolationError, BalanceRefused) as error:
        raise StatementRefused(str(error)) from None


async def _book_refund(
    connection: Connection,
    programme_id: int,
    amount_cents: int,
    line_id: int,
    *,
    reason: str,
    at: datetime,
    actor: str,
) -> int:
    reference = await connection.fetchval(REFERENCE, line_id)
    await record_event(
        connection, actor=actor, action="programme.refund", subject=f"programme:{programme_id}",
        reason=reason, amount_cents=amount_cents, reference=reference,
    )  # fmt: skip
    postings = transfer(amount_cents, debit=funds_of(programme_id), credit=SUSPENSE)
    return await post(
        connection, kind=EntryKind.REFUND, postings=postings, actor=actor, reason=reason, at=at,
        subject=f"bank_line:{reference}",
    )  # fmt: skip
