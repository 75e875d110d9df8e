"""A mandataire's months against the model bank: every step by name, and what must hold after each of them.

Tests steer it; nothing here chooses. Invariants look at the record with queries of their own, because they
judge the code that they would otherwise use.
"""

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from keys.keyring import Keyring
from keys.passes import PassId
from ledger.audit import audit
from ledger.bank_accounts import (
    approve_account,
    approve_trustee,
    current_accounts,
    propose_account,
    propose_trustee,
)
from ledger.booklets import activate_batch, issue_batch
from ledger.claims import claim_passes
from ledger.connect import Connection
from ledger.facts import load_facts
from ledger.funding import confirm_funding
from ledger.match_rows import OpenLine
from ledger.parties import add_person
from ledger.payout_rows import BatchState, PayoutBatch
from ledger.payouts import batch_file, cancel_batch, list_payout_batches, mark_sent
from ledger.remittances import close_remittance
from ledger.rows import Candidate, Device
from loadtests.model_bank import ModelBank
from payouts.approving import Totals, approve
from payouts.importing import import_file
from payouts.matching import Why
from payouts.preparing import prepare
from payouts.reconciling import confirm, reconcile, undo, worklist

TRUSTEE_IBAN = "FR7630006000011234567890189"
OPERATOR_IBANS = ("FR1420041010050500013M02606", "FR7630001007941234567890185", "FR7610107001011234567890129")
ACTOR = "drill"


class InvariantBroken(AssertionError):
    """What the record or the model bank shows must never be; the text says what."""


@dataclass
class Drill:
    connection: Connection
    bank: ModelBank
    devices: list[Device]
    programme_id: int
    preparer: int
    approver: int
    now: datetime
    passes: list[PassId]
    reached: Counter[str] = field(default_factory=Counter)
    undelivered: list[bytes] = field(default_factory=list)  # files of the bank that wait to be imported
    before_cents: int = 0  # what the bank held when it began
    delivered_cents: int = 0
    delivered: set[bytes] = field(default_factory=set)
    attempts: int = 0
    # What a test may plant a fault into.
    file_of: Callable[[Connection, int], Awaitable[bytes]] = batch_file

    @property
    def operators(self) -> list[int]:
        return sorted({device.operator_id for device in self.devices})

    # What the operators do ----------------------------------------------------------------------------

    async def take(self, operator_id: int, count: int) -> int:
        """Some passes, if there are any left; how many."""
        device = next(one for one in self.devices if one.operator_id == operator_id)
        taken = [self.passes.pop(0) for _ in range(min(count, len(self.passes)))]
        candidates = [self._candidate(device, one) for one in sorted(taken)]
        await claim_passes(
            self.connection, candidates, [1] * len(candidates), accepted_at=self.now, receipt_key_id=2
        )
        return len(taken)

    async def close(self, operator_id: int, count: int) -> None:
        """Take some passes and close them into a remittance."""
        await self.take(operator_id, count)
        await close_remittance(
            self.connection, operator_id, at=self.now, actor=ACTOR, certified_by=None, certification="fait"
        )
        self.reached["remittance closed"] += 1

    def _candidate(self, device: Device, pass_id: PassId) -> Candidate:
        self.attempts += 1
        attempt_id = UUID(bytes=hashlib.sha256(f"{self.attempts}".encode()).digest()[:16])
        return Candidate(
            pass_id, attempt_id, device.id, device.site_id, device.operator_id, 0, 1_000, self.now
        )

    # What the two persons do --------------------------------------------------------------------------

    async def prepare(self) -> None:
        prepared = await prepare(self.connection, person_id=self.preparer, actor=ACTOR, now=self.now)
        self.reached["batch prepared" if prepared.batch else "nothing to prepare"] += 1
        for left in prepared.left_out:
            self.reached[f"left out: {left.why}"] += 1

    async def approve(self, batch: PayoutBatch) -> None:
        seen = Totals(batch.transfer_count, batch.total_cents)
        await approve(
            self.connection, batch.id, seen=seen, person_id=self.approver, actor=ACTOR, now=self.now
        )
        self.reached["batch approved"] += 1

    async def cancel(self, batch: PayoutBatch) -> None:
        await cancel_batch(self.connection, batch.id, actor=ACTOR, at=self.now, reason="essai")
        self.reached["batch cancelled"] += 1

    async def give_file(self, batch: PayoutBatch) -> None:
        """To the bank; again if it was given already."""
        file = await self.file_of(self.connection, batch.id)
        again = batch.message_id in self.bank.orders
        self.undelivered.append(self.bank.receive(file))
        self.reached["file given again" if again else "file given"] += 1

    async def mark_sent(self, batch: PayoutBatch) -> None:
        await mark_sent(self.connection, batch.id, actor=ACTOR, at=self.now)
        self.reached["batch marked as sent"] += 1

    async def deliver(self, file: bytes) -> None:
        imported = await import_file(self.connection, file, name="banque", actor=ACTOR, now=self.now)
        self.reached["file imported" if imported.is_new else "file imported again"] += 1
        if file not in self.delivered and file in self.bank.statements:
            self.delivered_cents += moved_cents(file)
        self.delivered.add(file)

    async def confirm(self, line: OpenLine, ids: frozenset[str]) -> None:
        await confirm(self.connection, line.id, ids, actor=ACTOR, now=self.now)
        self.reached["proposal confirmed"] += 1

    async def confirm_funding(self, line: OpenLine) -> None:
        await confirm_funding(self.connection, line.id, self.programme_id, actor=ACTOR, at=self.now)
        await reconcile(self.connection, actor=ACTOR, now=self.now)
        self.reached["funding confirmed"] += 1

    async def undo(self, bank_line_id: int) -> None:
        await undo(self.connection, bank_line_id, actor=ACTOR, now=self.now, reason="essai")
        self.reached["match undone"] += 1

    async def mend_accounts(self) -> None:
        """What came back blocked the account: another is proposed, approved and usable at once."""
        current = await current_accounts(self.connection, self.operators, at=self.now)
        for operator_id, account in current.items():
            if account.blocked_at is not None:
                await self.account(operator_id)
                self.reached["account corrected"] += 1

    async def account(self, operator_id: int) -> None:
        iban = OPERATOR_IBANS[self.operators.index(operator_id) % len(OPERATOR_IBANS)]
        proposed = await propose_account(
            self.connection,
            operator_id,
            holder=f"Opérateur {operator_id}",
            iban=iban,
            bic=None,
            proof="RIB",
            proof_sha256=None,
            person_id=self.preparer,
            actor=ACTOR,
            at=self.now,
        )
        await approve_account(
            self.connection,
            proposed.id,
            person_id=self.approver,
            actor=ACTOR,
            at=self.now,
            cooling_off=timedelta(0),
        )

    # What must hold -----------------------------------------------------------------------------------

    async def batches(self, *states: BatchState) -> list[PayoutBatch]:
        return [one for one in await list_payout_batches(self.connection) if one.state in states]

    async def open(self) -> Sequence[tuple[OpenLine, frozenset[str], Why, bool]]:
        """Lines that a person may settle, with what is proposed."""
        found = await worklist(self.connection)
        return [
            (
                one.line,
                frozenset(p.payment.end_to_end_id for p in one.explanation.proposals if p.payment),
                one.explanation.why,
                one.explanation.together,
            )
            for one in found.in_suspense
        ]

    async def hold(self) -> None:
        await self._nobody_is_paid_twice()
        await self._bank_agrees()
        found = await audit(self.connection, keyring=Keyring.from_keys([]), opened_keys=None)
        if not found.is_clean:
            raise InvariantBroken(f"the audit: {found.disagreements[:3]}")

    async def _nobody_is_paid_twice(self) -> None:
        """By our doing: what the bank executes again of one message is the bank's."""
        out: Counter[str] = Counter()
        for order in self.bank.every():
            if order.is_out or order.is_pending:
                remittance = order.transfer.end_to_end_id.rpartition("-")[0]
                out[remittance] += order.transfer.amount_cents
        for remittance, cents in out.items():
            _, operator_id, number = remittance.split("-")
            owed = await self.connection.fetchval(
                "SELECT total_cents FROM remittances WHERE (operator_id, number) = ($1, $2)",
                int(operator_id),
                int(number),
            )
            if cents > owed:
                raise InvariantBroken(f"{remittance} is paid {cents} c, and {owed} c are owed")

    async def _bank_agrees(self) -> None:
        booked = await self.connection.fetchval(
            "SELECT coalesce(sum(amount_cents), 0)::bigint FROM bank_lines"
        )
        booked -= self.before_cents
        if booked != self.delivered_cents:
            raise InvariantBroken(f"statements tell of {self.delivered_cents} c, the books of {booked} c")
        held = dict(
            await self.connection.fetch(
                "SELECT kind, sum(balance_cents)::bigint FROM book_balances GROUP BY kind"
            )
        )
        others = -sum(cents for kind, cents in held.items() if kind != "bank")
        if held["bank"] != others:
            raise InvariantBroken(f"the bank holds {held['bank']} c, the other accounts {others} c")


