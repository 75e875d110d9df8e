"""The public counters after lives that hypothesis steers: each equals a count by hand from raw rows."""

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.booklets import cancel_booklets
from ledger.correction_rows import CorrectionCause
from ledger.corrections import decide_correction
from ledger.counters import Count, Counters, read_counters, total
from ledger.custody import transfer_booklets
from ledger.disputes import DisputeRefused, correct_dispute, open_dispute, release_dispute
from ledger.handout_rows import UndoCause
from ledger.handouts import HandoutRefused, hand_out, undo_handout
from ledger.parties import add_person
from ledger.replacements import ReplacementRefused, replace_booklet
from ledger.rows import CancelCause
from programmes.counters import DEFINITIONS

EXPIRED, VALID = datetime(2199, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
NO_RESTITUTION = 2**31 - 1
STEPS = (
    "issue", "activate", "give", "give", "scan", "scan", "scan", "undo_scan", "undo_give", "lose", "replace",
    "replace", "close", "close", "dispute", "dispute", "release", "release", "settle", "correct", "pay",
    "pay", "give_back",
)  # fmt: skip
TABLES = {
    "booklets": "SELECT b.*, t.programme_id FROM booklets b JOIN batches t ON t.id = b.batch_id",
    "acceptances": "SELECT * FROM acceptances",
    "lines": "SELECT * FROM remittance_lines",
    "handouts": "SELECT * FROM handouts",
    "replacements": "SELECT * FROM replacements",
    "delivered": """
        SELECT l.booklet, d.territory_id FROM delivered_booklets l JOIN deliveries d ON d.id = l.delivery_id
        WHERE l.restitution_id IS NULL""",
    "disputes": "SELECT * FROM disputes",
    "booked": "SELECT * FROM payout_attempts WHERE state = 'booked'",
    "parts": "SELECT * FROM remittance_parts",
    "corrections": "SELECT * FROM corrections WHERE remittance_number IS NOT NULL",
}


class Life:
    """A programme over two territories and none, one operator, and what people may do next."""

    def __init__(self, house, connection, desk, device, account, seen, new_handout, deliver) -> None:
        self.house, self.connection, self.desk, self.device = house, connection, desk, device
        self.account, self.seen, self.new_handout, self.deliver = account, seen, new_handout, deliver
        self.programme_id = None
        self.numbers: list[int] = []

    async def do(self, step, chance):
        if await getattr(self, step)(chance) is not False:
            self.seen[step] += 1

    def who(self, role):
        return {role: self.account, "actor": "tests", "at": datetime.now(UTC), "reason": "vu"}

    async def draw(self, chance, query, *wanted):
        rows = await self.connection.fetch(f"{query} ORDER BY 1", *wanted)
        return chance.choice(rows) if rows else None

    async def issue(self, chance):
        batch = await self.house.issue(booklets=2, programme_id=self.programme_id, activated=False)
        first, second = batch.booklets
        self.numbers += [first, second]
        await self.deliver([first], programme_id=self.programme_id, territory_id=1)
        if chance.random() < 0.5:
            await self.deliver([second], programme_id=self.programme_id, territory_id=2)
        await transfer_booklets(
            self.connection, [first], from_id=None, to_id=self.desk.prescriber_id, at=datetime.now(UTC),
            actor="tests", reason="livraison",
        )  # fmt: skip

    async def activate(self, chance):
        from ledger.booklets import activate_batch

        row = await self.draw(
            chance, "SELECT DISTINCT batch_id FROM booklets WHERE number = ANY($1) AND state = 'issued'",
            self.numbers,
        )  # fmt: skip
        if row is None:
            return False
        at = datetime.now(UTC) - timedelta(hours=1)
        await activate_batch(self.connection, row[0], at=at, actor="tests", reason="payment")
        await self.house.refreshed()
        return None

    async def give(self, chance):
        first = chance.randint(1, 10)
        new = self.new_handout(
            self.desk, booklet=chance.choice(self.numbers), first_pass=chance.choice([1, first]),
            last_pass=chance.choice([10, first]),
        )  # fmt: skip
        if new.first_pass > new.last_pass:
            return False
        try:
            await hand_out(self.connection, new, at=datetime.now(UTC), actor="tests")
        except HandoutRefused:
            return False

    async def undo_give(self, chance):
        row = await self.draw(
            chance, "SELECT id FROM handouts WHERE booklet = ANY($1) AND undone_at IS NULL", self.numbers
        )
        if row is None:
            return False
        how = {"cause": UndoCause.NOT_TAKEN, "at": datetime.now(UTC), "actor": "tests"}
        return await undo_handout(self.connection, row[0], **how)

    async def scan(self, chance):
        from ledger.booklets import find_batch

        number = chance.choice(self.numbers)
        batch_id = await self.connection.fetchval("SELECT batch_id FROM booklets WHERE number = $1", number)
        batch = await find_batch(self.connection, batch_id)
        codes = [one for one in self.house.printed(batch) if one.pass_id.booklet == number]
        return (await self.house.scan(chance.choice(codes).qr, device=self.device)).verdict == "accepted"

    async def undo_scan(self, chance):
        row = await self.draw(
            chance,
            "SELECT attempt_id::text FROM acceptances a WHERE operator_id = $1 AND undone_at IS NULL AND NOT"
            " EXISTS (SELECT FROM remittance_lines l WHERE l.attempt_id = a.attempt_id)",
            self.device.operator_id,
        )
        return row is not None and (await self.house.undo(row[0], device=self.device)).status == 200

    async def lose(self, chance):
        done = await cancel_booklets(
            self.connection, [chance.choice(self.numbers)], cause=CancelCause.RECALLED, at=datetime.now(UTC),
            actor="tests", reason="rappel",
        )  # fmt: skip
        await self.house.refreshed()
        return bool(done)

    async def replace(self, chance):
        try:
            done = await replace_booklet(
                self.connection, chance.choice(self.numbers), cause=CancelCause.LOST, at=datetime.now(UTC),
                actor="tests", reason="perdu",
            )  # fmt: skip
        except ReplacementRefused:
            return False
        await self.house.refreshed()
        if done.new_booklet in {None, *self.numbers}:
            return False
        self.numbers.append(done.new_booklet)
        return None

    async def close(self, _):
        return (await self.house.call("POST", "/v1/remittances", json={}, device=self.device)).status == 201

    async def dispute(self, chance):
        row = await self.draw(
            chance,
            "SELECT number, line FROM remittance_lines WHERE operator_id = $1",
            self.device.operator_id,
        )
        if row is None:
            return False
        try:
            await open_dispute(
                self.connection, operator_id=self.device.operator_id, number=row[0], line=row[1],
                **self.who("opened_by"),
            )  # fmt: skip
        except DisputeRefused:
            return False

    async def _held(self, chance):
        query = "SELECT id FROM disputes WHERE operator_id = $1 AND outcome IS NULL"
        return await self.draw(chance, query, self.device.operator_id)

    async def release(self, chance):
        if (row := await self._held(chance)) is None:
            return False
        await release_dispute(self.connection, row[0], **self.who("resolved_by"))
        return None

    async def settle(self, chance):
        if (row := await self._held(chance)) is None:
            return False
        await correct_dispute(self.connection, row[0], cause=CorrectionCause.FRAUD, **self.who("resolved_by"))
        return None

    async def correct(self, chance):
        await decide_correction(
            self.connection, operator_id=self.device.operator_id, programme_id=self.programme_id,
            amount_cents=chance.choice([-10_000, -1_000, 700]), cause=CorrectionCause.ERROR,
            **self.who("decided_by"),
        )  # fmt: skip

    async def pay(self, chance):
        """A transfer of a portion, booked or not: what banks answer has tests of its own."""
        row = await self.draw(
            chance,
            "SELECT o.number, o.portion, o.amount_cents FROM remittance_portions o WHERE o.operator_id = $1"
            " AND NOT EXISTS (SELECT FROM payout_attempts a WHERE (a.operator_id, a.number, a.portion)"
            " = (o.operator_id, o.number, o.portion) AND a.state IN ('prepared', 'sent', 'booked'))",
            self.device.operator_id,
        )
        if row is None:
            return False
        async with self.house.as_superuser() as superuser, superuser.transaction():
            await superuser.execute("SET LOCAL session_replication_role = replica")
            await superuser.execute(
                "INSERT INTO payout_attempts (batch_id, operator_id, number, portion, attempt, amount_cents,"
                " state, changed_at) SELECT 0, $1, $2, $3, 1 + count(*), $4, $5, now() FROM payout_attempts"
                " WHERE (operator_id, number) = ($1, $2)",
                self.device.operator_id, row[0], row[1], row[2],
                chance.choice(["booked", "booked", "sent", "returned"]),
            )  # fmt: skip
        return None

    async def give_back(self, chance):
        """A booklet comes back from its territory: counted in none from then on."""
        async with self.house.as_superuser() as superuser, superuser.transaction():
            await superuser.execute("SET LOCAL session_replication_role = replica")
            done = await superuser.execute(
                "UPDATE delivered_booklets SET restitution_id = $2 WHERE booklet = $1"
                " AND restitution_id IS NULL",
                chance.choice(self.numbers),
                NO_RESTITUTION,
            )
        return done == "UPDATE 1"


def by_hand(rows, programme_id, *, is_over):
    """Pass by pass, from what was written down."""
    old = {one["new_booklet"]: one for one in rows["replacements"] if one["new_booklet"]}
    again = {one["old_booklet"]: one["passes"] or 0 for one in rows["replacements"]}
    delivered = {one["booklet"]: one["territory_id"] for one in rows["delivered"]}
    booklets = {one["number"]: one for one in rows["booklets"] if one["programme_id"] == programme_id}
    root_of = {number: old[number]["root_booklet"] if number in old else number for number in booklets}
    live = {
        (one["booklet"], one["pass_number"])
        for one in rows["acceptances"]
        if one["undone_at"] is None and one["booklet"] in booklets
    }
    counted = defaultdict(set)  # (territory, counter) → passes
    for number, one in booklets.items():
        place = delivered.get(root_of[number])
        passes = {(number, which) for which in range(1, one["pass_count"] + 1)}
        left = sorted(passes - live)
        if number not in old and (one["state"] != "cancelled" or one["activated_at"]):
            counted[place, "issued"] |= passes
        if one["state"] == "issued":
            counted[place, "waiting"] |= passes
        if one["state"] == "active":
            counted[place, "expired" if is_over else "remaining"] |= set(left)
        if one["state"] == "cancelled" and one["activated_at"]:
            counted[place, "cancelled"] |= set(left[again.get(number, 0) :])
        counted[place, "scanned"] |= passes & live

    def place_of(number):
        return number in booklets, delivered.get(root_of.get(number))

    of_papers(rows, programme_id, counted, place_of)
    return {
        key: Count(len({root_of[number] for number, _ in passes}), len(passes), 1_000 * len(passes))
        for key, passes in counted.items()
        if passes
    }


def of_papers(rows, programme_id, counted, place_of):
    """Hand-outs and lines of remittances."""
    for one in rows["handouts"]:
        is_ours, place = place_of(one["booklet"])
        if is_ours and one["undone_at"] is None and not one["is_replacement"]:
            given = range(one["first_pass"], one["last_pass"] + 1)
            counted[place, "handed_out"] |= {(one["booklet"], which) for which in given}
    for one in rows["lines"]:
        is_ours, place = place_of(one["booklet"])
        if is_ours:
            counted[place, "consumed"].add((one["booklet"], one["pass_number"]))
            if is_paid(rows, one, programme_id):
                counted[place, "paid"].add((one["booklet"], one["pass_number"]))


def is_paid(rows, line, programme_id):
    key = (line["operator_id"], line["number"])
    disputes = [one for one in rows["disputes"] if (one["operator_id"], one["number"]) == key]
    own = [one for one in disputes if one["line"] == line["line"]]
    portion = own[0]["id"] if own else 0
    if own and own[0]["outcome"] != "released":
        return False
    if any((*key, portion) == (one["operator_id"], one["number"], one["portion"]) for one in rows["booked"]):
        return True
    owed = sum(
        one["total_cents"]
        for one in rows["parts"]
        if (one["operator_id"], one["number"], one["programme_id"]) == (*key, programme_id)
    )
    owed -= sum(one["amount_cents"] for one in disputes if one["programme_id"] == programme_id)
    owed += sum(
        one["amount_cents"]
        for one in rows["corrections"]
        if (one["operator_id"], one["remittance_number"], one["programme_id"]) == (*key, programme_id)
    )
    return not own and owed <= 0


@pytest.fixture(scope="module")
def seen():
    return Counter()


@pytest.fixture(scope="module")
async def account(house):
    async with house.database() as connection:
        return await connection.fetchval(
            "INSERT INTO accounts (email, person_id, password_hash)"
            " VALUES ('compteurs@example.org', $1, '$argon2id$x') RETURNING id",
            await add_person(connection, "Comptable des essais"),
        )


@settings(max_examples=8)
@given(
    steps=st.lists(st.sampled_from(STEPS), min_size=30, max_size=45),
    chance=st.randoms(use_true_random=False),
)
async def test_each_counter_is_what_is_counted_by_hand_from_the_rows(
    house, open_desk, new_handout, deliver, account, seen, steps, chance
):
    programme_id = await house.programme(face_value_cents=1_000)
    device = await house.operator()
    await house.qualify(programme_id, device)
    desk = await open_desk(programme_id=programme_id)
    async with house.database() as connection:
        life = Life(house, connection, desk, device, account, seen, new_handout, deliver)
        life.programme_id, life.numbers = programme_id, list(desk.booklets)
        for step in ("scan", "close", *steps, "close", "pay"):
            await life.do(step, random.Random(chance.random()))
        rows = {name: await connection.fetch(query) for name, query in TABLES.items()}
        for now, is_over in ((VALID, False), (EXPIRED, True)):
            found = await read_counters(connection, now=now, programme_id=programme_id)
            told = {
                (one.territory_id, name): count
                for one in found
                for name in Counters.__dataclass_fields__
                if (count := getattr(one.counters, name)).passes
            }
            assert told == by_hand(rows, programme_id, is_over=is_over)
            assert all(one.counters.adds_up for one in found)
            assert total(found).adds_up


def test_every_step_of_a_life_was_reached(seen):
    assert set(STEPS) <= set(seen), set(STEPS) - set(seen)


def test_every_counter_has_its_sentence():
    names = {*Counters.__dataclass_fields__, "started"}
    assert [one.counter for one in DEFINITIONS if one.counter not in names] == []
    assert len({one.counter for one in DEFINITIONS}) == len(names) == len(DEFINITIONS)
    assert all(one.sentence.endswith(".") for one in DEFINITIONS)
