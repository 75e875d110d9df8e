"""« Aujourd’hui »: what needs the trustee, in the order in which it should be done."""

from dataclasses import dataclass

from aiohttp import web

from console.ending_needs import ending_needs
from console.french import count_of
from console.grant_needs import grant_needs
from console.payout_words import CAUSES, blocked_sentence, gap_sentence
from console.visit import Visit
from console.worklist import Item, read_worklist
from ledger.applications import list_applications
from ledger.bank_accounts import blocked_accounts, proposed_accounts
from ledger.book_rows import SUSPENSE
from ledger.books import balance_of
from ledger.corrections import waiting_corrections
from ledger.disputes import held_disputes
from ledger.payout_register import late_remittances, operator_names, person_names, proposed_trustee
from ledger.payout_rows import BatchState, PayoutBatch
from ledger.payouts import list_payout_batches
from ledger.statements import known_statements
from ledger.structures import paris_day
from payouts.importing import statement_gaps
from payouts.preparing import payable_now
from payouts.words import match_sentence
from programmes.print.french import exact_euros, long_day

LINES_SHOWN_MAX = 5


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Need:
    """One kind of thing to do; none is shown that has nothing."""

    title: str
    lines: tuple[Line, ...]
    link: str
    link_words: str

    @property
    def shown(self) -> tuple[Line, ...]:
        return self.lines[:LINES_SHOWN_MAX]

    @property
    def hidden(self) -> int:
        return max(0, len(self.lines) - LINES_SHOWN_MAX)


async def show_today(visit: Visit) -> web.StreamResponse:
    needs = [
        await _to_approve(visit),
        await _to_send(visit),
        *await _lines_of_the_bank(visit),
        await _missing_statements(visit),
        await _blocked(visit),
        await _late(visit),
        await _corrections(visit),
        await _grants(visit),
        await _applications(visit),
        await _endings(visit),
        await _to_prepare(visit),
    ]
    return visit.show(
        "today.html",
        needs=[one for one in needs if one.lines],
        today=paris_day(visit.now),
    )


async def _grants(visit: Visit) -> Need:
    lines = [Line(*told) async for told in grant_needs(visit.connection, now=visit.now)]
    return Need("Dotations et livraisons", tuple(lines), "/console/territoires", "Territoires")


async def _applications(visit: Visit) -> Need:
    lines = tuple(
        Line(f"{one.told.organisation} attend une réponse.", f"/console/candidatures/{one.id}")
        for one in await list_applications(visit.connection)
        if one.waits
    )
    return Need("Candidatures", lines, "/console/candidatures", "Candidatures")


async def _endings(visit: Visit) -> Need:
    lines = [Line(*told) async for told in ending_needs(visit.connection, now=visit.now)]
    return Need("Fins de validité", tuple(lines), "/console/fin-de-validite", "Fin de validité")


async def _to_approve(visit: Visit) -> Need:
    drafts = [one for one in await list_payout_batches(visit.connection) if one.state is BatchState.DRAFT]
    accounts = await proposed_accounts(visit.connection)
    names = await person_names(
        visit.connection, [one.prepared_by for one in drafts] + [one.proposed_by for one in accounts]
    )
    structures = await operator_names(visit.connection, (one.operator_id for one in accounts))
    me = visit.account.person_id
    lines = [
        Line(
            f"{_batch(one)}, {_by(names, one.prepared_by, me, 'préparé')}.",
            f"/console/virements/{one.id}",
        )
        for one in drafts
    ]
    lines += [
        Line(
            f"Compte bancaire de {structures[one.operator_id]},"
            f" {_by(names, one.proposed_by, me, 'proposé')}.",
            f"/console/structures/{one.operator_id}/compte",
        )
        for one in accounts
    ]
    if await proposed_trustee(visit.connection):
        lines.append(Line("Compte bancaire qui paie.", "/console/virements/compte"))
    return Need("À approuver", tuple(lines), "/console/virements", "Virements")


