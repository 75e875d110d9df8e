"""What everybody sees of the demo: its places, criteria and applications; and who is written to."""

from demo.story import Story
from ledger.application_rows import AppliedSite, Decision, NewApplication
from ledger.applications import decide, publish_criteria, receive_application
from ledger.contacts import add_address
from ledger.notice_rows import NoticeState
from ledger.notices import begin_sending, due_notices, end_sending
from ledger.site_details import SiteDetails, save_details

# A town that is nowhere, in the middle of France; telephone numbers kept for fictions by the Arcep.
PLACES = {
    "Médiathèque Jules-Verne": SiteDetails(
        "4 place du Marché", "18999", "Ville-Haute", latitude=47.0862, longitude=2.3987,
        phone="+33199000011", email="jules-verne@demo.example",
        opening_hours="Tu-Fr 10:00-18:00; Sa 10:00-17:00",
        summary="Ateliers en petit groupe le mardi et le jeudi, sur rendez-vous ou en passant.",
    ),
    "Maison de quartier des Tilleuls": SiteDetails(
        "17 rue des Tilleuls", "18999", "Ville-Haute", complement="Rez-de-jardin", latitude=47.0935,
        longitude=2.4121, phone="+33199000012", opening_hours="Mo-Fr 09:00-12:00,14:00-18:00",
        summary="Au pied de l’arrêt Tilleuls, accessible en fauteuil roulant.",
    ),
    "Espace public numérique du Val": SiteDetails(
        "2 quai de la Rivière", "18998", "Val-Rivière", latitude=47.0641, longitude=2.4389,
        phone="+33199000013", opening_hours="Mo-Th 09:30-17:30",
        summary="Ordinateurs en libre accès et démarches accompagnées.",
    ),
    "Local de la régie": SiteDetails(
        "31 rue du Pont", "18998", "Val-Rivière", latitude=47.0587, longitude=2.4263,
        phone="+33199000014", opening_hours="Mo,We,Fr 14:00-18:00",
    ),
}  # fmt: skip
CRITERIA = (
    "Accueillir sans condition d’adhésion, dans un lieu accessible ou avec une solution proposée.",
    "Faire accompagner par des médiateurs formés ; dites lesquels et par qui.",
    "Disposer d’un équipement et d’une connexion pour chaque personne accompagnée.",
    "Tenir les feuilles de présence cinq ans à la disposition du commanditaire.",
)
ANSWERS = (
    "Oui, de plain-pied ; une rampe amovible est au local.",
    "Deux médiatrices, titre professionnel REMN obtenu en 2024.",
    "Huit postes, fibre, deux tablettes prêtées.",
    "Oui, classées par trimestre.",
)
SERVICE_IDS_APPLIED = 2


async def describe(story: Story, *, days_ago: int) -> None:
    """Addresses of the places; of those to whom notices go; the criteria of applications."""
    await story.come_to(days_ago)
    who, at = story.preparer.actor, story.at(days_ago, 16)
    for site in story.facts.sites.values():
        if site.name in PLACES:
            await save_details(story.connection, site.id, PLACES[site.name], actor=who, at=at)
    for place, operator in enumerate(story.operators, start=1):
        address = f"structure{place}@demo.example"
        await add_address(story.connection, address, operator_id=operator.id, actor=who, at=at)
    address = "suivi@demo.example"
    await add_address(story.connection, address, programme_id=story.programme.id, actor=who, at=at)
    await add_address(story.connection, "avis@demo.example", actor=who, at=at)
    await publish_criteria(story.connection, CRITERIA, actor=who, at=at)


async def apply_in_vain(story: Story, *, days_ago: int) -> None:
    await story.come_to(days_ago)
    number = await receive_application(
        story.connection,
        _application(story, "99900004500016", "Le Fablab éphémère", "Atelier mobile", "Alex Morin"),
        at=story.at(days_ago, 10),
    )
    await decide(
        story.connection,
        number,
        Decision.REFUSED,
        reason="Aucun lieu fixe sur les territoires couverts : le deuxième critère ne peut pas être vérifié.",
        person_id=story.preparer.person_id,
        actor=story.preparer.actor,
        at=story.at(days_ago - 6, 15),
    )


async def apply(story: Story, *, days_ago: int) -> None:
    """It waits for its decision."""
    await story.come_to(days_ago)
    await receive_application(
        story.connection,
        _application(story, "99900005200012", "Point d’appui numérique", "La Passerelle", "Léa Roux"),
        at=story.at(days_ago, 11),
    )


async def send_mail(story: Story, *, days_ago: int) -> None:
    """What was queued by then has left; a demo has no mail server, and writes to nobody."""
    at = story.at(days_ago, 7)
    while due := await due_notices(story.connection, at=at):
        for notice in due:
            await begin_sending(story.connection, notice.id, at=at)
            await end_sending(story.connection, notice.id, NoticeState.SENT, at=at, next_at=at)


def _application(story: Story, siret: str, organisation: str, site: str, contact: str) -> NewApplication:
    return NewApplication(
        criteria_version=1,
        programme_id=story.programme.id,
        siret=siret,
        organisation=organisation,
        contact_name=contact,
        contact_address=f"candidature-{siret}@demo.example",
        service_ids=tuple(sorted(story.programme.service_ids)[:SERVICE_IDS_APPLIED]),
        sites=(AppliedSite(site, "9 rue de la Passerelle", "18999", "Ville-Haute"),),
        answers=ANSWERS,
    )
