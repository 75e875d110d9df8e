"""What explains the lines of the bank: read, recorded with its postings, undone by reversal. What explains
which is decided in payouts/matching.py."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from ledger.acceptances import LOCK_OPERATOR
from ledger.book_rows import FEES, SUSPENSE, Draft, EntryKind, Posting, owed_to
from ledger.books import post_all
from ledger.connect import Connection, Record
from ledger.events import record_event
from ledger.match_rows import Allocation, How, Match, MatchKind, Mention, OpenLine, Payment
from ledger.payout_rows import AttemptState, BatchState, PayoutRefused
from ledger.payouts import set_batch_state

OPEN_LINES_MAX = 5_000
LIST_MAX = 500

# What a programme's money or a person has explained is not open; an offset explains, and its pair is watched.
OPEN_LINES = """
SELECT l.id, l.reference, l.booked_on, l.amount_cents, l.amount_cents - coalesce(m.cents, 0) AS open_cents,
       l.label, m.settled,
       ARRAY(SELECT s.transactions FROM statement_lines s WHERE s.bank_line_id = l.id ORDER BY s.id)
           AS transactions,
       ARRAY(SELECT s.batches FROM statement_lines s WHERE s.bank_line_id = l.id ORDER BY s.id) AS batches
FROM bank_lines l CROSS JOIN LATERAL (
    SELECT sum(m.amount_cents) FILTER (WHERE m.undone_at IS NULL)::bigint AS cents,
           array_agg(a.end_to_end_id) FILTER (WHERE a.id IS NOT NULL) AS settled
    FROM matches m LEFT JOIN payout_attempts a ON a.id = m.attempt_id WHERE m.bank_line_id = l.id) AS m
WHERE NOT EXISTS (SELECT FROM fundings f WHERE f.bank_line_id = l.id)
  AND NOT EXISTS (SELECT FROM refunds r WHERE r.bank_line_id = l.id)
  AND l.amount_cents <> coalesce(m.cents, 0) AND ($2::bigint IS NULL OR l.id = $2)
ORDER BY l.amount_cents > 0, l.booked_on, l.id LIMIT $1"""
PAYMENTS = """
SELECT a.id, a.end_to_end_id, a.amount_cents, a.state, a.batch_id, b.message_id, a.operator_id, a.holder,
       a.iban, a.account_id, coalesce(o.cents, 0) AS offset_cents,
       ARRAY(SELECT (p.programme_id, p.amount_cents) FROM payout_attempt_parts p
             WHERE p.attempt_id = a.id ORDER BY p.programme_id) AS parts
FROM payout_attempts a JOIN payout_batches b ON b.id = a.batch_id
LEFT JOIN LATERAL (SELECT sum(m.amount_cents)::bigint AS cents FROM matches m
                   WHERE m.attempt_id = a.id AND m.kind = 'offset' AND m.undone_at IS NULL) AS o ON true
WHERE b.state NOT IN ('draft', 'cancelled')
  AND (b.state <> 'reconciled' OR o.cents <> 0 OR a.end_to_end_id = ANY($1) OR b.message_id = ANY($1)
       OR (a.state = 'booked' AND a.amount_cents = ANY($2)))
ORDER BY a.id"""
ADD = """
INSERT INTO matches (bank_line_id, kind, attempt_id, amount_cents, how, matched_at, matched_by, entry)
SELECT $1, m.kind, m.attempt_id, m.amount_cents, m.how, $2, $3, m.entry
FROM unnest($4::text[], $5::integer[], $6::bigint[], $7::text[], $8::bigint[])
     AS m (kind, attempt_id, amount_cents, how, entry)"""
MOVE = """
UPDATE payout_attempts a SET state = m.state, changed_at = $1, reason = coalesce(m.reason, a.reason)
FROM unnest($2::integer[], $3::text[], $4::text[]) AS m (id, state, reason) WHERE a.id = m.id"""
ENDED = """
SELECT b.id FROM payout_batches b WHERE b.state IN ('sent', 'accepted', 'partial', 'rejected')
AND NOT EXISTS (SELECT FROM payout_attempts a WHERE a.batch_id = b.id AND a.state IN ('prepared', 'sent'))"""
REOPENED = """
SELECT b.id FROM payout_batches b WHERE b.state = 'reconciled'
AND EXISTS (SELECT FROM payout_attempts a WHERE a.batch_id = b.id AND a.state = 'sent')"""
COLUMNS = """
SELECT m.id, m.bank_line_id, l.booked_on, l.reference, m.kind, m.how, m.amount_cents, a.end_to_end_id,
       a.holder, a.reason, m.matched_at, m.matched_by, m.undone_at, m.undo_reason
