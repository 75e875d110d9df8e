"""The prescriber's desk: a booklet scanned or typed, answers in codes, handed out. Nothing can be written."""

import uuid
from collections.abc import Mapping
from datetime import timedelta

from aiohttp import web

from console.address import number_in
from console.form import FieldRefused, booklet_in
from console.handout_words import REFUSALS, UNDO_CAUSES
from console.refusal import NO_HANDOUT, NO_LONGER_PRESCRIBER, PageRefused
from console.visit import Visit
from ledger.booklets import cancel_booklets
from ledger.custody import read_stock
from ledger.handout_rows import (
    BookletToHandOut,
    Handout,
    HandoutRefusal,
    KeptQuestionnaire,
    NewHandout,
    UndoCause,
)
from ledger.handouts import (
    HandoutRefused,
    find_booklet_to_hand_out,
    find_by_request,
    find_handout,
    hand_out,
    newest_handouts,
    refuse_handout,
    undo_handout,
)
from ledger.prescribers import hands_out_for
from ledger.questionnaires import current_questionnaire
from ledger.rows import CancelCause
from programmes.questionnaire import AnswerMissing, Answers, Questionnaire, answers_in, from_content

DESK = "/console/remise"
BOOKLET, DONE = "carnet", "remis"
UNDO_WITHIN = timedelta(days=1)
LATEST = 5
LOSSES = {CancelCause.LOST: "Perdu", CancelCause.STOLEN: "Volé"}
# What the journal keeps: a prescriber writes nothing, so that nobody is named.
LOSS_REASON = "déclaré par le prescripteur"


async def show_desk(visit: Visit) -> web.StreamResponse:
    """With `?carnet=`, also that booklet and its questionnaire."""
    asked = visit.request.query
    if BOOKLET not in asked:
        return await _desk(visit)
    try:
        return await _desk(visit, await _found(visit, booklet_in(asked, BOOKLET)))
    except FieldRefused as wrong:
        return await _desk(visit, wrong=wrong)


async def give(visit: Visit) -> web.StreamResponse:
    await _refuse_who_left(visit)
    booklet = None
    try:
        if done := await find_by_request(visit.connection, _request_in(visit.form)):
            raise web.HTTPSeeOther(f"{DESK}?{DONE}={done.id}")  # the second of two taps
        booklet = await _found(visit, booklet_in(visit.form, BOOKLET))
        kept = await current_questionnaire(visit.connection, booklet.programme_id)
        new = _new_handout(visit, booklet, kept)
        done = await hand_out(visit.connection, new, at=visit.now, actor=visit.account.actor)
    except FieldRefused as wrong:
        return await _desk(visit, booklet, wrong=wrong)
    except HandoutRefused as refused:
        return await _desk(visit, wrong=FieldRefused(BOOKLET, REFUSALS[refused.why]))
    raise web.HTTPSeeOther(f"{DESK}?{DONE}={done.id}")


async def undo(visit: Visit) -> web.StreamResponse:
    await _refuse_who_left(visit)
    handout = await find_handout(visit.connection, number_in(visit, "handout", NO_HANDOUT))
    if handout is None or handout.prescriber_id != visit.account.prescriber_id:
        raise PageRefused(NO_HANDOUT)
    try:
        cause = UndoCause(visit.form.get("cause", ""))
        is_recent = visit.now - handout.handed_at <= UNDO_WITHIN
        if not is_recent or not await undo_handout(
            visit.connection, handout.id, cause=cause, at=visit.now, actor=visit.account.actor
        ):
            raise FieldRefused(BOOKLET, "Il est trop tard pour annuler cette remise : écrivez au mandataire.")
    except ValueError:
        return await _desk(visit, done=handout, wrong=FieldRefused("cause", "Choisissez pourquoi."))
    except FieldRefused as wrong:
        return await _desk(visit, wrong=wrong)
    raise web.HTTPSeeOther(DESK)


async def tell_loss(visit: Visit) -> web.StreamResponse:
    """Its passes are refused at once. What is left of it is issued again by the trustee."""
    await _refuse_who_left(visit)
    try:
        booklet = await _found(visit, booklet_in(visit.form, BOOKLET), own_only=True)
        try:
            cause = CancelCause(visit.form.get("cause", ""))
        except ValueError:
            cause = CancelCause.VOID
        if cause not in LOSSES:
            raise FieldRefused("cause", "Dites si le carnet est perdu ou volé.")
    except FieldRefused as wrong:
        return await _desk(visit, wrong=wrong)
    await cancel_booklets(
        visit.connection,
        [booklet.number],
        cause=cause,
        at=visit.now,
        actor=visit.account.actor,
        reason=LOSS_REASON,
    )
    raise web.HTTPSeeOther(f"{DESK}?bloque={booklet.number}")


