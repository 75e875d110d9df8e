"""Corrections and disputes: decided with a reason, released, corrected, or claimed by letter."""

import structlog
from aiohttp import web

from console.address import NUMBER_MAX, number_in
from console.form import FieldRefused, reason_in
from console.money_field import euros_in, number_in_form
from console.payout_words import CAUSES
from console.refusal import NO_CORRECTION, NO_DISPUTE, PageRefused
from console.visit import Visit
from ledger.book_rows import BalanceRefused
from ledger.correction_rows import CorrectionCause
from ledger.corrections import (
    AMOUNT_CENTS_MAX,
    CorrectionRefused,
    SameCorrection,
    claim_correction,
    decide_correction,
    waiting_corrections,
)
from ledger.disputes import (
    DisputeRefused,
    correct_dispute,
    disputes_of,
    held_disputes,
    open_dispute,
    release_dispute,
)
from ledger.payout_register import operator_names, programme_names
from ledger.remittance_register import operators_with_remittances
from ledger.remittances import read_remittance

CORRECTIONS = "/console/corrections"
DECIDING, DISPUTING = "decider", "contester"
MORE, LESS = "plus", "moins"
CHOOSE_CAUSE = "Choisissez la cause."
CHOOSE_STRUCTURE = "Choisissez la structure."
CHOOSE_PROGRAMME = "Choisissez le programme."
SAME = (
    "Vous avez déjà décidé cette même correction, et elle attend : le bouton a pu être pressé deux fois."
    " Si c’en est une autre, dites-le dans le motif."
)
NOT_HELD = (
    "Cette ligne ne peut plus être retenue : son bordereau est en cours de virement, ou payé, ou des"
    " corrections en ont déjà pris la somme. Décidez une correction."
)

log = structlog.get_logger(__name__)


