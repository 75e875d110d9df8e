"""Batches of transfers: the list, and what a new one would hold and leave out. One batch: batch_page.py."""

from dataclasses import dataclass
from itertools import groupby

from aiohttp import web

from console.payout_words import BATCH_SIGN
from console.visit import Visit
from ledger.bank_accounts import trustee_account
from ledger.book_rows import BANK
from ledger.books import balance_of
from ledger.payout_register import person_names
from ledger.payout_rows import Owed
from ledger.payouts import LIST_MAX, list_payout_batches
from payouts.preparing import NotPaid, payable_now, prepare
from payouts.words import LEFT_OUT

PAYOUTS = "/console/virements"
OPERATORS_SHOWN_MAX = 200


@dataclass(frozen=True, slots=True)
class ToPay:
    """What one operator would be paid, whatever the number of its remittances."""

    operator: str
    numbers: tuple[int, ...]
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """What one operator is owed and is not paid, for one reason."""

    operator: str
    operator_id: int
    numbers: tuple[int, ...]
    amount_cents: int
    why: str


async def show_payouts(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def prepare_batch(visit: Visit) -> web.StreamResponse:
    prepared = await prepare(
        visit.connection,
        person_id=visit.account.person_id,
        actor=visit.account.actor,
        now=visit.now,
    )
    if prepared.batch is None:
        return await _page(visit, told="Rien ne peut être payé pour l’instant : aucun lot n’est préparé.")
    raise web.HTTPSeeOther(f"{PAYOUTS}/{prepared.batch.id}")


def by_operator(payable: tuple[Owed, ...]) -> list[ToPay]:
    """They come ordered by operator."""
    return [
        ToPay(
            of_one[0].operator,
            tuple(sorted({one.number for one in of_one})),
            sum(one.amount_cents for one in of_one),
        )
        for _, group in groupby(payable, key=lambda one: one.operator_id)
        if (of_one := list(group))
    ]


def waiting_by_operator(left_out: tuple[NotPaid, ...]) -> list[Waiting]:
    ordered = sorted(left_out, key=lambda one: (one.owed.operator, one.owed.operator_id, one.why.value))
    return [
        Waiting(
            of_one[0].owed.operator,
            operator_id,
            tuple(sorted({one.owed.number for one in of_one})),
            sum(one.owed.amount_cents for one in of_one),
            LEFT_OUT[why],
        )
        for (operator_id, why), group in groupby(ordered, key=lambda one: (one.owed.operator_id, one.why))
        if (of_one := list(group))
    ]


async def _page(visit: Visit, told: str = "") -> web.StreamResponse:
    found = await payable_now(visit.connection, now=visit.now)
    batches = await list_payout_batches(visit.connection)
    to_pay, waiting = by_operator(found.payable), waiting_by_operator(found.left_out)
    return visit.show(
        "payouts.html",
        told=told,
        status=422 if told else 200,
        transfer_count=len(found.payable),
        total_cents=sum(one.amount_cents for one in found.payable),
        to_pay=to_pay[:OPERATORS_SHOWN_MAX],
        operators_hidden=max(0, len(to_pay) - OPERATORS_SHOWN_MAX),
        waiting=waiting[:OPERATORS_SHOWN_MAX],
        waiting_hidden=max(0, len(waiting) - OPERATORS_SHOWN_MAX),
        left_out_count=len(found.left_out),
        left_out_cents=sum(one.owed.amount_cents for one in found.left_out),
        trustee=await trustee_account(visit.connection),
        bank_cents=await balance_of(visit.connection, BANK),
        batches=batches,
        is_cut=len(batches) == LIST_MAX,
        names=await person_names(visit.connection, (one.prepared_by for one in batches)),
        sign=BATCH_SIGN,
    )
