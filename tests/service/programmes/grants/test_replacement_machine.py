"""Booklets that are scanned, undone, lost, recalled, handed out, given back, replaced, several hands at once,
as hypothesis steers them: never is a pass live under two numbers, and no cent is in circulation twice.

More of it by hand: POINCON_EXAMPLES=400 pytest -s, which tells what was reached."""

import asyncio
import os
import random
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings, target
from hypothesis import strategies as st

from keys.passes import PassId
from ledger.acceptances import acceptance_of_attempt, undo
from ledger.audit_books import BOOK_CHECKS
from ledger.audit_handouts import HANDOUT_CHECKS
from ledger.audit_programmes import PROGRAMME_CHECKS
from ledger.booklets import cancel_booklets
from ledger.claims import claim_passes
from ledger.custody import transfer_booklets
from ledger.deliveries import restitute
from ledger.grant_rows import GrantRefused
from ledger.handout_rows import NewHandout
from ledger.handouts import HandoutRefused, hand_out
from ledger.prescribers import add_prescriber, add_prescriber_person
from ledger.questionnaires import load_questionnaire
from ledger.replacements import ReplacementRefused, replace_booklet
from ledger.rows import CancelCause, Candidate, Outcome
from programmes.questionnaire import content_of, default_questionnaire

EXAMPLES = int(os.environ.get("POINCON_EXAMPLES", "6"))
BOOKLETS = 3
WHO = {"actor": "tests", "reason": "essai"}
# Scans most often; a step is what several hands do at once.
DEEDS = (
    "scan",
    "scan",
    "scan",
    "scan_offline",
    "undo",
    "replace",
    "replace",
    "lose",
    "recall",
    "give",
    "back",
)
STEPS = st.lists(st.lists(st.sampled_from(DEEDS), min_size=1, max_size=5), min_size=9, max_size=9)
MUST_BE_REACHED = {
    "scan", "scan_offline", "undo", "replace", "lose", "recall", "give", "back", "replaced again",
    "scan refused", "undo of a replaced one", "scan and replacement at once", "own prescription",
}  # fmt: skip
CHECKS = (
    PROGRAMME_CHECKS["replaced_and_new_are_never_both_live"],
    PROGRAMME_CHECKS["stocks_are_in_their_territory"],
    PROGRAMME_CHECKS["restitutions_are_whole"],
    HANDOUT_CHECKS["replacements_agree"],
    HANDOUT_CHECKS["nobody_takes_what_they_handed_out"],
    BOOK_CHECKS["circulation_is_what_passes_are_worth"],
    BOOK_CHECKS["funds_are_what_came_and_is_not_engaged"],
)
DEVICES = "SELECT id, site_id, operator_id, mediator_id FROM devices ORDER BY id"
BOOKLETS_OF = """
SELECT number, pass_count FROM counted_booklets WHERE programme_id = $1 AND was_active ORDER BY number"""
LIVE = """
SELECT attempt_id, booklet, operator_id, device_id FROM acceptances a WHERE undone_at IS NULL AND EXISTS (
    SELECT FROM counted_booklets c WHERE c.number = a.booklet AND c.programme_id = $1) ORDER BY attempt_id"""
DEPTH = """
SELECT coalesce(max(count), 0) FROM (
    SELECT count(*) FROM replacements r JOIN booklets b ON b.number = r.root_booklet
    JOIN batches t ON t.id = b.batch_id WHERE t.programme_id = $1 GROUP BY r.root_booklet) AS lines"""


