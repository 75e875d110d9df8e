"""`poincon statements read FILE…`: what a bank's file says, checked and printed. No server, nothing kept.

What imports it into the record is in statements_import.py.
"""

import dataclasses
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from command.statements_import import import_files, status

if TYPE_CHECKING:
    from payouts.bank.bank_file import BankFile
    from payouts.bank.statement import Entry, Remark, Statement, Transaction
    from payouts.bank.status_report import GroupStatus

Json = dict[str, object]

_STDIN = Path("-")
_BLANK = "–"


@click.group()
def statements() -> None:
    """Statements and reports of the bank: camt.052, camt.053, camt.054, pain.002 and CFONB 120."""


statements.add_command(import_files)
statements.add_command(status)


@statements.command()
@click.argument(
    "files",
    metavar="FILE…",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object for a program to read.")
def read(files: tuple[Path, ...], as_json: bool) -> None:
    """Read FILE… and print what it says: accounts, balances, entries, transactions.

    Figures that a file contradicts itself are printed beside it as remarks; it is read all the same. A file
    that breaks its own format is refused whole, with the line and the cause.

    Amounts in JSON are in cents, signed as the account sees them. Several files are one history: a balance
    that does not follow the one before is told as a gap.

    Exit status: 0 all files read, 1 some file was refused, 2 wrong usage.
    """
    read_files: list[tuple[Path, BankFile]] = []
    refused: list[Json] = []
    for path in files:
        _read_one(path, read_files, refused)
    if as_json:
        print(json.dumps({**_as_json(read_files), "refused": refused}, default=str, indent=2))
    else:
        _print(read_files)
    for line in refused:
        click.echo(_shown(f"poincon: {line['file']}: {line['message']}"), err=True)
    sys.exit(1 if refused else 0)


def _read_one(path: Path, read_files: "list[tuple[Path, BankFile]]", refused: list[Json]) -> None:
    from payouts.bank.bank_file import read_bank_file
    from payouts.bank.refused import FileRefused

    try:
        read_files.append((path, read_bank_file(_bytes_of(path))))
    except FileRefused as error:
        refused.append({"file": str(path), "error": error.refusal.value, "message": error.message})
    except OSError as error:
        refused.append({"file": str(path), "error": "unreadable_file", "message": str(error)})


def _bytes_of(path: Path) -> bytes:
    """One byte more than is allowed is enough to be refused."""
    from payouts.bank.refused import FILE_BYTES_MAX

    if path == _STDIN:
        return sys.stdin.buffer.read(FILE_BYTES_MAX + 1)
    with path.open("rb") as file:
        return file.read(FILE_BYTES_MAX + 1)


def _as_json(read_files: "list[tuple[Path, BankFile]]") -> Json:
    from payouts.bank.chain import gaps

    every = [statement for _, bank_file in read_files for statement in bank_file.statements]
    return {
        "statements": [
            {"file": str(path), **_statement(statement)}
            for path, bank_file in read_files
            for statement in bank_file.statements
        ],
        "status_reports": [
            {"file": str(path), **dataclasses.asdict(report)}
            for path, bank_file in read_files
            for report in bank_file.status_reports
        ],
        "gaps": [
            {**dataclasses.asdict(gap), "missing_cents": gap.missing_cents, "message": str(gap)}
            for gap in gaps(every)
        ],
    }


def _statement(statement: "Statement") -> Json:
    return {
        "format": statement.format,
        "identification": statement.identification,
        "sequence": statement.sequence,
        "account": statement.account,
        "currency": statement.currency,
        "opening_cents": statement.opening_cents,
        "opening_on": statement.opening_on,
        "closing_cents": statement.closing_cents,
        "closing_on": statement.closing_on,
        "balances": [dataclasses.asdict(balance) for balance in statement.balances],
        "entries": [_entry(entry) for entry in statement.entries],
        "remarks": _remarks(statement.remarks),
    }


def _entry(entry: "Entry") -> Json:
    return {
        "amount_cents": entry.amount_cents,
        "currency": entry.currency,
        "booked_on": entry.booked_on,
        "value_on": entry.value_on,
        "reference": entry.reference,
        "label": entry.label,
        "status": entry.status,
        "is_reversal": entry.is_reversal,
        "transactions": [_transaction(transaction) for transaction in entry.transactions],
        "batches": [dataclasses.asdict(batch) for batch in entry.batches],
        "remarks": _remarks(entry.remarks),
    }


def _transaction(transaction: "Transaction") -> Json:
    return {
        "amount_cents": transaction.amount_cents,
        "currency": transaction.currency,
        "end_to_end_id": transaction.end_to_end_id,
        "reason": transaction.reason,
        "reason_text": transaction.reason_text,
        "references": dataclasses.asdict(transaction.references),
        "counterparty": dataclasses.asdict(transaction.counterparty),
        "remittance": transaction.remittance,
    }


def _remarks(remarks: "tuple[Remark, ...]") -> list[Json]:
    return [dataclasses.asdict(remark) for remark in remarks]


def _print(read_files: "list[tuple[Path, BankFile]]") -> None:
    from payouts.bank.chain import gaps

    for path, bank_file in read_files:
        _say(f"{path}: {bank_file.format}")
        for statement in bank_file.statements:
            _print_statement(statement)
        for report in bank_file.status_reports:
            _print_report(report)
    for gap in gaps(statement for _, bank_file in read_files for statement in bank_file.statements):
        _say(f"! {gap}")


def _print_statement(statement: "Statement") -> None:
    currency = statement.currency or ""
    opening, closing = (_sum(cents, currency) for cents in (statement.opening_cents, statement.closing_cents))
    _say(f"  account {statement.account} {currency}: opening {opening}, closing {closing}")
    _print_remarks(statement.remarks, "  ")
    for entry in statement.entries:
        amount = _sum(entry.amount_cents, entry.currency)
        _say(
            f"    {entry.booked_on or _BLANK} {amount:>14} {entry.currency} {entry.status} "
            f"{entry.reference or _BLANK} {entry.label or ''}"
        )
        for part in entry.transactions:
            who = part.counterparty.name or _BLANK
            amount = _sum(part.amount_cents, part.currency or entry.currency)
            _say(f"{amount:>31}  {part.end_to_end_id or _BLANK}  {who}  {part.reason or ''}")
        _print_remarks(entry.remarks, "    ")


def _print_report(report: "GroupStatus") -> None:
    from payouts.bank.status_report import every_reason

    told = f"{report.status or _BLANK} {every_reason(report.reasons)}"
    _say(f"  answer to {report.original_message_id}: {told}")
    for information in report.payment_informations:
        told = f"{information.status or _BLANK} {every_reason(information.reasons)}"
        _say(f"    {information.payment_information_id}: {told}")
        for part in information.transactions:
            told = f"{part.status or _BLANK} {every_reason(part.reasons)}"
            _say(f"      {part.end_to_end_id or _BLANK}: {told}")
    _print_remarks(report.remarks, "  ")


def _print_remarks(remarks: "tuple[Remark, ...]", indent: str) -> None:
    for remark in remarks:
        _say(f"{indent}! {remark.message}")


def _sum(cents: int | None, currency: str) -> str:
    from payouts.bank.money import decimal_of

    return _BLANK if cents is None else decimal_of(cents, currency or "EUR")


def _say(line: str) -> None:
    print(_shown(line.rstrip()))


def _shown(line: str) -> str:
    """A bank's text on a terminal: what could move its cursor is shown as a question mark."""
    return "".join(character if character.isprintable() else "?" for character in line)
