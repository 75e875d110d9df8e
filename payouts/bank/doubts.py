"""Sums and counts that a file states twice, compared. What differs is told, never corrected."""

from collections import Counter
from collections.abc import Iterator, Sequence

from payouts.bank.money import decimal_of
from payouts.bank.statement import BOOKED, Balance, Batch, Doubt, Entry, Remark, Transaction


def entry_remarks(
    *, cents: int, currency: str, transactions: Sequence[Transaction], batches: Sequence[Batch]
) -> Iterator[Remark]:
    if not transactions:
        # A lump entry without details says nothing that could differ.
        return
    amounts = [transaction.amount_cents for transaction in transactions]
    currencies = {transaction.currency for transaction in transactions if transaction.currency}
    total = sum(amount for amount in amounts if amount is not None)
    if others := sorted(currencies - {currency}):
        yield Remark(
            Doubt.TRANSACTION_IN_ANOTHER_CURRENCY,
            f"the entry is in {currency}, transactions in it are in {', '.join(others)}",
        )
    elif currencies and total != cents:
        yield Remark(
            Doubt.TRANSACTIONS_DO_NOT_SUM,
            f"the entry is {decimal_of(cents, currency)} {currency}, "
            f"its transactions make {decimal_of(total, currency)}",
        )
    yield from _batch_remarks(transactions, batches)
    ids = Counter(transaction.end_to_end_id for transaction in transactions if transaction.end_to_end_id)
    for end_to_end_id, times in ids.items():
        if times > 1 and end_to_end_id != "NOTPROVIDED":
            yield Remark(Doubt.END_TO_END_ID_TWICE, f"{end_to_end_id} is there {times} times in one entry")


def _batch_remarks(transactions: Sequence[Transaction], batches: Sequence[Batch]) -> Iterator[Remark]:
    counts = [batch.transaction_count for batch in batches]
    stated = sum(count for count in counts if count is not None)
    if batches and None not in counts and stated != len(transactions):
        yield Remark(
            Doubt.COUNT_DIFFERS, f"the batch says {stated} transactions, {len(transactions)} are there"
        )
    for total in (batches[0].total,) if len(batches) == 1 else ():
        parts = [part.amount_cents for part in transactions]
        if total is None or None in parts or {part.currency for part in transactions} != {total.currency}:
            continue
        made = abs(sum(part for part in parts if part is not None))
        if made != total.cents:
            yield Remark(
                Doubt.BATCH_TOTAL_DIFFERS,
                f"the batch says {decimal_of(total.cents, total.currency)} {total.currency}, "
                f"its transactions make {decimal_of(made, total.currency)}",
            )


def statement_remarks(
    *,
    currency: str | None,
    opening: Balance | None,
    closing: Balance | None,
    entries: Sequence[Entry],
) -> Iterator[Remark]:
    booked = [entry for entry in entries if entry.status == BOOKED]
    ends = [balance for balance in (opening, closing) if balance is not None]
    strange = sorted({balance.currency for balance in ends} - {currency})
    foreign = sorted({entry.currency for entry in booked} - {currency})
    if strange:
        yield Remark(
            Doubt.BALANCE_IN_ANOTHER_CURRENCY,
            f"the account is in {currency}, a balance is in {', '.join(strange)}",
        )
    if foreign:
        yield Remark(
            Doubt.ENTRY_IN_ANOTHER_CURRENCY,
            f"the account is in {currency}, entries are in {', '.join(foreign)}",
        )
    if strange or foreign or currency is None or opening is None or closing is None:
        return
    made = opening.cents + sum(entry.amount_cents for entry in booked)
    if made != closing.cents:
        yield Remark(
            Doubt.ENTRIES_DO_NOT_SUM,
            f"opening balance and entries make {decimal_of(made, currency)} {currency}, "
            f"the closing balance is {decimal_of(closing.cents, currency)}",
        )