async def _to_send(visit: Visit) -> Need:
    approved = [
        one for one in await list_payout_batches(visit.connection) if one.state is BatchState.APPROVED
    ]
    lines = tuple(
        Line(f"{_batch(one)}, approuvé : son fichier attend.", f"/console/virements/{one.id}")
        for one in approved
    )
    return Need("À remettre à la banque", lines, "/console/virements", "Virements")


async def _lines_of_the_bank(visit: Visit) -> tuple[Need, Need]:
    found = await read_worklist(visit.connection)
    likely = tuple(_line_of(item) for item in found.items if item.choices)
    unknown = [_line_of(item) for item in found.items if not item.choices]
    unknown += [Line(match_sentence(one)) for one in found.halves]
    suspense = exact_euros(-await balance_of(visit.connection, SUSPENSE))
    link = "/console/rapprochement"
    return (
        Need("À rapprocher", likely, link, "Rapprochement"),
        Need(f"En attente d’explication : {suspense}", tuple(unknown), link, "Rapprochement"),
    )


async def _missing_statements(visit: Visit) -> Need:
    gaps = statement_gaps(await known_statements(visit.connection, booked_only=True))
    lines = tuple(Line(gap_sentence(gap)) for gap in gaps)
    return Need("Relevés qui manquent", lines, "/console/releves", "Relevés")


async def _blocked(visit: Visit) -> Need:
    blocked = await blocked_accounts(visit.connection)
    names = await operator_names(visit.connection, (one.operator_id for one in blocked))
    lines = tuple(
        Line(
            f"{names[one.operator_id]} : {_lowered(blocked_sentence(one))}",
            f"/console/structures/{one.operator_id}/compte",
        )
        for one in blocked
    )
    return Need("Comptes bloqués", lines, "/console/structures", "Structures")


async def _late(visit: Visit) -> Need:
    today = paris_day(visit.now)
    late = await late_remittances(visit.connection, today=today)
    lines = tuple(
        Line(
            f"{one.operator}, bordereau n° {one.number} : {exact_euros(one.due_cents)}, attendu le"
            f" {long_day(one.expected_on)} ({count_of((today - one.expected_on).days, 'jour')} de retard)"
            f"{', virement à la banque' if one.is_moving else ''}.",
            f"/console/bordereaux/{one.operator_id}/{one.number}",
        )
        for one in late
    )
    return Need("Paiements en retard sur le délai publié", lines, "/console/virements", "Virements")


async def _corrections(visit: Visit) -> Need:
    waiting = await waiting_corrections(visit.connection)
    held = await held_disputes(visit.connection)
    names = await operator_names(
        visit.connection, [one.operator_id for one in waiting] + [one.operator_id for one in held]
    )
    lines = [
        Line(
            f"{names[one.operator_id]} : ligne {one.line} du bordereau n° {one.number} contestée,"
            f" {exact_euros(one.amount_cents)} retenus.",
            "/console/corrections",
        )
        for one in held
    ]
    lines += [
        Line(
            f"{names[one.operator_id]} : correction de {exact_euros(one.amount_cents)}"
            f" ({CAUSES[one.cause]}), pour son prochain bordereau.",
            "/console/corrections",
        )
        for one in waiting
    ]
    return Need("Litiges et corrections en attente", tuple(lines), "/console/corrections", "Corrections")


async def _to_prepare(visit: Visit) -> Need:
    payable = (await payable_now(visit.connection, now=visit.now)).payable
    total = exact_euros(sum(one.amount_cents for one in payable))
    lines = (Line(f"{count_of(len(payable), 'virement')}, {total} : à mettre dans un lot."),)
    return Need("À préparer", lines if payable else (), "/console/virements", "Virements")


def _batch(batch: PayoutBatch) -> str:
    return (
        f"Lot n° {batch.id} de {count_of(batch.transfer_count, 'virement')}, {exact_euros(batch.total_cents)}"
    )


def _line_of(item: Item) -> Line:
    return Line(item.sentence, f"/console/rapprochement#ligne-{item.line.id}")


def _by(names: dict[int, str], person_id: int, me: int, done: str) -> str:
    if person_id == me:
        return f"{done} par vous et à approuver par une autre personne"
    return f"{done} par {names.get(person_id, '?')}"


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
