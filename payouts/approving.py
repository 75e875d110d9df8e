"""A second person releases a draft: totals computed again, accounts frozen, file written, or nothing."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ledger.bank_accounts import current_accounts, refuse_same_person, trustee_account
from ledger.connect import Connection
from ledger.holds import held_operators
from ledger.payout_rows import Attempt, BatchState, PayoutBatch, PayoutRefused, TrusteeAccount
from ledger.payouts import (
    attempts_of,
    freeze_accounts,
    lock_payouts,
    no_longer_owed,
    read_batch,
    record_approval,
)
from payouts.bank.pain001 import Version, write_transfers
from payouts.bank.payment_batch import BatchRefused, PaymentBatch, Transfer
from payouts.preparing import account_trouble

PARIS = ZoneInfo("Europe/Paris")
REQUESTED_DAYS_MAX = 30


@dataclass(frozen=True, slots=True)
class Totals:
    """What the approver saw and releases."""

    transfer_count: int
    total_cents: int


async def approve(
    connection: Connection,
    batch_id: int,
    *,
    seen: Totals,
    person_id: int,
    actor: str,
    now: datetime,
    requested_on: date | None = None,
    version: Version = Version.V09,
) -> PayoutBatch:
    """Raises PayoutRefused, and nothing is changed, when anything is not as it was when it was prepared."""
    async with connection.transaction():
        await lock_payouts(connection)
        batch = await read_batch(connection, batch_id)
        trustee = await _releasable(connection, batch, seen=seen, person_id=person_id)
        await _freeze(connection, batch_id, now=now)
        attempts = await attempts_of(connection, batch_id)
        if Totals(len(attempts), sum(one.amount_cents for one in attempts)) != seen:
            raise PayoutRefused(f"the transfers of batch {batch_id} do not make the totals that were seen")
        message_id = f"PN-{batch_id}-{now:%Y%m%d%H%M%S}"
        day = requested_on or now.astimezone(PARIS).date() + timedelta(days=1)
        file = _file(attempts, trustee, message_id=message_id, now=now, requested_on=day, version=version)
        return await record_approval(
            connection,
            batch_id,
            person_id=person_id,
            actor=actor,
            at=now,
            trustee_account_id=trustee.id,
            message_id=message_id,
            requested_on=day,
            file=file,
        )


async def _releasable(
    connection: Connection, batch: PayoutBatch, *, seen: Totals, person_id: int
) -> TrusteeAccount:
    if batch.state is not BatchState.DRAFT:
        raise PayoutRefused(f"batch {batch.id} is {batch.state}: only a draft is approved")
    refuse_same_person(person_id, batch.prepared_by)
    if Totals(batch.transfer_count, batch.total_cents) != seen:
        raise PayoutRefused(
            f"batch {batch.id} has {batch.transfer_count} transfers and {batch.total_cents} c, not the"
            f" {seen.transfer_count} and {seen.total_cents} c that were seen; look at it again"
        )
    trustee = await trustee_account(connection)
    if trustee is None:
        raise PayoutRefused("the account that pays is not set; `poincon payouts trustee propose`")
    if changed := await no_longer_owed(connection, batch.id):
        raise PayoutRefused(
            f"what is owed changed since it was prepared ({', '.join(changed[:5])}): cancel the draft and"
            " prepare again"
        )
    return trustee


async def _freeze(connection: Connection, batch_id: int, *, now: datetime) -> None:
    attempts = await attempts_of(connection, batch_id)
    accounts = await current_accounts(connection, sorted({one.operator_id for one in attempts}), at=now)
    held = await held_operators(connection)
    for one in attempts:
        if one.operator_id in held:
            raise PayoutRefused(f"{one.operator} is held since: cancel the draft and prepare again")
        if trouble := account_trouble(accounts.get(one.operator_id), now=now):
            raise PayoutRefused(
                f"{one.operator} can't be paid any more ({trouble}): cancel the draft and prepare again"
            )
    await freeze_accounts(connection, batch_id, list(accounts.values()))


def _file(
    attempts: list[Attempt],
    trustee: TrusteeAccount,
    *,
    message_id: str,
    now: datetime,
    requested_on: date,
    version: Version,
) -> bytes:
    today = now.astimezone(PARIS).date()
    if not today <= requested_on <= today + timedelta(days=REQUESTED_DAYS_MAX):
        raise PayoutRefused(f"{requested_on} is no day of the next {REQUESTED_DAYS_MAX}")
    batch = PaymentBatch(
        message_id=message_id,
        created_at=now,
        debtor_name=trustee.holder,
        debtor_iban=trustee.iban,
        debtor_bic=trustee.bic,
        requested_on=requested_on,
        transfers=tuple(_transfer(one) for one in attempts),
    )
    try:
        return write_transfers(batch, version=version)
    except BatchRefused as error:
        raise PayoutRefused(f"the bank's file can't be written: {error}") from error


def _transfer(attempt: Attempt) -> Transfer:
    assert attempt.holder is not None
    assert attempt.iban is not None
    return Transfer(
        end_to_end_id=attempt.end_to_end_id,
        amount_cents=attempt.amount_cents,
        creditor_name=attempt.holder,
        creditor_iban=attempt.iban,
        creditor_bic=attempt.bic,
        remittance=f"Contre-paiement bordereau {attempt.number} {attempt.end_to_end_id}",
    )
