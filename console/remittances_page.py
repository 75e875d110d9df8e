"""Remittances: the register, filtered, by pages; one with its lines. Files are in remittance_files.py."""

from itertools import islice

from aiohttp import web

from console.operator_words import correction_sentence, dispute_sentence, transfer_sentence
from console.payout_words import ATTEMPT_SIGN
from console.refusal import ADDRESS_UNREADABLE, NO_REMITTANCE, PageRefused
from console.visit import Visit
from ledger.disputes import disputes_of
from ledger.operator_transfers import transfers_of
from ledger.remittance_register import operators_with_remittances, read_register
from ledger.remittance_rows import ClosedRemittance, payment_day
from ledger.remittances import read_remittance

PER_PAGE = 50
PAGE_MAX = 100_000
LINES_SHOWN_MAX = 500
NUMBER_MAX = 2**31 - 1
DIGITS_MAX = 10
OPERATOR, PAGE = "structure", "page"


async def show_remittances(visit: Visit) -> web.StreamResponse:
    own = visit.account.operator_id
    operator_id = own or _number_asked(visit, OPERATOR, NUMBER_MAX)
    page = _number_asked(visit, PAGE, PAGE_MAX) or 1
    register = await read_register(
        visit.connection, operator_id=operator_id, limit=PER_PAGE, offset=(page - 1) * PER_PAGE
    )
    return visit.show(
        "remittances.html",
        register=register,
        operators=[] if own else await operators_with_remittances(visit.connection),
        chosen=None if own else operator_id,
        page=page,
        page_count=max(1, -(-register.count // PER_PAGE)),
        payment_day=payment_day,
    )


async def show_remittance(visit: Visit) -> web.StreamResponse:
    closed = await remittance_asked(visit)
    lines = list(islice(closed.lines, LINES_SHOWN_MAX))
    key = (closed.remittance.operator_id, closed.remittance.number)
    transfers = await transfers_of(visit.connection, *key)
    disputes = await disputes_of(visit.connection, *key)
    return visit.show(
        "remittance.html",
        remittance=closed.remittance,
        lines=lines,
        hidden=len(closed.lines) - len(lines),
        transfers=[(one, ATTEMPT_SIGN[one.state], transfer_sentence(one)) for one in transfers],
        disputes=[dispute_sentence(one) for one in disputes],
        corrections=[correction_sentence(one) for one in closed.corrections],
        is_new="nouveau" in visit.request.query,
    )


async def remittance_asked(visit: Visit) -> ClosedRemittance:
    """What the address names; to a manager, another operator's is as good as unknown."""
    operator_id, number = (_bounded(visit.request.match_info[name]) for name in ("operator", "number"))
    own = visit.account.operator_id
    closed = None
    if operator_id and number and own in {None, operator_id}:
        closed = await read_remittance(visit.connection, operator_id, number)
    if closed is None:
        raise PageRefused(NO_REMITTANCE)
    return closed


def _number_asked(visit: Visit, field: str, most: int) -> int | None:
    text = visit.request.query.get(field, "")
    if not text:
        return None
    number = _bounded(text)
    if number is None or not 1 <= number <= most:
        raise PageRefused(ADDRESS_UNREADABLE)
    return number


def _bounded(digits: str) -> int | None:
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= DIGITS_MAX):
        return None
    return int(digits) if int(digits) <= NUMBER_MAX else None
