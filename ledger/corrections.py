"""Corrections: decided by the trustee with a reason, then netted in a later remittance or claimed by letter.

Which of them a closing takes along is decided in correction_rows.py.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ledger.acceptances import LOCK_OPERATOR
from ledger.book_rows import BookAccount, Draft, EntryKind, Posting, funds_of, owed_to, transfer
from ledger.books import balance_of, lock_books, post, post_all
from ledger.connect import Connection, Record
from ledger.correction_rows import Correction, CorrectionCause, netted
from ledger.events import record_event

AMOUNT_CENTS_MAX = 1_000_000_000  # of one correction: ten million euros
REASON_CHARS_MAX = 500
WAITING_MAX = 1_000

COLUMNS = """id, operator_id, programme_id, amount_cents, cause, reason, attempt_id, decided_at,
       remittance_number, claimed_at"""
ADD = f"""
INSERT INTO corrections (operator_id, programme_id, amount_cents, cause, reason, attempt_id, decided_by,
                         decided_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING {COLUMNS}"""
ADD_OF_DISPUTE = f"""
INSERT INTO corrections (operator_id, programme_id, amount_cents, cause, reason, attempt_id, decided_by,
                         decided_at, is_of_dispute, entry)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, true, $9) RETURNING {COLUMNS}"""
KNOWN = """
SELECT EXISTS (SELECT FROM operators WHERE id = $1) AS operator,
       EXISTS (SELECT FROM programmes WHERE id = $2) AS programme,
       $3::uuid IS NULL OR EXISTS (
           SELECT FROM acceptances a
           JOIN booklets b ON b.number = a.booklet JOIN batches t ON t.id = b.batch_id
           WHERE a.attempt_id = $3 AND a.operator_id = $1 AND t.programme_id = $2) AS acceptance"""
IS_WAITING = "remittance_number IS NULL AND claimed_at IS NULL AND NOT is_of_dispute"
WAITING = f"""
SELECT {COLUMNS} FROM corrections WHERE ($1::integer IS NULL OR operator_id = $1) AND {IS_WAITING}
ORDER BY id LIMIT $2"""
LOCK_WAITING = f"""
SELECT {COLUMNS} FROM corrections WHERE operator_id = $1 AND {IS_WAITING} ORDER BY id LIMIT $2 FOR UPDATE"""
SAME_WAITING = f"""
SELECT id FROM corrections
WHERE (operator_id, programme_id, amount_cents, cause, reason, decided_by) = ($1, $2, $3, $4, $5, $6)
  AND {IS_WAITING} ORDER BY id LIMIT 1"""
NET = """
UPDATE corrections c SET remittance_number = $1, entry = taken.entry
FROM unnest($2::integer[], $3::bigint[]) AS taken (id, entry) WHERE c.id = taken.id"""
CLAIM = f"""
UPDATE corrections SET claimed_at = $2, claimed_by = $3
WHERE id = $1 AND amount_cents < 0 AND {IS_WAITING} RETURNING {COLUMNS}"""


class CorrectionRefused(Exception):
    """Nothing was decided; the text says why and what to do."""


class SameCorrection(CorrectionRefused):
    """One that says the same waits already."""


async def decide_correction(
    connection: Connection,
    *,
    operator_id: int,
    programme_id: int,
    amount_cents: int,
    cause: CorrectionCause,
    reason: str,
    attempt_id: UUID | None = None,
    decided_by: int,
    actor: str,
    at: datetime,
    refuse_same: bool = False,
) -> Correction:
    """It waits for the operator's next closing. decided_by: an account of the console.

    refuse_same: as one that waits already, to the letter: a button was pressed twice.
    """
    refuse_reason(reason)
    if not 0 < abs(amount_cents) <= AMOUNT_CENTS_MAX:
        raise CorrectionRefused(f"a correction of {amount_cents} c can't be: 1 c to {AMOUNT_CENTS_MAX} c")
    async with connection.transaction():
        # A closing under way names the programmes of what it may take along.
        await connection.execute(LOCK_OPERATOR, operator_id)
        known = await connection.fetchrow(KNOWN, operator_id, programme_id, attempt_id)
        for what, is_known in known.items():
            if not is_known:
                raise CorrectionRefused(f"no such {what}, or it is not this operator's and programme's")
        same = (operator_id, programme_id, amount_cents, cause.value, reason, decided_by)
        if refuse_same and (found := await connection.fetchval(SAME_WAITING, *same)) is not None:
            raise SameCorrection(f"correction {found} says the same and waits: give another reason")
        row = await connection.fetchrow(
            ADD, operator_id, programme_id, amount_cents, cause.value, reason, attempt_id, decided_by, at
        )
        await _tell(connection, "correction.decide", row, reason=reason, actor=actor)
    return read_correction(row)


async def claim_correction(
    connection: Connection, correction_id: int, *, decided_by: int, actor: str, at: datetime
) -> Correction:
    """Stop waiting for a remittance that could bear it: the operator is asked for the money by letter."""
    async with connection.transaction():
        row = await connection.fetchrow(CLAIM, correction_id, at, decided_by)
        if row is None:
            raise CorrectionRefused(f"correction {correction_id} takes nothing back, or waits no more")
        await _tell(connection, "correction.claim", row, reason=row["reason"], actor=actor)
    return read_correction(row)


async def waiting_corrections(connection: Connection, operator_id: int | None = None) -> list[Correction]:
    """What no remittance has taken along yet, oldest first. None: of every operator."""
    return [read_correction(row) for row in await connection.fetch(WAITING, operator_id, WAITING_MAX)]


async def book_closing(
    connection: Connection,
    operator_id: int,
    number: int,
    owed_cents: Mapping[int, int],
    closing: Draft,
    *,
    actor: str,
    at: datetime,
) -> list[Correction]:
    """Book the closing and the corrections that it takes along; the operator's lock is held.

    owed_cents: what each programme owes of its lines.
    """
    rows = await connection.fetch(LOCK_WAITING, operator_id, WAITING_MAX)
    waiting = [read_correction(row) for row in rows]
    # What funds hold must stay true until it is booked.
    await lock_books(connection)
    funds_cents = {
        programme_id: -await balance_of(connection, funds_of(programme_id))
        for programme_id in {one.programme_id for one in waiting}
    }
    taken = netted(waiting, owed_cents=owed_cents, funds_cents=funds_cents)
    drafts = [closing, *(_draft(one) for one in taken)]
    _, *entries = await post_all(connection, drafts, actor=actor, at=at)
    await connection.execute(NET, number, [one.id for one in taken], entries)
    return taken


async def correct_held_line(
    connection: Connection,
    *,
    operator_id: int,
    programme_id: int,
    amount_cents: int,
    cause: CorrectionCause,
    reason: str,
    attempt_id: UUID,
    decided_by: int,
    actor: str,
    subject: str,
    at: datetime,
) -> Correction:
    """Take back at once what a dispute held: nothing of it waits for a later remittance."""
    entry = await post(
        connection,
        kind=EntryKind.CORRECTION,
        postings=_postings(operator_id, programme_id, -amount_cents),
        actor=actor,
        subject=subject,
        reason=reason,
        at=at,
    )
    facts = (operator_id, programme_id, -amount_cents, cause.value, reason, attempt_id, decided_by, at, entry)
    row = await connection.fetchrow(ADD_OF_DISPUTE, *facts)
    await _tell(connection, "correction.decide", row, reason=reason, actor=actor)
    return read_correction(row)


def refuse_reason(reason: str) -> None:
    """The operator reads it: no deduction without one."""
    if not reason.strip() or len(reason) > REASON_CHARS_MAX:
        raise CorrectionRefused(f"give a reason of 1 to {REASON_CHARS_MAX} characters: the operator reads it")


def read_correction(row: Record) -> Correction:
    id_, operator_id, programme_id, amount_cents, cause, *rest = row
    return Correction(id_, operator_id, programme_id, amount_cents, CorrectionCause(cause), *rest)


def _draft(one: Correction) -> Draft:
    postings = _postings(one.operator_id, one.programme_id, one.amount_cents)
    return Draft(EntryKind.CORRECTION, f"correction:{one.id}", postings, one.reason)


def _postings(operator_id: int, programme_id: int, amount_cents: int) -> Sequence[Posting]:
    owed: BookAccount = owed_to(operator_id, by_programme=programme_id)
    return transfer(amount_cents, debit=funds_of(programme_id), credit=owed)


async def _tell(connection: Connection, action: str, row: Record, *, reason: str, actor: str) -> None:
    await record_event(
        connection,
        actor=actor,
        action=action,
        subject=f"correction:{row['id']}",
        reason=reason,
        operator=row["operator_id"],
        amount_cents=row["amount_cents"],
    )
