"""Every address of the console and who may open it, in one table. What a page shows of its subject to which
role is the page's."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from aiohttp import web

from console import (
    booklets_page,
    confirmation_page,
    devices_page,
    enrolment_of_factor,
    events_page,
    home_page,
    practice_page,
    remittances_page,
    second_step,
    security_page,
    sign_in,
    structures_page,
)
from console.admission import admitted
from console.closing_page import close, show_closing
from console.receipts_page import export_receipts
from console.remittance_files import send_csv, send_pdf
from console.visit import Handler, Page
from console.wiring import CONSOLE
from ledger.account_rows import Role

Roles: TypeAlias = frozenset[Role]

PREPARER: Roles = frozenset({Role.PREPARER})
APPROVER: Roles = frozenset({Role.APPROVER})
TRUSTEE: Roles = PREPARER | APPROVER
READERS: Roles = TRUSTEE | {Role.AUDITOR}
MANAGER: Roles = frozenset({Role.OPERATOR})
EVERYBODY: Roles = frozenset(Role)


@dataclass(frozen=True)
class Route:
    """A page for people who are signed in."""

    method: str
    path: str  # below /console
    page: Page
    roles: Roles
    is_releasing: bool = False  # asks for a proof of the last minutes: for what releases money
    before_enrolment: bool = False  # open to those who must still enrol their second factor

    @property
    def handler(self) -> Handler:
        return admitted(
            self.page, self.roles, is_releasing=self.is_releasing, before_enrolment=self.before_enrolment
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

ROUTES = (
    Route("GET", "", home_page.show_home, EVERYBODY),
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
    # Operators, their sites and qualifications
    Route("GET", "/structures", structures_page.show_structures, READERS),
    Route("GET", OPERATOR, structures_page.show_structure, READERS),
    Route("POST", f"{OPERATOR}/qualification", structures_page.qualify_structure, TRUSTEE),
    Route("POST", f"{OPERATOR}/fin", structures_page.end_structure, TRUSTEE),
    Route("POST", f"{OPERATOR}/suspension", structures_page.suspend_structure, TRUSTEE),
    # Phones; a manager's are those of its operator
    Route("GET", "/telephones", devices_page.show_devices, READERS | MANAGER),
    Route("GET", "/telephones/nouveau", devices_page.show_enrolment, TRUSTEE | MANAGER),
    Route("POST", "/telephones/nouveau", devices_page.invite, TRUSTEE | MANAGER),
    Route("GET", r"/telephones/{device:\d+}", devices_page.show_device, READERS | MANAGER),
    Route("POST", r"/telephones/{device:\d+}/revocation", devices_page.revoke, TRUSTEE | MANAGER),
    # Booklets
    Route("GET", "/carnets", booklets_page.show_booklets, READERS),
    Route("POST", "/carnets/annulation", booklets_page.cancel, TRUSTEE),
    Route("POST", "/carnets/entrainement", practice_page.print_practice, TRUSTEE),
    Route("GET", "/journal", events_page.show_events, READERS),
)


def roles_by_route(routes: Iterable[Route] = ROUTES) -> dict[tuple[str, str], Roles]:
    return {(route.method, route.path): route.roles for route in routes}
