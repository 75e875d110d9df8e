"""The declaration of a year to the State: passes that were used, what half of them is worth, the documents.

One archive; the same facts give the same bytes. It is made of the year's twelve monthly returns as they were
frozen, and of the remittances that they told: what was recorded later is the next year's.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import IO, Any

from ledger.calendar_rows import midnight
from ledger.connect import Connection
from ledger.month_figures import consumed_passes, consumed_remittances, month_figures
from ledger.monthly_returns import list_returns, return_csv, return_pdf
from ledger.period_rows import MonthFigures, MonthlyReturn
from ledger.remittance_rows import PARIS
from ledger.remittances import read_remittance
from ledger.rendering_rows import Period
from payouts.archive import ArchiveWriter
from payouts.declaration_paper import COLUMNS_TOLD, DeclarationFacts, draw_declaration
from payouts.monthly_return import file_name as return_file_name
from payouts.remittance_csv import file_name, remittance_csv
from payouts.remittance_pdf import draw_remittance
from payouts.rendering_tables import cell, head, rows
from programmes.cofunding import Plan, claims_by_year, state_share
from programmes.returns import sum_of

PASSES = ("carnet", "pass", "siret", "bordereau", "ligne", "clos_le", "centimes")
REMITTANCES = ("siret", "structure", "bordereau", "clos_le", "pass", "centimes", "piece_csv", "piece_pdf")
MONTHS = ("mois", "pass", "centimes", "corrections_centimes", "payes_centimes", "sha256_csv", "sha256_pdf")
TOTALS = ("annee", "pass", "centimes", "part_etat_centimes")
FUNDING = ("rubrique", "centimes")


class DeclarationRefused(Exception):
    """Nothing can be declared yet; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Declared:
    sha256: str
    files: int
    facts: DeclarationFacts


@dataclass(frozen=True)
class _Year:
    connection: Connection
    archive: ArchiveWriter
    programme_id: int
    period: Period
    told_before: int | None
    last_entry: int
    returns: Sequence[MonthlyReturn]


