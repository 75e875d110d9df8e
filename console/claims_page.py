"""Corrections that no bordereau has taken along, to whom they concern: waiting, or claimed by letter."""

from aiohttp import web

from console.address import number_in
from console.payout_words import CAUSES
from console.refusal import BUSY, NO_CORRECTION, PageRefused
from console.rendering import NO_STORE
from console.visit import Visit
from ledger.correction_claims import claimed_corrections, pay_by, read_claim, reference_of
from ledger.corrections import waiting_corrections
from ledger.payout_register import operator_names, programme_names
from payouts.claim_letter import letter_name
from payouts.drawing import DrawingBusy


async def show_claims(visit: Visit) -> web.StreamResponse:
    """A manager reads its operator's, with each reason: no deduction comes unannounced."""
    own = visit.account.operator_id
    claimed = await claimed_corrections(visit.connection, own)
    waiting = await waiting_corrections(visit.connection, own)
    return visit.show(
        "claims.html",
        is_own=own is not None,
        claimed=claimed,
        waiting=waiting,
        names=await operator_names(visit.connection, [one.operator_id for one in [*claimed, *waiting]]),
        programmes=await programme_names(visit.connection),
        causes=CAUSES,
        pay_by=pay_by,
        reference_of=reference_of,
    )


async def send_letter(visit: Visit) -> web.StreamResponse:
    """To a manager, another operator's is as good as unknown."""
    letter = await read_claim(visit.connection, number_in(visit, "correction", NO_CORRECTION))
    if letter is None or visit.account.operator_id not in {None, letter.operator_id}:
        raise PageRefused(NO_CORRECTION)
    try:
        drawn = await visit.console.drawings.draw_claim(letter)
    except DrawingBusy:
        raise PageRefused(BUSY) from None
    disposition = f'attachment; filename="{letter_name(letter)}"'
    return web.Response(
        body=drawn, content_type="application/pdf", headers=NO_STORE | {"Content-Disposition": disposition}
    )
