"""Two years of an instance in simulated time, act by act, and a monthly return kept beside the record.

Tests steer it; nothing here chooses. The return is counted from what was done, by month of Paris, and knows
no table: it is what dashboards, books and renderings are held against.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from keys.passes import PassId
from ledger.booklets import activate_batch, cancel_booklets, issue_batch
from ledger.calendar_rows import midnight
from ledger.correction_rows import CorrectionCause, DisputeOutcome
from ledger.corrections import claim_correction, decide_correction, waiting_corrections
from ledger.disputes import correct_dispute, held_disputes, open_dispute, release_dispute
from ledger.payout_rows import BatchState
from ledger.releases import release_cancelled
from ledger.remittance_rows import PARIS, ClosedRemittance
from ledger.remittances import close_remittance, list_remittances, read_remittance
from ledger.rows import CancelCause
from loadtests.model_bank import Style
from loadtests.payout_drill import ACTOR, Drill
from payouts.reconciling import undo

FACE_CENTS = 1_000
PASSES = range(1, 11)  # of a booklet
REMITTANCES_READ = 200


@dataclass
class Years:
    """Every act happens at `drill.now`, which only moves forward."""

    drill: Drill
    account: int  # of the console: who decides
    returned: dict[date, Counter[str]] = field(default_factory=dict)  # the monthly return: cents by what
    untaken: Counter[int] = field(default_factory=Counter)  # passes taken and not remitted, by operator

    @property
    def month(self) -> Counter[str]:
        day = self.drill.now.astimezone(PARIS).date()
        return self.returned.setdefault(day.replace(day=1), Counter())

    def total(self, what: str) -> int:
        return sum(month[what] for month in self.returned.values())

    # What operators do --------------------------------------------------------------------------------

    async def accept(self, operator_id: int, count: int) -> None:
        taken = await self.drill.take(operator_id, count)
        self.untaken[operator_id] += taken
        self.month["accepted"] += taken * FACE_CENTS

    async def close(self, operator_id: int) -> None:
        closed = await close_remittance(
            self.drill.connection, operator_id, at=self.drill.now, actor=ACTOR, certified_by=None,
            certification="fait",
        )  # fmt: skip
        assert isinstance(closed, ClosedRemittance) == (self.untaken[operator_id] > 0)
        if isinstance(closed, ClosedRemittance):
            self.month["remitted"] += self.untaken.pop(operator_id) * FACE_CENTS
            self.month["corrected"] += closed.remittance.corrections_cents
            self._reached("closed", "netted" if closed.corrections else "")

    # What the funder and the trustee do ---------------------------------------------------------------

    async def fund(self, cents: int) -> None:
        self.drill.bank.credit(cents, "Commanditaire")
        await self._statement()
        [line] = [line for line, *_ in await self.drill.open() if line.amount_cents == cents][:1]
        await self.drill.confirm_funding(line)
        self.month["received"] += cents
        self._reached("funded")

    async def activate(self) -> None:
        connection = self.drill.connection
        batch = await issue_batch(connection, self.drill.programme_id, 2, actor=ACTOR)
        await activate_batch(connection, batch.id, at=self.drill.now, actor=ACTOR, reason="essai")
        self.drill.passes += [PassId(booklet, number) for booklet in batch.booklets for number in PASSES]
        self._reached("activated")

    async def cancel(self) -> None:
        """The newest booklet; what was cancelled three days ago goes back to the funds."""
        connection, passes = self.drill.connection, self.drill.passes
        booklet = max((one.booklet for one in passes), default=None)
        if booklet is not None:
            await cancel_booklets(
                connection, [booklet], cause=CancelCause.LOST, at=self.drill.now, actor=ACTOR, reason="essai"
            )
            passes[:] = [one for one in passes if one.booklet != booklet]
            self._reached("cancelled")
        if await release_cancelled(connection, None, now=self.drill.now, actor=ACTOR):
            self._reached("passes released")

    async def pay(self, style: Style) -> None:
        drill = self.drill
        await drill.mend_accounts()
        await drill.prepare()
        for draft in await drill.batches(BatchState.DRAFT):
            await drill.approve(draft)
            [batch] = await drill.batches(BatchState.APPROVED)
            await drill.give_file(batch)
            await drill.mark_sent(batch)
            assert batch.message_id is not None
            drill.bank.debit(batch.message_id, style)
            await self._statement()
            self.month["paid"] += batch.total_cents
            self._reached("paid")

    async def give_back(self) -> None:
        """The bank returns the newest transfer that is out."""
        out = [order for order in self.drill.bank.every() if order.is_out]
        if out:
            self.drill.bank.give_back(out[-1:], Style.EACH)
            await self._statement()
            self.month["paid"] -= out[-1].transfer.amount_cents
            self._reached("returned")

    async def take_back_a_match(self) -> None:
        """What explained the newest transfer is undone; the next reading explains it by a person's word."""
        row = await self.drill.connection.fetchrow(
            "SELECT bank_line_id, -sum(amount_cents)::bigint AS cents FROM matches"
            " WHERE kind = 'payout' AND bank_line_id = (SELECT max(bank_line_id) FROM matches m"
            "   WHERE undone_at IS NULL AND kind = 'payout' AND NOT EXISTS (SELECT FROM matches r"
            "     WHERE r.attempt_id = m.attempt_id AND r.kind = 'return' AND r.undone_at IS NULL))"
            " AND undone_at IS NULL GROUP BY bank_line_id"
        )
        if row is None:
            return
        await undo(
            self.drill.connection, row["bank_line_id"], actor=ACTOR, now=self.drill.now, reason="essai"
        )
        self.month["paid"] -= row["cents"]
        self._reached("undone")
        for line, ids, *_ in await self.drill.open():
            if line.id == row["bank_line_id"] and ids:
                await self.drill.confirm(line, ids)
                self.month["paid"] += row["cents"]

    async def correct(self, operator_id: int, cents: int) -> None:
        await decide_correction(
            self.drill.connection, operator_id=operator_id, programme_id=self.drill.programme_id,
            amount_cents=cents, cause=CorrectionCause.ERROR, reason="essai", decided_by=self.account,
            actor=ACTOR, at=self.drill.now,
        )  # fmt: skip
        self._reached("corrected")

    async def claim(self) -> None:
        """What takes back and waits, oldest first: it is asked for by letter, and nothing is posted."""
        for one in await waiting_corrections(self.drill.connection):
            if one.amount_cents < 0:
                await claim_correction(
                    self.drill.connection, one.id, decided_by=self.account, actor=ACTOR, at=self.drill.now
                )
                self._reached("claimed")
                return

    async def dispute(self, operator_id: int) -> None:
        """The first line of the operator's newest remittance, unless it is being paid or was disputed."""
        page, _ = await list_remittances(self.drill.connection, operator_id, limit=1, offset=0)
        if page and not page[0].payment.paid_cents and not page[0].payment.moving_cents:
            newest = page[0]
            if newest.payable_cents >= newest.total_cents and not await self._disputes(operator_id):
                await open_dispute(
                    self.drill.connection, operator_id=operator_id, number=newest.number, line=1,
                    reason="essai", opened_by=self.account, actor=ACTOR, at=self.drill.now,
                )  # fmt: skip
                self._reached("disputed")

    async def settle(self, outcome: DisputeOutcome) -> None:
        for one in await held_disputes(self.drill.connection, None):
            if outcome is DisputeOutcome.RELEASED:
                await release_dispute(
                    self.drill.connection, one.id, reason="essai", resolved_by=self.account, actor=ACTOR,
                    at=self.drill.now,
                )  # fmt: skip
            else:
                await correct_dispute(
                    self.drill.connection, one.id, cause=CorrectionCause.FRAUD, reason="essai",
                    resolved_by=self.account, actor=ACTOR, at=self.drill.now,
                )  # fmt: skip
                self.month["corrected"] -= one.amount_cents
            self._reached(f"dispute {outcome.value}")

    # Looking ------------------------------------------------------------------------------------------

    async def remittances(self) -> list[ClosedRemittance]:
        found = []
        for operator_id in self.drill.operators:
            page, _ = await list_remittances(
                self.drill.connection, operator_id, limit=REMITTANCES_READ, offset=0
            )
            found += [await read_remittance(self.drill.connection, operator_id, one.number) for one in page]
        return [one for one in found if one is not None]

    async def _disputes(self, operator_id: int) -> int:
        count: int = await self.drill.connection.fetchval(
            "SELECT count(*) FROM disputes d WHERE operator_id = $1 AND number = ("
            "SELECT max(number) FROM remittances r WHERE r.operator_id = $1)",
            operator_id,
        )
        return count

    async def _statement(self) -> None:
        self.drill.bank.today = max(self.drill.bank.today, self.drill.now.astimezone(PARIS).date())
        await self.drill.deliver(self.drill.bank.close_day())

    def _reached(self, *what: str) -> None:
        self.drill.reached.update(one for one in what if one)


def instants_of(month: date) -> Iterator[datetime]:
    """Where months, years and clocks turn: the first and last seconds, and each change of the hour."""
    # In UTC: on clocks of Paris an hour may be missing, or come twice.
    begins, following = (
        midnight(day).astimezone(UTC) for day in (month, (month + timedelta(days=31)).replace(day=1))
    )
    yield begins
    yield begins + timedelta(days=9, hours=13)
    hour = timedelta(hours=1)
    at = begins
    while at < following:
        at += hour
        if at.astimezone(PARIS).utcoffset() != (at - hour).astimezone(PARIS).utcoffset():
            yield from (at - timedelta(seconds=1), at)
    yield following - timedelta(seconds=60)  # 23:59
    yield following - timedelta(seconds=1)
