"""Reads a file of the bank into the record: its bytes once, its lines once, whatever order files come in."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ledger.bank_accounts import fix_booking_format, trustee_account
from ledger.connect import Connection
from ledger.payout_rows import TrusteeAccount
from ledger.payouts import lock_payouts
from ledger.statement_rows import KnownStatement, NewLine, NewReport, NewStatement
from ledger.statements import (
    add_file,
    add_reports,
    add_statement,
    balances_around,
    known_statements,
    link_notices,
    references_told,
)
from payouts.bank.bank_file import BankFile, read_bank_file
from payouts.bank.chain import Gap, apart, gaps
from payouts.bank.statement import BOOKED, Entry, Statement, Transaction
from payouts.bank.status_report import GroupStatus, every_reason
from payouts.reconciling import Reconciled, reconcile

CURRENCY = "EUR"
BOOKING_FORMATS = ("camt.053", "cfonb120")
# A cautious end for what people read; the bytes of the file are kept.
TEXT_CHARS_MAX = 500
LABEL_CHARS_MAX = 140
# Between the day that a line is booked on and the closing of the statement that tells of it.
DAYS_AROUND = timedelta(days=10)


class ImportRefused(Exception):
    """Nothing was kept of the file; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Imported:
    name: str
    format: str
    is_new: bool  # false: these very bytes were imported before, and nothing changed
    statements: int
    lines: int  # told by the file
    lines_booked: int  # of these, never told before
    reports: int
    remarks: tuple[str, ...]
    gaps: tuple[Gap, ...]  # in the chain of all statements on record
    reconciled: Reconciled


async def import_file(
    connection: Connection,
    content: bytes,
    *,
    name: str,
    actor: str,
    now: datetime,
    read: BankFile | None = None,
) -> Imported:
    """Raises FileRefused or ImportRefused; then nothing was kept. Run again, it changes nothing.

    read: this content, where the caller has read it elsewhere than here.
    """
    read = read or read_bank_file(content)
    async with connection.transaction():
        await lock_payouts(connection)
        account = await _own_account(connection, read, actor=actor)
        file_id = await add_file(connection, content, name=name, file_format=read.format, actor=actor, at=now)
        booked = 0
        statements = []
        for one in read.statements:
            statement = _statement(one, account, taken=await _told_apart(connection, one))
            statements.append(statement)
            if file_id is not None:
                booked += await add_statement(connection, file_id, statement, actor=actor, at=now)
        if file_id is not None:
            await link_notices(connection)
            await add_reports(connection, file_id, list(_reports(read.status_reports)))
        reconciled = await reconcile(connection, actor=actor, now=now)
        chain = statement_gaps(await known_statements(connection, booked_only=True))
    return Imported(
        name=name,
        format=read.format,
        is_new=file_id is not None,
        statements=len(statements),
        lines=sum(len(one.lines) for one in statements),
        lines_booked=booked,
        reports=len(read.status_reports),
        remarks=tuple(remark for one in statements for remark in one.remarks),
        gaps=chain,
        reconciled=reconciled,
    )


def statement_gaps(statements: Iterable[KnownStatement]) -> tuple[Gap, ...]:
    return gaps(
        Statement(
            format=one.format,
            account=one.account,
            currency=one.currency,
            opening_cents=one.opening_cents,
            closing_cents=one.closing_cents,
            entries=(),
            identification=one.identification,
            sequence=one.sequence,
            opening_on=one.opening_on,
            closing_on=one.closing_on,
        )
        for one in statements
    )


async def _own_account(connection: Connection, read: BankFile, *, actor: str) -> TrusteeAccount:
    """The account that pays; the first statement of a format with balances says which one is booked."""
    account = await trustee_account(connection)
    if account is None:
        raise ImportRefused("the trustee's account is not set; `poincon payouts trustee propose`")
    for statement in read.statements:
        if statement.account != account.iban:
            raise ImportRefused(f"this is a statement of {statement.account}, and ours is {account.iban}")
        if currency := foreign_currency(statement):
            raise ImportRefused(f"this statement is in {currency}: the account is in euros")
    kind = _booking_format(read.format)
    if account.booking_format is None and kind is not None and read.statements:
        account = await fix_booking_format(connection, account.id, kind, actor=actor)
    return account


def foreign_currency(statement: Statement) -> str | None:
    """Of the statement or of one line of it: its cents are not ours to count."""
    told = [statement.currency, *(entry.currency for entry in statement.entries)]
    return next((one for one in told if one not in (None, CURRENCY)), None)


