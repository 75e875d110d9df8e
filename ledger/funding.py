"""Money received: a line of the bank's statement is booked, then confirmed as a programme's. Reading
statements is not here, nor what else a line may be.
"""

from dataclasses import dataclass
from datetime import date, datetime

from ledger.book_rows import BANK, SUSPENSE, EntryKind, funds_of, transfer
from ledger.books import post
from ledger.connect import Connection, Record
from ledger.events import record_event

REFERENCE_CHARS_MAX = 140
AMOUNT_CENTS_MAX = 100_000_000_000  # of one line: a thousand million euros

# A lock per reference, so that two who book the same line at once book it once.
LOCK_REFERENCE = "SELECT pg_advisory_xact_lock(2, hashtext($1))"
COLUMNS = "id, reference, booked_on, amount_cents, label"
OF_REFERENCE = f"SELECT {COLUMNS} FROM bank_lines WHERE reference = $1"
LINE = f"SELECT {COLUMNS} FROM bank_lines WHERE id = $1"
ADD_LINE = f"""
INSERT INTO bank_lines (reference, booked_on, amount_cents, label, entry) VALUES ($1, $2, $3, $4, $5)
RETURNING {COLUMNS}"""
LOCK_FUNDING = "SELECT pg_advisory_xact_lock(3, ($1 % 2147483647)::integer)"
FUNDING = "SELECT programme_id FROM fundings WHERE bank_line_id = $1"
ADD_FUNDING = """
INSERT INTO fundings (bank_line_id, programme_id, confirmed_at, confirmed_by, entry)
VALUES ($1, $2, $3, $4, $5)"""
PROGRAMME = "SELECT name FROM programmes WHERE id = $1"


class FundingRefused(Exception):
    """Nothing was booked; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class BankLine:
    id: int
    reference: str
    booked_on: date
    amount_cents: int  # positive: the bank credited us
    label: str


async def record_bank_line(
    connection: Connection,
    *,
    reference: str,
    booked_on: date,
    amount_cents: int,
    label: str,
    actor: str,
    at: datetime,
) -> BankLine:
    """Book a line of the bank's own statement: what nobody has explained yet stands in suspense.

    reference: the bank's, by which the same line is known again and booked once.
    """
    if not 0 < abs(amount_cents) <= AMOUNT_CENTS_MAX:
        raise FundingRefused(f"a bank line of {amount_cents} c can't be: 1 c to {AMOUNT_CENTS_MAX} c")
    if not 0 < len(reference) <= REFERENCE_CHARS_MAX:
        raise FundingRefused(f"the bank's reference has 1 to {REFERENCE_CHARS_MAX} characters")
    async with connection.transaction():
        await connection.execute(LOCK_REFERENCE, reference)
        if row := await connection.fetchrow(OF_REFERENCE, reference):
            return _same(_line(row), booked_on, amount_cents)
        subject = f"bank_line:{reference}"
        await record_event(
            connection, actor=actor, action="bank.line", subject=subject, amount_cents=amount_cents
        )
        entry = await post(
            connection,
            kind=EntryKind.BANK_LINE,
            postings=transfer(amount_cents, debit=BANK, credit=SUSPENSE),
            actor=actor,
            subject=subject,
            reason=label or None,
            at=at,
        )
        return _line(await connection.fetchrow(ADD_LINE, reference, booked_on, amount_cents, label, entry))


async def confirm_funding(
    connection: Connection,
    line_id: int,
    programme_id: int,
    *,
    actor: str,
    reason: str | None = None,
    at: datetime,
) -> None:
    """Say that this line is the programme's money. Said again, it changes nothing."""
    async with connection.transaction():
        await connection.execute(LOCK_FUNDING, line_id)
        line = await _creditable(connection, line_id, programme_id)
        confirmed = await connection.fetchval(FUNDING, line.id)
        if confirmed == programme_id:
            return
        if confirmed is not None:
            raise FundingRefused(f"bank line {line.reference} is programme {confirmed}'s money already")
        subject = f"programme:{programme_id}"
        await record_event(
            connection,
            actor=actor,
            action="programme.fund",
            subject=subject,
            reason=reason,
            amount_cents=line.amount_cents,
            reference=line.reference,
        )
        entry = await post(
            connection,
            kind=EntryKind.FUNDING,
            postings=transfer(line.amount_cents, debit=SUSPENSE, credit=funds_of(programme_id)),
            actor=actor,
            subject=f"bank_line:{line.reference}",
            reason=reason,
            at=at,
        )
        await connection.execute(ADD_FUNDING, line.id, programme_id, at, actor, entry)


async def receive(
    connection: Connection,
    programme_id: int,
    *,
    reference: str,
    booked_on: date,
    amount_cents: int,
    label: str,
    actor: str,
    at: datetime,
) -> BankLine:
    """Both at once, for whoever reads the bank's statement and knows whose money it is."""
    async with connection.transaction():
        line = await record_bank_line(
            connection,
            reference=reference,
            booked_on=booked_on,
            amount_cents=amount_cents,
            label=label,
            actor=actor,
            at=at,
        )
        await confirm_funding(connection, line.id, programme_id, actor=actor, reason=label or None, at=at)
    return line


async def _creditable(connection: Connection, line_id: int, programme_id: int) -> BankLine:
    row = await connection.fetchrow(LINE, line_id)
    if row is None:
        raise FundingRefused(f"no bank line {line_id}")
    if await connection.fetchval(PROGRAMME, programme_id) is None:
        raise FundingRefused(f"no programme {programme_id}; `poincon programmes list` shows those known")
    line = _line(row)
    if line.amount_cents < 0:
        raise FundingRefused(
            f"bank line {line.reference} is a debit of {-line.amount_cents} c: money that left"
        )
    return line


def _same(line: BankLine, booked_on: date, amount_cents: int) -> BankLine:
    if (line.booked_on, line.amount_cents) != (booked_on, amount_cents):
        raise FundingRefused(
            f"bank line {line.reference} is booked already, with {line.amount_cents} c on {line.booked_on}"
        )
    return line


def _line(row: Record) -> BankLine:
    return BankLine(*row)
