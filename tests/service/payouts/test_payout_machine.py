"""Months of payouts against a model bank, steered over the real PostgreSQL: what must hold is looked at
after every step, and how often each transition was reached is printed."""

import itertools
import random
from collections import Counter
from dataclasses import replace
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger import payouts, remittances
from ledger.payout_rows import BatchState, PayoutRefused
from loadtests import payout_drill
from loadtests.model_bank import Style
from loadtests.payout_drill import Drill, InvariantBroken
from payouts import importing
from payouts.matching import Why

EXAMPLES = 15
SEEDS_PER_FAULT = 4
STEPS = 60
# Seldom possible, so taken when they are.
RARE = ("reject", "reject", "debit", "debit_whole", "send", "confirm", "return")
AT_BANK = (BatchState.APPROVED, BatchState.SENT, BatchState.ACCEPTED, BatchState.PARTIAL)
# What an honest run must have gone through, or it proved nothing.
MUST_REACH = {
    "remittance closed", "batch prepared", "batch approved", "batch cancelled", "file given",
    "file given again",
    "batch marked as sent", "file imported", "file imported again", "proposal confirmed", "match undone",
    "account corrected", "debited each", "debited lump", "debited bare", "debited with rejected", "rejected",
    "returned each", "returned lump", "returned bare", "returned short", "executed again",
    "funding confirmed",
    "statement", "left out: blocked",
    "transfer -> prepared", "transfer prepared -> sent", "transfer prepared -> cancelled",
    "transfer sent -> booked", "transfer sent -> rejected", "transfer booked -> returned",
    "transfer booked -> sent", "transfer returned -> booked",
    "batch -> draft", "batch draft -> cancelled", "batch draft -> approved", "batch approved -> sent",
    "batch sent -> accepted", "batch sent -> partial", "batch accepted -> reconciled",
    "batch reconciled -> sent",
}  # fmt: skip
STATES = """
SELECT 'transfer', id, state FROM payout_attempts UNION ALL SELECT 'batch', id, state FROM payout_batches"""

_numbers = itertools.count(1)


