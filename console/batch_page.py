"""One batch of transfers: its totals compared, approved by a second person, its file, sent, cancelled."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

import structlog
from aiohttp import web

from console.address import number_in
from console.form import FieldRefused, reason_in
from console.money_field import day_in, number_in_form
from console.payout_words import ATTEMPT_SIGN, BATCH_SIGN, attempt_sentence
from console.payouts_page import PAYOUTS
from console.refusal import NO_FILE, NO_PAYOUT, OWN_BATCH, PageRefused
from console.rendering import NO_STORE
from console.visit import Visit
from ledger.bank_accounts import current_accounts, trustee_account
from ledger.book_rows import BANK
from ledger.books import balance_of
from ledger.four_eyes import is_another_person
from ledger.payout_register import batch_by_programme, endings_of_batch, paid_again, person_names
from ledger.payout_rows import (
    Attempt,
    AttemptState,
    BatchState,
    OperatorAccount,
    PayoutBatch,
    PayoutRefused,
)
from ledger.payouts import attempts_of, batch_file, cancel_batch, mark_sent, no_longer_owed, read_batch
from ledger.structures import paris_day
from payouts.approving import REQUESTED_DAYS_MAX, Totals, approve
from payouts.preparing import account_trouble
from payouts.words import BATCH_STATE, LEFT_OUT

ATTEMPTS_SHOWN_MAX = 500
TROUBLES_SHOWN_MAX = 5
SATURDAY = 5
TOTALS = "totaux"
CHANGED = (
    "Ce lot n’est plus tel que vous l’avez vu : relisez-le. S’il ne correspond plus à ce qui est dû,"
    " annulez-le et préparez-en un autre."
)
NOT_CANCELLABLE = "Seul un lot qui n’est pas approuvé s’annule : son fichier est peut-être déjà à la banque."
NOT_SENDABLE = "Seul un lot approuvé se remet à la banque."

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Check:
    """Something to compare before releasing money."""

    is_right: bool
    text: str


async def show_batch(visit: Visit) -> web.StreamResponse:
    return await _page(visit, await _batch(visit))


async def approve_batch(visit: Visit) -> web.StreamResponse:
    batch = await _batch(visit)
    if not is_another_person(visit.account.person_id, prepared_by=[batch.prepared_by]):
        raise PageRefused(OWN_BATCH)
    try:
        seen = Totals(
            number_in_form(visit.form, "nombre", told=CHANGED),
            number_in_form(visit.form, "total", told=CHANGED),
        )
        requested_on = _execution_day(visit)
        await approve(
            visit.connection,
            batch.id,
            seen=seen,
            person_id=visit.account.person_id,
            actor=visit.account.actor,
            now=visit.now,
            requested_on=requested_on,
        )
    except FieldRefused as wrong:
        return await _page(visit, batch, wrong)
    except PayoutRefused as error:
        log.warning("approval_refused", batch=batch.id, why=str(error))
        return await _page(visit, await _batch(visit), FieldRefused(TOTALS, CHANGED))
    raise web.HTTPSeeOther(f"{PAYOUTS}/{batch.id}?approuve")


async def send_file(visit: Visit) -> web.StreamResponse:
    """The bytes that were approved, however often they are asked for."""
    batch = await _batch(visit)
    if batch.message_id is None:
        raise PageRefused(NO_FILE)
    disposition = f'attachment; filename="{batch.message_id}.xml"'
    return web.Response(
        body=await batch_file(visit.connection, batch.id),
        content_type="application/xml",
        headers=NO_STORE | {"Content-Disposition": disposition},
    )


async def mark_batch_sent(visit: Visit) -> web.StreamResponse:
    batch = await _batch(visit)
    try:
        await mark_sent(visit.connection, batch.id, actor=visit.account.actor, at=visit.now)
    except PayoutRefused:
        return await _page(visit, batch, FieldRefused("remise", NOT_SENDABLE))
    raise web.HTTPSeeOther(f"{PAYOUTS}/{batch.id}")


async def cancel(visit: Visit) -> web.StreamResponse:
    batch = await _batch(visit)
    try:
        reason = reason_in(visit.form)
        await cancel_batch(visit.connection, batch.id, actor=visit.account.actor, at=visit.now, reason=reason)
    except FieldRefused as wrong:
        return await _page(visit, batch, wrong)
    except PayoutRefused:
        return await _page(visit, await _batch(visit), FieldRefused("motif", NOT_CANCELLABLE))
    raise web.HTTPSeeOther(f"{PAYOUTS}/{batch.id}")


async def _batch(visit: Visit) -> PayoutBatch:
    try:
        return await read_batch(visit.connection, number_in(visit, "batch", NO_PAYOUT))
    except PayoutRefused:
        raise PageRefused(NO_PAYOUT) from None


def _execution_day(visit: Visit) -> date:
    day, today = day_in(visit.form, "jour"), paris_day(visit.now)
    if not today <= day <= today + timedelta(days=REQUESTED_DAYS_MAX):
        raise FieldRefused("jour", f"Choisissez un jour d’ici à {REQUESTED_DAYS_MAX} jours.")
    return day


def next_weekday(today: date) -> date:
    """When a bank would execute at the soonest; its holidays are its own to tell."""
    day = today + timedelta(days=1)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return day


async def _checks(
    visit: Visit, batch: PayoutBatch, attempts: list[Attempt], accounts: dict[int, OperatorAccount]
) -> list[Check]:
    """What approve() holds too, told before it is asked, and whether the bank account can bear it."""
    unpayable = [
        f"{one.operator} {LEFT_OUT[why]}"
        for one in attempts
        if (why := account_trouble(accounts.get(one.operator_id), now=visit.now))
    ]
    changed = await no_longer_owed(visit.connection, batch.id)
    trustee = await trustee_account(visit.connection)
    bank_cents = await balance_of(visit.connection, BANK)
    is_sum = Totals(len(attempts), sum(one.amount_cents for one in attempts)) == Totals(
        batch.transfer_count, batch.total_cents
    )
    again = await paid_again(visit.connection, batch.id)
    return [
        Check(is_sum, "Les virements, additionnés de nouveau, font le total du lot."),
        Check(
            not changed, "Chaque montant est encore dû." if not changed else _named(CHANGED_SINCE, changed)
        ),
        Check(
            not unpayable,
            "Chaque compte bancaire est approuvé et utilisable." if not unpayable else _named("", unpayable),
        ),
        Check(
            trustee is not None,
            f"Le compte qui paie est approuvé : {trustee.holder}."
            if trustee
            else "Le compte qui paie n’est pas en place.",
        ),
        Check(
            bank_cents >= batch.total_cents,
            "Le compte contient de quoi payer, d’après les relevés importés."
            if bank_cents >= batch.total_cents
            else "D’après les relevés importés, le compte ne contient pas de quoi payer ce lot.",
        ),
        *([Check(False, _named(AGAIN, again))] if again else []),
    ]


AGAIN = (
    "Un premier virement a été rejeté, ou est revenu, d’après les fichiers importés ; demandez à la banque"
    " qu’elle le confirme : "
)
CHANGED_SINCE = "Montants qui ne sont plus ceux dus : "


def _named(start: str, told: list[str]) -> str:
    more = len(told) - TROUBLES_SHOWN_MAX
    return start + " ; ".join(told[:TROUBLES_SHOWN_MAX]) + (f" ; et {more} de plus" if more > 0 else "") + "."


async def _page(visit: Visit, batch: PayoutBatch, wrong: FieldRefused | None = None) -> web.StreamResponse:
    attempts = await attempts_of(visit.connection, batch.id)
    endings = await endings_of_batch(visit.connection, batch.id)
    is_draft = batch.state is BatchState.DRAFT
    # Whoever approves sees where the money would go; from then on it is kept with the transfer.
    operators = sorted({one.operator_id for one in attempts}) if is_draft else []
    accounts = await current_accounts(visit.connection, operators, at=visit.now)
    return visit.show(
        "batch.html",
        wrong=wrong,
        batch=batch,
        sign=BATCH_SIGN[batch.state],
        sentence=BATCH_STATE[batch.state],
        is_draft=is_draft,
        is_sendable=batch.state is BatchState.APPROVED,
        has_file=batch.message_id is not None,
        is_own=batch.prepared_by == visit.account.person_id,
        is_new="approuve" in visit.request.query,
        names=await person_names(visit.connection, [batch.prepared_by, batch.approved_by]),
        parts=await batch_by_programme(visit.connection, batch.id),
        checks=await _checks(visit, batch, attempts, accounts) if is_draft else [],
        accounts=accounts,
        attempts=[
            (one, ATTEMPT_SIGN[one.state], attempt_sentence(one, batch, endings.get(one.id, ())))
            for one in islice(_troubled_first(attempts), ATTEMPTS_SHOWN_MAX)
        ],
        hidden=max(0, len(attempts) - ATTEMPTS_SHOWN_MAX),
        today=paris_day(visit.now),
        proposed_day=next_weekday(paris_day(visit.now)),
    )


def _troubled_first(attempts: list[Attempt]) -> list[Attempt]:
    troubled = {AttemptState.REJECTED, AttemptState.RETURNED}
    return sorted(attempts, key=lambda one: (one.state not in troubled, one.id))
