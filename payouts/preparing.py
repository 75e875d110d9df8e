"""Draws up a draft of transfers: all that is owed and can be paid, and who is left out, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from ledger.bank_accounts import current_accounts
from ledger.connect import Connection
from ledger.holds import held_operators
from ledger.matches import open_lines, payments_for
from ledger.payout_rows import LeftOut, OperatorAccount, Owed, PayoutBatch
from ledger.payouts import add_batch, lock_payouts, owed_portions
from payouts.bank.payment_batch import TRANSFER_CENTS_MAX, TRANSFERS_MAX
from payouts.matching import Payments, payments_named


@dataclass(frozen=True, slots=True)
class NotPaid:
    owed: Owed
    why: LeftOut


@dataclass(frozen=True, slots=True)
class Prepared:
    batch: PayoutBatch | None  # none: nothing can be paid
    left_out: tuple[NotPaid, ...]


@dataclass(frozen=True, slots=True)
class Sorted:
    payable: tuple[Owed, ...]
    left_out: tuple[NotPaid, ...]


async def prepare(connection: Connection, *, person_id: int, actor: str, now: datetime) -> Prepared:
    """Run twice, the second run finds nothing left to pay."""
    async with connection.transaction():
        await lock_payouts(connection)
        found = await payable_now(connection, now=now)
        batch = None
        if found.payable:
            batch = await add_batch(connection, found.payable, person_id=person_id, actor=actor, at=now)
    return Prepared(batch, found.left_out)


async def payable_now(connection: Connection, *, now: datetime) -> Sorted:
    """What a batch would hold, without drawing it up."""
    owed = await owed_portions(connection, named_in_suspense=await _in_suspense(connection))
    operators = sorted({one.operator_id for one in owed})
    accounts = await current_accounts(connection, operators, at=now)
    return sort_out(owed, accounts, now=now, held=await held_operators(connection))


def sort_out(
    owed: Iterable[Owed],
    accounts: dict[int, OperatorAccount],
    *,
    now: datetime,
    held: frozenset[int] = frozenset(),
) -> Sorted:
    payable: list[Owed] = []
    left_out: list[NotPaid] = []
    for one in owed:
        why = why_not(one, accounts.get(one.operator_id), now=now, is_held=one.operator_id in held)
        if why is None and len(payable) >= TRANSFERS_MAX:
            why = LeftOut.BATCH_FULL
        if why is None:
            payable.append(one)
        else:
            left_out.append(NotPaid(one, why))
    return Sorted(tuple(payable), tuple(left_out))


def why_not(
    owed: Owed, account: OperatorAccount | None, *, now: datetime, is_held: bool = False
) -> LeftOut | None:
    if is_held:
        return LeftOut.HELD
    if owed.in_suspense:
        return LeftOut.IN_SUSPENSE
    if owed.amount_cents > TRANSFER_CENTS_MAX:
        return LeftOut.OVER_MAXIMUM
    return account_trouble(account, now=now)


def account_trouble(account: OperatorAccount | None, *, now: datetime) -> LeftOut | None:
    if account is None:
        return LeftOut.NO_ACCOUNT
    if account.usable_from is None:
        return LeftOut.NOT_APPROVED
    if account.blocked_at is not None:
        return LeftOut.BLOCKED
    return LeftOut.COOLING_OFF if now < account.usable_from else None


async def _in_suspense(connection: Connection) -> list[str]:
    lines = await open_lines(connection)
    payments = Payments(await payments_for(connection, lines))
    return sorted({one.end_to_end_id for line in lines for one in payments_named(line, payments)})
