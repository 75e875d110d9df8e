"""What programmes ask of the trustee today: grants to decide, proofs to approve, deliveries, stock."""

from collections.abc import AsyncIterator
from datetime import datetime

from console.grant_words import KINDS
from ledger.connect import Connection
from ledger.deliveries import list_deliveries
from ledger.grant_rows import GrantState
from ledger.grants import list_grants, programme_granted
from ledger.order_rows import OrderState
from ledger.orders import list_orders
from ledger.programme_rules import rules_on
from ledger.programmes import list_programmes
from ledger.structures import paris_day
from programmes.granting import is_late, stock_warning
from programmes.print.french import long_day, thousands


async def grant_needs(connection: Connection, *, now: datetime) -> AsyncIterator[tuple[str, str]]:
    """A sentence and the page where it is done, for each."""
    today = paris_day(now)
    for programme in await list_programmes(connection):
        base = f"/console/programmes/{programme.id}/territoires"
        for grant in await list_grants(connection, programme.id):
            link = f"{base}/{grant.territory_id}"
            if grant.state is GrantState.PROPOSED:
                yield (
                    f"{grant.territory} : {KINDS[grant.kind]} de {thousands(grant.passes)} pass à décider.",
                    link,
                )
            elif grant.deliver_by and not grant.is_delivered and is_late(grant, today):
                yield (
                    f"{grant.territory} : livraison en retard depuis le {long_day(grant.deliver_by)}.",
                    link,
                )
        figures = (await rules_on(connection, programme.id, today)).figures
        if warning := stock_warning(await programme_granted(connection, programme.id), figures):
            yield f"{programme.name} : plus de {warning} % du stock commun est accordé.", base
    for delivery in await list_deliveries(connection):
        if delivery.delivered_at is not None and not delivery.is_active:
            told = (
                f"{delivery.territory} : livraison {delivery.id} arrivée, ses pass attendent leur activation."
            )
            yield told, f"/console/livraisons/{delivery.id}"
    for order in await list_orders(connection):
        if order.state is OrderState.PROOF_DRAWN:
            yield f"Commande {order.id} : bon à tirer à approuver.", f"/console/commandes/{order.id}"
