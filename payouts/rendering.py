"""Accounts rendered (reddition, article D.1611-25 of the CGCT) for a period and a funder, or all of them.

One archive; the same facts give the same bytes. Of documents, one at a time is held in memory.

A funder's archive holds its programmes alone. Entries and bordereaux that are others' too stand in it whole,
because half of one proves nothing; files of the bank, which tell everybody's money, are named by their hash.
"""

import asyncio
import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ledger.book_rows import BANK, BookAccount
from ledger.connect import Connection
from ledger.rendering_rows import EntrySeal, Parties, Period, RenderedFacts
from ledger.renderings import (
    corrections,
    disputes,
    movements,
    paid,
    parties,
    unpaid,
    waiting,
)
from payouts import rendering_columns as columns
from payouts import rendering_tables as tables
from payouts.archive import ArchiveWriter
from payouts.books_export import BooksWriter, CsvWriter, FecWriter, HledgerWriter
from payouts.rendering_documents import write_bank_files, write_remittances
from payouts.rendering_paper import Cover, draw_cover
from payouts.rendering_run import Progress, Rendering


class UnknownFunder(Exception):
    """No programme has it, or there is no such programme; the text names what there is."""


@dataclass(frozen=True, slots=True)
class Rendered:
    sha256: str  # of the whole, as its manifest and `poincon accounts verify` tell it
    files: int
    facts: RenderedFacts


