"""The demo's money: accounts, the bank's statements, transfers that one prepares and another releases."""

from collections.abc import Sequence
from datetime import date, timedelta

from demo.bank import RETURNED_ACCOUNT_CLOSED, Bank, Movement
from demo.folder import write_private
from demo.story import Story
from ledger.bank_accounts import approve_account, approve_trustee, propose_account, propose_trustee
from ledger.disputes import open_dispute
from ledger.funding import confirm_funding
from ledger.payout_rows import Attempt, PayoutBatch
from ledger.payouts import attempts_of, mark_sent
from ledger.remittance_rows import ClosedRemittance
from ledger.rows import Operator
from payouts.accounts import check_account
from payouts.approving import Totals, approve
from payouts.importing import import_file
from payouts.preparing import prepare
from payouts.reconciling import Reconciled

TRUSTEE = "Mandataire du Pass numérique des Trois-Rivières"
TRUSTEE_IBAN = "FR7699999000010000000010106"
# Their keys check, but no bank has the number 99999.
OPERATOR_IBANS = ("FR7699999000010000000020291", "FR7699999000010000000030379", "FR7699999000010000000040467")

LAST_INSTALMENT_CENTS = 400_000  # in the statement that waits to be imported
DISPUTED_LINE = 2
DISPUTE = "Deux pass du même carnet scannés à la même minute : feuille de présence demandée."


class Money:
    def __init__(self, story: Story, *, opened: int) -> None:
        """opened: days ago."""
        self._story = story
        self._opened = opened
        self._bank = Bank(TRUSTEE_IBAN, opened_on=story.day(opened))

    async def open_accounts(self) -> None:
        story = self._story
        await story.come_to(self._opened)
        account = check_account(holder=TRUSTEE, iban=TRUSTEE_IBAN, bic=None)
        trustee = await propose_trustee(
            story.connection,
            holder=account.holder,
            iban=account.iban,
            bic=None,
            person_id=story.preparer.person_id,
            actor=story.preparer.actor,
            at=story.at(self._opened, 10),
        )
        await approve_trustee(
            story.connection,
            trustee.id,
            person_id=story.approver.person_id,
            actor=story.approver.actor,
            at=story.at(self._opened, 15),
        )
        for operator, iban in zip(story.operators, OPERATOR_IBANS, strict=True):
            await self._open_account(operator, iban)

    async def _open_account(self, operator: Operator, iban: str) -> None:
        story = self._story
        await story.come_to(self._opened - 3)
        account = check_account(holder=operator.name, iban=iban, bic=None)
        proposed = await propose_account(
            story.connection,
            operator.id,
            holder=account.holder,
            iban=account.iban,
            bic=None,
            proof=f"RIB reçu par courrier le {story.day(self._opened - 2):%d/%m/%Y}",
            proof_sha256=None,
            person_id=story.preparer.person_id,
            actor=story.preparer.actor,
            at=story.at(self._opened - 3, 10),
        )
        await approve_account(
            story.connection,
            proposed.id,
            person_id=story.approver.person_id,
            actor=story.approver.actor,
            at=story.at(self._opened - 4, 10),
        )

    async def receive(self, amount_cents: int, *, days_ago: int) -> None:
        """By a statement; then a person says whose money it is."""
        story = self._story
        received = await self.import_lines(days_ago, [self._instalment(amount_cents, story.day(days_ago))])
        [waiting] = received.in_suspense
        await confirm_funding(
            story.connection,
            waiting.line.id,
            story.programme.id,
            actor=story.preparer.actor,
            reason=waiting.line.label,
            at=story.at(days_ago - 1, 9),
        )

    # Transfers, and what became of them ---------------------------------------------------------------

    async def prepare(self, *, days_ago: int) -> PayoutBatch:
        story = self._story
        await story.come_to(days_ago)
        prepared = await prepare(
            story.connection,
            person_id=story.preparer.person_id,
            actor=story.preparer.actor,
            now=story.at(days_ago, 10),
        )
        assert prepared.batch is not None
        return prepared.batch

    async def pay(self, *, days_ago: int) -> PayoutBatch:
        story = self._story
        await story.come_to(days_ago)
        draft = await self.prepare(days_ago=days_ago)
        approved = await approve(
            story.connection,
            draft.id,
            seen=Totals(draft.transfer_count, draft.total_cents),
            person_id=story.approver.person_id,
            actor=story.approver.actor,
            now=story.at(days_ago, 15),
        )
        sent_at = story.at(days_ago, 16)
        return await mark_sent(story.connection, approved.id, actor=story.preparer.actor, at=sent_at)

    async def dispute(self, remittance: ClosedRemittance, *, days_ago: int) -> None:
        story = self._story
        await story.come_to(days_ago)
        await open_dispute(
            story.connection,
            operator_id=remittance.remittance.operator_id,
            number=remittance.remittance.number,
            line=DISPUTED_LINE,
            reason=DISPUTE,
            opened_by=story.preparer.id,
            actor=story.preparer.actor,
            at=story.at(days_ago, 11),
        )

    async def import_lines(self, days_ago: int, movements: Sequence[Movement]) -> Reconciled:
        """The statement of that evening, imported the next morning."""
        await self._story.come_to(days_ago - 1)
        content = self._bank.statement(self._story.day(days_ago), movements)
        imported = await import_file(
            self._story.connection,
            content,
            name=f"releve-{self._story.day(days_ago)}.xml",
            actor=self._story.preparer.actor,
            now=self._story.at(days_ago - 1, 8, 30),
        )
        assert not imported.gaps
        assert not imported.remarks
        return imported.reconciled

    async def leave_statement(self, paid: PayoutBatch) -> None:
        """Kept before the commit: whoever finds the history finds the file."""
        first, second = await self.debits(paid, self._story.day(4))
        # One line that tells too little, for a person to confirm; one that only a person can explain.
        bare = Movement(second.booked_on, second.amount_cents, second.party, f"VIR SEPA {second.party}")
        credit = self._instalment(LAST_INSTALMENT_CENTS, self._story.day(1))
        statement = self._bank.statement(self._story.day(1), [first, bare, credit])
        write_private(self._story.folder.statement, statement.decode())

    # Lines of the bank --------------------------------------------------------------------------------

    def _instalment(self, amount_cents: int, on: date) -> Movement:
        funder = self._story.programme.funder
        return Movement(on, amount_cents, funder, f"VIREMENT {funder} convention Pass numérique")

    def one_debit(self, batch: PayoutBatch, on: date) -> Movement:
        assert batch.message_id is not None
        text = f"REMISE DE VIREMENTS {batch.message_id}"
        whole = (batch.message_id, batch.transfer_count)
        return Movement(on, -batch.total_cents, TRUSTEE, text, batch=whole)

    async def debits(self, batch: PayoutBatch, on: date) -> list[Movement]:
        attempts = await attempts_of(self._story.connection, batch.id)
        return [_debit(one, on) for one in attempts]

    def came_back(self, debit: Movement) -> Movement:
        return Movement(
            debit.booked_on + timedelta(days=3),
            -debit.amount_cents,
            debit.party,
            f"RETOUR VIREMENT {debit.end_to_end_id} COMPTE CLOS",
            debit.end_to_end_id,
            returned_for=RETURNED_ACCOUNT_CLOSED,
        )


def _debit(one: Attempt, on: date) -> Movement:
    assert one.holder is not None
    return Movement(on, -one.amount_cents, one.holder, f"VIR SEPA {one.end_to_end_id}", one.end_to_end_id)
