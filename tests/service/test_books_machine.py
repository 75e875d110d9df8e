"""The books under whatever people do, in turn and at once: after each step the audit finds nothing.

Each step draws from rows in the right state, so that every transition is reached; how often is counted.
"""

import asyncio
import random
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.audit_books import BOOK_CHECKS
from ledger.book_rows import NEVER_BELOW_NOTHING
from ledger.booklets import FundsMissing, activate_batch, cancel_booklets, list_batches
from ledger.books import balances
from ledger.correction_rows import CorrectionCause
from ledger.corrections import decide_correction
from ledger.disputes import DisputeRefused, correct_dispute, open_dispute, release_dispute
from ledger.funding import receive
from ledger.releases import release_cancelled
from ledger.rows import CancelCause

HOUR = timedelta(hours=1)
BOOKLET_CENTS = 10_000

ISSUED = """
SELECT t.id FROM batches t WHERE t.programme_id = $1
AND EXISTS (SELECT FROM booklets b WHERE b.batch_id = t.id AND b.state = 'issued') ORDER BY t.id"""
BOOKLETS = """
SELECT b.number, b.state, b.released_at, coalesce(b.cancelled_at, now()) AS until, array(
    SELECT n FROM generate_series(1, b.pass_count) AS n WHERE NOT EXISTS (
        SELECT FROM acceptances a WHERE (a.booklet, a.pass_number) = (b.number, n) AND a.undone_at IS NULL)
) AS untaken FROM booklets b JOIN batches t ON t.id = b.batch_id
WHERE t.programme_id = $1 AND b.activated_at IS NOT NULL ORDER BY b.number"""
UNDOABLE = """
SELECT attempt_id::text FROM acceptances a WHERE operator_id = $1 AND undone_at IS NULL AND NOT EXISTS (
    SELECT FROM remittance_lines l WHERE l.attempt_id = a.attempt_id) ORDER BY 1"""
DISPUTABLE = """
SELECT number, line FROM remittance_lines l WHERE operator_id = $1 AND NOT EXISTS (
    SELECT FROM disputes d WHERE (d.operator_id, d.number, d.line) = (l.operator_id, l.number, l.line))
ORDER BY 1, 2"""
HELD = "SELECT id FROM disputes WHERE operator_id = $1 AND outcome IS NULL ORDER BY id"


class Life:
    """One programme with one operator, and what people may do next."""

    def __init__(self, house, connection, programme_id, device, account, seen, *, alone=True) -> None:
        self.house = house
        self.connection = connection
        self.programme_id = programme_id
        self.device = device
        self.account = account
        self.seen = seen
        self.alone = alone  # otherwise others may have been quicker

    async def do(self, step: str, chance: random.Random) -> None:
        if await getattr(self, step)(chance) is not False:
            self.seen[step] += 1

    async def draw(self, chance, query, wanted=None):
        """A row in the right state, or None."""
        rows = await self.connection.fetch(query, wanted or self.programme_id)
        return chance.choice(rows) if rows else None

    async def fund(self, chance):
        now = datetime.now(UTC)
        await receive(
            self.connection, self.programme_id, reference=str(uuid.uuid4()), booked_on=now.date(),
            amount_cents=chance.choice([1, BOOKLET_CENTS - 1, BOOKLET_CENTS, 2 * BOOKLET_CENTS]),
            label="", actor="tests", at=now,
        )  # fmt: skip

    async def issue(self, _):
        await self.house.issue(programme_id=self.programme_id, activated=False)

    async def activate(self, chance):
        if (batch := await self.draw(chance, ISSUED)) is None:
            return False
        at = datetime.now(UTC) - 200 * HOUR
        try:
            await activate_batch(self.connection, batch["id"], at=at, actor="tests", reason="payment")
        except FundsMissing:
            self.seen["activation refused"] += 1
            return False
        await self.house.refreshed()
        return True

    async def _scan(self, chance, *, is_late):
        rows = [
            row for row in await self.connection.fetch(BOOKLETS, self.programme_id)
            if row["untaken"] and (row["state"] == "cancelled") == is_late and not row["released_at"]
        ]  # fmt: skip
        if not rows:
            return False
        row = chance.choice(rows)
        number = chance.choice(row["untaken"])
        [code] = [
            one.qr for one in self.house.printed(await self._batch(row["number"]))
            if (one.pass_id.booklet, one.pass_id.number) == (row["number"], number)
        ]  # fmt: skip
        now = datetime.now(UTC)
        clock = (
            {"scanned_at": (row["until"] - HOUR).isoformat(), "sent_at": now.isoformat()} if is_late else {}
        )
        verdict = (await self.house.scan(code, device=self.device, **clock)).verdict
        assert not self.alone or verdict in ({"accepted", "too_late"} if is_late else {"accepted"})
        return verdict == "accepted"

    async def scan(self, chance):
        return await self._scan(chance, is_late=False)

    async def scan_late(self, chance):
        return await self._scan(chance, is_late=True)

    async def _batch(self, number):
        return next(batch for batch in await list_batches(self.connection) if number in batch.booklets)

    async def undo(self, chance):
        if (row := await self.draw(chance, UNDOABLE, self.device.operator_id)) is None:
            return False
        status = (await self.house.undo(row["attempt_id"], device=self.device)).status
        assert not self.alone or status == 200
        return status == 200

    async def close(self, _):
        return (await self.house.call("POST", "/v1/remittances", json={}, device=self.device)).status == 201

    async def cancel(self, chance):
        rows = [
            row for row in await self.connection.fetch(BOOKLETS, self.programme_id)
            if row["state"] == "active"
        ]  # fmt: skip
        if not rows:
            return False
        at = datetime.now(UTC) - chance.choice([2, 90]) * HOUR
        how = {"cause": CancelCause.LOST, "actor": "tests", "reason": None}
        await cancel_booklets(self.connection, [chance.choice(rows)["number"]], at=at, **how)
        await self.house.refreshed()
        return True

    async def release(self, _):
        return bool(await release_cancelled(self.connection, None, now=datetime.now(UTC), actor="tests"))

    def _who(self, role):
        return {role: self.account, "actor": "tests", "at": datetime.now(UTC), "reason": "vu"}

    async def correct(self, chance):
        await decide_correction(
            self.connection, operator_id=self.device.operator_id, programme_id=self.programme_id,
            amount_cents=chance.choice([-3_000, -500, -1, 1, 700]), cause=CorrectionCause.ERROR,
            **self._who("decided_by"),
        )  # fmt: skip

    async def dispute(self, chance):
        if (row := await self.draw(chance, DISPUTABLE, self.device.operator_id)) is None:
            return False
        where = {"operator_id": self.device.operator_id, "number": row["number"], "line": row["line"]}
        try:
            await open_dispute(self.connection, **where, **self._who("opened_by"))
        except DisputeRefused:
            return False
        return True

    async def resolve(self, chance):
        if (row := await self.draw(chance, HELD, self.device.operator_id)) is None:
            return False
        who = self._who("resolved_by")
        if chance.random() < 0.5:
            await release_dispute(self.connection, row["id"], **who)
        else:
            await correct_dispute(self.connection, row["id"], cause=CorrectionCause.FRAUD, **who)
        return True

    async def assert_sound(self, after):
        for check, query in BOOK_CHECKS.items():
            found = [tuple(row) for row in await self.connection.fetch(query)]
            assert not found, (after, check, found)
        held = await balances(self.connection)
        assert sum(held.values()) == 0
        assert all(cents <= 0 for account, cents in held.items() if account.kind in NEVER_BELOW_NOTHING)


