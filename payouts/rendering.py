"""Accounts rendered (reddition, article D.1611-25 of the CGCT) for a period and a funder, or all of them.

One archive; the same facts give the same bytes. Of documents, one at a time is held in memory.

A funder's archive holds its programmes alone. Entries and bordereaux that are others' too stand in it whole,
because half of one proves nothing; files of the bank, which tell everybody's money, are named by their hash.
"""

import asyncio
import re
import unicodedata
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ledger.book_rows import BANK, BookAccount, Entry
from ledger.books import entries
from ledger.connect import Connection
from ledger.remittances import read_remittance
from ledger.rendering_rows import BankFile, EntrySeal, Movement, Parties, Period, RenderedFacts
from ledger.renderings import (
    content_made,
    content_received,
    corrections,
    disputes,
    files_made,
    files_received,
    movements,
    paid,
    parties,
    remittances_closed,
    unpaid,
    waiting,
)
from payouts import rendering_columns as columns
from payouts import rendering_tables as tables
from payouts.archive import ArchiveWriter
from payouts.books_export import BooksWriter, CsvWriter, FecWriter, HledgerWriter
from payouts.remittance_csv import file_name, remittance_csv
from payouts.remittance_pdf import draw_remittance
from payouts.rendering_paper import Cover, draw_cover

FILE_NAME_CHARS_MAX = 60
Progress = Callable[[str, int, int], None]  # of what, how many are done, of how many


class UnknownFunder(Exception):
    """No programme has it, or there is no such programme; the text names what there is."""


@dataclass(frozen=True, slots=True)
class Rendered:
    sha256: str  # of the whole, as its manifest and `poincon accounts verify` tell it
    files: int
    facts: RenderedFacts


@dataclass(frozen=True)
class Rendering:
    """What every file of one archive is made from."""

    connection: Connection
    archive: ArchiveWriter
    period: Period
    funder: str | None
    scope: Sequence[int] | None
    parties: Parties
    told: Sequence[Movement]
    progress: Progress

    @property
    def sums(self) -> tables.AccountSums:
        return tables.AccountSums(self.told)

    @property
    def programmes(self) -> list[int]:
        """Those with any movement: one that is added after the period changes nothing of what is rendered."""
        return sorted({move.account.programme_id for move in self.told} - {0})

    def holds(self, account: BookAccount) -> bool:
        return self.scope is None or account.programme_id in self.scope

    async def entries(self) -> AsyncIterator[Entry]:
        """Those that touch what is rendered, whole."""
        reading = entries(self.connection, since=self.period.since, until=self.period.until)
        async for entry in reading:
            if self.scope is None or entry.touches(self.scope):
                yield entry


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
    _write_table(one, "balance.csv", columns.BALANCE, tables.balance_rows(sums, names))
    operator_rows = tables.operator_rows(one.told, sums, one.parties)
    _write_table(one, "structures.csv", columns.OPERATORS, operator_rows)
    await _write_cash(one)
    await _write_suspense(one)
    owed = await unpaid(one.connection, one.period, one.scope)
    unpaid_cents = sum(row.left_cents for row in owed)
    rows = (tables.unpaid_row(row, one.parties) for row in owed)
    _write_table(one, "restes-a-payer.csv", columns.UNPAID, rows)
    await _write_decisions(one)
    remittance_count = await _write_remittances(one)
    await _write_bank_files(one)
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


def _write_table(one: Rendering, name: str, titles: Sequence[str], lines: Any) -> None:
    with one.archive.open(name) as file:
        file.write(tables.head(titles).encode())
        for line in lines:
            file.write(tables.rows([line]).encode())


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
    _write_table(one, "attente.csv", columns.SUSPENSE, rows)


async def _write_decisions(one: Rendering) -> None:
    where = (one.connection, one.period, one.scope)
    decided = await corrections(*where)
    rows = (tables.correction_row(row, one.parties) for row in decided)
    _write_table(one, "corrections.csv", columns.CORRECTIONS, rows)
    held = await disputes(*where)
    _write_table(one, "litiges.csv", columns.DISPUTES, (tables.dispute_row(row, one.parties) for row in held))
    transfers = await paid(*where)
    rows = (tables.payment_row(row, one.parties) for row in transfers)
    _write_table(one, "virements.csv", columns.PAYMENTS, rows)


async def _write_remittances(one: Rendering) -> int:
    keys = await remittances_closed(one.connection, one.period, one.scope)
    listed = []
    for place, (operator_id, number) in enumerate(keys):
        one.progress("bordereaux", place, len(keys))
        closed = await read_remittance(one.connection, operator_id, number)
        assert closed is not None
        name = f"bordereaux/{file_name(closed, 'csv')}"
        one.archive.add(name, remittance_csv(closed))
        pdf = await asyncio.to_thread(draw_remittance, closed)
        one.archive.add(f"bordereaux/{file_name(closed, 'pdf')}", pdf)
        parts = closed.remittance.parts
        cents = sum(part.total_cents for part in parts if one.scope is None or part.programme_id in one.scope)
        listed.append(tables.remittance_row(closed, cents, name))
    one.progress("bordereaux", len(keys), len(keys))
    _write_table(one, "bordereaux.csv", columns.REMITTANCES, listed)
    return len(keys)


async def _write_bank_files(one: Rendering) -> None:
    kinds: tuple[tuple[str, str, list[BankFile], Callable[[Connection, int], Awaitable[bytes]]], ...] = (
        ("reçu de la banque", "recus", await files_received(one.connection, one.period), content_received),
        ("fichier de virements", "envoyes", await files_made(one.connection, one.period), content_made),
    )
    listed = []
    for kind, folder, files, content in kinds:
        for file in files:
            place = f"banque/{folder}/{file.id:05d}-{_plain(file.name)}" if one.scope is None else ""
            if place:
                one.archive.add(place, await content(one.connection, file.id))
            listed.append(tables.file_row(file, kind, place))
    _write_table(one, "pieces.csv", columns.FILES, listed)


def _plain(name: str) -> str:
    """Somebody else named the file: nothing of it may leave the folder it is unpacked to."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name)[-FILE_NAME_CHARS_MAX:].lstrip(".") or "fichier"


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
