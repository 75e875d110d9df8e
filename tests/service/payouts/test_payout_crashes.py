"""The connection dies before or after each commit: what was told is kept, the rest is done again, once."""

import asyncpg
import pytest

from ledger.connect import connect
from ledger.payout_rows import BatchState, PayoutRefused
from loadtests.model_bank import Style

MESSAGES = {"before": "before the commit", "after": "after the commit"}


class Died(Exception):
    """The connection did, in the place of a process."""


async def draft(drill):
    [batch] = await drill.batches(BatchState.DRAFT)
    return batch


async def prepare(drill):
    await drill.prepare()


async def approve(drill):
    await drill.approve(await draft(drill))


async def give_file(drill):
    [batch] = await drill.batches(BatchState.APPROVED, BatchState.SENT)
    await drill.give_file(batch)


async def mark_sent(drill):
    [batch] = await drill.batches(BatchState.APPROVED, BatchState.SENT, BatchState.ACCEPTED)
    await drill.mark_sent(batch)


async def bank_answers(drill):
    """Prepares the world, and is no stage of ours: a debit for all, then one transfer back."""
    [message_id] = drill.bank.orders
    drill.bank.debit(message_id, Style.LUMP)
    drill.undelivered.append(drill.bank.close_day())
    drill.bank.give_back(drill.bank.orders[message_id][:1], Style.EACH)
    drill.undelivered.append(drill.bank.close_day())


async def import_all(drill):
    for file in list(drill.undelivered):
        await drill.deliver(file)


async def correct(drill):
    await drill.mend_accounts()


async def undo_the_return(drill):
    rows = await drill.connection.fetch(
        "SELECT bank_line_id FROM matches WHERE kind = 'return' AND undone_at IS NULL"
    )
    if rows:
        await drill.undo(rows[0]["bank_line_id"])


async def confirm_the_return(drill):
    for line, ids, *_ in await drill.open():
        if ids:
            await drill.confirm(line, ids)


STAGES = [
    prepare, approve, give_file, mark_sent, bank_answers, import_all, undo_the_return, confirm_the_return,
    correct, prepare, approve,
]  # fmt: skip
CRASHING = [STAGES.index(stage) for stage in dict.fromkeys(STAGES) if stage not in (bank_answers, give_file)]


def dying(monkeypatch, where: str) -> None:
    """The next outermost commit is the last thing that the connection does, or the first that it does not."""
    commit = asyncpg.transaction.Transaction._Transaction__commit

    async def die(self):
        if self._nested:
            return await commit(self)
        monkeypatch.undo()
        if where == "after":
            await commit(self)
        self._connection.terminate()
        raise Died(where)

    monkeypatch.setattr(asyncpg.transaction.Transaction, "_Transaction__commit", die)


async def outcome(drill) -> tuple:
    """What the record says in the end, but for instants and numbers that crashes may skip."""
    attempts = await drill.connection.fetch(
        "SELECT end_to_end_id, state, amount_cents FROM payout_attempts ORDER BY end_to_end_id"
    )
    balances = await drill.connection.fetch(
        "SELECT account_id, balance_cents FROM book_balances ORDER BY account_id"
    )
    batches = await drill.connection.fetch("SELECT state, total_cents FROM payout_batches ORDER BY id")
    return [tuple(row) for row in attempts], [tuple(row) for row in balances], [tuple(row) for row in batches]


async def run_through(fresh, monkeypatch, *, crash_at: int | None = None, where: str = "") -> tuple:
    place = fresh()
    async with place as drill:
        for operator_id in drill.operators:
            await drill.close(operator_id, 2)
        for number, stage in enumerate(STAGES):
            if number == crash_at:
                dying(monkeypatch, where)
                with pytest.raises((Died, asyncpg.InterfaceError, asyncpg.PostgresConnectionError)):
                    await stage(drill)
                drill.connection = place.connection = await connect(place.dsn, purpose="tests")
            try:
                await stage(drill)
            except (PayoutRefused, ValueError):
                # It was done: what is approved is no draft any more.
                assert number == crash_at
                assert where == "after"
            if number == crash_at:
                await drill.hold()
        await drill.hold()
        return await outcome(drill)


def test_a_crash_around_any_commit_changes_nothing_of_the_outcome(run, fresh, monkeypatch):
    expected = run(run_through(fresh, monkeypatch))
    assert {state for _, state, _ in expected[0]} == {"booked", "returned", "prepared"}
    for number in CRASHING:
        for where, told in MESSAGES.items():
            found = run(run_through(fresh, monkeypatch, crash_at=number, where=where))
            assert found == expected, f"{STAGES[number].__name__}, {told}"


def test_a_file_that_leaves_twice_is_executed_once_and_the_refused_repeat_rejects_nothing(run, fresh):
    """The process died after the file had left and before anybody could say so."""

    async def one() -> None:
        async with fresh() as drill:
            await drill.close(drill.operators[0], 2)
            await prepare(drill)
            await approve(drill)
            await give_file(drill)
            await give_file(drill)
            await bank_answers(drill)
            await import_all(drill)
            assert drill.reached["file given again"] == 1
            assert all(order.executed == 1 for order in drill.bank.every())
            [batch] = await drill.batches(BatchState.RECONCILED)
            assert batch.transfer_count == 1
            await drill.hold()

    run(one())
