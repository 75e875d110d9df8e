"""An operator's bank account as its manager sees it: what the trustee pays on, and every change of it."""

from aiohttp import web

from console.payout_words import account_sign, told_of
from console.visit import Visit
from ledger.bank_accounts import COOLING_OFF, operator_accounts
from ledger.structures import find_structure


async def show_own_account(visit: Visit) -> web.StreamResponse:
    operator_id = visit.account.operator_id
    assert operator_id is not None
    accounts = await operator_accounts(visit.connection, operator_id)
    return visit.show(
        "own_account.html",
        structure=await find_structure(visit.connection, operator_id, now=visit.now),
        accounts=[(one, account_sign(one), told_of(one, now=visit.now)) for one in accounts],
        cooling_hours=int(COOLING_OFF.total_seconds() // 3600),
    )
