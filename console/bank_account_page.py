"""An operator's bank accounts: proposed with a proof, approved by a second person, then cooling off."""

import structlog
from aiohttp import web

from console.address import number_in
from console.form import FieldRefused, label_in, reason_in
from console.payout_words import account_sign, told_of
from console.refusal import NO_ACCOUNT, NO_OPERATOR, OWN_PROPOSAL, PageRefused
from console.visit import Visit
from ledger.bank_accounts import (
    COOLING_OFF,
    approve_account,
    operator_accounts,
    propose_account,
    refuse_account,
)
from ledger.four_eyes import is_another_person
from ledger.payout_register import person_names
from ledger.payout_rows import OperatorAccount, PayoutRefused
from ledger.structures import Structure, find_structure
from payouts.accounts import AccountRefused, CheckedAccount, check_account

NO_PROOF = "Dites quelle preuve vous avez vue : « RIB reçu le 3 mars par courrier »."

log = structlog.get_logger(__name__)


async def show_bank_account(visit: Visit) -> web.StreamResponse:
    return await _page(visit, await _structure(visit))


async def propose_bank_account(visit: Visit) -> web.StreamResponse:
    structure = await _structure(visit)
    try:
        checked = account_in(visit)
        proof = reason_in(visit.form, "preuve") if visit.form.get("preuve", "").strip() else None
        if proof is None:
            raise FieldRefused("preuve", NO_PROOF)
    except FieldRefused as wrong:
        return await _page(visit, structure, wrong)
    await propose_account(
        visit.connection,
        structure.id,
        holder=checked.holder,
        iban=checked.iban,
        bic=checked.bic,
        proof=proof,
        proof_sha256=None,
        person_id=visit.account.person_id,
        actor=visit.account.actor,
        at=visit.now,
    )
    raise web.HTTPSeeOther(_address(structure))


async def approve_bank_account(visit: Visit) -> web.StreamResponse:
    structure, account = await _asked(visit)
    if not is_another_person(visit.account.person_id, prepared_by=[account.proposed_by]):
        raise PageRefused(OWN_PROPOSAL)
    try:
        await approve_account(
            visit.connection,
            account.id,
            person_id=visit.account.person_id,
            actor=visit.account.actor,
            at=visit.now,
        )
    except PayoutRefused:
        raise PageRefused(NO_ACCOUNT) from None
    raise web.HTTPSeeOther(_address(structure))


async def refuse_bank_account(visit: Visit) -> web.StreamResponse:
    structure, account = await _asked(visit)
    try:
        reason = reason_in(visit.form)
        await refuse_account(
            visit.connection,
            account.id,
            person_id=visit.account.person_id,
            actor=visit.account.actor,
            at=visit.now,
            reason=reason,
        )
    except FieldRefused as wrong:
        return await _page(visit, structure, wrong)
    except PayoutRefused:
        raise PageRefused(NO_ACCOUNT) from None
    raise web.HTTPSeeOther(_address(structure))


def account_in(visit: Visit) -> CheckedAccount:
    """What was typed, once it can be paid on. Each mistake is told at its field."""
    holder, iban, bic = (label_in(visit.form, name) for name in ("titulaire", "iban", "bic"))
    try:
        return check_account(holder=holder, iban=iban, bic=bic or None)
    except AccountRefused as error:
        told = str(error)
        field = "titulaire" if "titulaire" in told else "bic" if "BIC" in told else "iban"
        raise FieldRefused(field, told) from None


async def _structure(visit: Visit) -> Structure:
    number = number_in(visit, "operator", NO_OPERATOR)
    structure = await find_structure(visit.connection, number, now=visit.now)
    if structure is None:
        raise PageRefused(NO_OPERATOR)
    return structure


async def _asked(visit: Visit) -> tuple[Structure, OperatorAccount]:
    structure = await _structure(visit)
    number = number_in(visit, "account", NO_ACCOUNT)
    accounts = await operator_accounts(visit.connection, structure.id)
    account = next((one for one in accounts if one.id == number and _waits(one)), None)
    if account is None:
        raise PageRefused(NO_ACCOUNT)
    return structure, account


def _waits(account: OperatorAccount) -> bool:
    return account.approved_at is None and account.refused_at is None


def _address(structure: Structure) -> str:
    return f"/console/structures/{structure.id}/compte"


async def _page(visit: Visit, structure: Structure, wrong: FieldRefused | None = None) -> web.StreamResponse:
    accounts = await operator_accounts(visit.connection, structure.id)
    return visit.show(
        "bank_account.html",
        wrong=wrong,
        structure=structure,
        accounts=[(one, account_sign(one), told_of(one, now=visit.now)) for one in accounts],
        waiting=next((one for one in accounts if _waits(one)), None),
        names=await person_names(
            visit.connection, [who for one in accounts for who in (one.proposed_by, one.approved_by)]
        ),
        me=visit.account.person_id,
        cooling_hours=int(COOLING_OFF.total_seconds() // 3600),
    )
