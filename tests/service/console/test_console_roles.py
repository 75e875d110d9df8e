"""Who may open what: every address declares its roles, and the server holds to it whatever a page shows."""

import re

import pytest
from aiohttp import web

from console.routes import EVERYBODY, OPEN_ROUTES, ROUTES, TRUSTEE, roles_by_route
from console.visit import HOME
from ledger.account_rows import Role
from ledger.accounts import AccountRefused, add_account, change_role
from ledger.four_eyes import is_another_person

READ_ONLY = (Role.FUNDER, Role.AUDITOR, Role.TERRITORY)
# What a funder decides itself: at the end of validity it approves, signs and says what becomes of its money.
OF_THE_FUNDER = "/fin-de-validite"
OWN_ACCOUNT = ("/deconnexion", "/securite")


def filled(path: str) -> str:
    """An address of the pattern; its numbers are of nothing."""
    return HOME + re.sub(r"\{\w+(:\\d\+)?\}", "999999", path)


def served(app: web.Application) -> set[tuple[str, str]]:
    [console] = [one for one in app._subapps if one.router.routes() and len(app._subapps) == 1]
    found = set()
    for route in console.router.routes():
        if route.method != "HEAD":
            info = route.resource.get_info()
            found.add((route.method, (info.get("path") or info["formatter"]).removeprefix(HOME)))
    return found


def test_no_address_is_served_without_declaring_who_may_open_it(house):
    declared = {(route.method, re.sub(r":\\d\+", "", route.path)) for route in (*OPEN_ROUTES, *ROUTES)}
    assert served(house.client.app) == declared
    assert len(declared) == len(OPEN_ROUTES) + len(ROUTES)
    assert all(route.roles for route in ROUTES)


async def test_every_address_opens_to_the_roles_that_it_names_and_to_no_other(enter):
    for role in Role:
        person = await enter(role)
        for route in ROUTES:
            if route.path.startswith(OWN_ACCOUNT) and route.method == "POST":
                continue  # everybody's, and some of them end the session
            ask = person.open if route.method == "GET" else person.send
            answer = await ask(filled(route.path))
            case = (role, route.method, route.path, answer.status)
            if role in route.roles:
                assert answer.status in {200, 303, 400, 404, 422}, case
            else:
                assert answer.status == 403, case
                assert "Ce n’est pas dans votre rôle" in answer.words


def test_those_who_only_read_change_nothing_but_their_own_account():
    for (method, path), roles in roles_by_route().items():
        if method == "POST" and not path.startswith(OWN_ACCOUNT):
            allowed = {Role.FUNDER} if path.startswith(OF_THE_FUNDER) else set()
            assert not roles & (set(READ_ONLY) - allowed), path
    assert {route.path for route in ROUTES if route.roles == EVERYBODY and route.method == "POST"} == {
        route.path for route in ROUTES if route.path.startswith(OWN_ACCOUNT) and route.method == "POST"
    }


async def test_a_form_is_refused_to_the_wrong_role_before_its_token_is_looked_at(enter):
    auditor = await enter(Role.AUDITOR)
    auditor.csrf = "wrong"
    answer = await auditor.send("/console/carnets/annulation", numero="1", cause="lost", motif="x")
    assert answer.status == 403
    assert "Demandez à une personne du mandataire" in answer.words


async def test_navigation_shows_places_that_exist_and_that_the_role_may_open(enter):
    seen = {}
    for role in Role:
        person = await enter(role)
        page = await person.open("/console")
        nav = page.text.partition("<nav")[2].partition("</nav>")[0]
        addresses = re.findall(r'href="([^"]+)"', nav)
        for address in addresses:
            assert (await person.open(address)).status == 200, (role, address)
        seen[role] = addresses
    assert seen[Role.OPERATOR] == [
        "/console",
        *(f"/console/{name}" for name in ("bordereaux", "compte", "telephones")),
    ]
    assert seen[Role.TERRITORY] == ["/console", "/console/suivi", "/console/compteurs"]
    assert seen[Role.FUNDER][0] == "/console"
    assert {"/console/structures", "/console/journal"} <= set(seen[Role.PREPARER])


async def test_a_reader_sees_no_button_that_it_may_not_press(enter, house):
    auditor = await enter(Role.AUDITOR)
    device = house.devices[0]
    pages = [
        "/carnets?numero=1",
        "/telephones",
        f"/telephones/{device.id}",
        f"/structures/{device.operator_id}",
    ]
    for path in pages:
        page = await auditor.open(f"/console{path}")
        forms = re.findall(r'<form[^>]*method="post"[^>]*action="([^"]+)"', page.text)
        assert forms == ["/console/deconnexion"], path