def moved_cents(statement: bytes) -> int:
    from payouts.bank.bank_file import read_bank_file

    return sum(entry.amount_cents for one in read_bank_file(statement).statements for entry in one.entries)


async def open_drill(
    connection: Connection, programme_id: int, *, booklets: int, now: datetime | None = None
) -> Drill:
    """On a seeded record: two persons, an account that pays, operators that can be paid, passes to take.

    now: tomorrow unless told.
    """
    now = now or datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    facts = await load_facts(connection)
    one_of: dict[int, Device] = {}
    for device in facts.devices.values():
        one_of.setdefault(device.operator_id, device)
    preparer, approver = [await add_person(connection, name) for name in ("Prune", "Aline")]
    batch = await issue_batch(connection, programme_id, booklets, actor=ACTOR)
    await activate_batch(connection, batch.id, at=now - timedelta(hours=1), actor=ACTOR, reason="essai")
    proposed = await propose_trustee(
        connection,
        holder="Mandataire",
        iban=TRUSTEE_IBAN,
        bic=None,
        person_id=preparer,
        actor=ACTOR,
        at=now,
    )
    await approve_trustee(connection, proposed.id, person_id=approver, actor=ACTOR, at=now)
    drill = Drill(
        connection,
        ModelBank(TRUSTEE_IBAN, 100_000_000, date(2026, 12, 1)),
        list(one_of.values()),
        programme_id,
        preparer,
        approver,
        now,
        [PassId(booklet, number) for booklet in batch.booklets for number in range(1, 11)],
    )
    for operator_id in drill.operators:
        await drill.account(operator_id)
    drill.before_cents = await connection.fetchval(
        "SELECT coalesce(sum(amount_cents), 0)::bigint FROM bank_lines"
    )
    return drill
