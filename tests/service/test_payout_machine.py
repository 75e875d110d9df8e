"""Months of payouts against a model bank, steered by hypothesis over the real PostgreSQL: what must hold is looked
at after every step, and how often each transition was reached is printed."""

import asyncio
import itertools
import os
import random
from collections import Counter
from collections.abc import Awaitable

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from ledger.connect import connect
from ledger.payout_rows import BatchState, PayoutRefused
from loadtests.model_bank import Style
from loadtests.payout_drill import Drill, InvariantBroken, open_drill
from payouts.matching import Why

EXAMPLES = 12
STEPS = 60
BOOKLETS = 20
AT_BANK = (BatchState.APPROVED, BatchState.SENT, BatchState.ACCEPTED, BatchState.PARTIAL)
# What an honest run must have gone through, or it proved nothing.
MUST_REACH = {
    "remittance closed", "batch prepared", "batch approved", "batch cancelled", "file given", "file given again",
    "batch marked as sent", "file imported", "file imported again", "proposal confirmed", "match undone",
    "account corrected", "debited each", "debited lump", "debited bare", "debited with rejected", "rejected",
    "returned each", "returned lump", "returned bare", "returned short", "executed again", "funding confirmed",
    "statement", "left out: blocked",
}  # fmt: skip

_numbers = itertools.count(1)


class Steered:
    """Each step draws from the rows that are in the right state for it: random ids would find almost nothing."""

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
            "SELECT DISTINCT bank_line_id FROM matches WHERE undone_at IS NULL AND kind IN ('payout', 'return')"
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
        name = self.pick(wanted if wanted and self.chance.random() < 0.5 else sorted(possible))
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
        self.drill.undelivered.append(self.drill.bank.reject(self.some(orders)))
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
        line, ids, why = self.pick(lines)
        whole = why is Why.SUM_OF_A_BATCH
        await self.drill.confirm(line, ids if whole else frozenset([self.pick(sorted(ids))]))

    async def _funding(self, lines):
        await self.drill.confirm_funding(self.pick(lines)[0])

    async def _undo(self, lines):
        await self.drill.undo(self.pick(lines))

    async def _mend(self, _):
        await self.drill.mend_accounts()


@pytest.fixture(scope="module")
def run(servers, seed):
    """Run something on a loop of its own: hypothesis calls plain functions."""
    loop = asyncio.new_event_loop()

    def run(work: Awaitable):
        return loop.run_until_complete(work)

    yield run
    loop.close()


@pytest.fixture(scope="module")
def fresh(servers, seed, run):
    """A drill on a database of its own, copied from the seeded one."""

    async def copied(name: str) -> None:
        admin = await connect(servers.postgres.superuser_dsn, purpose="tests")
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", seed.template
        )
        await admin.execute(f"CREATE DATABASE {name} OWNER poincon_owner TEMPLATE {seed.template}")
        await admin.close()

    async def dropped(name: str) -> None:
        admin = await connect(servers.postgres.superuser_dsn, purpose="tests")
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()

    class Fresh:
        async def __aenter__(self) -> Drill:
            self.name = f"drill_{os.getpid()}_{next(_numbers)}"
            await copied(self.name)
            head, _, tail = servers.postgres.dsn("poincon_app").partition("/poincon?")
            self.connection = await connect(f"{head}/{self.name}?{tail}", purpose="tests")
            drill = await open_drill(self.connection, seed.programme_id, booklets=BOOKLETS)
            drill.superuser_dsn = servers.postgres.superuser_dsn.replace("/poincon?", f"/{self.name}?")
            return drill

        async def __aexit__(self, *_: object) -> None:
            await self.connection.close()
            await dropped(self.name)

    return Fresh


async def play(drill: Drill, chance: random.Random) -> None:
    steered = Steered(drill, chance)
    for operator_id in drill.operators:
        await drill.close(operator_id, 2)
    for _ in range(STEPS):
        await steered.step()
        await drill.hold()


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