class Steered:
    """Each step draws from the rows that are in the right state for it: random ids find almost nothing."""

    def __init__(self, drill: Drill, chance: random.Random) -> None:
        self.drill = drill
        self.chance = chance

    def pick(self, rows):
        return self.chance.choice(list(rows))

    def some(self, rows):
        rows = list(rows)
        return self.chance.sample(rows, self.chance.randint(1, len(rows)))

    async def steps(self) -> dict[str, list]:
        """What can be done now, by name, with what it can be done to."""
        drill, bank = self.drill, self.drill.bank
        orders = list(bank.every())
        pending = sorted({order.message_id for order in orders if order.is_pending})
        refused = sorted({order.message_id for order in orders if order.rejected and not order.came_back})
        out = [order for order in orders if order.is_out]
        lines = await drill.open()
        matched = await drill.connection.fetch(
            "SELECT DISTINCT bank_line_id FROM matches"
            " WHERE undone_at IS NULL AND kind IN ('payout', 'return')"
        )
        return {
            "close": drill.operators if len(drill.passes) > 3 else [],
            "prepare": [None],
            "approve": await drill.batches(BatchState.DRAFT),
            "cancel": await drill.batches(BatchState.DRAFT, BatchState.APPROVED),
            "give": await drill.batches(*AT_BANK),
            "send": await drill.batches(BatchState.APPROVED),
            "reject": pending,
            "debit": pending,
            "debit_whole": [one for one in pending if one in refused],
            "again": sorted({order.message_id for order in out}),
            "return": out,
            "fund": [None],
            "statement": [None] if bank.has_news else [],
            "deliver": drill.undelivered,
            "deliver_again": sorted(drill.delivered),
            "confirm": [one for one in lines if one[1]],
            "funding": [one for one in lines if one[2] is Why.UNKNOWN_CREDIT],
            "undo": [row["bank_line_id"] for row in matched],
            "mend": [None],
        }

    async def step(self) -> None:
        possible = {name: rows for name, rows in (await self.steps()).items() if rows}
        # Half of the steps bring the money home; the others disturb.
        wanted = [name for name in ("deliver", "statement", "debit", "give", "approve") if name in possible]
        others = sorted(possible) + [name for name in RARE for _ in range(3) if name in possible]
        name = self.pick(wanted if wanted and self.chance.random() < 0.5 else others)
        try:
            await getattr(self, f"_{name}")(possible[name])
        except PayoutRefused as refused:
            self.drill.reached[f"refused: {' '.join(str(refused).split()[-3:])}"] += 1

    async def _close(self, operators):
        await self.drill.close(self.pick(operators), self.chance.randint(1, 3))

    async def _prepare(self, _):
        await self.drill.prepare()

    async def _approve(self, batches):
        await self.drill.approve(self.pick(batches))

    async def _cancel(self, batches):
        await self.drill.cancel(self.pick(batches))

    async def _give(self, batches):
        await self.drill.give_file(self.pick(batches))

    async def _send(self, batches):
        await self.drill.mark_sent(self.pick(batches))

    async def _reject(self, messages):
        orders = [order for order in self.drill.bank.orders[self.pick(messages)] if order.is_pending]
        refused = self.pick((orders, self.some(orders)))
        self.drill.undelivered.append(self.drill.bank.reject(refused))
        self.drill.reached["rejected"] += 1

    async def _debit(self, messages):
        style = self.pick(Style)
        self.drill.bank.debit(self.pick(messages), style)
        self.drill.reached[f"debited {style}"] += 1

    async def _debit_whole(self, messages):
        self.drill.bank.debit(self.pick(messages), Style.LUMP, with_rejected=True)
        self.drill.reached["debited with rejected"] += 1

    async def _again(self, messages):
        self.drill.bank.execute_again(self.pick(messages))
        self.drill.reached["executed again"] += 1

    async def _return(self, orders):
        fee = self.pick((0, 0, 0, 100))
        style = self.pick(Style)
        self.drill.bank.give_back(self.some(orders), style, fee_cents=fee)
        self.drill.reached["returned short" if fee else f"returned {style}"] += 1

    async def _fund(self, _):
        self.drill.bank.credit(self.chance.randint(1, 10**6), "Métropole")

    async def _statement(self, _):
        self.drill.undelivered.append(self.drill.bank.close_day())
        self.drill.reached["statement"] += 1

    async def _deliver(self, files):
        file = self.pick(files)
        self.drill.undelivered.remove(file)
        await self.drill.deliver(file)

    async def _deliver_again(self, files):
        await self.drill.deliver(self.pick(files))

    async def _confirm(self, lines):
        line, ids, _, together = self.pick(lines)
        await self.drill.confirm(line, ids if together else frozenset([self.pick(sorted(ids))]))

    async def _funding(self, lines):
        await self.drill.confirm_funding(self.pick(lines)[0])

    async def _undo(self, lines):
        await self.drill.undo(self.pick(lines))

    async def _mend(self, _):
        await self.drill.mend_accounts()


async def play(drill: Drill, chance: random.Random) -> None:
    steered = Steered(drill, chance)
    for operator_id in drill.operators:
        await drill.close(operator_id, 2)
    before: dict[tuple[str, int], str] = {}
    for _ in range(STEPS):
        await steered.step()
        after = {(kind, one): state for kind, one, state in await drill.connection.fetch(STATES)}
        drill.reached.update(moves(before, after))
        before = after
        await drill.hold()


def moves(before, after):
    """Transitions of the record itself, whatever step made them: « transfer sent -> booked »."""
    for (kind, one), state in after.items():
        if (was := before.get((kind, one))) != state:
            yield f"{kind} {was} -> {state}" if was else f"{kind} -> {state}"


steering = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_whatever_the_bank_does_nobody_is_paid_twice_and_the_books_agree(run, fresh, capsys):
    reached: Counter[str] = Counter()

    @steering
    @given(st.randoms(use_true_random=True))
    def months(chance):
        async def one() -> None:
            async with fresh() as drill:
                try:
                    await play(drill, chance)
                finally:
                    reached.update(drill.reached)

        run(one())

    months()
    with capsys.disabled():
        print("\n" + "\n".join(f"{count:6} {name}" for name, count in sorted(reached.items())))
    assert reached.keys() >= MUST_REACH, MUST_REACH - reached.keys()