async def write_declaration(
    connection: Connection,
    target: IO[bytes],
    programme_id: int,
    year: int,
    *,
    plan: Plan | None = None,
    used_before: Mapping[int, int] | None = None,
) -> Declared:
    """plan: the project's budget; used_before: cents of the years before, by year, for its arithmetic."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        one = await _year(connection, target, programme_id, year)
        figures = await month_figures(
            connection, programme_id, one.period, told_before=one.told_before, last_entry=one.last_entry
        )
        facts = _facts(figures, year, one.returns, plan, used_before or {})
        return await _write(one, facts)


async def declaration_to_file(
    connection: Connection, path: Path, programme_id: int, year: int, **how: Any
) -> Declared:
    """Beside its place first: what is at `path` is whole, or was there before."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as target:
            declared = await write_declaration(connection, target, programme_id, year, **how)
        partial.replace(path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()
    return declared


async def _year(connection: Connection, target: IO[bytes], programme_id: int, year: int) -> _Year:
    frozen = await list_returns(connection, programme_id, last=date(year, 12, 1))
    own = [one for one in frozen if one.month.year == year]
    if not own or own[-1].month.month != 12:
        raise DeclarationRefused(
            f"the return of December {year} is not frozen: run `poincon report month` once it is over"
        )
    before = [one for one in frozen if one.month.year < year]
    return _Year(
        connection,
        ArchiveWriter(target),
        programme_id,
        Period(date(year, 1, 1), date(year, 12, 31)),
        before[-1].last_entry if before else None,
        own[-1].last_entry,
        own,
    )


def _facts(
    figures: MonthFigures,
    year: int,
    returns: Sequence[MonthlyReturn],
    plan: Plan | None,
    used_before: Mapping[int, int],
) -> DeclarationFacts:
    told = [one.facts for one in returns]
    # What was frozen month by month is the year, to the unit: or nothing is declared.
    assert sum_of(told, "consumed_passes") == figures.consumed_passes
    assert sum_of(told, "consumed_cents") == figures.consumed_cents
    used = {**used_before, year: figures.consumed_cents}
    return DeclarationFacts(
        year=year,
        programme=figures.programme,
        funder=figures.funder,
        passes=figures.consumed_passes,
        face_cents=figures.consumed_cents,
        state_cents=state_share(figures.consumed_cents),
        corrected_cents=sum_of(told, "corrected_cents"),
        paid_cents=sum_of(told, "paid_cents"),
        plan=plan,
        claimed_cents=claims_by_year(plan, used)[year] if plan else None,
    )


async def _write(one: _Year, facts: DeclarationFacts) -> Declared:
    one.archive.add("LISEZMOI.txt", COLUMNS_TOLD.encode())
    totals = (facts.year, facts.passes, facts.face_cents, facts.state_cents)
    one.archive.add("declaration.csv", (head(TOTALS) + rows([totals])).encode())
    await _write_passes(one, facts)
    await _write_remittances(one)
    await _write_months(one)
    if facts.plan is not None:
        one.archive.add("financement.csv", (head(FUNDING) + rows(facts.funding())).encode())
    files = tuple(one.archive.files)
    paper = await asyncio.to_thread(draw_declaration, facts, files, at=midnight(date(facts.year + 1, 1, 1)))
    one.archive.add("declaration.pdf", paper)
    sha256 = one.archive.close({"kind": "declaration", **facts.told()})
    return Declared(sha256, len(one.archive.files), facts)


async def _write_passes(one: _Year, facts: DeclarationFacts) -> None:
    count = cents = 0
    with one.archive.open("pass-utilises.csv") as file:
        file.write(head(PASSES).encode())
        async for used in consumed_passes(
            one.connection,
            one.programme_id,
            one.period,
            told_before=one.told_before,
            last_entry=one.last_entry,
        ):
            day = used.closed_at.astimezone(PARIS).date().isoformat()
            line = (used.booklet, used.number, used.siret, used.remittance, used.line, day, used.amount_cents)
            file.write(rows([line]).encode())
            count += 1
            cents += used.amount_cents
    assert (count, cents) == (facts.passes, facts.face_cents)


async def _write_remittances(one: _Year) -> None:
    listed = []
    for operator_id, number, passes, cents in await consumed_remittances(
        one.connection, one.programme_id, one.period, told_before=one.told_before, last_entry=one.last_entry
    ):
        closed = await read_remittance(one.connection, operator_id, number)
        assert closed is not None
        names = [f"bordereaux/{file_name(closed, suffix)}" for suffix in ("csv", "pdf")]
        one.archive.add(names[0], remittance_csv(closed))
        one.archive.add(names[1], await asyncio.to_thread(draw_remittance, closed))
        told = closed.remittance
        day = told.closed_at.astimezone(PARIS).date().isoformat()
        listed.append((told.siret, cell(told.names.operator), number, day, passes, cents, *names))
    one.archive.add("bordereaux.csv", (head(REMITTANCES) + rows(listed)).encode())


async def _write_months(one: _Year) -> None:
    listed = []
    for told in one.returns:
        sums = told.facts["sums"]
        amounts = (
            sums[name] for name in ("consumed_passes", "consumed_cents", "corrected_cents", "paid_cents")
        )
        listed.append((f"{told.month:%Y-%m}", *amounts, told.csv_sha256.hex(), told.pdf_sha256.hex()))
        for suffix, content in (("csv", return_csv), ("pdf", return_pdf)):
            kept = await content(one.connection, one.programme_id, told.month)
            assert kept is not None
            one.archive.add(
                f"etats-mensuels/{return_file_name(told.facts['programme'], told.month, suffix)}", kept
            )
    one.archive.add("mois.csv", (head(MONTHS) + rows(listed)).encode())
