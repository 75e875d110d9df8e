"""`poincon report month|declaration|usage`: what is told to funders and to the State, frozen once."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from command.funds import Amount
from command.surroundings import Surroundings, data_option, print_json, run
from programmes.suppression import by_name

if TYPE_CHECKING:
    from ledger.connect import Connection
    from ledger.period_rows import MonthlyReturn
    from payouts.declaration import Declared
    from programmes.cofunding import Plan

MONTH = click.DateTime(["%Y-%m"])
YEARS = click.IntRange(2000, 9999)
programme_option = click.option("--programme", required=True, type=click.IntRange(1), help="Its number.")


@click.group()
def report() -> None:
    """Monthly returns, the yearly declaration to the State: each equal to the ledger, to the unit."""


@report.command("month")
@click.option("--programme", type=click.IntRange(1), help="Only this programme; all of them unless told.")
@click.option("--month", type=MONTH, help="This month, as 2026-11; unless told, all that are due are frozen.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Write CSV and PDF there too.")
@click.option("--json", "as_json", is_flag=True)
@data_option
def month(
    programme: int | None, month: datetime | None, out: Path | None, as_json: bool, data: Path | None
) -> None:
    """Freeze monthly returns. Safe to repeat: a month that is frozen keeps its bytes.

    The service freezes them by itself on the 1st; this is for whoever runs none, or wants the files.
    """
    from ledger.month_figures import FiguresDisagree, month_of
    from ledger.programmes import UnknownProgramme
    from payouts.month_freezing import ReturnRefused, freeze_due, freeze_month

    if month is not None and programme is None:
        raise click.UsageError("--month needs --programme")
    around, now = Surroundings(data), datetime.now(UTC)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)

    async def work() -> "list[MonthlyReturn]":
        async with around.database() as connection:
            if month is not None and programme is not None:
                period = month_of(month.date())
                told = [await freeze_month(connection, programme, period, at=now, actor=around.actor)]
            else:
                told = await freeze_due(connection, at=now, actor=around.actor, programme_id=programme)
            if out is not None:
                await _write_papers(connection, told, out)
        return told

    try:
        frozen = run(work())
    except (ReturnRefused, FiguresDisagree, UnknownProgramme) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        print_json([_told(one) for one in frozen])
        return
    for one in frozen:
        sums = one.facts["sums"]
        click.echo(
            f"programme {one.programme_id} {one.month:%Y-%m}: {sums['consumed_passes']} passes consumed,"
            f" PDF {one.pdf_sha256.hex()}"
        )
    if not frozen:
        click.echo("nothing is due: every month that is over is frozen")


@report.command("declaration")
@programme_option
@click.option("--year", required=True, type=YEARS, help="The year of use; its returns must be frozen.")
@click.option("--own", type=Amount(), help="The project's own contribution, in euros.")
@click.option("--european", type=Amount(), default=0, help="European funds raised, in euros.")
@click.option("--state", type=Amount(), help="The State's share: as much as both together.")
@click.option("--engineering", type=Amount(), default=0, help="Of the budget, in euros; a tenth at most.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="declaration-<year>.zip unless told."
)
@click.option("--freeze", is_flag=True, help="Keep what is declared: another text is refused later.")
@click.option("--json", "as_json", is_flag=True)
@data_option
def declaration(
    programme: int,
    year: int,
    own: int | None,
    european: int,
    state: int | None,
    engineering: int,
    out: Path | None,
    freeze: bool,
    as_json: bool,
    data: Path | None,
) -> None:
    """Declare the passes used in a year: list, totals, funding and documents in one archive."""
    from ledger.declarations import DeclaredOtherwise, declarations_of, declare
    from payouts.archive import NotAnArchive
    from payouts.declaration import DeclarationRefused, declaration_to_file

    plan = _plan(own, european, state, engineering)
    path = out or Path(f"declaration-{year}.zip")
    around = Surroundings(data)

    async def work() -> "Declared":
        async with around.database() as connection:
            before = {one.year: one.face_cents for one in await declarations_of(connection, programme)}
            used_before = {one: cents for one, cents in before.items() if one < year}
            declared = await declaration_to_file(
                connection, path, programme, year, plan=plan, used_before=used_before
            )
            if freeze:
                facts = declared.facts
                await declare(
                    connection, programme, year, passes=facts.passes, face_cents=facts.face_cents,
                    state_cents=facts.state_cents, archive_sha256=bytes.fromhex(declared.sha256),
                    at=datetime.now(UTC), actor=around.actor,
                )  # fmt: skip
        return declared

    try:
        declared = run(work())
    except (DeclarationRefused, DeclaredOtherwise, NotAnArchive) as error:
        raise click.ClickException(str(error)) from None
    facts = declared.facts.told() | {"sha256": declared.sha256, "files": declared.files, "frozen": freeze}
    if as_json:
        print_json({"file": str(path), **facts})
        return
    click.echo(f"{path}: {facts['passes']} passes used in {year}, {facts['face_cents'] / 100:.2f} €")
    click.echo(f"State share: {facts['state_cents'] / 100:.2f} €; SHA-256 of the whole: {declared.sha256}")


@report.command("usage")
@programme_option
@click.option("--territory", help="Only this territory, by its name; all of them unless told.")
@click.option("--json", "as_json", is_flag=True)
@data_option
def usage(programme: int, territory: str | None, as_json: bool, data: Path | None) -> None:
    """Tell usage as partners report it: distributed, people, trainings, organisations, rate.

    From the months that are frozen; a cell behind which there are less than five booklets is withheld.
    """
    from ledger.follow_up import follow_up
    from ledger.monthly_returns import list_returns
    from programmes.usage import Usage
    from programmes.usage import usage as told_usage

    async def work() -> Usage:
        async with Surroundings(data).database() as connection:
            told = await follow_up(connection, programme, now=datetime.now(UTC), weeks=1)
            facts = [one.facts for one in await list_returns(connection, programme)]
        place = next((one for one in told.territories if one.name == territory), None)
        if territory is not None and place is None:
            raise click.UsageError(f"the programme has no territory called {territory!r}")
        people = told.handed_out(place.territory_id if place else None)
        return told_usage(
            facts, distributed_passes=people.passes, beneficiaries=people.beneficiaries, territory=territory
        )

    found = run(work())
    tables = {"publics": found.publics, "trainings": found.trainings, "organisations": found.organisations}
    if as_json:
        print_json(
            {
                "distributed_passes": found.distributed_passes,
                "beneficiaries": found.beneficiaries,
                "consumed_passes": found.consumed_passes,
                "usage_rate_per_thousand": found.rate_tenths,
                **{
                    name: {"cells": dict(by_name(table)), "withheld": table.withheld}
                    for name, table in tables.items()
                },
            }
        )
        return
    click.echo(
        f"{found.distributed_passes} passes distributed to {found.beneficiaries} people,"
        f" {found.consumed_passes} consumed"
    )
    for name, table in tables.items():
        for cell in table.cells:
            click.echo(f"{name}: {cell.name}: {'withheld' if cell.count is None else cell.count}")
        if table.withheld:
            click.echo(f"{name}: {table.withheld} withheld, because few people are behind them")


def _plan(own: int | None, european: int, state: int | None, engineering: int) -> "Plan | None":
    from programmes.cofunding import Plan, PlanRefused

    if own is None and state is None:
        return None
    if own is None or state is None:
        raise click.UsageError("give --own and --state together")
    try:
        return Plan(own, european, state, engineering)
    except PlanRefused as error:
        raise click.UsageError(str(error)) from None


async def _write_papers(connection: "Connection", told: "list[MonthlyReturn]", folder: Path) -> None:
    from ledger.monthly_returns import return_csv, return_pdf
    from payouts.monthly_return import file_name

    for one in told:
        for suffix, content in (("csv", return_csv), ("pdf", return_pdf)):
            kept = await content(connection, one.programme_id, one.month)
            assert kept is not None
            (folder / file_name(one.facts["programme"], one.month, suffix)).write_bytes(kept)


def _told(one: "MonthlyReturn") -> dict[str, object]:
    return {
        "programme": one.programme_id,
        "month": f"{one.month:%Y-%m}",
        "sums": one.facts["sums"],
        "csv_sha256": one.csv_sha256.hex(),
        "pdf_sha256": one.pdf_sha256.hex(),
        "frozen_at": one.frozen_at,
    }