# Faults are planted with the guards of the database taken away, which would refuse them: what is tried here
# is that nothing hides from the invariants.

TWICE_REMITTED = remittances.WAITING.replace(f"AND {remittances.NOT_REMITTED}", "")
ISSUED_EARLY = payouts.OWED.replace(
    "a.state IN ('prepared', 'sent', 'booked')", "a.state IN ('prepared', 'booked')"
)
assert TWICE_REMITTED != remittances.WAITING
assert ISSUED_EARLY != payouts.OWED


VOID_ONE_REMITTED = """
UPDATE acceptances SET undone_at = now()
WHERE attempt_id = (SELECT attempt_id FROM remittance_lines LIMIT 1)"""
CANCEL_ONE_RELEASED = """
UPDATE payout_attempts SET state = 'cancelled' WHERE batch_id = (
    SELECT id FROM payout_batches WHERE state NOT IN ('draft', 'cancelled') ORDER BY id LIMIT 1)"""


class Planted(NamedTuple):
    patches: dict[str, object]
    guards: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()  # done once, halfway


async def regenerated(connection, batch_id):
    file = await payouts.batch_file(connection, batch_id)
    message_id = (await payouts.read_batch(connection, batch_id)).message_id
    return file.replace(message_id.encode(), f"R{next(_numbers)}{message_id}"[:35].encode())


async def knows_no_line(connection, lines):
    return {}


def never_alike(entries, statement, *, _lines=importing._lines, **how):
    for line in _lines(entries, statement, **how):
        yield replace(line, reference=f"{line.reference} {next(_numbers)}")


FAULTS = {
    "no unique key on lines": Planted(
        {"ledger.remittances.WAITING": TWICE_REMITTED},
        ("ALTER TABLE remittance_lines DROP CONSTRAINT remittance_lines_pkey",),
    ),
    "void after close": Planted(
        {},
        ("ALTER TABLE acceptances DISABLE TRIGGER USER",),
        (VOID_ONE_REMITTED,),
    ),
    "the file is made anew with another id": Planted({"loadtests.payout_drill.batch_file": regenerated}),
    "imports are not known again": Planted(
        {
            "ledger.statements.FIND_FILE": "SELECT 1 WHERE $1::bytea IS NULL",
            "ledger.statements._known_lines": knows_no_line,
            "payouts.importing._lines": never_alike,
        },
        ("ALTER TABLE bank_files DROP CONSTRAINT bank_files_sha256_key",),
    ),
    "paid again before the bank has said": Planted(
        {"ledger.payouts.OWED": ISSUED_EARLY},
        ("DROP INDEX payout_attempts_one_live",
         "ALTER TABLE payout_attempts DISABLE TRIGGER payout_attempts_never_overpay"),
    ),
    "cancelled after approval": Planted(
        {},
        ("ALTER TABLE payout_attempts DISABLE TRIGGER USER",),
        (CANCEL_ONE_RELEASED,),
    ),
    "a closed line is edited": Planted(
        {},
        ("ALTER TABLE remittance_lines DISABLE TRIGGER USER",),
        ("UPDATE remittance_lines SET amount_cents = amount_cents + 1 WHERE line = 1",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_caught(run, fresh, fault, monkeypatch):
    planted = FAULTS[fault]
    for target, value in planted.patches.items():
        monkeypatch.setattr(target, value)

    async def one(seed: int) -> str | None:
        place = fresh()
        async with place as drill:
            await place.tamper(*planted.guards)
            drill.file_of = payout_drill.batch_file
            try:
                await play(drill, random.Random(seed))
                await place.tamper(*planted.by_hand)
                await drill.hold()
            except InvariantBroken as broken:
                return str(broken)
        return None

    caught = (run(one(seed)) for seed in range(SEEDS_PER_FAULT))
    told = next((broken for broken in caught if broken), None)
    assert told, f"{fault}: nothing saw it"
    print(f"{fault}: {told}")
