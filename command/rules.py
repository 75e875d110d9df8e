"""`poincon programmes rules` and `amend-rules`: a programme's convention, as it is and as it was."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from command.surroundings import TEXT, Surroundings, data_option, print_json, run
from ledger.rule_rows import Rules

PARIS = ZoneInfo("Europe/Paris")
programme_argument = click.argument("programme", type=click.IntRange(1))
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


@click.command("rules")
@programme_argument
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="As they were on this day; else today.")
@click.option("--all", "all_versions", is_flag=True, help="Every version, oldest first.")
@json_option
@data_option
def rules(programme: int, day: datetime | None, all_versions: bool, as_json: bool, data: Path | None) -> None:
    """Show the rules of PROGRAMME's convention."""
    from ledger.programme_rules import list_versions, rules_on

    async def work() -> list[Rules]:
        async with Surroundings(data).database() as connection:
            if all_versions:
                return await list_versions(connection, programme)
            wanted = day.date() if day else datetime.now(UTC).astimezone(PARIS).date()
            return [await rules_on(connection, programme, wanted)]

    found = run(work())
    if as_json:
        print_json([_json(one) for one in found] if all_versions else _json(found[0]))
        return
    for one in found:
        click.echo(
            f"version {one.version}, in force from {one.in_force_from}, {one.decided_by}: {one.reason}"
        )
        for name, value in asdict(one.figures).items():
            click.echo(f"  {name}: {value if value is not None else 'none'}")


@click.command("amend-rules")
@programme_argument
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--from", "in_force_from", type=click.DateTime(["%Y-%m-%d"]), help="In force from; else today.")
@click.option("--reason", required=True, type=TEXT, help="The amendment's reference.")
@data_option
def amend_rules(
    programme: int, file: Path, in_force_from: datetime | None, reason: str, data: Path | None
) -> None:
    """Amend PROGRAMME's rules by what the TOML FILE says; what it does not say stays. Nothing is rewritten.

    Its names are those that `poincon programmes rules` shows; `territories` are by name, `services` by code.
    """
    from ledger.amendments import amend_rules
    from ledger.parties import known_names
    from ledger.programme_rules import newest_rules
    from programmes.amending import read_amendment

    around = Surroundings(data)
    text = file.read_text(encoding="utf-8")

    async def work() -> Rules:
        async with around.database() as connection:
            now = datetime.now(UTC)
            before = await newest_rules(connection, programme)
            return await amend_rules(
                connection,
                programme,
                read_amendment(text, before.figures, await known_names(connection)),
                of_version=before.version,
                in_force_from=in_force_from.date() if in_force_from else now.astimezone(PARIS).date(),
                reason=reason,
                actor=around.actor,
                at=now,
            )

    done = run(work())
    click.echo(f"programme {programme}: version {done.version}, in force from {done.in_force_from}")


def _json(one: Rules) -> dict[str, Any]:
    told = asdict(one)
    figures: dict[str, Any] = told.pop("figures")
    return told | figures