FROM matches m JOIN bank_lines l ON l.id = m.bank_line_id
LEFT JOIN payout_attempts a ON a.id = m.attempt_id"""
RECENT = f"{COLUMNS} ORDER BY m.id DESC LIMIT $1"
OF_LINE = f"{COLUMNS} WHERE m.bank_line_id = $1 ORDER BY m.id"
OF_ATTEMPT = f"{COLUMNS} WHERE m.attempt_id = $1 ORDER BY m.id"
LIVE_OF_LINE = """
SELECT m.id, m.kind, m.amount_cents, m.attempt_id FROM matches m
WHERE m.bank_line_id = $1 AND m.undone_at IS NULL ORDER BY m.id"""
OF_IDS = PAYMENTS[: PAYMENTS.index("WHERE b.state")] + "WHERE a.id = ANY($1) ORDER BY a.id"
UNDO = """
UPDATE matches m SET undone_at = $1, undone_by = $2, undo_reason = $3, undo_entry = u.entry
FROM unnest($4::bigint[], $5::bigint[]) AS u (id, entry) WHERE m.id = u.id"""
UNDONE = """
SELECT a.end_to_end_id, m.kind, count(*) FROM matches m JOIN payout_attempts a ON a.id = m.attempt_id
WHERE a.end_to_end_id = ANY($1) AND m.undone_at IS NOT NULL GROUP BY 1, 2"""
# A dispute may have been opened while the transfer was back.
OWED_OTHERWISE = """
SELECT a.end_to_end_id FROM payout_attempts a
WHERE a.id = ANY($1) AND a.amount_cents IS DISTINCT FROM (
    SELECT sum(p.amount_cents) FROM remittance_portions p
    WHERE (p.operator_id, p.number, p.portion) = (a.operator_id, a.number, a.portion)) ORDER BY a.id"""
HALF_OFFSETS = f"""
{COLUMNS}
WHERE m.kind = 'offset' AND m.undone_at IS NULL
  AND (SELECT sum(p.amount_cents) FROM matches p
       WHERE p.attempt_id = m.attempt_id AND p.kind = 'offset' AND p.undone_at IS NULL) <> 0
