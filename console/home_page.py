"""The first page: counters of the whole instance, of a funder's programme, or an operator's own money. Who
hands out and who reads a territory have theirs in other modules."""

from dataclasses import replace

from aiohttp import web

from console.handout_page import show_desk
from console.operator_words import ACCOUNT_TROUBLE, waiting_sentence
from console.territory_home import show_territory_home
from console.visit import Visit
from ledger.account_rows import Role
from ledger.bank_accounts import current_accounts
from ledger.correction_claims import claimed_corrections
from ledger.corrections import waiting_corrections
from ledger.money import operator_money
from ledger.overview import COUNTED, read_overview
from ledger.remittances import list_remittances
from ledger.structures import find_structure
from payouts.preparing import account_trouble
from programmes.counters import DEFINITIONS

LATEST = 5


async def show_home(visit: Visit) -> web.StreamResponse:
    if visit.account.role is Role.OPERATOR:
        return await _show_operator(visit)
    if visit.account.role is Role.PRESCRIBER:
        return await show_desk(visit)
    if visit.account.role is Role.TERRITORY:
        return await show_territory_home(visit)
    overview = await read_overview(visit.connection, now=visit.now)
    agrees = overview.agrees
    if visit.account.role is Role.FUNDER:
        # What others fund, and what each operator earns, is not a funder's to read.
        mine = tuple(one for one in overview.programmes if one.id == visit.account.programme_id)
        overview = replace(overview, programmes=mine, operators=())
    return visit.show(
        "overview.html",
        overview=overview,
        agrees=agrees,
        definitions=[one for one in DEFINITIONS if one.counter in COUNTED],
        shows_operators=visit.account.role is not Role.FUNDER,
    )


async def _show_operator(visit: Visit) -> web.StreamResponse:
    operator_id = visit.account.operator_id
    assert operator_id is not None
    structure = await find_structure(visit.connection, operator_id, now=visit.now)
    money = await operator_money(visit.connection, operator_id, now=visit.now)
    waiting = await waiting_corrections(visit.connection, operator_id)
    accounts = await current_accounts(visit.connection, [operator_id], at=visit.now)
    trouble = account_trouble(accounts.get(operator_id), now=visit.now)
    latest, count = await list_remittances(visit.connection, operator_id, limit=LATEST, offset=0)
    return visit.show(
        "operator_home.html",
        structure=structure,
        money=money,
        latest=latest,
        count=count,
        waiting=[waiting_sentence(one) for one in waiting],
        claimed=await claimed_corrections(visit.connection, operator_id),
        account_trouble=ACCOUNT_TROUBLE[trouble] if trouble else "",
    )