STEPS = (
    "fund", "issue", "activate", "scan", "scan", "scan", "scan_late", "undo", "close", "cancel", "release",
    "correct", "dispute", "resolve",
)  # fmt: skip


@pytest.fixture(scope="module")
async def books(servers, open_house):
    async with open_house(servers, valkey=6) as house:
        yield house


@pytest.fixture(scope="module")
async def account(books):
    async with books.database() as connection:
        return await connection.fetchval(
            "INSERT INTO accounts (email, person_id, password_hash)"
            " VALUES ('m@example.org', 1, '$argon2id$x') RETURNING id"
        )


@pytest.fixture(scope="module")
def seen():
    return Counter()


async def _a_life(house, connection, account, seen, *, funds_cents):
    programme_id = await house.programme(funds_cents=funds_cents)
    device = await house.operator()
    await house.qualify(programme_id, device)
    return Life(house, connection, programme_id, device, account, seen)


@settings(max_examples=8)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=25, max_size=40),
    chance=st.randoms(use_true_random=False),
)
async def test_after_every_step_the_books_are_what_the_records_say(books, account, seen, steps, chance):
    async with books.database() as connection:
        life = await _a_life(books, connection, account, seen, funds_cents=2 * BOOKLET_CENTS)
        for step in ("issue", "activate", "issue", "activate", *steps):
            await life.do(step, chance)
            await life.assert_sound(step)


def test_every_transition_was_reached(seen):
    print(dict(seen))
    assert not {*STEPS, "activation refused"} - set(seen)


@pytest.mark.parametrize("seed", range(3))
async def test_at_once_cancellations_scans_undos_and_closings_leave_every_cent_in_its_place(
    books, account, seed
):
    chance = random.Random(seed)
    async with books.database() as connection:
        life = await _a_life(books, connection, account, Counter(), funds_cents=30 * BOOKLET_CENTS)
        for _ in range(4):
            await life.do("issue", chance)
            await life.do("activate", chance)
        steps = (
            ["scan"] * 12 + ["cancel"] * 3 + ["undo"] * 4 + ["close"] * 4 + ["release"] * 3 + ["correct"] * 3
        )
        chance.shuffle(steps)

        async def one(step, own):
            async with books.database() as mine:
                who = (books, mine, life.programme_id, life.device, account, Counter())
                await Life(*who, alone=False).do(step, own)

        await asyncio.gather(*(one(step, random.Random(place)) for place, step in enumerate(steps)))
        await life.assert_sound("all at once")


async def test_a_released_booklet_takes_no_pass_whatever_a_phone_brings(books, account):
    """Even from a phone that says it scanned before: its money is gone already."""
    chance = random.Random(0)
    async with books.database() as connection:
        life = await _a_life(books, connection, account, Counter(), funds_cents=BOOKLET_CENTS)
        await life.do("issue", chance)
        await life.do("activate", chance)
        [row] = await connection.fetch(BOOKLETS, life.programme_id)
        how = {"cause": CancelCause.LOST, "actor": "tests", "reason": None}
        await cancel_booklets(connection, [row["number"]], at=datetime.now(UTC) - 2 * HOUR, **how)
        far = datetime.now(UTC) + 100 * HOUR  # a clock that is wrong by days
        assert await release_cancelled(connection, None, now=far, actor="tests") >= BOOKLET_CENTS
        await books.refreshed()
        [one, *_] = books.printed(await life._batch(row["number"]))
        now = datetime.now(UTC)
        clock = {"scanned_at": (now - 3 * HOUR).isoformat(), "sent_at": now.isoformat()}
        assert (await books.scan(one.qr, device=life.device, **clock)).status == 503
        await life.assert_sound("a late scan of what was released")
