"""The demo's convention at work: conditions, orders, grants and deliveries, an amendment, a suspension.

Money and hand-outs are told elsewhere; who decides is the mandataire's second person.
"""

from dataclasses import replace
from hashlib import sha256
from io import BytesIO

from demo.prescribers import VAL_RIVIERE
from demo.story import Story
from ledger.amendments import amend_rules
from ledger.deliveries import activate_delivery, booklets_of_delivery, dispatch, receive, restitute
from ledger.grant_rows import Condition, Grant, GrantState, MeasureKind
from ledger.grants import list_grants
from ledger.order_rows import Order
from ledger.orders import (
    decide_proof,
    issue_for_order,
    list_orders,
    list_proofs,
    note_production,
    note_quote,
    place_order,
)
from ledger.programme_rules import newest_rules
from ledger.rows import Batch
from ledger.territory_measures import decide_measure, note_condition
from programmes.codes import batch_codes
from programmes.grants import approve, propose
from programmes.ordering import draw_proof
from programmes.print.printer_csv import write_printer_csv
from programmes.printing import print_run

BOOKLET_MADE_CENTS = 180  # by the printer's quotes
CAP_AFTER_AMENDMENT = 1_400
NOTES = {
    Condition.CONVENTION_SIGNED: "Convention signée par les deux parties, délibération jointe",
    Condition.PROJECT_LEAD: "Cheffe de projet nommée à la direction de la cohésion sociale",
    Condition.NETWORK_OPINION: "Avis favorable du comité : prescripteurs et lieux couvrent le territoire",
    Condition.TRAINING_OPINION: "Avis favorable : les prescripteurs ont suivi la demi-journée de formation",
}
HEARING = (
    "Ont été entendus M. Jules Garnier, vice-président délégué au numérique, et Mme Nadia Ferrand, France"
    " services du Val. Le territoire reconnaît que deux bilans trimestriels manquent et qu’un carnet est"
    " perdu. Il demande un délai d’un mois pour compter les coffres et rendre ses bilans. Le comité prend"
    " acte : la suspension sera levée quand les deux bilans seront reçus."
)
SUSPENDED_FOR = "Deux bilans trimestriels non rendus (article 9 de la convention), relance restée sans effet"


