"""The demo's eleven months: a convention is signed, booklets are ordered, funded, granted to two territories,
handed out, scanned, remitted and paid. One territory is about to reach its next threshold; the other one is
suspended. A transfer came back, a line is disputed, a batch waits for its approval, and a statement of the
bank to be imported.

All of it by the product's own functions, in one transaction, in the names of the mandataire's two accounts.
"""

from datetime import datetime, timedelta

from demo.clock import record_at
from demo.convention import Convention
from demo.handing_out import HandingOut
from demo.money import Money
from demo.prescribers import VAL_RIVIERE, VILLE_HAUTE
from demo.public_side import apply, apply_in_vain, describe, send_mail
from demo.story import Story
from demo.workshops import Workshops
from ledger.booklets import activate_batch, cancel_booklets
from ledger.calendar_rows import midnight
from ledger.monthly_returns import due_returns, next_month
from ledger.rows import Batch, CancelCause
from payouts.month_freezing import freeze_month
from programmes.grants import propose_due

# All counts of days are days ago.
OPENED = 320
FIRST_INSTALMENT_CENTS = 800_000  # the two first grants
SECOND_INSTALMENT_CENTS = 200_000  # the first top-up
FUNDS_LEFT_CENTS = 60_000  # received, and less than the delivery that waits for its money
MONTHS = (262, 232, 202, 172, 142, 112, 82, 62)  # remittances are closed, then paid
PACE, LAST_PACE = 11, 12  # days between two workshops of a circle, before and in the last two months
LAST_TWO_MONTHS = 62
HANDED_OUT = {  # booklets at Ville-Haute, at Val-Rivière
    297: (8, 6), 275: (6, 4), 248: (5, 3), 220: (5, 3), 190: (5, 2), 165: (5, 1), 135: (3, 1),
    98: (6, 1), 70: (6, 1), 52: (4, 1), 34: (3, 0), 18: (1, 0),
}  # fmt: skip
KEPT_BY_TERRITORY = 8  # booklets of Val-Rivière that no prescriber was given
GIVEN_BACK = 5
FRESH_TO_HAND_OUT = 10
WAITING_BOOKLETS = 10  # of the delivery without its money


