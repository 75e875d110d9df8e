"""« Avis »: what was told to whom, what waits for a person, and the addresses that notices go to."""

from typing import Any

from aiohttp import web

from console.address import number_in
from console.form import FieldRefused, reason_in, text_in
from console.notice_words import AUDIENCES, KINDS, STATES, WHAT_TO_DO
from console.origin import origin_of
from console.refusal import NO_NOTICE, PageRefused
from console.visit import Visit
from ledger.contacts import ADDRESS_CHARS_MAX, add_address, is_address, list_addresses, remove_address
from ledger.notice_rows import STUCK, NoticeRefused, NoticeState
from ledger.notices import (
    count_notices,
    find_notice,
    recent_notices,
    resend,
    settle_by_hand,
    stuck_notices,
)
from ledger.payout_register import operator_names, programme_names
from ledger.structures import list_structures
from programmes.notices.letters import letter_of

NOTICES = "/console/avis"
ADDRESSES = "/console/avis/adresses"
WORDS: dict[str, Any] = {"KINDS": KINDS, "AUDIENCES": AUDIENCES, "STATES": STATES, "WHAT_TO_DO": WHAT_TO_DO}
RESEND, CONFIRM, DROP = "renvoyer", "recu", "classer"
TRUSTEE = "mandataire"


async def show_notices(visit: Visit) -> web.StreamResponse:
    stuck, recent = await stuck_notices(visit.connection), await recent_notices(visit.connection)
    return visit.show(
        "notices.html",
        **WORDS,
        stuck=stuck,
        recent=recent,
        counts=await count_notices(visit.connection),
        names=await operator_names(
            visit.connection, [one.operator_id for one in [*stuck, *recent] if one.operator_id]
        ),
        sends_mail=visit.console.sends_mail,
    )


async def show_notice(visit: Visit) -> web.StreamResponse:
    return await _notice_page(visit)


async def decide_notice(visit: Visit) -> web.StreamResponse:
    number = number_in(visit, "notice", NO_NOTICE)
    how: dict[str, Any] = {"actor": visit.account.actor, "at": visit.now}
    try:
        choice, reason = visit.form.get("choix", ""), reason_in(visit.form)
        if choice not in {RESEND, CONFIRM, DROP}:
            raise FieldRefused("choix", "Choisissez ce qu’il faut faire de cet avis.")
        try:
            if choice == RESEND:
                await resend(visit.connection, number, reason=reason, **how)
            else:
                state = NoticeState.SENT if choice == CONFIRM else NoticeState.DROPPED
                await settle_by_hand(visit.connection, number, state, reason=reason, **how)
        except NoticeRefused:
            raise FieldRefused("choix", "Ce choix n’est pas possible : relisez l’état de l’avis.") from None
    except FieldRefused as wrong:
        return await _notice_page(visit, wrong)
    raise web.HTTPSeeOther(NOTICES)


async def show_addresses(visit: Visit) -> web.StreamResponse:
    return await _addresses_page(visit)


async def add_contact(visit: Visit) -> web.StreamResponse:
    try:
        address = text_in(visit.form, "adresse", chars_max=ADDRESS_CHARS_MAX)
        if not is_address(address):
            raise FieldRefused("adresse", "Écrivez une adresse sans accent, par exemple nom@exemple.fr.")
        owner, _, digits = visit.form.get("destinataire", "").partition("-")
        number = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 10 else None
        if owner != TRUSTEE and (owner not in {"structure", "programme"} or number is None):
            raise FieldRefused("destinataire", "Choisissez à qui cette adresse appartient.")
        try:
            await add_address(
                visit.connection,
                address,
                operator_id=number if owner == "structure" else None,
                programme_id=number if owner == "programme" else None,
                actor=visit.account.actor,
                at=visit.now,
            )
        except NoticeRefused:
            told = "Cette adresse y est déjà, ou ce destinataire en a déjà cinq."
            raise FieldRefused("adresse", told) from None
    except FieldRefused as wrong:
        return await _addresses_page(visit, wrong)
    raise web.HTTPSeeOther(ADDRESSES)


async def remove_contact(visit: Visit) -> web.StreamResponse:
    number = number_in(visit, "address", NO_NOTICE)
    try:
        await remove_address(visit.connection, number, actor=visit.account.actor, at=visit.now)
    except NoticeRefused:
        raise PageRefused(NO_NOTICE) from None
    raise web.HTTPSeeOther(ADDRESSES)


async def _notice_page(visit: Visit, wrong: FieldRefused | None = None) -> web.StreamResponse:
    notice = await find_notice(visit.connection, number_in(visit, "notice", NO_NOTICE))
    if notice is None:
        raise PageRefused(NO_NOTICE)
    letter = letter_of(notice.kind, notice.payload, notice.audience)
    return visit.show(
        "notice.html",
        wrong=wrong,
        **WORDS,
        notice=notice,
        letter=letter,
        text=letter.text(origin_of(visit.request, visit.console.public_url)),
        is_stuck=notice.state in STUCK,
        may_confirm=notice.state is NoticeState.UNCLEAR,
    )


async def _addresses_page(visit: Visit, wrong: FieldRefused | None = None) -> web.StreamResponse:
    return visit.show(
        "addresses.html",
        wrong=wrong,
        addresses=await list_addresses(visit.connection),
        structures=await list_structures(visit.connection, now=visit.now),
        programmes=await programme_names(visit.connection),
        TRUSTEE=TRUSTEE,
    )