async def show_corrections(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def decide(visit: Visit) -> web.StreamResponse:
    try:
        operator_id = await _operator_in(visit)
        programme_id = number_in_form(visit.form, "programme", told=CHOOSE_PROGRAMME)
        if programme_id not in await programme_names(visit.connection):
            raise FieldRefused("programme", CHOOSE_PROGRAMME)
        if visit.form.get("sens") not in (MORE, LESS):
            raise FieldRefused("sens", "Dites si la structure reçoit ou rend.")
        cents = euros_in(visit.form, "montant")
        if cents > AMOUNT_CENTS_MAX:
            raise FieldRefused("montant", "Une correction ne dépasse pas dix millions d’euros.")
        cause, reason = _cause_in(visit), reason_in(visit.form)
        await decide_correction(
            visit.connection,
            operator_id=operator_id,
            programme_id=programme_id,
            amount_cents=cents if visit.form["sens"] == MORE else -cents,
            cause=cause,
            reason=reason,
            decided_by=visit.account.id,
            actor=visit.account.actor,
            at=visit.now,
            refuse_same=True,
        )
    except FieldRefused as wrong:
        return await _page(visit, wrong, DECIDING)
    except SameCorrection as error:
        log.warning("correction_refused", why=str(error))
        return await _page(visit, FieldRefused("motif", SAME), DECIDING)
    raise web.HTTPSeeOther(f"{CORRECTIONS}?decide")


async def claim(visit: Visit) -> web.StreamResponse:
    correction_id = number_in(visit, "correction", NO_CORRECTION)
    try:
        await claim_correction(
            visit.connection,
            correction_id,
            decided_by=visit.account.id,
            actor=visit.account.actor,
            at=visit.now,
        )
    except CorrectionRefused:
        raise PageRefused(NO_CORRECTION) from None
    raise web.HTTPSeeOther(f"{CORRECTIONS}?reclame={correction_id}")


async def dispute(visit: Visit) -> web.StreamResponse:
    try:
        operator_id = await _operator_in(visit)
        number = _bounded(visit, "bordereau", "Écrivez le numéro du bordereau.")
        line = _bounded(visit, "ligne", "Écrivez le numéro de la ligne, comme sur le bordereau.")
        reason = reason_in(visit.form)
        await _refuse_line(visit, operator_id, number, line)
        await open_dispute(
            visit.connection,
            operator_id=operator_id,
            number=number,
            line=line,
            reason=reason,
            opened_by=visit.account.id,
            actor=visit.account.actor,
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _page(visit, wrong, DISPUTING)
    except DisputeRefused as error:
        log.warning("dispute_refused", why=str(error))
        return await _page(visit, FieldRefused("ligne", NOT_HELD), DISPUTING)
    raise web.HTTPSeeOther(f"{CORRECTIONS}?conteste")


async def release(visit: Visit) -> web.StreamResponse:
    dispute_id = number_in(visit, "dispute", NO_DISPUTE)
    try:
        reason = reason_in(visit.form)
        await release_dispute(
            visit.connection,
            dispute_id,
            reason=reason,
            resolved_by=visit.account.id,
            actor=visit.account.actor,
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _page(visit, wrong, f"lever-{dispute_id}")
    except DisputeRefused:
        raise PageRefused(NO_DISPUTE) from None
    raise web.HTTPSeeOther(f"{CORRECTIONS}?leve")


async def correct(visit: Visit) -> web.StreamResponse:
    dispute_id = number_in(visit, "dispute", NO_DISPUTE)
    try:
        cause, reason = _cause_in(visit), reason_in(visit.form)
        await correct_dispute(
            visit.connection,
            dispute_id,
            cause=cause,
            reason=reason,
            resolved_by=visit.account.id,
            actor=visit.account.actor,
            at=visit.now,
        )
    except FieldRefused as wrong:
        return await _page(visit, wrong, f"corriger-{dispute_id}")
    except (DisputeRefused, BalanceRefused):
        raise PageRefused(NO_DISPUTE) from None
    raise web.HTTPSeeOther(f"{CORRECTIONS}?corrige")


async def _operator_in(visit: Visit) -> int:
    number = number_in_form(visit.form, "structure", told=CHOOSE_STRUCTURE)
    if not await operator_names(visit.connection, [number]):
        raise FieldRefused("structure", CHOOSE_STRUCTURE)
    return number


def _bounded(visit: Visit, field: str, told: str) -> int:
    number = number_in_form(visit.form, field, told=told)
    if not 1 <= number <= NUMBER_MAX:
        raise FieldRefused(field, told)
    return number


def _cause_in(visit: Visit) -> CorrectionCause:
    try:
        return CorrectionCause(visit.form.get("cause", ""))
    except ValueError:
        raise FieldRefused("cause", CHOOSE_CAUSE) from None


async def _refuse_line(visit: Visit, operator_id: int, number: int, line: int) -> None:
    closed = await read_remittance(visit.connection, operator_id, number)
    if closed is None:
        raise FieldRefused("bordereau", "Cette structure n’a pas de bordereau de ce numéro.")
    if line > closed.remittance.line_count:
        raise FieldRefused("ligne", f"Ce bordereau a {closed.remittance.line_count} lignes.")
    if any(one.line == line for one in await disputes_of(visit.connection, operator_id, number)):
        raise FieldRefused("ligne", "Cette ligne a déjà été contestée : décidez une correction.")


DONE = {
    "decide": "La correction est décidée. Le prochain bordereau de la structure la prend en compte.",
    "reclame": "La somme est réclamée par lettre : aucun bordereau ne la retiendra plus.",
    "conteste": "La ligne est retenue. Le reste du bordereau est payé.",
    "leve": "Le litige est levé. La ligne sera payée par un virement à part.",
    "corrige": "La ligne ne sera pas payée. Son montant revient au programme.",
}


async def _page(visit: Visit, wrong: FieldRefused | None = None, form_shown: str = "") -> web.StreamResponse:
    waiting = await waiting_corrections(visit.connection)
    held = await held_disputes(visit.connection)
    return visit.show(
        "corrections.html",
        wrong=wrong,
        form_shown=form_shown,
        done=next((text for name, text in DONE.items() if name in visit.request.query), ""),
        corrections=waiting,
        disputes=held,
        names=await operator_names(
            visit.connection, [one.operator_id for one in waiting] + [one.operator_id for one in held]
        ),
        structures=await operators_with_remittances(visit.connection),
        programmes=await programme_names(visit.connection),
        causes=CAUSES,
        asked=visit.request.query,
    )