async def _refuse_who_left(visit: Visit) -> None:
    assert visit.account.prescriber_id is not None
    if not await hands_out_for(visit.connection, visit.account.prescriber_id, visit.account.person_id):
        raise PageRefused(NO_LONGER_PRESCRIBER)


async def _found(visit: Visit, number: int, *, own_only: bool = False) -> BookletToHandOut:
    """A booklet of this prescriber's stock. Of others nothing is told."""
    booklet = await find_booklet_to_hand_out(visit.connection, number, now=visit.now)
    if booklet is None:
        raise FieldRefused(BOOKLET, REFUSALS[HandoutRefusal.UNKNOWN_BOOKLET])
    if booklet.prescriber_id != visit.account.prescriber_id:
        raise FieldRefused(BOOKLET, REFUSALS[HandoutRefusal.NOT_IN_STOCK])
    if own_only:
        return booklet
    first = booklet.first_left or 1
    refusal = refuse_handout(booklet, _probe(visit, booklet, first))
    if refusal is not None:
        raise FieldRefused(BOOKLET, REFUSALS[refusal])
    return booklet


def _probe(visit: Visit, booklet: BookletToHandOut, first: int) -> NewHandout:
    assert visit.account.prescriber_id is not None
    return NewHandout(
        uuid.uuid4(),
        booklet.number,
        first,
        first,
        visit.account.prescriber_id,
        visit.account.person_id,
        None,
        None,
        (),
    )


def _new_handout(visit: Visit, booklet: BookletToHandOut, kept: KeptQuestionnaire | None) -> NewHandout:
    assert visit.account.prescriber_id is not None
    first, last = _passes_in(visit.form, booklet)
    answers = Answers({}, ())
    if not booklet.is_replacement:
        if kept is None:
            raise FieldRefused(
                BOOKLET, "Ce programme n’a pas encore de questionnaire : écrivez au mandataire."
            )
        if visit.form.get("questionnaire") != str(kept.id):
            raise FieldRefused(BOOKLET, "Le questionnaire vient de changer : répondez à celui-ci.")
        try:
            answers = answers_in(from_content(kept.content), visit.form)
        except AnswerMissing as missing:
            raise FieldRefused(missing.question, "Choisissez une réponse.") from None
    return NewHandout(
        _request_in(visit.form),
        booklet.number,
        first,
        last,
        visit.account.prescriber_id,
        visit.account.person_id,
        kept.id if kept else None,
        answers.codes,
        answers.publics,
    )


def _passes_in(form: Mapping[str, str], booklet: BookletToHandOut) -> tuple[int, int]:
    """So many passes from the first that is left; all of them unless told."""
    first = booklet.first_left
    assert first is not None
    run = next(n for n in range(first, booklet.pass_count + 2) if n not in booklet.left) - first
    wanted = form.get("pass", "") or str(run)
    if not (wanted.isascii() and wanted.isdecimal() and len(wanted) <= 3 and 1 <= int(wanted) <= run):
        raise FieldRefused("pass", f"De 1 à {run} pass peuvent être remis.")
    return first, first + int(wanted) - 1


def _request_in(form: Mapping[str, str]) -> uuid.UUID:
    try:
        return uuid.UUID(form.get("demande", ""))
    except ValueError:
        raise FieldRefused(BOOKLET, "Ce formulaire est incomplet : recommencez.") from None


async def _desk(
    visit: Visit,
    booklet: BookletToHandOut | None = None,
    *,
    done: Handout | None = None,
    wrong: FieldRefused | None = None,
) -> web.StreamResponse:
    prescriber_id = visit.account.prescriber_id
    assert prescriber_id is not None
    latest = await newest_handouts(visit.connection, prescriber_id, limit=LATEST)
    told = visit.request.query.get(DONE, "")
    if done is None and told.isdecimal():
        done = next((one for one in latest if str(one.id) == told and one.undone_at is None), None)
    return visit.show(
        "handout.html",
        wrong=wrong,
        booklet=booklet,
        questionnaire=await _questions(visit, booklet),
        request_id=visit.form.get("demande") or str(uuid.uuid4()),
        done=done,
        blocked=visit.request.query.get("bloque", "")[:20],
        stock=await read_stock(visit.connection, prescriber_id, now=visit.now),
        latest=latest,
        undo_causes=UNDO_CAUSES,
        losses=LOSSES,
        asked=visit.form.get(BOOKLET) or visit.request.query.get(BOOKLET, ""),
    )


async def _questions(visit: Visit, booklet: BookletToHandOut | None) -> tuple[int, Questionnaire] | None:
    if booklet is None or booklet.is_replacement:
        return None
    kept = await current_questionnaire(visit.connection, booklet.programme_id)
    return (kept.id, from_content(kept.content)) if kept else None