class History:
    def __init__(self, story: Story) -> None:
        self._story = story
        self._money = Money(story, opened=OPENED)
        self._convention = Convention(story)

    async def tell(self, *, booklet_count: int) -> Batch:
        """booklet_count: of the fresh booklets, active and taken by nobody; answers their batch."""
        self._workshops = await Workshops.begin(self._story)
        await self._begin()
        await self._first_grants()
        last = LAST_TWO_MONTHS
        await self._live(298, MONTHS[0])
        for closed, following in zip(MONTHS, (*MONTHS[1:], last), strict=True):
            await self._close_month(closed)
            await self._live(closed, following)
        fresh = await self._last_two_months(booklet_count)
        await apply(self._story, days_ago=3)
        await self._freeze_months()
        return fresh

    # The first weeks ------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        await describe(self._story, days_ago=OPENED)
        await self._money.open_accounts()
        await self._convention.sign(VILLE_HAUTE, days_ago=OPENED - 1)
        await self._convention.sign(VAL_RIVIERE, days_ago=OPENED - 2)
        self._handing_out = await HandingOut.begin(self._story, days_ago=OPENED - 5)
        self._first_batch = await self._order(80, "BC-01", days_ago=OPENED - 6)
        await self._money.receive(FIRST_INSTALMENT_CENTS, days_ago=311)

    async def _order(self, count: int, reference: str, *, days_ago: int) -> Batch:
        batch = await self._convention.order(count, reference=reference, days_ago=days_ago)
        await self._convention.produce(batch, days_ago=days_ago - 5)
        return batch

    async def _first_grants(self) -> None:
        size = self._story.programme.booklet_size
        for territory in (VILLE_HAUTE, VAL_RIVIERE):
            grant = await self._convention.grant_first(territory, days_ago=309)
            sent = await self._convention.deliver(
                grant, self._first_batch, grant.passes // size, days_ago=303
            )
            kept = KEPT_BY_TERRITORY if territory == VAL_RIVIERE else 0
            await self._entrust(territory, sent[: len(sent) - kept], days_ago=299)
            self._kept = sent[len(sent) - kept :]

    async def _entrust(self, territory: str, booklets: list[int], *, days_ago: int) -> None:
        prescribers = self._handing_out.of(territory)
        for place, prescriber in enumerate(prescribers):
            part = booklets[place :: len(prescribers)]
            await self._handing_out.entrust(prescriber, part, days_ago=days_ago)

    # Month after month ----------------------------------------------------------------------------------

    async def _live(self, since: int, until: int, *, every: int = PACE) -> None:
        """Hand-outs and workshops from the day `since` on, without the day `until`."""
        for ago in range(since, until, -1):
            for territory, count in zip((VILLE_HAUTE, VAL_RIVIERE), HANDED_OUT.get(ago, ()), strict=False):
                given = await self._handing_out.give(territory, count, days_ago=ago)
                self._workshops.welcome(territory, given)
            await self._workshops.hold(range(ago, ago - 1, -1), every=every)

    async def _close_month(self, closed: int) -> None:
        await self._workshops.close_all(closed)
        await self._look_at_thresholds(closed)
        paid = await self._money.pay(days_ago=closed - 2)
        await self._money.import_lines(closed - 4, [self._money.one_debit(paid, self._story.day(closed - 4))])
        await send_mail(self._story, days_ago=closed - 6)
        await self._happen_after(closed)

    async def _look_at_thresholds(self, closed: int) -> None:
        at = self._story.at(closed, 19)
        await propose_due(self._story.connection, at=at, programmes=frozenset({self._story.programme.id}))

    async def _happen_after(self, closed: int) -> None:
        """What came between two months, told before the days that follow it."""
        match closed:
            case 142:
                await self._convention.amend(days_ago=136)
                await self._money.receive(SECOND_INSTALMENT_CENTS, days_ago=134)
                self._second_batch = await self._order(30, "BC-02", days_ago=131)
            case 112:
                grant = await self._convention.approve_top_up(days_ago=107)
                sent = await self._convention.deliver(grant, self._second_batch, 20, days_ago=104)
                await self._entrust(VILLE_HAUTE, sent, days_ago=100)
                await apply_in_vain(self._story, days_ago=90)
            case 82:
                await self._convention.take_back(self._kept[:GIVEN_BACK], days_ago=76)
                await self._lose(days_ago=71)

    async def _lose(self, *, days_ago: int) -> None:
        lost = self._handing_out.lose(self._handing_out.of(VAL_RIVIERE)[0])
        await self._story.come_to(days_ago)
        await cancel_booklets(
            self._story.connection,
            [lost],
            cause=CancelCause.LOST,
            at=self._story.at(days_ago, 10),
            actor=self._story.preparer.actor,
            reason="Introuvable au comptage du coffre",
        )

    # The last two months, in which something of each kind happens -----------------------------------------

    async def _last_two_months(self, booklet_count: int) -> Batch:
        money, workshops = self._money, self._workshops
        await self._live(LAST_TWO_MONTHS, 46, every=LAST_PACE)
        await workshops.close_all(46)
        await self._look_at_thresholds(46)
        await self._convention.suspend(heard=45, decided=40)
        paid = await money.pay(days_ago=44)
        await money.import_lines(42, [money.one_debit(paid, self._story.day(42))])

        await self._live(46, 31, every=LAST_PACE)
        await workshops.close_all(31)
        paid = await money.pay(days_ago=29)
        debits = await money.debits(paid, self._story.day(27))
        await money.import_lines(27, debits)
        await money.import_lines(24, [money.came_back(debits[-1])])
        fresh = await self._convention.order(booklet_count, reference="BC-03", days_ago=26)

        await self._live(31, 16, every=LAST_PACE)
        _, disputed, _ = await workshops.close_all(16)
        await send_mail(self._story, days_ago=15)
        size, face = fresh.booklet_size, self._story.programme.face_value_cents
        await money.receive(booklet_count * size * face + FUNDS_LEFT_CENTS, days_ago=14)
        await money.dispute(disputed, days_ago=12)
        await self._deliver_fresh(fresh)
        paid = await money.pay(days_ago=6)

        await self._live(16, 2, every=LAST_PACE)
        await workshops.close_all(2)
        await money.prepare(days_ago=1)
        await self._live(2, 0, every=4)
        await self._convention.ask_for_booklets(60, reference="BC-04", days_ago=8)
        await money.leave_statement(paid)
        return fresh

    async def _deliver_fresh(self, fresh: Batch) -> None:
        """The second top-up: booklets to hand out and scan today, and some whose money did not come yet."""
        connection, actor = self._story.connection, self._story.preparer.actor
        grant = await self._convention.approve_top_up(days_ago=30)
        count = min(fresh.booklet_count, FRESH_TO_HAND_OUT)
        sent = await self._convention.deliver(grant, fresh, count, days_ago=12)
        reason = "versement du commanditaire rapproché : carnets en réserve"
        await activate_batch(connection, fresh.id, at=self._story.at(9, 16), actor=actor, reason=reason)
        await self._handing_out.entrust(self._handing_out.of(VILLE_HAUTE)[0], sent, days_ago=8)
        await self._convention.deliver(
            grant, self._second_batch, WAITING_BOOKLETS, days_ago=7, is_funded=False
        )

    async def _freeze_months(self) -> None:
        """As the service's clerk does it in the first night of the following month."""
        connection = self._story.connection
        for programme_id, period in await due_returns(connection, at=self._story.at(0, 12)):
            at: datetime = midnight(next_month(period.first)) + timedelta(hours=2)
            if at < self._story.at(0, 0):
                await record_at(connection, at)
                await freeze_month(connection, programme_id, period, at=at, actor="calendar")
