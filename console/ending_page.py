"""The end of a programme's validity on screen: its stages, the joint statement with two signatures, and what
becomes of unused value. Who may do what is in routes.py; that two sides are two persons is the record's."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from aiohttp import web

from console.address import number_in
from console.form import FieldRefused, reason_in
from console.money_field import euros_in, number_in_form
from console.refusal import NO_PAGE, PageRefused
from console.visit import Visit
from ledger.account_rows import Role
from ledger.joint_statements import (
    Become,
    JointStatement,
    Side,
    StatementRefused,
    confirm_refund,
    decide_unused,
    decisions_of,
    draw_statement,
    find_statement,
    refund_lines,
    sign_statement,
    signatures_of,
)
from ledger.payout_register import person_names
from ledger.statement_papers import find_papers
from ledger.validity_ends import (
    EndingProgramme,
    StageRefused,
    approve_block,
    booklets_not_handed_out,
    done_stages,
    ending_programmes,
    propose_block,
    record_stage,
)
from payouts.statement_freezing import freeze_statement
from programmes.end_of_validity import Phase, Stage, Validity, due_stages

PHASES = {
    Phase.RUNNING: "En cours",
    Phase.ALERT: "La fin approche : 30 jours ou moins",
    Phase.BLOCK: "Les carnets jamais remis sont à bloquer",
    Phase.LAST_WEEK: "Dernière semaine",
    Phase.GRACE: "Tolérance",
    Phase.OVER: "Terminé : les pass sont refusés",
    Phase.STATEMENT: "Terminé : état contradictoire",
}
STAGES = {
    Stage.ALERT: "Alerte donnée",
    Stage.BLOCK_PROPOSED: "Blocage des carnets jamais remis, proposé",
    Stage.BLOCK_APPROVED: "Blocage approuvé par le commanditaire",
    Stage.ACKNOWLEDGED: "Fin de validité, prise en compte par le commanditaire",
    Stage.RELEASED: "Valeur des pass expirés rendue aux fonds",
}
BECOME = {
    Become.REFUND: "Remboursement",
    Become.SWAP: "Échange contre des pass d’un autre programme",
    Become.REISSUE: "Nouveaux carnets dans un autre programme",
}
REFUSALS = {
    "already": "C’est déjà fait.",
    "no block": "Aucun blocage n’a été proposé.",
    "proposed the block": "La personne qui a proposé le blocage ne peut pas l’approuver.",
    "not released": "La valeur des pass expirés n’est pas encore rendue aux fonds : un téléphone peut encore"
    " apporter un scan fait à temps.",
    "same person": "Ce côté a signé, ou la même personne a signé pour l’autre.",
    "on the screen": "L’état a changé depuis que cette page est ouverte. Relisez-le.",
    "not signed": "L’état n’est pas encore signé des deux côtés.",
    "exceed": "C’est plus que la valeur inutilisée qui reste à décider.",
    "same funder": "La valeur ne peut aller qu’à un autre programme du même commanditaire.",
    "no whole booklets": "Ce montant ne fait pas un nombre entier de carnets.",
    "missing": "Les fonds libres du programme n’y suffisent plus.",
}
Result = TypeVar("Result")


async def show_ending(visit: Visit, wrong: FieldRefused | None = None) -> web.StreamResponse:
    endings = await ending_programmes(visit.connection, _own(visit))
    ending = _asked(visit, endings)
    if ending is None:
        return visit.show("ending.html", endings=[], ending=None)
    validity = Validity(ending.last_day, ending.grace_days)
    done = await done_stages(visit.connection, ending)
    due = due_stages(validity, {Stage(one) for one in done}, visit.now)
    statement = await find_statement(visit.connection, ending)
    decisions = await decisions_of(visit.connection, statement) if statement else []
    decided_cents = sum(one.amount_cents for one in decisions)
    waiting = [one for one in decisions if not one.is_done]
    return visit.show(
        "ending.html",
        wrong=wrong,
        endings=endings,
        ending=ending,
        validity=validity,
        phase=PHASES[validity.phase(visit.now)],
        is_over=visit.now >= validity.released_from,
        is_for_statement=validity.phase(visit.now) is Phase.STATEMENT,
        stages=[(STAGES[stage], done.get(stage), stage in due) for stage in Stage],
        due={stage.value for stage in due},
        unhanded=len(await booklets_not_handed_out(visit.connection, ending.id)),
        persons=await person_names(visit.connection, [one.by_person for one in done.values()]),
        statement=statement,
        signatures=await signatures_of(visit.connection, statement) if statement else {},
        papers=await find_papers(visit.connection, statement) if statement else None,
        decisions=[(one, BECOME[one.kind]) for one in decisions],
        undecided_cents=statement.unused_cents - decided_cents if statement else 0,
        refunds=[(one, await refund_lines(visit.connection, one.amount_cents)) for one in waiting],
        others=endings_of_funder(await ending_programmes(visit.connection), ending),
        become=BECOME,
        side=_side(visit),
    )


def endings_of_funder(programmes: list[EndingProgramme], ending: EndingProgramme) -> list[EndingProgramme]:
    return [one for one in programmes if one.funder == ending.funder and one.id != ending.id]


async def propose(visit: Visit) -> web.StreamResponse:
    ending = await _due(visit, Stage.BLOCK_PROPOSED)
    return await _done(visit, ending, lambda: propose_block(visit.connection, ending, **_who(visit)))


async def approve(visit: Visit) -> web.StreamResponse:
    ending = await _due(visit, Stage.BLOCK_APPROVED)
    return await _done(visit, ending, lambda: approve_block(visit.connection, ending, **_who(visit)))


async def acknowledge(visit: Visit) -> web.StreamResponse:
    ending = await _due(visit, Stage.ACKNOWLEDGED)
    return await _done(
        visit, ending, lambda: record_stage(visit.connection, ending, Stage.ACKNOWLEDGED, **_who(visit))
    )


async def draw(visit: Visit) -> web.StreamResponse:
    ending = await ending_asked(visit)
    if Validity(ending.last_day, ending.grace_days).phase(visit.now) is not Phase.STATEMENT:
        raise PageRefused(NO_PAGE)
    return await _done(
        visit,
        ending,
        lambda: draw_statement(visit.connection, ending, at=visit.now, actor=visit.account.actor),
    )


async def sign(visit: Visit) -> web.StreamResponse:
    """The form holds the hash of what the screen showed."""
    ending = await ending_asked(visit)
    statement = await statement_asked(visit, ending)
    side = _side(visit)
    if side is None:
        raise PageRefused(NO_PAGE)
    try:
        seen = bytes.fromhex(visit.form.get("empreinte", ""))
    except ValueError:
        seen = b""

    async def signed() -> None:
        await sign_statement(visit.connection, statement, side, seen=seen, **_who(visit))
        await freeze_statement(visit.connection, statement, at=visit.now, actor=visit.account.actor)

    return await _done(visit, ending, signed)


async def decide(visit: Visit) -> web.StreamResponse:
    ending = await ending_asked(visit)
    statement = await statement_asked(visit, ending)
    try:
        kind = Become(visit.form.get("devenir", ""))
    except ValueError:
        return await show_ending(visit, FieldRefused("devenir", "Choisissez ce que devient la valeur."))
    try:
        amount_cents, reason = euros_in(visit.form, "montant"), reason_in(visit.form)
        to_programme = None if kind is Become.REFUND else _programme_in(visit)
    except FieldRefused as wrong:
        return await show_ending(visit, wrong)
    return await _done(
        visit,
        ending,
        lambda: decide_unused(
            visit.connection,
            statement,
            kind,
            amount_cents,
            to_programme=to_programme,
            reason=reason,
            **_who(visit),
        ),
        field="montant",
    )


async def refund(visit: Visit) -> web.StreamResponse:
    """The trustee says which debit of the bank gave the money back."""
    ending = await ending_asked(visit)
    statement = await statement_asked(visit, ending)
    number = number_in(visit, "decision", NO_PAGE)
    decision = next(
        (
            one
            for one in await decisions_of(visit.connection, statement)
            if one.id == number and one.kind is Become.REFUND
        ),
        None,
    )
    if decision is None:
        raise PageRefused(NO_PAGE)
    lines = await refund_lines(visit.connection, decision.amount_cents)
    line = next((row["id"] for row in lines if str(row["id"]) == visit.form.get("ecriture")), None)
    if line is None:
        return await show_ending(visit, FieldRefused("ecriture", "Choisissez l’écriture de la banque."))
    return await _done(
        visit,
        ending,
        lambda: confirm_refund(visit.connection, decision.id, line, at=visit.now, actor=visit.account.actor),
        field="ecriture",
    )


async def _done(
    visit: Visit, ending: EndingProgramme, work: Callable[[], Awaitable[Result]], *, field: str = "etape"
) -> web.StreamResponse:
    try:
        await work()
    except (StageRefused, StatementRefused) as error:
        told = next(
            (words for mark, words in REFUSALS.items() if mark in str(error)), "Refusé par les livres."
        )
        return await show_ending(visit, FieldRefused(field, told))
    raise web.HTTPSeeOther(f"/console/fin-de-validite?programme={ending.id}")


def _own(visit: Visit) -> int | None:
    return visit.account.programme_id if visit.account.role is Role.FUNDER else None


def _who(visit: Visit) -> dict[str, Any]:
    return {"at": visit.now, "actor": visit.account.actor, "person_id": visit.account.person_id}


def _side(visit: Visit) -> Side | None:
    match visit.account.role:
        case Role.FUNDER:
            return Side.FUNDER
        case Role.PREPARER | Role.APPROVER:
            return Side.TRUSTEE
    return None


def _asked(visit: Visit, endings: list[EndingProgramme]) -> EndingProgramme | None:
    asked = visit.request.match_info.get("programme") or visit.request.query.get("programme", "")
    if not asked:
        return endings[0] if endings else None
    found = next((one for one in endings if str(one.id) == asked), None)
    if found is None:
        raise PageRefused(NO_PAGE)
    return found


async def ending_asked(visit: Visit) -> EndingProgramme:
    found = _asked(visit, await ending_programmes(visit.connection, _own(visit)))
    assert found is not None  # its number is in the address
    return found


async def _due(visit: Visit, stage: Stage) -> EndingProgramme:
    """The programme, if the day has come for the stage; what was done already is refused by the record."""
    ending = await ending_asked(visit)
    done = {Stage(one) for one in await done_stages(visit.connection, ending)}
    if stage not in done and stage not in due_stages(
        Validity(ending.last_day, ending.grace_days), done, visit.now
    ):
        raise PageRefused(NO_PAGE)
    return ending


async def statement_asked(visit: Visit, ending: EndingProgramme) -> JointStatement:
    found = await find_statement(visit.connection, ending)
    if found is None:
        raise PageRefused(NO_PAGE)
    return found


def _programme_in(visit: Visit) -> int:
    return number_in_form(visit.form, "vers", told="Choisissez le programme qui reçoit la valeur.")
