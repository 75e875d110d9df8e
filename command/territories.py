"""`poincon territories`: measures against a territory after it was heard, their lifting, booklets taken back.
Conditions and grants are in grants.py."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from command.identity import as_option, signed_in
from command.surroundings import TEXT, Surroundings, data_option, print_json, run
from ledger.account_rows import Account, Role
from ledger.connect import Connection
from ledger.grant_rows import Measure, MeasureKind

programme_option = click.option("--programme", required=True, type=click.IntRange(1), help="Its number.")
territory_option = click.option("--territory", required=True, type=click.IntRange(1), help="Its number.")
reason_option = click.option("--reason", required=True, type=TEXT, help="Kept with the decision.")
heard_option = click.option(
    "--heard-on", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The day the territory was heard."
)
hearing_option = click.option(
    "--hearing", required=True, type=TEXT, help="The record: who was heard, and what was said."
)


@click.group()
def territories() -> None:
    """Suspensions and reductions after a hearing, their lifting, booklets taken back.

    Exit status: 0 done, 1 refused, 2 wrong usage.
    """


@territories.command("measures")
@programme_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
@data_option
def measures(programme: int, as_json: bool, data: Path | None) -> None:
    """List what was decided, the newest first."""
    from ledger.territory_measures import list_measures

    async def work() -> list[Measure]:
        async with Surroundings(data).database() as connection:
            return await list_measures(connection, programme)

    for one in run(work()):
        if as_json:
            print_json(asdict(one))
            continue
        lifted = f", lifted {one.lifted_at:%Y-%m-%d}" if one.lifted_at else ""
        passes = f" of {one.passes} passes" if one.passes else ""
        when = f"{one.decided_at:%Y-%m-%d}{lifted}"
        click.echo(f"territory {one.territory_id}  {one.kind}{passes}, {when}: {one.reason}")


@territories.command("suspend")
@programme_option
@territory_option
@heard_option
@hearing_option
@reason_option
@as_option
@data_option
def suspend(
    programme: int,
    territory: int,
    heard_on: datetime,
    hearing: str,
    reason: str,
    email: str,
    data: Path | None,
) -> None:
    """Grant and send a territory nothing more, until it is resumed."""
    told = {"heard_on": heard_on.date(), "hearing": hearing, "reason": reason}
    _measure(data, email, programme, territory, MeasureKind.SUSPENSION, told)
    click.echo(f"territory {territory} is suspended")


@territories.command("reduce")
@programme_option
@territory_option
@click.option("--passes", required=True, type=click.IntRange(1), help="Granted, not sent yet, taken off.")
@heard_option
@hearing_option
@reason_option
@as_option
@data_option
def reduce(
    programme: int,
    territory: int,
    passes: int,
    heard_on: datetime,
    hearing: str,
    reason: str,
    email: str,
    data: Path | None,
) -> None:
    """Take passes off what a territory was granted and not sent."""
    told = {"passes": passes, "heard_on": heard_on.date(), "hearing": hearing, "reason": reason}
    _measure(data, email, programme, territory, MeasureKind.REDUCTION, told)
    click.echo(f"territory {territory}: {passes} passes taken off")


@territories.command("resume")
@programme_option
@territory_option
@reason_option
@as_option
@data_option
def resume_command(programme: int, territory: int, reason: str, email: str, data: Path | None) -> None:
    """Lift a territory's suspension."""
    from ledger.territory_measures import resume

    async def work(connection: Connection, account: Account) -> None:
        await resume(connection, programme, territory, reason=reason, **_by(account))

    _decided(data, email, work)
    click.echo(f"territory {territory} is resumed")


@territories.command("take-back")
@programme_option
@territory_option
@click.argument("first", type=click.IntRange(1))
@click.argument("last", type=click.IntRange(1))
@reason_option
@data_option
def take_back(programme: int, territory: int, first: int, last: int, reason: str, data: Path | None) -> None:
    """Take booklets FIRST to LAST back, which nobody was given: all of them or none."""
    from ledger.deliveries import BOOKLETS_MAX, restitute

    if not first <= last < first + BOOKLETS_MAX:
        raise click.UsageError(f"from the first to the last, {BOOKLETS_MAX} booklets at most")
    around = Surroundings(data)

    async def work() -> int:
        async with around.database() as connection:
            return await restitute(
                connection,
                programme,
                territory,
                range(first, last + 1),
                reason=reason,
                actor=around.actor,
                at=datetime.now(UTC),
            )

    click.echo(f"{last - first + 1} booklets came back, of {run(work())} passes")


def _measure(
    data: Path | None, email: str, programme: int, territory: int, kind: MeasureKind, told: dict[str, Any]
) -> None:
    from ledger.territory_measures import decide_measure

    async def work(connection: Connection, account: Account) -> None:
        await decide_measure(connection, programme, territory, kind, **told, **_by(account))

    _decided(data, email, work)


def _decided(data: Path | None, email: str, work: Callable[[Connection, Account], Awaitable[None]]) -> None:
    """By somebody who approves, and shows it."""
    around = Surroundings(data)

    async def done() -> None:
        async with around.database() as connection:
            await work(connection, await signed_in(connection, around, email, Role.APPROVER))

    run(done())


def _by(account: Account) -> dict[str, Any]:
    return {"person_id": account.person_id, "actor": account.actor, "at": datetime.now(UTC)}