ORDER BY m.id LIMIT $1"""

STATE_AFTER = {MatchKind.PAYOUT: AttemptState.BOOKED, MatchKind.RETURN: AttemptState.RETURNED}
STATE_BEFORE = {MatchKind.PAYOUT: AttemptState.SENT, MatchKind.RETURN: AttemptState.BOOKED}


async def open_lines(connection: Connection, *, line_id: int | None = None) -> list[OpenLine]:
    """Debits before credits, oldest first: what came back must have left."""
    return [_open_line(row) for row in await connection.fetch(OPEN_LINES, OPEN_LINES_MAX, line_id)]


async def payments_for(connection: Connection, lines: Sequence[OpenLine]) -> list[Payment]:
    """Attempts that these lines may be about, and all those that have not come to their end."""
    named = {one for line in lines for one in _names(line)}
    returned = {line.open_cents for line in lines if line.open_cents > 0}
    return [_payment(row) for row in await connection.fetch(PAYMENTS, sorted(named), sorted(returned))]


def _names(line: OpenLine) -> set[str]:
    words = {word.strip(".,;:()") for text in _texts(line) for word in text.split() if word.startswith("BR-")}
    told = {one for m in line.mentions for one in (m.end_to_end_id, m.message_id) if one}
    return words | told | line.message_ids


def _texts(line: OpenLine) -> list[str]:
    return [line.label, *(mention.text for mention in line.mentions)]


async def record_matches(
    connection: Connection,
    line: OpenLine,
    allocations: Sequence[Allocation],
    *,
    actor: str,
    at: datetime,
) -> None:
    """Book what explains the line, and let the attempts follow. In the transaction of who decided it."""
    drafts = [_draft(line, one) for one in allocations if one.kind is not MatchKind.OFFSET]
    entries = iter(await post_all(connection, drafts, actor=actor, at=at))
    await connection.execute(
        ADD,
        line.id,
        at,
        actor,
        [one.kind.value for one in allocations],
        [one.payment.id if one.payment else None for one in allocations],
        [one.amount_cents for one in allocations],
        [one.how.value for one in allocations],
        [None if one.kind is MatchKind.OFFSET else next(entries) for one in allocations],
    )
    moved = [
        (one.payment.id, STATE_AFTER[one.kind], one.reason)
        for one in allocations
        if one.payment and one.kind in STATE_AFTER
    ]
    await move_attempts(connection, moved, at=at)
    await record_event(
        connection,
        actor=actor,
        action="bank.match",
        subject=f"bank_line:{line.reference}",
        matches=len(allocations),
        amount_cents=sum(one.amount_cents for one in allocations),
    )


async def move_attempts(
    connection: Connection, moved: Sequence[tuple[int, AttemptState, str | None]], *, at: datetime
) -> None:
    if moved:
        ids, states, reasons = zip(*moved, strict=True)
        await connection.execute(MOVE, at, list(ids), [state.value for state in states], list(reasons))


async def end_batches(connection: Connection, *, actor: str) -> None:
    """Reconciled is a batch of which every transfer came to its end; an undone match opens it again."""
    for row in await connection.fetch(ENDED):
        await set_batch_state(connection, row["id"], BatchState.RECONCILED, actor=actor)
    for row in await connection.fetch(REOPENED):
        await set_batch_state(
            connection, row["id"], BatchState.SENT, actor=actor, reason="un rapprochement est défait"
        )


async def undo_matches(
    connection: Connection, bank_line_id: int, *, actor: str, at: datetime, reason: str
) -> int:
    """Reverse all that explains a line; it is in suspense again, and nothing explains it so by itself."""
    matches = await connection.fetch(LIVE_OF_LINE, bank_line_id)
    if not matches:
        raise PayoutRefused(f"nothing explains bank line {bank_line_id}: there is nothing to undo")
    by_id = await _payments_of(connection, [row["attempt_id"] for row in matches if row["attempt_id"]])
    wrong = [
        by_id[row["attempt_id"]].end_to_end_id
        for row in matches
        if row["kind"] in STATE_AFTER and by_id[row["attempt_id"]].state is not STATE_AFTER[row["kind"]]
    ]
    if wrong:
        raise PayoutRefused(f"{wrong[0]} came back on another line: undo that one first")
    await _refuse_owed_otherwise(
        connection, [by_id[row["attempt_id"]] for row in matches if row["kind"] == MatchKind.RETURN]
    )
    drafts = [
        _reversal(bank_line_id, row, by_id.get(row["attempt_id"]), reason)
        for row in matches
        if row["kind"] != MatchKind.OFFSET
    ]
    entries = iter(await post_all(connection, drafts, actor=actor, at=at))
    reversed_by = [None if row["kind"] == MatchKind.OFFSET else next(entries) for row in matches]
    await connection.execute(UNDO, at, actor, reason, [row["id"] for row in matches], reversed_by)
    moved = [
        (row["attempt_id"], STATE_BEFORE[MatchKind(row["kind"])], None)
        for row in matches
        if row["kind"] in STATE_BEFORE
    ]
    try:
        await move_attempts(connection, moved, at=at)
    except asyncpg.UniqueViolationError:
        raise PayoutRefused("a later transfer pays the same already: this return can't be undone") from None
    subject = f"bank_line:{bank_line_id}"
    await record_event(
        connection, actor=actor, action="bank.undo", subject=subject, reason=reason, matches=len(matches)
    )
    return len(matches)


async def _refuse_owed_otherwise(connection: Connection, returned: Sequence[Payment]) -> None:
    """What came back counts as paid again only while it is still what is owed."""
    for operator_id in sorted({one.operator_id for one in returned}):
        await connection.execute(LOCK_OPERATOR, operator_id)  # no dispute is opened meanwhile
    row = await connection.fetchrow(OWED_OTHERWISE, [one.id for one in returned])
    if row is not None:
        raise PayoutRefused(
            f"less is owed now than {row['end_to_end_id']} paid: this return can't be undone; resolve what is"
            " in dispute by a correction"
        )


async def _payments_of(connection: Connection, ids: list[int]) -> dict[int, Payment]:
    return {row["id"]: _payment(row) for row in await connection.fetch(OF_IDS, ids)}


async def recent_matches(connection: Connection) -> list[Match]:
    """Newest first."""
    return [_match(row) for row in await connection.fetch(RECENT, LIST_MAX)]


async def matches_of_line(connection: Connection, bank_line_id: int) -> list[Match]:
    return [_match(row) for row in await connection.fetch(OF_LINE, bank_line_id)]


async def matches_of_attempt(connection: Connection, attempt_id: int) -> list[Match]:
    return [_match(row) for row in await connection.fetch(OF_ATTEMPT, attempt_id)]


async def times_undone(
    connection: Connection, end_to_end_ids: Sequence[str]
) -> Mapping[tuple[str, MatchKind], int]:
    """How often these were found to be paid, or back, and taken back; nothing for those that never were."""
    rows = await connection.fetch(UNDONE, list(end_to_end_ids))
    return {(end_to_end_id, MatchKind(kind)): count for end_to_end_id, kind, count in rows}


async def half_offsets(connection: Connection) -> list[Match]:
    """Explained, and still in suspense: the line that undoes them has not come."""
    return [_match(row) for row in await connection.fetch(HALF_OFFSETS, LIST_MAX)]


def _draft(line: OpenLine, one: Allocation) -> Draft:
    subject = one.payment.end_to_end_id if one.payment else line.reference
    kind = {MatchKind.PAYOUT: EntryKind.PAYOUT, MatchKind.RETURN: EntryKind.RETURN}.get(
        one.kind, EntryKind.FEE
    )
    postings = _postings(one.kind, one.amount_cents, one.payment)
    return Draft(
        kind, f"payout_attempt:{subject}" if one.payment else f"bank_line:{subject}", postings, one.reason
    )


def _reversal(bank_line_id: int, row: Record, payment: Payment | None, reason: str) -> Draft:
    told = _postings(MatchKind(row["kind"]), row["amount_cents"], payment)
    postings = [Posting(account, -cents) for account, cents in told]
    subject = f"payout_attempt:{payment.end_to_end_id}" if payment else f"bank_line:{bank_line_id}"
    return Draft(EntryKind.REVERSAL, subject, postings, reason)


def _postings(kind: MatchKind, amount_cents: int, payment: Payment | None) -> list[Posting]:
    """The line leaves suspense for what it was about; what a return is short of is the bank's fee."""
    postings = [Posting(SUSPENSE, amount_cents)]
    sign = {MatchKind.PAYOUT: 1, MatchKind.RETURN: -1}.get(kind, 0)
    if payment and sign:
        postings += [
            Posting(owed_to(payment.operator_id, by_programme=programme_id), sign * cents)
            for programme_id, cents in payment.parts
        ]
    rest = -sum(posting.amount_cents for posting in postings)
    return [*postings, Posting(FEES, rest)] if rest else postings


def _open_line(row: Record) -> OpenLine:
    return OpenLine(
        row["id"],
        row["reference"],
        row["booked_on"],
        row["amount_cents"],
        row["open_cents"],
        row["label"],
        tuple(Mention(**told) for each in row["transactions"] for told in each),
        frozenset(one for each in row["batches"] for one in each),
        frozenset(row["settled"] or ()),
    )


def _payment(row: Record) -> Payment:
    facts: dict[str, Any] = dict(row)
    facts["state"] = AttemptState(facts["state"])
    facts["parts"] = tuple(tuple(part) for part in facts["parts"])
    return Payment(**facts)


def _match(row: Record) -> Match:
    facts = list(row)
    facts[4], facts[5] = MatchKind(facts[4]), How(facts[5])
    return Match(*facts)
