"""The account that pays, the trustee's own: proposed by one person, approved by another."""

from aiohttp import web

from console.bank_account_page import account_in
from console.form import FieldRefused
from console.refusal import NO_ACCOUNT, OWN_PROPOSAL, PageRefused
from console.visit import Visit
from ledger.bank_accounts import approve_trustee, propose_trustee, trustee_account
from ledger.four_eyes import is_another_person
from ledger.payout_register import person_names, proposed_trustee
from ledger.payout_rows import PayoutRefused

ADDRESS = "/console/virements/compte"


async def show_trustee_account(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def propose_trustee_account(visit: Visit) -> web.StreamResponse:
    try:
        checked = account_in(visit)
    except FieldRefused as wrong:
        return await _page(visit, wrong)
    await propose_trustee(
        visit.connection,
        holder=checked.holder,
        iban=checked.iban,
        bic=checked.bic,
        person_id=visit.account.person_id,
        actor=visit.account.actor,
        at=visit.now,
    )
    raise web.HTTPSeeOther(ADDRESS)


async def approve_trustee_account(visit: Visit) -> web.StreamResponse:
    """What the form shows is what is approved: a newer proposal is looked at first."""
    proposed = await proposed_trustee(visit.connection)
    if proposed is None or visit.form.get("compte") != str(proposed.id):
        raise PageRefused(NO_ACCOUNT)
    if not is_another_person(visit.account.person_id, prepared_by=[proposed.proposed_by]):
        raise PageRefused(OWN_PROPOSAL)
    try:
        await approve_trustee(
            visit.connection,
            proposed.id,
            person_id=visit.account.person_id,
            actor=visit.account.actor,
            at=visit.now,
        )
    except PayoutRefused:
        raise PageRefused(NO_ACCOUNT) from None
    raise web.HTTPSeeOther(ADDRESS)


async def _page(visit: Visit, wrong: FieldRefused | None = None) -> web.StreamResponse:
    current, proposed = await trustee_account(visit.connection), await proposed_trustee(visit.connection)
    known = [one for one in (current, proposed) if one is not None]
    return visit.show(
        "trustee_account.html",
        wrong=wrong,
        current=current,
        proposed=proposed,
        names=await person_names(
            visit.connection, [who for one in known for who in (one.proposed_by, one.approved_by)]
        ),
        me=visit.account.person_id,
    )