@dataclass
class Hands:
    """One programme, and what hands do to its booklets, each over a connection of its own."""

    office: object
    prescriber: int
    person: int
    questionnaire: int
    devices: list
    chance: random.Random
    reached: Counter
    done: list = field(default_factory=list)  # in the step under way

    async def step(self, deeds):
        self.office.now += timedelta(minutes=1)
        self.done = []
        await asyncio.gather(*(self._do(deed, random.Random(self.chance.random())) for deed in deeds))
        self.reached.update(self.done)
        if {"scan", "replace"} <= set(self.done):
            self.reached["scan and replacement at once"] += 1

    async def _do(self, deed, chance):
        async with self.office.another_hand() as connection:
            told = await getattr(self, deed)(connection, chance)
        if told:
            self.done.append(deed if told is True else told)

    async def _booklet(self, connection, chance):
        return chance.choice(await connection.fetch(BOOKLETS_OF, self.office.programme_id))

    async def scan(self, connection, chance, *, age=timedelta()):
        booklet, size = await self._booklet(connection, chance)
        device, site, operator, person = chance.choice(self.devices)
        pass_id = PassId(booklet, chance.randint(1, size))
        one = Candidate(pass_id, uuid.uuid4(), device, site, operator, 0, 1_000, self.office.now - age)
        at = self.office.now.replace(microsecond=0)
        [claimed] = await claim_passes(connection, [one], [1], accepted_at=at, receipt_key_id=1)
        if claimed.outcome is Outcome.UNTAKEN:
            return "own prescription" if person == self.person else "scan refused"
        return claimed.outcome is Outcome.TAKEN

    async def scan_offline(self, connection, chance):
        """Made before whatever happened to the booklet in the last minutes."""
        return await self.scan(connection, chance, age=timedelta(minutes=chance.randint(1, 5))) is True

    async def undo(self, connection, chance):
        live = await connection.fetch(LIVE, self.office.programme_id)
        if not live:
            return False
        attempt, booklet, operator, device = chance.choice(live)
        acceptance = await acceptance_of_attempt(connection, attempt, operator_id=operator)
        how = {"device_id": device, "at": self.office.now, "reason": "essai", "forgotten_in": None}
        await undo(connection, acceptance, **how)
        is_replaced = "SELECT replaced_at IS NOT NULL FROM booklets WHERE number = $1"
        self.done += ["undo of a replaced one"] * await connection.fetchval(is_replaced, booklet)
        return True

    async def replace(self, connection, chance):
        number, _ = await self._booklet(connection, chance)
        cause = chance.choice([CancelCause.LOST, CancelCause.STOLEN, CancelCause.REPLACED])
        try:
            done = await replace_booklet(connection, number, cause=cause, at=self.office.now, **WHO)
        except ReplacementRefused:
            return False
        self.done += ["replaced again"] * (done.root_booklet != number)
        return True

    async def lose(self, connection, chance):
        return await self._cancel(connection, chance, CancelCause.LOST)

    async def recall(self, connection, chance):
        return await self._cancel(connection, chance, CancelCause.RECALLED)

    async def _cancel(self, connection, chance, cause):
        number, _ = await self._booklet(connection, chance)
        return bool(await cancel_booklets(connection, [number], cause=cause, at=self.office.now, **WHO))

    async def give(self, connection, chance):
        number, size = await self._booklet(connection, chance)
        last = chance.choice([size, size, chance.randint(1, size)])
        new = NewHandout(
            uuid.uuid4(), number, 1, last, self.prescriber, self.person, self.questionnaire,
            {"situation": "rsa", "qpv": "oui", "age": "26_59"}, ("pic",),
        )  # fmt: skip
        try:
            return bool(await hand_out(connection, new, at=self.office.now, actor="tests"))
        except HandoutRefused:
            return False

    async def back(self, connection, chance):
        number, _ = await self._booklet(connection, chance)
        here = self.office.territories[0]
        try:
            wanted = {"at": self.office.now, **WHO}
            return bool(await restitute(connection, self.office.programme_id, here, [number], **wanted))
        except GrantRefused:
            return False


@pytest.fixture
def open_hands(open_office):
    async def opened(chance, reached):
        office = await open_office(territories=1)
        [here] = office.territories
        await office.stock(BOOKLETS)
        await office.deliver(await office.first_grant(here), BOOKLETS)
        how = {"at": office.now, "actor": "tests"}
        prescriber = await add_prescriber(
            office.connection, territory_id=here, name="CCAS", operator_id=None, **how
        )
        devices = [tuple(row) for row in await office.connection.fetch(DEVICES)]
        # Who hands out scans as well, with the first phone.
        person = await add_prescriber_person(
            office.connection, prescriber, name="", person_id=devices[0][3], **how
        )
        where = {"from_id": None, "to_id": prescriber, "at": office.now}
        await transfer_booklets(office.connection, list(office.batch.booklets), **where, **WHO)
        content = content_of(default_questionnaire())
        kept = await load_questionnaire(office.connection, office.programme_id, content, **how)
        return Hands(office, prescriber, person, kept.id, devices, chance, reached)

    return opened


def test_every_deed_is_known():
    assert all(hasattr(Hands, deed) for deed in DEEDS)


@pytest.fixture(scope="module")
def reached():
    return Counter()


@settings(
    max_examples=EXAMPLES,
    phases=[Phase.generate, Phase.target],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS, seed=st.integers(0, 2**32))
async def test_of_a_booklet_and_its_replacements_no_pass_is_ever_live_twice(open_hands, reached, steps, seed):
    hands = await open_hands(random.Random(seed), reached)
    connection = hands.office.connection
    for deeds in steps:
        await hands.step(deeds)
        for check in CHECKS:
            assert [tuple(row) for row in await connection.fetch(check)] == [], deeds
    target(float(await connection.fetchval(DEPTH, hands.office.programme_id)), label="replaced in a line")


def test_all_that_hands_can_do_was_reached(reached):
    print(sorted(reached.items()))
    assert reached.keys() >= MUST_BE_REACHED