def _booking_format(file_format: str) -> str | None:
    return next((kind for kind in BOOKING_FORMATS if file_format.startswith(kind)), None)


async def _told_apart(connection: Connection, statement: Statement) -> frozenset[str]:
    """Lines of other statements that this one can't tell of: they follow it, or it follows them."""
    days = sorted({day for one in statement.entries if (day := _booked_on(one, statement)) is not None})
    if not days or statement.opening_cents is None or statement.closing_cents is None:
        return frozenset()
    around = await balances_around(
        connection, statement.account, days[0] - DAYS_AROUND, days[-1] + DAYS_AROUND
    )
    others = apart(statement.opening_cents, statement.closing_cents, around)
    return await references_told(connection, sorted(others), days)


def _booked_on(entry: Entry, statement: Statement) -> date | None:
    return entry.booked_on or entry.value_on or statement.closing_on


def _statement(statement: Statement, account: TrusteeAccount, *, taken: frozenset[str]) -> NewStatement:
    is_booked = _booking_format(statement.format) == account.booking_format
    entries = [entry for entry in statement.entries if entry.status == BOOKED and entry.amount_cents]
    return NewStatement(
        account=statement.account,
        currency=statement.currency,
        format=statement.format,
        identification=statement.identification,
        sequence=statement.sequence,
        opening_cents=statement.opening_cents,
        closing_cents=statement.closing_cents,
        opening_on=statement.opening_on,
        closing_on=statement.closing_on,
        remarks=[remark.message for remark in statement.all_remarks],
        is_booked=is_booked,
        lines=list(_lines(entries, statement, is_booked=is_booked, taken=taken)),
    )


def _lines(
    entries: Iterable[Entry], statement: Statement, *, is_booked: bool, taken: frozenset[str]
) -> Iterator[NewLine]:
    """Lines that look alike are told apart by their place among each other, in one statement and in those
    that follow one another. taken: by such statements."""
    alike: Counter[str] = Counter()
    for entry in entries:
        booked_on = _booked_on(entry, statement)
        if booked_on is None and is_booked:
            raise ImportRefused(f"a line of {entry.amount_cents} c has no date: the bank must give one")
        label = " ".join((entry.label or _text_of(entry)).split())[:LABEL_CHARS_MAX]
        told = entry.reference or hashlib.sha256(label.encode()).hexdigest()[:16]
        yield NewLine(
            reference=_free(f"{booked_on} {entry.amount_cents} {told}"[:120], alike, taken),
            bank_reference=entry.reference,
            amount_cents=entry.amount_cents,
            booked_on=booked_on,
            label=label,
            mentions=[_mention(entry, one) for one in entry.transactions],
            message_ids=[
                one
                for batch in entry.batches
                for one in (batch.message_id, batch.payment_information_id)
                if one
            ],
        )


def _free(reference: str, alike: Counter[str], taken: frozenset[str]) -> str:
    while True:
        alike[reference] += 1
        numbered = reference if alike[reference] == 1 else f"{reference} #{alike[reference]}"
        if numbered not in taken:
            return numbered


def _text_of(entry: Entry) -> str:
    return next((one.remittance for one in entry.transactions if one.remittance), "")


def _mention(entry: Entry, one: Transaction) -> dict[str, Any]:
    """As ledger.match_rows.Mention reads it back."""
    return {
        "end_to_end_id": one.end_to_end_id,
        "amount_cents": entry.cents_of(one),
        "message_id": one.references.payment_information_id or one.references.message_id,
        "reason": " ".join(filter(None, (one.reason, one.reason_text))) or None,
        "name": one.counterparty.name,
        "iban": one.counterparty.account,
        "text": (one.remittance or "")[:TEXT_CHARS_MAX],
    }


def _reports(groups: Iterable[GroupStatus]) -> Iterator[NewReport]:
    """What is said of a file, of its one payment information, and of each transfer that is named."""
    for group in groups:
        message_id = group.original_message_id
        if group.status:
            yield NewReport(message_id, None, group.status, every_reason(group.reasons))
        for information in group.payment_informations:
            if information.status:
                yield NewReport(message_id, None, information.status, every_reason(information.reasons))
            for one in information.transactions:
                status = one.status or information.status or group.status
                if status and one.end_to_end_id:
                    yield NewReport(message_id, one.end_to_end_id, status, every_reason(one.reasons))
