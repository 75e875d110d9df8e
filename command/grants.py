"""`poincon grants`: what territories hold, which grants wait, deliveries. Who decides signs in with --as."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from command.deliveries import dispatch_command, receive_command
from command.identity import as_option, signed_in
from command.surroundings import TEXT, Surroundings, data_option, print_json, run
from ledger.account_rows import Role
from ledger.grant_rows import Condition, Grant, Standing
from ledger.order_rows import Delivery

PARIS = ZoneInfo("Europe/Paris")
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")
programme_option = click.option("--programme", required=True, type=click.IntRange(1), help="Its number.")
territory_option = click.option("--territory", required=True, type=click.IntRange(1), help="Its number.")


@click.group()
def grants() -> None:
    """Passes granted to territories: first grants, top-ups, deliveries, what came back.

    Exit status: 0 done, 1 refused, 2 wrong usage.
    """


@grants.command("list")
@programme_option
@json_option
@data_option
def list_all(programme: int, as_json: bool, data: Path | None) -> None:
    """What each territory holds and consumed, and every grant, the newest first."""
    from ledger.grants import list_grants, standings

    async def work() -> tuple[list[Standing], list[Grant]]:
        async with Surroundings(data).database() as connection:
            day = datetime.now(UTC).astimezone(PARIS).date()
            return await standings(connection, programme, day=day), await list_grants(connection, programme)

    territories, found = run(work())
    if as_json:
        print_json({"territories": [_standing_json(one) for one in territories],
                    "grants": [asdict(one) for one in found]})  # fmt: skip
        return
    for standing in territories:
        holdings = standing.holdings
        click.echo(
            f"territory {standing.territory_id}  {standing.territory}: holds {holdings.held},"
            f" delivered {holdings.delivered}, consumed {holdings.consumed}"
            f"{', suspended' if standing.is_suspended else ''}"
        )
    for grant in found:
        click.echo(_grant_line(grant))


@grants.command("condition")
@programme_option
@territory_option
@click.argument("condition", type=click.Choice([one.value for one in Condition]))
@click.option("--met-on", required=True, type=click.DateTime(["%Y-%m-%d"]), help="The day it was met.")
@click.option("--note", default="", help="The convention's reference, who leads, whose opinion.")
@data_option
def condition_command(
    programme: int, territory: int, condition: str, met_on: datetime, note: str, data: Path | None
) -> None:
    """Check off a CONDITION of a territory."""
    from ledger.territory_measures import note_condition

    around = Surroundings(data)

    async def work() -> None:
        async with around.database() as connection:
            await note_condition(
                connection,
                programme,
                territory,
                Condition(condition),
                met_on=met_on.date(),
                note=note,
                actor=around.actor,
                at=datetime.now(UTC),
            )

    run(work())
    click.echo(f"territory {territory}: {condition}, since {met_on.date()}")


@grants.command("propose")
@programme_option
@click.option("--territory", type=click.IntRange(1), help="Its next grant; else every top-up that is due.")
@json_option
@data_option
def propose_command(programme: int, territory: int | None, as_json: bool, data: Path | None) -> None:
    """Propose what is due. The service does so by itself when a threshold is reached."""
    from programmes.grants import propose, propose_due

    around = Surroundings(data)

    async def work() -> list[Grant]:
        async with around.database() as connection:
            now = datetime.now(UTC)
            if territory is None:
                return await propose_due(connection, at=now, programmes=frozenset({programme}))
            return [await propose(connection, programme, territory, actor=around.actor, at=now)]

    _tell(run(work()), as_json=as_json)


@grants.command("approve")
@click.argument("grant_id", metavar="GRANT", type=click.IntRange(1))
@as_option
@json_option
@data_option
def approve_command(grant_id: int, email: str, as_json: bool, data: Path | None) -> None:
    """Grant the passes: the deadline, the common stock and suspensions are looked at now."""
    from programmes.grants import approve

    around = Surroundings(data)

    async def work() -> Grant:
        async with around.database() as connection:
            account = await signed_in(connection, around, email, Role.APPROVER)
            return await approve(
                connection,
                grant_id,
                person_id=account.person_id,
                actor=account.actor,
                at=datetime.now(UTC),
            )

    _tell([run(work())], as_json=as_json)


@grants.command("refuse")
@click.argument("grant_id", metavar="GRANT", type=click.IntRange(1))
@click.option("--reason", required=True, type=TEXT, help="Why; the territory reads it.")
@as_option
@json_option
@data_option
def refuse_command(grant_id: int, reason: str, email: str, as_json: bool, data: Path | None) -> None:
    """Refuse a proposed grant. It is not proposed again by itself for the same threshold."""
    from programmes.grants import refuse

    around = Surroundings(data)

    async def work() -> Grant:
        async with around.database() as connection:
            account = await signed_in(connection, around, email, Role.APPROVER)
            return await refuse(
                connection,
                grant_id,
                person_id=account.person_id,
                actor=account.actor,
                reason=reason,
                at=datetime.now(UTC),
            )

    _tell([run(work())], as_json=as_json)


@grants.command("deliveries")
@programme_option
@json_option
@data_option
def deliveries_command(programme: int, as_json: bool, data: Path | None) -> None:
    """List deliveries, the newest first."""
    from ledger.deliveries import list_deliveries

    async def work() -> list[Delivery]:
        async with Surroundings(data).database() as connection:
            return await list_deliveries(connection, programme_id=programme)

    found = run(work())
    if as_json:
        print_json([_delivery_json(one) for one in found])
        return
    for one in found:
        arrived = f"arrived {one.delivered_at:%Y-%m-%d}" if one.delivered_at else "on its way"
        active = "active" if one.is_active else "not active"
        click.echo(f"delivery {one.id}: {one.booklet_count} booklets to {one.territory}, {arrived}, {active}")


@grants.command("activate")
@click.argument("delivery_id", metavar="DELIVERY", type=click.IntRange(1))
@click.option("--reason", required=True, type=TEXT, help="The payment that covers it.")
@data_option
def activate_command(delivery_id: int, reason: str, data: Path | None) -> None:
    """Make the passes of a delivery acceptable, once their money was received."""
    from ledger.deliveries import activate_delivery

    around = Surroundings(data)

    async def work() -> int:
        async with around.database() as connection:
            return await activate_delivery(
                connection, delivery_id, actor=around.actor, reason=reason, at=datetime.now(UTC)
            )

    click.echo(f"{run(work())} booklets activated")


grants.add_command(dispatch_command)
grants.add_command(receive_command)


def _tell(found: list[Grant], *, as_json: bool) -> None:
    if as_json:
        print_json([asdict(one) for one in found])
        return
    for grant in found:
        click.echo(_grant_line(grant))
    if not found:
        click.echo("nothing is due")


def _grant_line(grant: Grant) -> str:
    return (
        f"grant {grant.id}: {grant.kind} of {grant.passes} passes to {grant.territory}, {grant.state}"
        f"{f', to be delivered by {grant.deliver_by}' if grant.deliver_by else ''}"
    )


def _standing_json(one: Standing) -> dict[str, Any]:
    from programmes.granting import missing_conditions, passes_to_threshold

    return {
        "territory_id": one.territory_id,
        "territory": one.territory,
        **asdict(one.holdings),
        "passes_to_threshold": passes_to_threshold(one.holdings, one.rules.figures),
        "missing_conditions": [condition.value for condition in missing_conditions(one)],
        "is_suspended": one.is_suspended,
    }


def _delivery_json(one: Delivery) -> dict[str, Any]:
    told = asdict(one)
    told["note_sha256"] = one.note_sha256.hex() if one.note_sha256 else None
    return told | {"is_active": one.is_active}
