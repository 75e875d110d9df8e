"""`poincon handouts`: what was handed out, and the questionnaire that goes with it."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from command.surroundings import Surroundings, data_option, print_json, run
from ledger.handout_rows import Handout, KeptQuestionnaire

FILE_BYTES_MAX = 64 * 1024
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")


@click.group()
def handouts() -> None:
    """Hand-outs of booklets to beneficiaries, who are counted and never recorded."""


@handouts.command("list")
@click.argument("prescriber", type=click.IntRange(1))
@json_option
@data_option
def list_all(prescriber: int, as_json: bool, data: Path | None) -> None:
    """List the newest hand-outs of PRESCRIBER."""
    from ledger.handouts import newest_handouts

    async def work() -> list[Handout]:
        async with Surroundings(data).database() as connection:
            return await newest_handouts(connection, prescriber)

    for one in run(work()):
        if as_json:
            print_json(asdict(one))
        else:
            undone = ", undone" if one.undone_at else ""
            click.echo(
                f"{one.handed_at:%Y-%m-%d %H:%M} UTC  booklet {one.booklet}, passes {one.first_pass} to"
                f" {one.last_pass}, by {one.person}{undone}"
            )


@handouts.group("questionnaire")
def questionnaire() -> None:
    """The questionnaire per beneficiary, by programme and version: answers are codes, and nothing else."""


@questionnaire.command("load")
@click.argument("programme", type=click.IntRange(1))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=False)
@json_option
@data_option
def load(programme: int, file: Path | None, as_json: bool, data: Path | None) -> None:
    """Give PROGRAMME the questionnaire of a TOML or JSON FILE, ours when none is named.

    One that differs from the last is its next version; answers keep the version that they were given to.
    """
    from ledger.questionnaires import load_questionnaire
    from programmes.questionnaire import (
        QuestionnaireError,
        content_of,
        default_questionnaire,
        read_questionnaire,
    )

    try:
        read = read_questionnaire(file.read_bytes()) if file else default_questionnaire()
    except QuestionnaireError as error:
        raise click.ClickException(str(error)) from None
    around = Surroundings(data)

    async def work() -> KeptQuestionnaire:
        async with around.database() as connection:
            return await load_questionnaire(
                connection, programme, content_of(read), at=datetime.now(UTC), actor=around.actor
            )

    _tell(run(work()), as_json=as_json)


@questionnaire.command("show")
@click.argument("programme", type=click.IntRange(1))
@json_option
@data_option
def show(programme: int, as_json: bool, data: Path | None) -> None:
    """Show the versions of PROGRAMME's questionnaire."""
    from ledger.questionnaires import list_questionnaires

    async def work() -> list[KeptQuestionnaire]:
        async with Surroundings(data).database() as connection:
            return await list_questionnaires(connection, programme)

    for one in run(work()):
        _tell(one, as_json=as_json)


def _tell(one: KeptQuestionnaire, *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(one))
    else:
        asked = ", ".join(question["label"] for question in one.content["questions"])
        click.echo(f"programme {one.programme_id}, version {one.version}: {asked}")