async def test_a_funder_reads_its_programme_and_no_other_and_no_operator(enter, house):
    other = await house.programme(name="Programme d’un autre commanditaire")
    funder = await enter(Role.FUNDER)
    page = await funder.open("/console")
    assert "Pass numérique des Trois-Rivières" in page.words
    assert "Programme d’un autre commanditaire" not in page.words
    assert "SIRET" not in page.words
    own = await enter(Role.FUNDER, programme_id=other)
    assert "Trois-Rivières" not in (await own.open("/console")).words


async def test_a_manager_reaches_nothing_of_another_operator(enter, house, take):
    mine, theirs = await house.operator(), await house.operator()
    await take(theirs)
    await house.call("POST", "/v1/remittances", json={}, device=theirs)
    manager = await enter(Role.OPERATOR, operator_id=mine.operator_id)
    for path in (
        f"/bordereaux/{theirs.operator_id}/1",
        f"/bordereaux/{theirs.operator_id}/1.pdf",
        f"/bordereaux/{theirs.operator_id}/1.csv",
        f"/telephones/{theirs.id}",
    ):
        assert (await manager.open(f"/console{path}")).status == 404, path
    answer = await manager.send(f"/console/telephones/{theirs.id}/revocation", motif="volé")
    assert answer.status == 404
    asked = await manager.open(f"/console/bordereaux?structure={theirs.operator_id}")
    assert "0 bordereau" in asked.words.replace("\u00a0", " ")
    sites = (await manager.open("/console/telephones/nouveau")).text
    assert f'value="{mine.site_id}"' in sites
    assert f'value="{theirs.site_id}"' not in sites
    answer = await manager.send("/console/telephones/nouveau", lieu=str(theirs.site_id), mediateur="Zoé")
    assert answer.status == 422


async def test_another_role_takes_effect_at_once(enter, house, events_of):
    person = await enter(Role.PREPARER)
    email = person.account.email
    async with house.database() as connection:
        await change_role(
            connection,
            email,
            Role.AUDITOR,
            programme_id=None,
            operator_id=None,
            actor="tests",
            reason="mutation",
        )
    assert (await person.open("/console")).goes_to == "/console/connexion"
    await person.sign_in()
    assert (await person.open("/console/telephones/nouveau")).status == 403


async def test_an_account_is_of_what_its_role_needs_and_of_nothing_else(house, password_hash):
    async with house.database() as connection:

        async def add(role: Role, **scope: object) -> None:
            await add_account(
                connection,
                email="personne@ailleurs.example",
                name="Personne d’ailleurs",
                password_hash=password_hash,
                actor="tests",
                role=role,
                **scope,
            )

        for role, scope, told in (
            (Role.FUNDER, {}, "give --programme"),
            (Role.FUNDER, {"programme_id": 999_999}, "no programme 999999"),
            (Role.OPERATOR, {}, "give --operator"),
            (Role.OPERATOR, {"operator_id": 999_999}, "no operator 999999"),
            (Role.APPROVER, {"operator_id": 1}, "give --operator"),
            (Role.TERRITORY, {}, "give --territory"),
            (Role.TERRITORY, {"territory_id": 999_999}, "no territory 999999"),
            (Role.FUNDER, {"programme_id": 1, "territory_id": 1}, "give --territory"),
            (Role.AUDITOR, {"programme_id": 1}, "give --programme"),
        ):
            with pytest.raises(AccountRefused, match=told):
                await add(role, **scope)
        found = await connection.fetchval("SELECT count(*) FROM persons WHERE name = 'Personne d’ailleurs'")
        assert found == 0


async def test_one_person_with_two_logins_is_one_person(house, open_account, password_hash):
    first = (await open_account(Role.PREPARER)).account
    async with house.database() as connection:

        async def again(email: str, **which: object) -> None:
            await add_account(
                connection,
                email=email,
                name=first.name.upper(),
                password_hash=password_hash,
                actor="tests",
                role=Role.APPROVER,
                **which,
            )

        with pytest.raises(AccountRefused, match="--same-person-as"):
            await again(f"second.{first.email}")
        await again(f"second.{first.email}", same_person_as=first.email)
        await again(f"third.{first.email}", is_namesake=True)
        persons = await connection.fetch(
            "SELECT person_id FROM accounts WHERE email LIKE $1 ORDER BY id", f"%{first.email}"
        )
    own, second, third = (row["person_id"] for row in persons)
    assert not is_another_person(second, prepared_by=[own])
    assert is_another_person(third, prepared_by=[own])


def test_four_eyes_need_a_second_person_whom_the_record_names():
    assert is_another_person(2, prepared_by=[1])
    assert is_another_person(3, prepared_by=[1, 2])
    assert not is_another_person(2, prepared_by=[1, 2])
    assert not is_another_person(1, prepared_by=[1])
    assert not is_another_person(2, prepared_by=[None])
    assert not is_another_person(2, prepared_by=[])


def test_only_the_trustee_qualifies_and_cancels():
    table = roles_by_route()
    for path in ("/carnets/annulation", "/structures/{operator:\\d+}/suspension"):
        assert table["POST", path] == TRUSTEE
