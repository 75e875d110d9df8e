"""What the end of a programme's validity asks of somebody now, in a sentence each, for « Aujourd’hui »."""

from collections.abc import AsyncIterator
from datetime import datetime

from ledger.connect import Connection
from ledger.joint_statements import Become, decisions_of, find_statement, signatures_of
from ledger.validity_ends import EndingProgramme, done_stages, ending_programmes
from programmes.end_of_validity import Phase, Stage, Validity, due_stages
from programmes.print.french import exact_euros, long_day

WAITS = {
    Stage.BLOCK_PROPOSED: "les carnets jamais remis sont à bloquer",
    Stage.BLOCK_APPROVED: "le commanditaire doit approuver le blocage des carnets jamais remis",
    Stage.ACKNOWLEDGED: "le commanditaire doit prendre en compte la fin de validité",
}
ALERTED = (Phase.ALERT, Phase.BLOCK, Phase.LAST_WEEK)


async def ending_needs(connection: Connection, *, now: datetime) -> AsyncIterator[tuple[str, str]]:
    """The sentence and where to go."""
    for ending in await ending_programmes(connection):
        async for text in _needs_of(connection, ending, now):
            yield f"{ending.name} : {text}.", f"/console/fin-de-validite?programme={ending.id}"


async def _needs_of(connection: Connection, ending: EndingProgramme, now: datetime) -> AsyncIterator[str]:
    validity = Validity(ending.last_day, ending.grace_days)
    phase = validity.phase(now)
    if phase in ALERTED:
        yield f"les pass ne s’utiliseront plus après le {long_day(ending.last_day)}"
    done = {Stage(one) for one in await done_stages(connection, ending)}
    for stage in due_stages(validity, done, now):
        if stage in WAITS:
            yield WAITS[stage]
    if phase is Phase.STATEMENT and Stage.RELEASED in done:
        async for text in _of_statement(connection, ending):
            yield text


async def _of_statement(connection: Connection, ending: EndingProgramme) -> AsyncIterator[str]:
    statement = await find_statement(connection, ending)
    if statement is None:
        yield "l’état contradictoire est à arrêter"
        return
    if len(await signatures_of(connection, statement)) < 2:
        yield "l’état contradictoire est à signer des deux côtés"
        return
    decisions = await decisions_of(connection, statement)
    left_cents = statement.unused_cents - sum(one.amount_cents for one in decisions)
    if left_cents:
        yield f"le commanditaire doit décider ce que deviennent {exact_euros(left_cents)} inutilisés"
    for one in decisions:
        if one.kind is Become.REFUND and not one.is_done:
            yield f"{exact_euros(one.amount_cents)} sont à rembourser au commanditaire"
