"""Closing a remittance: what it will hold, what its manager certifies, and the closing. How it is closed is
ledger's."""

from uuid import UUID, uuid4

from aiohttp import web

from console.form import FieldRefused
from console.refusal import FORM_UNREADABLE, NO_OPERATOR, PageRefused
from console.visit import Visit
from ledger.money import operator_money
from ledger.remittance_rows import LINES_MAX, ClosedRemittance, CloseRefusal
from ledger.remittances import close_remittance
from ledger.structures import Structure, find_structure
from payouts.certification import certification_text
from programmes.grants import propose_after

REQUEST, CERTIFIED = "demande", "certifie"
NOT_CERTIFIED = "Cochez la case : sans certification, un bordereau ne peut pas être clos."
NOTHING_LEFT = "Il n’y a rien à remettre : tout ce qui a été encaissé figure déjà dans un bordereau."


async def show_closing(visit: Visit) -> web.StreamResponse:
    return await _page(visit, await _structure(visit))


async def close(visit: Visit) -> web.StreamResponse:
    structure = await _structure(visit)
    request_id = _request_id(visit)
    if visit.form.get(CERTIFIED) != "oui":
        return await _page(visit, structure, FieldRefused(CERTIFIED, NOT_CERTIFIED))
    closed = await close_remittance(
        visit.connection,
        structure.id,
        at=visit.now,
        actor=visit.account.actor,
        certified_by=visit.account.person_id,
        certification=_certification(visit, structure),
        request_id=request_id,
    )
    if not isinstance(closed, ClosedRemittance):
        assert closed is CloseRefusal.NOTHING_TO_REMIT  # no attempts are named here
        return await _page(visit, structure, FieldRefused(CERTIFIED, NOTHING_LEFT))
    await propose_after(visit.connection, closed.remittance, at=visit.now)
    number = closed.remittance.number
    raise web.HTTPSeeOther(f"/console/bordereaux/{structure.id}/{number}?nouveau")


async def _structure(visit: Visit) -> Structure:
    operator_id = visit.account.operator_id
    assert operator_id is not None
    structure = await find_structure(visit.connection, operator_id, now=visit.now)
    if structure is None:
        raise PageRefused(NO_OPERATOR)
    return structure


def _certification(visit: Visit, structure: Structure) -> str:
    return certification_text(
        operator=structure.name, operator_siret=structure.siret, person=visit.account.name
    )


def _request_id(visit: Visit) -> UUID:
    """Drawn with the form: a button pressed twice closes once."""
    try:
        return UUID(visit.form.get(REQUEST, ""))
    except ValueError:
        raise PageRefused(FORM_UNREADABLE) from None


async def _page(visit: Visit, structure: Structure, wrong: FieldRefused | None = None) -> web.StreamResponse:
    money = await operator_money(visit.connection, structure.id, now=visit.now)
    return visit.show(
        "closing.html",
        wrong=wrong,
        structure=structure,
        money=money,
        lines_max=LINES_MAX,
        certification=_certification(visit, structure),
        request_id=visit.form.get(REQUEST) or str(uuid4()),
    )
