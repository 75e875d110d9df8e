"""Lets the bank's answers move the payouts: reports, then lines; what is only likely waits for a person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ledger import notice_facts
from ledger.bank_accounts import block_account
from ledger.connect import Connection
from ledger.match_rows import Allocation, How, Match, MatchKind, OpenLine, Payment
from ledger.matches import (
    end_batches,
    half_offsets,
    matches_of_line,
    move_attempts,
    open_lines,
    payments_for,
    record_matches,
    times_undone,
    undo_matches,
)
from ledger.notice_corrections import correct_transfers
from ledger.notice_rows import Fact, NoticeKind
from ledger.notices import tell_all
from ledger.payout_rows import Attempt, AttemptState, BatchState, PayoutBatch, PayoutRefused
from ledger.payouts import attempts_of, list_payout_batches, lock_payouts, mark_sent, set_batch_state
from ledger.statement_rows import NewReport
from ledger.statements import reports_on
from payouts.matching import Explanation, Payments, explain, payments_named

FEE_CENTS_MAX = 500_000  # a larger line stays in suspense, where everybody sees it
REJECTED = "RJCT"
PARTLY_ACCEPTED = "PART"
ACCEPTED = frozenset({"ACCP", "ACTC", "ACSP", "ACSC", "ACWC", "ACCC"})
# A file sent twice is refused as a duplicate: that says nothing against the first one.
DUPLICATE = ("AM05", "DU0", "DUPL")
TOLD_AS = {MatchKind.PAYOUT: NoticeKind.PAID, MatchKind.RETURN: NoticeKind.RETURNED}
AT_THE_BANK = (BatchState.APPROVED, BatchState.SENT, BatchState.ACCEPTED, BatchState.PARTIAL)


@dataclass(frozen=True, slots=True)
class InSuspense:
    line: OpenLine
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Reconciled:
    explained: int  # lines, by this run
    rejected: int  # attempts, by this run
    in_suspense: tuple[InSuspense, ...]
    halves: tuple[Match, ...]  # explained, and waiting for the line that undoes them

    @property
    def is_even(self) -> bool:
        return not self.in_suspense and not self.halves


async def reconcile(connection: Connection, *, actor: str, now: datetime) -> Reconciled:
    """Safe to run at any time: what is explained stays so, and the rest is looked at again."""
    async with connection.transaction():
        await lock_payouts(connection)
        rejected = await _hear_reports(connection, actor=actor, now=now)
        await _hear_lines_of_unsent(connection, actor=actor, now=now)
        explained, in_suspense = await _explain_lines(connection, actor=actor, now=now)
        await end_batches(connection, actor=actor)
        return Reconciled(explained, rejected, in_suspense, tuple(await half_offsets(connection)))


async def worklist(connection: Connection) -> Reconciled:
    """What a person has to look at, without changing anything."""
    lines = await open_lines(connection)
    payments = Payments(await payments_for(connection, lines))
    waiting = tuple(InSuspense(line, explain(line, payments)) for line in lines)
    return Reconciled(0, 0, waiting, tuple(await half_offsets(connection)))


async def confirm(
    connection: Connection, line_id: int, end_to_end_ids: frozenset[str], *, actor: str, now: datetime
) -> None:
    """A person takes what was proposed for a line: all of a batch, or the one that it is."""
    async with connection.transaction():
        await lock_payouts(connection)
        line, explanation = await _looked_at(connection, line_id)
        chosen = [
            one
            for one in explanation.proposals
            if one.payment is not None and one.payment.end_to_end_id in end_to_end_ids
        ]
        if {one.payment.end_to_end_id for one in chosen if one.payment} != end_to_end_ids or not chosen:
            raise PayoutRefused(f"bank line {line_id} has no such proposal any more; look at it again")
        if len(chosen) > 1 and not explanation.together:
            raise PayoutRefused(f"bank line {line_id} is one of these: choose which")
        if len(chosen) < len(explanation.proposals) and explanation.together:
            raise PayoutRefused(f"bank line {line_id} is all of these or none")
        await _settle(connection, line, tuple(chosen), actor=actor, now=now)
        await end_batches(connection, actor=actor)


async def confirm_fee(
    connection: Connection, line_id: int, *, seen_cents: int, actor: str, now: datetime
) -> None:
    """A person says that what is left of the line is the bank's own fee, or a fee that it gives back.

    seen_cents: what was left of it, without its sign, when the person looked.
    """
    async with connection.transaction():
        await lock_payouts(connection)
        line, _ = await _looked_at(connection, line_id)
        if abs(line.open_cents) != seen_cents:
            raise PayoutRefused(f"{line.open_cents} c are left of bank line {line_id}: look at it again")
        if seen_cents > FEE_CENTS_MAX:
            raise PayoutRefused(f"{seen_cents} c of bank line {line_id} are more than a bank takes as fees")
        fee = Allocation(None, MatchKind.FEE, line.open_cents, How.CONFIRMED)
        await record_matches(connection, line, [fee], actor=actor, at=now)


async def undo(connection: Connection, line_id: int, *, actor: str, now: datetime, reason: str) -> int:
    """Reverse what explains a line; a person then says what it is."""
    async with connection.transaction():
        await lock_payouts(connection)
        keys = await _keys_told(connection, line_id)
        await correct_transfers(connection, keys, at=now, actor=actor, reason=reason)
        undone = await undo_matches(connection, line_id, actor=actor, at=now, reason=reason)
        await end_batches(connection, actor=actor)
    return undone


async def _keys_told(connection: Connection, line_id: int) -> list[str]:
    """Of what operators were told when the line was explained as it is."""
    live = [
        (one.kind, one.end_to_end_id)
        for one in await matches_of_line(connection, line_id)
        if one.undone_at is None and one.kind in TOLD_AS and one.end_to_end_id
    ]
    before = await times_undone(connection, [end_to_end_id for _, end_to_end_id in live])
    return [
        notice_facts.transfer_key(TOLD_AS[kind], one, times_undone=before.get((one, kind), 0))
        for kind, one in live
    ]


async def _looked_at(connection: Connection, line_id: int) -> tuple[OpenLine, Explanation]:
    lines = await open_lines(connection, line_id=line_id)
    if not lines:
        raise PayoutRefused(f"bank line {line_id} is explained, or there is none")
    [line] = lines
    return line, explain(line, Payments(await payments_for(connection, lines)))


async def _hear_reports(connection: Connection, *, actor: str, now: datetime) -> int:
    batches = {
        batch.message_id: batch
        for batch in await list_payout_batches(connection)
        if batch.state in AT_THE_BANK and batch.message_id
    }
    told: dict[str, list[NewReport]] = {}
    for report in await reports_on(connection, list(batches)):
        if not report.reason.startswith(DUPLICATE):
            told.setdefault(report.original_message_id, []).append(report)
    return sum(
        [
            await _hear_of(connection, batches[message_id], reports, actor=actor, now=now)
            for message_id, reports in told.items()
        ]
    )


async def _hear_of(
    connection: Connection, batch: PayoutBatch, reports: list[NewReport], *, actor: str, now: datetime
) -> int:
    """How many transfers of the batch the bank rejected; what it has booked meanwhile stays booked."""
    await mark_sent(connection, batch.id, actor=actor, at=now)
    whole = next((r for r in reports if r.end_to_end_id is None and r.status == REJECTED), None)
    named = {r.end_to_end_id: r.reason for r in reports if r.end_to_end_id and r.status == REJECTED}
    refused = [
        one
        for one in await attempts_of(connection, batch.id)
        if one.state is AttemptState.SENT and (whole or one.end_to_end_id in named)
    ]
    why = {one.id: named.get(one.end_to_end_id) or (whole.reason if whole else "") for one in refused}
    await move_attempts(
        connection, [(one.id, AttemptState.REJECTED, why[one.id] or REJECTED) for one in refused], at=now
    )
    await tell_all(connection, [_came_back(one, why[one.id]) for one in refused], at=now)
    blocked = {one.operator_id: why[one.id] for one in refused if one.end_to_end_id in named}
    await _block(connection, batch.id, blocked, actor=actor, now=now)
    state = _state_told(reports, whole_is_rejected=whole is not None, some_are=bool(named))
    if state is not None and _is_news(batch.state, state):
        await set_batch_state(connection, batch.id, state, actor=actor)
    return len(refused)


def _state_told(reports: list[NewReport], *, whole_is_rejected: bool, some_are: bool) -> BatchState | None:
    if whole_is_rejected:
        return BatchState.REJECTED
    statuses = {report.status for report in reports if report.end_to_end_id is None}
    if some_are or PARTLY_ACCEPTED in statuses:
        return BatchState.PARTIAL
    return BatchState.ACCEPTED if statuses & ACCEPTED else None


def _is_news(known: BatchState, told: BatchState) -> bool:
    order = (
        BatchState.APPROVED,
        BatchState.SENT,
        BatchState.ACCEPTED,
        BatchState.PARTIAL,
        BatchState.REJECTED,
    )
    return order.index(told) > order.index(known)


async def _hear_lines_of_unsent(connection: Connection, *, actor: str, now: datetime) -> None:
    """The bank knows a file that nobody had marked as sent: it was."""
    lines = await open_lines(connection)
    payments = Payments(await payments_for(connection, lines))
    unsent = {
        one.batch_id
        for line in lines
        for one in payments_named(line, payments)
        if one.state is AttemptState.PREPARED
    }
    for batch_id in sorted(unsent):
        await mark_sent(connection, batch_id, actor=actor, at=now)


async def _explain_lines(
    connection: Connection, *, actor: str, now: datetime
) -> tuple[int, tuple[InSuspense, ...]]:
    lines = await open_lines(connection)
    payments = Payments(await payments_for(connection, lines))
    explained = 0
    for line in lines:
        found = explain(line, payments)
        if found.allocations:
            await _settle(connection, line, found.allocations, actor=actor, now=now)
            explained += 1
            for allocation in found.allocations:
                payments.apply(allocation)
    left = await open_lines(connection) if explained else lines
    return explained, tuple(InSuspense(line, explain(line, payments)) for line in left)


async def _settle(
    connection: Connection,
    line: OpenLine,
    allocations: tuple[Allocation, ...],
    *,
    actor: str,
    now: datetime,
) -> None:
    await record_matches(connection, line, allocations, actor=actor, at=now)
    named = [one.payment.end_to_end_id for one in allocations if one.payment]
    before = await times_undone(connection, named)
    facts = [_fact_of(line, one, before) for one in allocations]
    await tell_all(connection, [fact for fact in facts if fact], at=now)
    for one in allocations:
        if one.kind is MatchKind.RETURN and one.payment is not None:
            reason = f"{one.payment.end_to_end_id} came back: {one.reason or 'no reason given'}"
            await block_account(connection, one.payment.account_id, actor=actor, at=now, reason=reason)


def _fact_of(line: OpenLine, one: Allocation, before: Mapping[tuple[str, MatchKind], int]) -> Fact | None:
    """What the operator is told of it."""
    if one.payment is None:
        return None
    undone = before.get((one.payment.end_to_end_id, one.kind), 0)
    if one.kind is MatchKind.PAYOUT:
        return notice_facts.paid(
            operator_id=one.payment.operator_id,
            end_to_end_id=one.payment.end_to_end_id,
            holder=one.payment.holder,
            amount_cents=one.payment.amount_cents,
            booked_on=line.booked_on,
            times_undone=undone,
        )
    return _came_back(one.payment, one.reason, undone) if one.kind is MatchKind.RETURN else None


def _came_back(payment: Payment | Attempt, reason: str | None, times_undone: int = 0) -> Fact:
    return notice_facts.returned(
        operator_id=payment.operator_id,
        end_to_end_id=payment.end_to_end_id,
        holder=payment.holder or "",
        amount_cents=payment.amount_cents,
        reason=reason,
        times_undone=times_undone,
    )


async def _block(
    connection: Connection, batch_id: int, why_of: dict[int, str], *, actor: str, now: datetime
) -> None:
    """The accounts that were frozen into what the bank refused, one by one and not as a whole file."""
    lines: list[OpenLine] = []
    payments: list[Payment] = [
        one for one in await payments_for(connection, lines) if one.batch_id == batch_id
    ]
    for one in payments:
        if one.operator_id in why_of and one.state is AttemptState.REJECTED:
            reason = f"{one.end_to_end_id} was rejected: {why_of[one.operator_id] or 'no reason given'}"
            await block_account(connection, one.account_id, actor=actor, at=now, reason=reason)
