"""Reconciliation: lines of the bank that wait for a person, confirmed with one key, undone by reversal."""

from collections.abc import Awaitable
from dataclasses import dataclass
from itertools import groupby, islice

import asyncpg
import structlog
from aiohttp import web

from console.address import NUMBER_MAX, number_in
from console.form import FieldRefused, reason_in
from console.money_field import number_in_form
from console.refusal import NO_LINE, PageRefused
from console.visit import Visit
from console.worklist import Item, Worklist, read_worklist
from ledger.book_rows import SUSPENSE, BalanceRefused
from ledger.books import balance_of
from ledger.funding import FundingRefused, confirm_funding
from ledger.match_rows import Match
from ledger.matches import recent_matches
from ledger.payout_register import funded_lines, programme_names
from ledger.payout_rows import PayoutRefused
from payouts.reconciling import confirm, confirm_fee, reconcile, undo
from payouts.words import match_sentence

MATCHING = "/console/rapprochement"
ITEMS_SHOWN_MAX = 100
KEYS = "123456789"  # the first buttons, by access key
EXPLAINED_SHOWN_MAX = 50
SENTENCES_PER_LINE_MAX = 5
CHANGED = "Cette proposition n’est plus valable : l’écriture ou le virement a changé. Relisez-la."
NOT_A_FEE = "Cette écriture n’est pas passée en frais : elle a changé depuis, ou dépasse 5 000 €. Relisez-la."
NOT_FUNDING = "Cette écriture ne peut pas financer ce programme : elle est déjà expliquée, ou c’est un débit."
CHOOSE_PROGRAMME = "Choisissez le programme que ce crédit finance."
NOT_UNDONE = (
    "Ce rapprochement ne se défait pas ainsi : un virement est revenu sur une autre écriture (défaites-la"
    " d’abord), un virement plus récent paie déjà la même chose, ou une ligne a été contestée entre-temps."
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Explained:
    """A line of the bank and what explains it, undone or not."""

    line_id: int
    sentences: tuple[str, ...]
    hidden: int
    is_live: bool


async def show_matching(visit: Visit) -> web.StreamResponse:
    return await _page(visit)


async def confirm_proposal(visit: Visit) -> web.StreamResponse:
    item = await _item(visit)
    wanted = visit.form.get("choix", "")
    choice = next((one for one in item.choices if one.mark == wanted), None)
    if choice is None:
        return await _page(visit, FieldRefused("choix", CHANGED))
    settled = confirm(
        visit.connection,
        item.line.id,
        choice.end_to_end_ids,
        actor=visit.account.actor,
        now=visit.now,
    )
    return await _settled(visit, settled, item, CHANGED)


async def confirm_as_fee(visit: Visit) -> web.StreamResponse:
    item = await _item(visit)
    try:
        seen_cents = number_in_form(visit.form, "vu", told=NOT_A_FEE)
    except FieldRefused:
        return await _page(visit, FieldRefused("choix", NOT_A_FEE), item.line.id)
    settled = confirm_fee(
        visit.connection, item.line.id, seen_cents=seen_cents, actor=visit.account.actor, now=visit.now
    )
    return await _settled(visit, settled, item, NOT_A_FEE)


async def confirm_as_funding(visit: Visit) -> web.StreamResponse:
    item = await _item(visit)
    try:
        programme_id = number_in_form(visit.form, "programme", told=CHOOSE_PROGRAMME)
        if programme_id not in await programme_names(visit.connection):
            raise FieldRefused("programme", CHOOSE_PROGRAMME)
    except FieldRefused as wrong:
        return await _page(visit, wrong, item.line.id)
    funded = confirm_funding(
        visit.connection, item.line.id, programme_id, actor=visit.account.actor, at=visit.now
    )
    return await _settled(visit, funded, item, NOT_FUNDING)


async def undo_line(visit: Visit) -> web.StreamResponse:
    line_id = number_in(visit, "line", NO_LINE)
    try:
        reason = reason_in(visit.form)
        await undo(visit.connection, line_id, actor=visit.account.actor, now=visit.now, reason=reason)
    except FieldRefused as wrong:
        return await _page(visit, wrong, line_id)
    except (PayoutRefused, BalanceRefused) as error:
        log.warning("undo_refused", line=line_id, why=str(error))
        return await _page(visit, FieldRefused("defaire", NOT_UNDONE), line_id)
    raise web.HTTPSeeOther(f"{MATCHING}?defait={line_id}")


async def _item(visit: Visit) -> Item:
    line_id = number_in(visit, "line", NO_LINE)
    found = (await read_worklist(visit.connection, line_id=line_id)).items
    if not found:
        raise PageRefused(NO_LINE)
    return found[0]


async def _settled(visit: Visit, work: Awaitable[None], item: Item, told: str) -> web.StreamResponse:
    """The next line may be explained by this one, so all are looked at again."""
    try:
        await work
    except (PayoutRefused, FundingRefused, BalanceRefused, asyncpg.RestrictViolationError) as error:
        log.warning("match_refused", line=item.line.id, why=str(error))
        return await _page(visit, FieldRefused("choix", told), item.line.id)
    await reconcile(visit.connection, actor=visit.account.actor, now=visit.now)
    raise web.HTTPSeeOther(f"{MATCHING}?fait={item.line.id}")


def explained_lines(matches: list[Match]) -> list[Explained]:
    """Matches come newest first; those of one line that were made together stand together."""
    lines = []
    for line_id, group in groupby(matches, key=lambda one: one.bank_line_id):
        of_line = list(group)
        lines.append(
            Explained(
                line_id,
                tuple(match_sentence(one) for one in of_line[:SENTENCES_PER_LINE_MAX]),
                max(0, len(of_line) - SENTENCES_PER_LINE_MAX),
                any(one.undone_at is None for one in of_line),
            )
        )
    return lines


async def _page(
    visit: Visit, wrong: FieldRefused | None = None, line_id: int | None = None
) -> web.StreamResponse:
    """line_id: of the line whose form is wrong."""
    found = await read_worklist(visit.connection)
    explained = explained_lines(await recent_matches(visit.connection))
    return visit.show(
        "matching.html",
        wrong=wrong,
        wrong_line=line_id,
        items=_with_keys(found),
        hidden=max(0, len(found.items) - ITEMS_SHOWN_MAX),
        line_count=len(found.items),
        halves=[match_sentence(one) for one in found.halves],
        suspense_cents=-await balance_of(visit.connection, SUSPENSE),
        programmes=await programme_names(visit.connection),
        explained=explained[:EXPLAINED_SHOWN_MAX],
        fundings=list(islice(await funded_lines(visit.connection), EXPLAINED_SHOWN_MAX)),
        done=_told(visit, "fait", explained),
        undone=_asked(visit, "defait") is not None,
    )


def _with_keys(found: Worklist) -> list[tuple[Item, list[str]]]:
    """Each item with the access key of each of its choices, while there are any."""
    keys = iter(KEYS)
    return [(item, [next(keys, "") for _ in item.choices]) for item in islice(found.items, ITEMS_SHOWN_MAX)]


def _told(visit: Visit, name: str, explained: list[Explained]) -> str:
    line_id = _asked(visit, name)
    if line_id is None:
        return ""
    return next((one.sentences[0] for one in explained if one.line_id == line_id), "Écriture expliquée.")


def _asked(visit: Visit, name: str) -> int | None:
    digits = visit.request.query.get(name, "")
    is_number = digits.isascii() and digits.isdecimal() and len(digits) <= len(str(NUMBER_MAX))
    return int(digits) if is_number else None