class Convention:
    def __init__(self, story: Story) -> None:
        self._story = story

    async def sign(self, territory: str, *, days_ago: int) -> None:
        story = self._story
        await story.come_to(days_ago)
        for place, condition in enumerate(Condition):
            await note_condition(
                story.connection,
                story.programme.id,
                story.territories[territory],
                condition,
                met_on=story.day(days_ago - place),
                note=NOTES[condition],
                actor=story.preparer.actor,
                at=story.at(days_ago - place, 11),
            )

    # Orders ---------------------------------------------------------------------------------------------

    async def ask_for_booklets(self, count: int, *, reference: str, days_ago: int) -> Order:
        """Ordered, quoted and its proof drawn: it waits for a person to look at it."""
        story = self._story
        await story.come_to(days_ago)
        who = story.preparer.actor
        order = await place_order(
            story.connection,
            story.programme.id,
            count,
            reference=reference,
            actor=who,
            at=story.at(days_ago, 10),
        )
        await note_quote(
            story.connection,
            order.id,
            reference=f"DEV-{story.day(days_ago):%Y}-{100 + order.id}",
            amount_cents=count * BOOKLET_MADE_CENTS,
            actor=who,
            at=story.at(days_ago - 1, 16),
        )
        key_folder = story.folder.key_folder
        at = story.at(days_ago - 2, 9)
        await draw_proof(story.connection, order.id, key_folder, actor=who, at=at)
        return order

    async def order(self, count: int, *, reference: str, days_ago: int) -> Batch:
        """Up to its booklets' numbers, which the printer's file then has."""
        story = self._story
        order = await self.ask_for_booklets(count, reference=reference, days_ago=days_ago)
        await story.come_to(days_ago - 3)
        [proof] = await list_proofs(story.connection, order.id)
        await decide_proof(
            story.connection,
            order.id,
            proof.id,
            is_approved=True,
            person_id=story.approver.person_id,
            actor=story.approver.actor,
            reason=None,
            at=story.at(days_ago - 3, 15),
        )
        return await issue_for_order(story.connection, order.id, actor=story.preparer.actor)

    async def produce(self, batch: Batch, *, days_ago: int) -> None:
        """The printer's file is written and sent; the record keeps its hash."""
        story = self._story
        await story.come_to(days_ago)
        listed = await list_orders(story.connection, programme_id=story.programme.id)
        order_id = next(one.id for one in listed if one.batch_id == batch.id)
        written = BytesIO()
        run = print_run(batch, story.programme)
        write_printer_csv(run, batch_codes(batch, story.folder.key_folder), written)
        await note_production(
            story.connection,
            order_id,
            file_sha256=sha256(written.getvalue()).digest(),
            actor=story.preparer.actor,
            at=story.at(days_ago, 10),
        )

    # Grants and deliveries ------------------------------------------------------------------------------

    async def grant_first(self, territory: str, *, days_ago: int) -> Grant:
        story = self._story
        await story.come_to(days_ago)
        grant = await propose(
            story.connection,
            story.programme.id,
            story.territories[territory],
            actor=story.preparer.actor,
            at=story.at(days_ago, 10),
        )
        return await self._approve(grant.id, days_ago=days_ago)

    async def approve_top_up(self, *, days_ago: int) -> Grant:
        """The one that its threshold had proposed."""
        story = self._story
        listed = await list_grants(story.connection, story.programme.id)
        [waiting] = [one for one in listed if one.state is GrantState.PROPOSED]
        return await self._approve(waiting.id, days_ago=days_ago)

    async def _approve(self, grant_id: int, *, days_ago: int) -> Grant:
        story = self._story
        await story.come_to(days_ago)
        return await approve(
            story.connection,
            grant_id,
            person_id=story.approver.person_id,
            actor=story.approver.actor,
            at=story.at(days_ago, 14),
        )

    async def deliver(
        self, grant: Grant, batch: Batch, count: int, *, days_ago: int, is_funded: bool = True
    ) -> list[int]:
        """Sent, signed for three days later, and activated if its money came; the booklets' numbers."""
        story = self._story
        await story.come_to(days_ago)
        who = story.preparer.actor
        sent = await dispatch(
            story.connection,
            grant.id,
            batch_id=batch.id,
            booklet_count=count,
            actor=who,
            at=story.at(days_ago, 9),
        )
        await story.come_to(days_ago - 3)
        at = story.at(days_ago - 3, 11)
        by = f"Accueil de la mairie, {grant.territory}"
        await receive(story.connection, sent.id, received_by=by, actor=who, at=at)
        if is_funded:
            at = story.at(days_ago - 3, 15)
            reason = "versement du commanditaire rapproché"
            await activate_delivery(story.connection, sent.id, actor=who, reason=reason, at=at)
        ranges = await booklets_of_delivery(story.connection, sent.id)
        return [number for one in ranges for number in range(one.first, one.last + 1)]

    # What changes on the way ----------------------------------------------------------------------------

    async def amend(self, *, days_ago: int) -> None:
        story = self._story
        await story.come_to(days_ago)
        rules = await newest_rules(story.connection, story.programme.id)
        await amend_rules(
            story.connection,
            story.programme.id,
            replace(rules.figures, stock_cap_passes=CAP_AFTER_AMENDMENT),
            of_version=rules.version,
            in_force_from=story.day(days_ago),
            reason="Avenant n° 1 : 200 pass de plus pour l’ensemble des territoires",
            actor=story.approver.actor,
            at=story.at(days_ago, 17),
        )

    async def take_back(self, booklets: list[int], *, days_ago: int) -> None:
        story = self._story
        await story.come_to(days_ago)
        await restitute(
            story.connection,
            story.programme.id,
            story.territories[VAL_RIVIERE],
            booklets,
            reason="Carnets non confiés à un prescripteur, rendus à la demande du territoire",
            actor=story.preparer.actor,
            at=story.at(days_ago, 10),
        )

    async def suspend(self, *, heard: int, decided: int) -> None:
        """Both in days ago."""
        story = self._story
        await story.come_to(decided)
        await decide_measure(
            story.connection,
            story.programme.id,
            story.territories[VAL_RIVIERE],
            MeasureKind.SUSPENSION,
            heard_on=story.day(heard),
            hearing=HEARING,
            reason=SUSPENDED_FOR,
            person_id=story.approver.person_id,
            actor=story.approver.actor,
            at=story.at(decided, 11),
        )
