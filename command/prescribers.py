"""`poincon prescribers`: who hands booklets out, their stocks, transfers between them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from command.surroundings import TEXT, Surroundings, data_option, print_json, run
from ledger.handout_rows import StockLine

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


@click.group()
def prescribers() -> None:
    """Prescribers: organisations of a territory that hand booklets out."""


@prescribers.command("add")
@click.option("--territory", required=True, type=TEXT, help="Name of its territory.")
@click.option("--name", required=True, type=TEXT, help="The organisation's name.")
@click.option("--operator", metavar="SIRET", help="When the same organisation accepts passes as well.")
@json_option
@data_option
def add(territory: str, name: str, operator: str | None, as_json: bool, data: Path | None) -> None:
    """Add a prescriber to a territory."""
    from ledger.parties import find_operator, known_names
    from ledger.prescribers import PrescriberRefused, add_prescriber

    around = Surroundings(data)

    async def work() -> int:
        async with around.database() as connection:
            territory_id = (await known_names(connection)).territories.get(territory)
            if territory_id is None:
                raise PrescriberRefused(f"no territory {territory}")
            operator_id = await find_operator(connection, operator) if operator else None
            if operator and operator_id is None:
                raise PrescriberRefused(f"no operator has the SIRET {operator}")
            return await add_prescriber(
                connection,
                territory_id=territory_id,
                name=name,
                operator_id=operator_id,
                at=datetime.now(UTC),
                actor=around.actor,
            )

    added = run(work())
    if as_json:
        print_json({"prescriber": added, "name": name, "territory": territory})
    else:
        click.echo(f"prescriber {added}: {name}, {territory}")


@prescribers.command("person")
@click.argument("prescriber", type=click.IntRange(1))
@click.option("--name", required=True, type=TEXT, help="The person's name.")
@click.option("--person", type=click.IntRange(1), help="Number of a person who is known already.")
@click.option("--namesake", is_flag=True, help="Somebody of this name is known, and is another person.")
@json_option
@data_option
def person(
    prescriber: int, name: str, person: int | None, namesake: bool, as_json: bool, data: Path | None
) -> None:
    """Let a person hand out for PRESCRIBER. Nobody accepts the passes of a booklet that they handed out."""
    from ledger.prescribers import add_prescriber_person

    around = Surroundings(data)

    async def work() -> int:
        async with around.database() as connection:
            return await add_prescriber_person(
                connection,
                prescriber,
                name=name,
                at=datetime.now(UTC),
                actor=around.actor,
                person_id=person,
                is_namesake=namesake,
            )

    added = run(work())
    if as_json:
        print_json({"prescriber": prescriber, "person": added})
    else:
        click.echo(f"person {added} hands out for prescriber {prescriber}")


@prescribers.command("leave")
@click.argument("prescriber", type=click.IntRange(1))
@click.argument("person", type=click.IntRange(1))
@click.option("--reason", required=True, type=TEXT, help="Why: kept with the event.")
@data_option
def leave(prescriber: int, person: int, reason: str, data: Path | None) -> None:
    """PERSON hands nothing out any more for PRESCRIBER; what they handed out stays theirs."""
    from ledger.prescribers import end_prescriber_person

    around = Surroundings(data)

    async def work() -> None:
        async with around.database() as connection:
            await end_prescriber_person(
                connection, prescriber, person, at=datetime.now(UTC), actor=around.actor, reason=reason
            )

    run(work())
    click.echo(f"person {person} hands nothing out any more for prescriber {prescriber}")


@prescribers.command("list")
@json_option
@data_option
def list_all(as_json: bool, data: Path | None) -> None:
    """List the prescribers with their stocks, and how long booklets have been there."""
    from ledger.custody import list_stock

    async def work() -> list[StockLine]:
        async with Surroundings(data).database() as connection:
            return await list_stock(connection, now=datetime.now(UTC))

    for line in run(work()):
        if as_json:
            print_json(_json(line))
        else:
            click.echo(
                f"prescriber {line.prescriber.id}: {line.prescriber.name}, {line.prescriber.territory},"
                f" {line.whole + line.begun} booklets, {line.older} for more than 90 days"
            )


@prescribers.command("transfer")
@click.argument("first", type=click.IntRange(1))
@click.argument("last", type=click.IntRange(1))
@click.option(
    "--from", "from_id", type=click.IntRange(1), help="Prescriber; left out: the territory's stock."
)
@click.option("--to", "to_id", type=click.IntRange(1), help="Prescriber; left out: the territory's stock.")
@click.option("--reason", required=True, type=TEXT, help="Why: kept with the event.")
@json_option
@data_option
def transfer(
    first: int,
    last: int,
    from_id: int | None,
    to_id: int | None,
    reason: str,
    as_json: bool,
    data: Path | None,
) -> None:
    """Move the booklets FIRST to LAST within a territory: all of them or none."""
    from ledger.custody import BOOKLETS_PER_TRANSFER_MAX, transfer_booklets

    if not first <= last < first + BOOKLETS_PER_TRANSFER_MAX:
        raise click.UsageError(f"give FIRST and LAST, at most {BOOKLETS_PER_TRANSFER_MAX} booklets apart")
    around = Surroundings(data)

    async def work() -> int:
        async with around.database() as connection:
            return await transfer_booklets(
                connection,
                range(first, last + 1),
                from_id=from_id,
                to_id=to_id,
                at=datetime.now(UTC),
                actor=around.actor,
                reason=reason,
            )

    done = run(work())
    if as_json:
        print_json({"transfer": done, "booklets": last - first + 1, "from": from_id, "to": to_id})
    else:
        click.echo(f"transfer {done}: {last - first + 1} booklets")


def _json(line: StockLine) -> dict[str, Any]:
    told = line._asdict()
    told.pop("prescriber")
    return {
        "prescriber": line.prescriber.id,
        "name": line.prescriber.name,
        "territory": line.prescriber.territory,
        "operator_id": line.prescriber.operator_id,
        **told,
    }
