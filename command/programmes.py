"""`poincon programmes`: set up from a file, list, amend the validity, say when remittances close."""

from datetime import date, datetime
from pathlib import Path

import click

from command.rules import amend_rules, rules
from command.surroundings import TEXT, Surroundings, data_option, print_json, run
from ledger.calendar_rows import Calendar


@click.group()
def programmes() -> None:
    """Programmes with their territories, services, operators and sites."""


programmes.add_command(rules)
programmes.add_command(amend_rules)


@programmes.command("load")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@data_option
def load(file: Path, data: Path | None) -> None:
    """Set up a programme and its operators from a TOML FILE (see demo/instance.toml). Safe to run again."""
    from programmes.print.french import PARIS
    from programmes.setup import read_instance, set_up

    around = Surroundings(data)
    instance = read_instance(file.read_text(encoding="utf-8"))

    async def work() -> None:
        async with around.database() as connection:
            done = await set_up(connection, instance, actor=around.actor, today=datetime.now(PARIS).date())
        click.echo(
            f"programme {done.programme_id} {'made' if done.is_new else 'kept'}; new sites: {len(done.sites)}"
        )
        for (operator, site), site_id in done.sites.items():
            click.echo(f"  site {site_id}: {operator}, {site}")

    run(work())


@programmes.command("list")
@click.option("--json", "as_json", is_flag=True)
@data_option
def list_programmes(as_json: bool, data: Path | None) -> None:
    """List the programmes and their sites."""
    from ledger.facts import load_facts

    async def work() -> None:
        async with Surroundings(data).database() as connection:
            facts = await load_facts(connection)
        if as_json:
            print_json(
                [
                    {"id": p.id, "name": p.name, "funder": p.funder, "last_day": p.last_day}
                    for p in facts.programmes.values()
                ]
            )
            return
        for programme in facts.programmes.values():
            click.echo(f"{programme.id}  {programme.name}, {programme.funder}, to {programme.last_day}")
        for site in facts.sites.values():
            click.echo(f"  site {site.id}: {facts.operators[site.operator_id].name}, {site.name}")

    run(work())


@programmes.command("amend")
@click.argument("programme", type=int)
@click.option("--last-day", required=True, type=click.DateTime(["%Y-%m-%d"]), help="Last legal day of use.")
@click.option("--reason", required=True, type=TEXT, help="The amendment's reference.")
@data_option
def amend(programme: int, last_day: datetime, reason: str, data: Path | None) -> None:
    """Extend or shorten the validity; printed passes follow the record."""
    from ledger.programmes import amend_last_day

    around = Surroundings(data)
    new_day: date = last_day.date()

    async def work() -> None:
        async with around.database() as connection:
            await amend_last_day(connection, programme, new_day, reason=reason, actor=around.actor)
        click.echo(f"programme {programme} is valid to {new_day} included")

    run(work())


@programmes.command("closings")
@click.argument("programme", type=int)
@click.option(
    "--calendar",
    required=True,
    type=click.Choice([one.value for one in Calendar]),
    help="monthly: the 1st; twice_a_month: the 1st and the 16th; weekly: Monday; none: operators close.",
)
@click.option("--reason", required=True, type=TEXT, help="Why: kept with the event.")
@data_option
def closings(programme: int, calendar: str, reason: str, data: Path | None) -> None:
    """Say when remittances of this programme close by themselves; `poincon serve` does it."""
    from ledger.calendars import set_calendar
    from ledger.programmes import UnknownProgramme

    around = Surroundings(data)

    async def work() -> None:
        async with around.database() as connection:
            await set_calendar(connection, programme, Calendar(calendar), reason=reason, actor=around.actor)

    try:
        run(work())
    except UnknownProgramme as error:
        raise click.UsageError(str(error)) from None
    click.echo(f"remittances of programme {programme} close by themselves: {calendar}")