async def render_accounts(
    connection: Connection,
    target: IO[bytes],
    period: Period,
    *,
    funder: str | None = None,
    programme_id: int | None = None,
    progress: Progress = lambda what, done, of: None,
) -> Rendered:
    """Write the archive; funder: as programmes name it; programme_id: of it alone; neither: of everybody.

    Raises UnknownFunder, TooMuch, and NotAnArchive when it would grow beyond what a ZIP holds.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        names = await parties(connection, period)
        scope = _scope(names, funder, programme_id)
        if programme_id is not None:
            funder = names.funders[programme_id]
        told = await movements(connection, period, scope)
        one = Rendering(connection, ArchiveWriter(target), period, funder, scope, names, told, progress)
        return await _write(one)


async def _write(one: Rendering) -> Rendered:
    one.archive.add("LISEZMOI.txt", columns.COLUMNS_TOLD.encode())
    seal = await _write_books(one)
    sums = one.sums
    names = tables.book_names(one.parties)
    one.write_table("balance.csv", columns.BALANCE, tables.balance_rows(sums, names))
    operator_rows = tables.operator_rows(one.told, sums, one.parties)
    one.write_table("structures.csv", columns.OPERATORS, operator_rows)
    await _write_cash(one)
    await _write_suspense(one)
    owed = await unpaid(one.connection, one.period, one.scope)
    unpaid_cents = sum(row.left_cents for row in owed)
    rows = (tables.unpaid_row(row, one.parties) for row in owed)
    one.write_table("restes-a-payer.csv", columns.UNPAID, rows)
    await _write_decisions(one)
    remittance_count = await write_remittances(one)
    await write_bank_files(one)
    facts = {
        "entries": seal.count,
        "remittances": remittance_count,
        "opening_cents": sums.held(is_opening=True),
        "closing_cents": sums.held(is_opening=False),
        "unpaid_cents": unpaid_cents,
    }
    cover = Cover(
        period=one.period,
        funder=one.funder,
        parties=one.parties,
        scope=tuple(one.programmes),
        told=tuple(one.told),
        unpaid=tuple(owed),
        facts=facts,
        files=tuple(one.archive.files),
    )
    one.archive.add("reddition.pdf", await asyncio.to_thread(draw_cover, cover))
    whole = one.archive.close(_scope_facts(one) | facts)
    return Rendered(whole, len(one.archive.files), _facts(one, seal, whole, unpaid_cents))


def _facts(one: Rendering, seal: EntrySeal, whole: str, unpaid_cents: int) -> RenderedFacts:
    return RenderedFacts(
        period=one.period,
        funder=one.funder,
        programme_ids=one.scope,
        entries=seal.count,
        entries_sha256=seal.digest(),
        archive_sha256=bytes.fromhex(whole),
        held_cents=one.sums.held(is_opening=False),
        unpaid_cents=unpaid_cents,
        balances=one.sums.told(),
    )


def archive_name(period: Period, funder: str | None, programme_id: int | None = None) -> str:
    """What its file is called: letters, digits and hyphens, as all systems take them."""
    plain = unicodedata.normalize("NFKD", funder or "").encode("ascii", "ignore").decode().lower()
    of = f"programme-{programme_id}" if programme_id else re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return "-".join(filter(None, ("reddition", f"{period.first}", f"{period.last}", of))) + ".zip"


def _scope(names: Parties, funder: str | None, programme_id: int | None) -> list[int] | None:
    if programme_id is not None:
        if programme_id not in names.funders:
            raise UnknownFunder(f"no programme {programme_id}; `poincon programmes list` shows those known")
        return [programme_id]
    if funder is None:
        return None
    found = sorted(number for number, name in names.funders.items() if name == funder)
    if not found:
        known = ", ".join(f"« {name} »" for name in sorted(set(names.funders.values())))
        raise UnknownFunder(f"no programme is of the funder « {funder} »; there are {known}")
    return found


def _scope_facts(one: Rendering) -> dict[str, Any]:
    return {
        "first_day": one.period.first.isoformat(),
        "last_day": one.period.last.isoformat(),
        "funder": one.funder,
        "programmes": [tables.programme_cell(number, one.parties) for number in one.programmes],
    }


async def _write_books(one: Rendering) -> EntrySeal:
    """Several readings of the same entries, because one file of an archive is written at a time."""
    names = tables.book_names(one.parties)
    seal, accounts = EntrySeal(), set[BookAccount]()
    async for entry in one.entries():
        seal.add(entry)
        accounts.update(posting.account for posting in entry.postings)
    writers: tuple[tuple[str, BooksWriter], ...] = (
        ("ecritures.csv", CsvWriter(names)),
        ("ecritures-fec.txt", FecWriter(names)),
        ("ecritures.journal", HledgerWriter(names, accounts)),
    )
    for place, (name, writer) in enumerate(writers):
        one.progress("écritures", place, len(writers))
        with one.archive.open(name) as file:
            file.write(writer.head().encode())
            async for entry in one.entries():
                file.write(writer.entry(entry).encode())
    one.progress("écritures", len(writers), len(writers))
    return seal


async def _write_cash(one: Rendering) -> None:
    """The bank's own account; of some programmes only, what is kept for them within it."""
    balance = one.sums.held(is_opening=True)
    with one.archive.open("tresorerie.csv") as file:
        file.write(tables.head(columns.CASH).encode())
        async for entry in one.entries():
            if one.scope is None:
                moved = sum(cents for account, cents in entry.postings if account == BANK)
            else:
                moved = -sum(cents for account, cents in entry.postings if one.holds(account))
            if moved:
                balance += moved
                file.write(tables.rows([tables.cash_row(entry, moved, balance)]).encode())
    assert balance == one.sums.held(is_opening=False)


async def _write_suspense(one: Rendering) -> None:
    """What is nobody's yet is told in the accounts of everybody only."""
    found = await waiting(one.connection, one.period) if one.scope is None else []
    rows = (tables.waiting_row(row) for row in found)
    one.write_table("attente.csv", columns.SUSPENSE, rows)


async def _write_decisions(one: Rendering) -> None:
    where = (one.connection, one.period, one.scope)
    decided = await corrections(*where)
    rows = (tables.correction_row(row, one.parties) for row in decided)
    one.write_table("corrections.csv", columns.CORRECTIONS, rows)
    held = await disputes(*where)
    one.write_table("litiges.csv", columns.DISPUTES, (tables.dispute_row(row, one.parties) for row in held))
    transfers = await paid(*where)
    rows = (tables.payment_row(row, one.parties) for row in transfers)
    one.write_table("virements.csv", columns.PAYMENTS, rows)


async def render_to_file(connection: Connection, path: Path, period: Period, **how: Any) -> Rendered:
    """Beside its place first: what is at `path` is whole, or was there before."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as target:
            rendered = await render_accounts(connection, target, period, **how)
        partial.replace(path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
    return rendered
