"""Every address of the console and who may open it, in one table. What a page shows of its subject to which
role is the page's."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import web

from console import (
    applications_page,
    bank_account_page,
    batch_page,
    booklet_page,
    booklets_page,
    confirmation_page,
    corrections_page,
    delivery_page,
    devices_page,
    ending_page,
    enrolment_of_factor,
    events_page,
    handout_page,
    home_page,
    matching_page,
    notices_page,
    orders_page,
    own_account_page,
    payouts_page,
    practice_page,
    prescribers_page,
    programme_page,
    remittances_page,
    second_step,
    security_page,
    sign_in,
    site_page,
    statements_page,
    stock_page,
    structures_page,
    territories_page,
    territory_page,
    trustee_account_page,
    webhooks_page,
)
from console.admission import admitted
from console.claims_page import send_letter, show_claims
from console.closing_page import close, show_closing
from console.counters_page import show_counters
from console.follow_up_page import send_return_csv, send_return_pdf, show_follow_up
from console.funds_page import show_funds
from console.guidance_page import send_sheet
from console.receipts_page import export_receipts
from console.remittance_files import send_csv, send_pdf
from console.rendering_page import freeze, send_archive, show_renderings
from console.statement_paper_page import send_statement_csv, send_statement_pdf
from console.today_page import show_today
from console.visit import Handler, Page
from console.wiring import CONSOLE
from ledger.account_rows import Role

Roles: TypeAlias = frozenset[Role]

PREPARER: Roles = frozenset({Role.PREPARER})
APPROVER: Roles = frozenset({Role.APPROVER})
TRUSTEE: Roles = PREPARER | APPROVER
READERS: Roles = TRUSTEE | {Role.AUDITOR}
FUNDER: Roles = frozenset({Role.FUNDER})
MANAGER: Roles = frozenset({Role.OPERATOR})
PRESCRIBER: Roles = frozenset({Role.PRESCRIBER})
TERRITORY_READER: Roles = frozenset({Role.TERRITORY})
EVERYBODY: Roles = frozenset(Role)


@dataclass(frozen=True)
class Route:
    """A page for people who are signed in."""

    method: str
    path: str  # below /console
    page: Page
    roles: Roles
    # Asks for a proof of the last minutes: for what releases money, signs or decides.
    is_releasing: bool = False
    before_enrolment: bool = False  # open to those who must still enrol their second factor
    takes_files: bool = False

    @property
    def handler(self) -> Handler:
        return admitted(
            self.page,
            self.roles,
            is_releasing=self.is_releasing,
            before_enrolment=self.before_enrolment,
            takes_files=self.takes_files,
        )


@dataclass(frozen=True)
class OpenRoute:
    """An address for everybody: it tells nothing of the record."""

    method: str
    path: str
    handler: Handler


async def get_static(request: web.Request) -> web.StreamResponse:
    return request.app[CONSOLE].templates.static(request.match_info["name"])


OPEN_ROUTES = (
    OpenRoute("GET", "/static/{name}", get_static),
    OpenRoute("GET", "/connexion", sign_in.show_sign_in),
    OpenRoute("POST", "/connexion", sign_in.sign_in),
    OpenRoute("GET", "/connexion/code", second_step.show_second_step),
    OpenRoute("POST", "/connexion/code", second_step.take_second_step),
)

REMITTANCE = r"/bordereaux/{operator:\d+}/{number:\d+}"
OPERATOR = r"/structures/{operator:\d+}"
SITE = rf"{OPERATOR}/lieux/{{site:\d+}}"
APPLICATION = r"/candidatures/{application:\d+}"
NOTICE = r"/avis/{notice:\d+}"
WEBHOOK = r"/avis/appels/{webhook:\d+}"
BATCH = r"/virements/{batch:\d+}"
HANDOUTS = r"/prescripteurs/{prescriber:\d+}"
BOOKLET = r"/carnets/{booklet:\d+}"
LINE = r"/rapprochement/{line:\d+}"
DISPUTE = r"/corrections/litiges/{dispute:\d+}"
MONTH = r"/suivi/{programme:\d+}/{month:\d+}"
ENDING = r"/fin-de-validite/{programme:\d+}"
PROGRAMME = r"/programmes/{programme:\d+}"
TERRITORY = rf"{PROGRAMME}/territoires/{{territory:\d+}}"
GRANT = rf"{TERRITORY}/dotations/{{grant:\d+}}"
ORDER = r"/commandes/{order:\d+}"
PROOF = rf"{ORDER}/epreuves/{{proof:\d+}}"
DELIVERY = r"/livraisons/{delivery:\d+}"
PROPOSAL = rf"{OPERATOR}/compte/{{account:\d+}}"

ROUTES = (
    Route("GET", "", home_page.show_home, EVERYBODY),
    Route("GET", "/aujourdhui", show_today, READERS),
    Route("POST", "/deconnexion", sign_in.sign_out, EVERYBODY, before_enrolment=True),
    # My account
    Route("GET", "/securite", security_page.show_security, EVERYBODY, before_enrolment=True),
    Route("POST", r"/securite/sessions/{session:\d+}/fin", security_page.end_one_session, EVERYBODY),
    Route("POST", "/securite/sessions/fin", security_page.end_others, EVERYBODY),
    Route(
        "GET",
        "/securite/second-facteur",
        enrolment_of_factor.show_factor_enrolment,
        EVERYBODY,
        is_releasing=True,
        before_enrolment=True,
    ),
    Route(
        "POST",
        "/securite/second-facteur",
        enrolment_of_factor.enrol_factor,
        EVERYBODY,
        is_releasing=True,
        before_enrolment=True,
    ),
    Route(
        "POST",
        "/securite/second-facteur/codes",
        enrolment_of_factor.renew_codes,
        EVERYBODY,
        is_releasing=True,
    ),
    Route(
        "POST", "/securite/second-facteur/retrait", security_page.remove_factor, EVERYBODY, is_releasing=True
    ),
    Route(
        "GET", "/securite/confirmation", confirmation_page.show_confirmation, EVERYBODY, before_enrolment=True
    ),
    Route("POST", "/securite/confirmation", confirmation_page.confirm, EVERYBODY, before_enrolment=True),
    # Remittances; a manager sees those of its operator
    Route("GET", "/bordereaux", remittances_page.show_remittances, READERS | MANAGER),
    Route("GET", "/bordereaux/nouveau", show_closing, MANAGER),
    Route("POST", "/bordereaux/nouveau", close, MANAGER),
    Route("GET", f"{REMITTANCE}.pdf", send_pdf, READERS | MANAGER),
    Route("GET", f"{REMITTANCE}.csv", send_csv, READERS | MANAGER),
    Route("GET", REMITTANCE, remittances_page.show_remittance, READERS | MANAGER),
    Route("GET", "/recus", export_receipts, MANAGER),
    Route("GET", "/compte", own_account_page.show_own_account, MANAGER),
    # Operators, their sites and qualifications
    Route("GET", "/structures", structures_page.show_structures, READERS),
    Route("GET", OPERATOR, structures_page.show_structure, READERS),
    Route("POST", f"{OPERATOR}/qualification", structures_page.qualify_structure, TRUSTEE),
    Route("POST", f"{OPERATOR}/fin", structures_page.end_structure, TRUSTEE),
    Route("POST", f"{OPERATOR}/suspension", structures_page.suspend_structure, TRUSTEE, is_releasing=True),
    Route("POST", f"{OPERATOR}/reprise", structures_page.release_structure, TRUSTEE, is_releasing=True),
    Route("GET", SITE, site_page.show_site, READERS),
    Route("POST", SITE, site_page.describe_site, TRUSTEE),
    Route("GET", f"{OPERATOR}/compte", bank_account_page.show_bank_account, READERS),
    Route("POST", f"{OPERATOR}/compte", bank_account_page.propose_bank_account, TRUSTEE),
    Route(
        "POST",
        f"{PROPOSAL}/approbation",
        bank_account_page.approve_bank_account,
        APPROVER,
        is_releasing=True,
    ),
    Route("POST", f"{PROPOSAL}/refus", bank_account_page.refuse_bank_account, TRUSTEE),
    # Transfers: one person prepares, another releases
    Route("GET", "/virements", payouts_page.show_payouts, READERS),
    Route("POST", "/virements/preparation", payouts_page.prepare_batch, TRUSTEE),
    Route("GET", "/virements/compte", trustee_account_page.show_trustee_account, READERS),
    Route("POST", "/virements/compte", trustee_account_page.propose_trustee_account, TRUSTEE),
    Route(
        "POST",
        "/virements/compte/approbation",
        trustee_account_page.approve_trustee_account,
        APPROVER,
        is_releasing=True,
    ),
    Route("GET", BATCH, batch_page.show_batch, READERS),
    Route("POST", f"{BATCH}/approbation", batch_page.approve_batch, APPROVER, is_releasing=True),
    Route("GET", f"{BATCH}/fichier", batch_page.send_file, READERS),
    Route("POST", f"{BATCH}/remise", batch_page.mark_batch_sent, TRUSTEE),
    Route("POST", f"{BATCH}/annulation", batch_page.cancel, TRUSTEE),
    # The bank's answers, and what explains them
    Route("GET", "/releves", statements_page.show_statements, READERS),
    Route("POST", "/releves", statements_page.import_statements, TRUSTEE, takes_files=True),
    Route("GET", "/rapprochement", matching_page.show_matching, READERS),
    Route("POST", f"{LINE}/confirmation", matching_page.confirm_proposal, TRUSTEE),
    Route("POST", f"{LINE}/programme", matching_page.confirm_as_funding, TRUSTEE),
    Route("POST", f"{LINE}/frais", matching_page.confirm_as_fee, TRUSTEE),
    Route("POST", f"{LINE}/annulation", matching_page.undo_line, TRUSTEE),
    # Money of programmes; a funder's is its own programme's
    Route("GET", "/fonds", show_funds, READERS | FUNDER),
    Route("GET", "/reddition", show_renderings, READERS | FUNDER),
    Route("GET", "/reddition/archive", send_archive, READERS | FUNDER),
    Route("POST", "/reddition", freeze, TRUSTEE),
    # How passes are consumed, and how their validity ends; a territory's reader sees what is its territory's
    Route("GET", "/suivi", show_follow_up, READERS | FUNDER | TERRITORY_READER),
    Route("GET", f"{MONTH}.pdf", send_return_pdf, READERS | FUNDER),
    Route("GET", f"{MONTH}.csv", send_return_csv, READERS | FUNDER),
    Route("GET", "/fin-de-validite", ending_page.show_ending, READERS | FUNDER),
    Route("POST", f"{ENDING}/blocage", ending_page.propose, TRUSTEE),
    Route("POST", f"{ENDING}/blocage/accord", ending_page.approve, FUNDER, is_releasing=True),
    Route("POST", f"{ENDING}/prise-en-compte", ending_page.acknowledge, FUNDER),
    Route("POST", f"{ENDING}/etat", ending_page.draw, TRUSTEE),
    Route("POST", f"{ENDING}/signature", ending_page.sign, TRUSTEE | FUNDER, is_releasing=True),
    Route("GET", f"{ENDING}/etat.pdf", send_statement_pdf, READERS | FUNDER),
    Route("GET", f"{ENDING}/etat.csv", send_statement_csv, READERS | FUNDER),
    Route("POST", f"{ENDING}/devenir", ending_page.decide, FUNDER, is_releasing=True),
    Route(
        "POST", rf"{ENDING}/remboursement/{{decision:\d+}}", ending_page.refund, TRUSTEE, is_releasing=True
    ),
    Route("GET", "/corrections", corrections_page.show_corrections, READERS),
    Route("POST", "/corrections", corrections_page.decide, TRUSTEE),
    Route("POST", r"/corrections/{correction:\d+}/reclamation", corrections_page.claim, TRUSTEE),
    Route("GET", "/reclamations", show_claims, READERS | MANAGER),
    Route("GET", r"/reclamations/{correction:\d+}.pdf", send_letter, READERS | MANAGER),
    Route("POST", "/corrections/litiges", corrections_page.dispute, TRUSTEE),
    Route("POST", f"{DISPUTE}/levee", corrections_page.release, TRUSTEE),
    Route("POST", f"{DISPUTE}/correction", corrections_page.correct, TRUSTEE),
    # Phones; a manager's are those of its operator
    Route("GET", "/telephones", devices_page.show_devices, READERS | MANAGER),
    Route("GET", "/telephones/nouveau", devices_page.show_enrolment, TRUSTEE | MANAGER),
    Route("POST", "/telephones/nouveau", devices_page.invite, TRUSTEE | MANAGER),
    Route("GET", r"/telephones/{device:\d+}", devices_page.show_device, READERS | MANAGER),
    Route("POST", r"/telephones/{device:\d+}/revocation", devices_page.revoke, TRUSTEE | MANAGER),
    # Programmes, what territories are granted, orders and deliveries; a funder reads its own programme
    Route("GET", "/programmes", programme_page.show_programmes, READERS | FUNDER),
    Route("GET", PROGRAMME, programme_page.show_programme, READERS | FUNDER),
    Route("POST", f"{PROGRAMME}/avenant", programme_page.amend, APPROVER),
    Route("GET", "/territoires", territories_page.show_own_territories, READERS | FUNDER),
    Route("GET", f"{PROGRAMME}/territoires", territories_page.show_territories, READERS | FUNDER),
    Route("GET", TERRITORY, territory_page.show_territory, READERS | FUNDER | TERRITORY_READER),
    Route("POST", f"{TERRITORY}/condition", territory_page.check_condition, TRUSTEE),
    Route("POST", f"{TERRITORY}/condition/retrait", territory_page.uncheck_condition, TRUSTEE),
    Route("POST", f"{TERRITORY}/dotations", territory_page.propose_grant, TRUSTEE),
    Route("POST", f"{GRANT}/approbation", territory_page.approve_grant, APPROVER, is_releasing=True),
    Route("POST", f"{GRANT}/refus", territory_page.refuse_grant, APPROVER, is_releasing=True),
    Route("POST", f"{GRANT}/envoi", territory_page.send_booklets, TRUSTEE),
    Route("POST", f"{TERRITORY}/restitution", territory_page.take_back, TRUSTEE),
    Route("POST", f"{TERRITORY}/mesure", territory_page.take_measure, APPROVER, is_releasing=True),
    Route("POST", f"{TERRITORY}/reprise", territory_page.resume_territory, APPROVER, is_releasing=True),
    Route("GET", "/commandes", orders_page.show_orders, READERS),
    Route("POST", "/commandes", orders_page.place, TRUSTEE),
    Route("GET", ORDER, orders_page.show_order, READERS),
    Route("POST", f"{ORDER}/devis", orders_page.quote, TRUSTEE),
    Route("GET", f"{PROOF}.pdf", orders_page.send_proof, TRUSTEE),
    Route("POST", f"{PROOF}/approbation", orders_page.approve_proof, APPROVER),
    Route("POST", f"{PROOF}/refus", orders_page.refuse_proof, APPROVER),
    Route("POST", f"{ORDER}/annulation", orders_page.cancel, TRUSTEE),
    Route("GET", DELIVERY, delivery_page.show_delivery, READERS | TERRITORY_READER),
    Route("GET", f"{DELIVERY}/bon.pdf", delivery_page.send_note, READERS | TERRITORY_READER),
    Route("POST", f"{DELIVERY}/arrivee", delivery_page.note_receipt, TRUSTEE),
    Route("POST", f"{DELIVERY}/activation", delivery_page.activate, TRUSTEE, is_releasing=True),
    # Booklets
    Route("GET", "/carnets", booklets_page.show_booklets, READERS),
    Route("POST", "/carnets/annulation", booklets_page.cancel, TRUSTEE),
    Route("POST", "/carnets/entrainement", practice_page.print_practice, TRUSTEE),
    Route("GET", BOOKLET, booklet_page.show_booklet, READERS),
    Route("POST", f"{BOOKLET}/remplacement", booklet_page.replace, TRUSTEE),
    Route("GET", "/compteurs", show_counters, READERS | FUNDER | TERRITORY_READER),
    # Prescribers: who hands booklets out, and what they have
    Route("GET", "/remise", handout_page.show_desk, PRESCRIBER),
    Route("POST", "/remise", handout_page.give, PRESCRIBER),
    Route("POST", r"/remise/{handout:\d+}/annulation", handout_page.undo, PRESCRIBER),
    Route("POST", "/remise/perte", handout_page.tell_loss, PRESCRIBER),
    Route("GET", "/remise/fiche.pdf", send_sheet, PRESCRIBER),
    Route("GET", "/stock", stock_page.show_stock, PRESCRIBER),
    Route("POST", "/stock/comptage", stock_page.count, PRESCRIBER),
    Route("GET", "/prescripteurs", prescribers_page.show_prescribers, READERS),
    Route("POST", "/prescripteurs", prescribers_page.add, TRUSTEE),
    Route("GET", HANDOUTS, prescribers_page.show_prescriber, READERS),
    Route("POST", f"{HANDOUTS}/personnes", prescribers_page.add_person, TRUSTEE),
    Route("POST", rf"{HANDOUTS}/personnes/{{person:\d+}}/fin", prescribers_page.end_person, TRUSTEE),
    Route("POST", f"{HANDOUTS}/transfert", prescribers_page.transfer, TRUSTEE),
    # Organisations that ask to accept passes
    Route("GET", "/candidatures", applications_page.show_applications, READERS),
    Route("POST", "/candidatures/criteres", applications_page.publish, TRUSTEE),
    Route("GET", APPLICATION, applications_page.show_application, READERS),
    Route(
        "POST", f"{APPLICATION}/decision", applications_page.decide_application, TRUSTEE, is_releasing=True
    ),
    Route("POST", f"{APPLICATION}/recours", applications_page.enter_appeal, TRUSTEE),
    # What people and their systems are told
    Route("GET", "/avis", notices_page.show_notices, READERS),
    Route("GET", "/avis/adresses", notices_page.show_addresses, READERS),
    Route("POST", "/avis/adresses", notices_page.add_contact, TRUSTEE),
    Route("POST", r"/avis/adresses/{address:\d+}/retrait", notices_page.remove_contact, TRUSTEE),
    Route("GET", "/avis/appels", webhooks_page.show_webhooks, READERS),
    Route("POST", "/avis/appels", webhooks_page.add_one, APPROVER, is_releasing=True),
    Route("GET", WEBHOOK, webhooks_page.show_webhook, READERS),
    Route("POST", f"{WEBHOOK}/fin", webhooks_page.end_one, TRUSTEE),
    Route("POST", rf"{WEBHOOK}/envois/{{call:\d+}}/renvoi", webhooks_page.call_one_again, TRUSTEE),
    Route("GET", NOTICE, notices_page.show_notice, READERS),
    Route("POST", f"{NOTICE}/decision", notices_page.decide_notice, TRUSTEE),
    Route("GET", "/journal", events_page.show_events, READERS),
)


def roles_by_route(routes: Iterable[Route] = ROUTES) -> dict[tuple[str, str], Roles]:
    return {(route.method, route.path): route.roles for route in routes}
